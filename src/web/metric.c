/*
 * metric.c - the table of metrics. Those of pgbouncer_exporter have its names and labels, the
 * totals under both of its prefixes (that before 0.11, and that since).
 */
#include "web/metric.h"

#include <string.h>

#include "pool/counters.h"

#define METRICS(array) .metrics = array, .count = ARRAY_SIZE(array)

/* A metric, and what else its row says. */
#define METRIC(name_, column_, ...) { .name = name_, .column = column_, ##__VA_ARGS__ }

/* --- pgweir's own --- */

static const struct metric pool_metrics[] = {
	METRIC("clients_active", "cl_active"),
	METRIC("clients_waiting", "cl_waiting"),
	METRIC("cancels_active", "cl_active_cancel_req"),
	METRIC("cancels_waiting", "cl_waiting_cancel_req"),
	METRIC("servers_active", "sv_active"),
	METRIC("servers_idle", "sv_idle"),
	METRIC("servers_tested", "sv_tested"),
	METRIC("servers_login", "sv_login"),
	METRIC("servers_canceled", "sv_being_canceled"),
	METRIC("longest_wait_seconds", "maxwait", .micros = "maxwait_us", .greatest = true,
	  .text = "How long the first of the queue has waited."),
};

static const struct metric counter_metrics[] = {
#define COUNTER_METRIC(name_, unit_, text_)                                           \
	{ .name = #name_, .column = #name_, .unit = unit_, .bare = true, .counter = true },
	COUNTERS(COUNTER_METRIC)
#undef COUNTER_METRIC
};

static const struct metric database_metrics[] = {
	METRIC("pool_size", "pool_size"),
	METRIC("reserve_pool_size", "reserve_pool_size"),
	METRIC("servers", "current_connections"),
	METRIC("servers_limit", "max_connections", .some = true,
	  .text = "Most servers of all its pools; missing: no limit."),
	METRIC("clients", "current_client_connections"),
	METRIC("clients_limit", "max_client_connections", .some = true,
	  .text = "Most clients; missing: no limit."),
	METRIC("paused", "paused"),
	METRIC("disabled", "disabled"),
};

static const struct metric account_metrics[] = {
	METRIC("connections", "used"),
	METRIC("opening", "opening"),
	METRIC("idle", "idle"),
	METRIC("limit", "limit", .some = true, .text = "Most there may be; missing: no limit."),
	METRIC("waiting", "waiting"),
	METRIC("longest_wait_seconds", "longest_wait_us", .unit = "us", .greatest = true,
	  .text = "How long the longest of them has waited."),
	METRIC("max_connections", "server_limit", .some = true),
	METRIC("reserved_connections", "server_reserved"),
	METRIC("refused_total", "refused", .counter = true),
};

/* Where the limit comes from is a label, so that it can be shown, and not one of the others. */
static const struct metric source_metrics[] = {
	METRIC("source", "limit", .text = "The limit once more, with where it comes from."),
};

static const struct metric list_metrics[] = {
	METRIC("databases", "items", .key = "databases", .text = "Databases that are configured or used."),
	METRIC("users", "items", .key = "users", .text = "Users that are configured or here."),
	METRIC("pools", "items", .key = "pools", .text = "Pools."),
	METRIC("clients", "items", .key = "used_clients",
	  .text = "Clients, those that have not logged in yet too."),
	METRIC("clients_login", "items", .key = "login_clients",
	  .text = "Clients that have not logged in yet."),
	METRIC("servers", "items", .key = "used_servers", .text = "Server connections."),
	METRIC("dns_names", "items", .key = "dns_names", .text = "Host names that are remembered."),
	METRIC("dns_queries", "items", .key = "dns_queries", .text = "Host names being looked up."),
	METRIC("peers", "items", .key = "peers", .text = "Entries of [peers]."),
};

/* --- pgbouncer_exporter's --- */

static const struct metric exporter_pools[] = {
	METRIC("client_active_connections", "cl_active"),
	METRIC("client_active_cancel_connections", "cl_active_cancel_req"),
	METRIC("client_waiting_connections", "cl_waiting"),
	METRIC("client_waiting_cancel_connections", "cl_waiting_cancel_req"),
	METRIC("server_active_connections", "sv_active"),
	METRIC("server_active_cancel_connections", "sv_active_cancel"),
	METRIC("server_being_canceled_connections", "sv_being_canceled"),
	METRIC("server_idle_connections", "sv_idle"),
	METRIC("server_used_connections", "sv_used"),
	METRIC("server_testing_connections", "sv_tested"),
	METRIC("server_login_connections", "sv_login"),
	METRIC("client_maxwait_seconds", "maxwait", .greatest = true),
};

static const struct metric exporter_totals[] = {
	METRIC("server_assignments_total", "server_assignment_count", .counter = true),
	METRIC("sql_transactions_pooled_total", "xact_count", .counter = true),
	METRIC("queries_pooled_total", "query_count", .counter = true),
	METRIC("received_bytes_total", "bytes_received", .counter = true),
	METRIC("sent_bytes_total", "bytes_sent", .counter = true),
	METRIC("server_in_transaction_seconds_total", "xact_time", .counter = true,
	  .unit = "us", .text = "Time in transactions."),
	METRIC("queries_duration_seconds_total", "query_time", .counter = true,
	  .unit = "us", .text = "Time of queries."),
	METRIC("client_wait_seconds_total", "wait_time", .counter = true,
	  .unit = "us", .text = "Time that clients waited for a server."),
	METRIC("client_parses_total", "client_parse_count", .counter = true),
	METRIC("server_parses_total", "server_parse_count", .counter = true),
	METRIC("binds_total", "bind_count", .counter = true),
};

static const struct metric exporter_databases[] = {
	METRIC("pool_size", "pool_size"),
	METRIC("reserve_pool", "reserve_pool_size"),
	METRIC("max_connections", "max_connections"),
	METRIC("current_connections", "current_connections"),
	METRIC("paused", "paused"),
	METRIC("disabled", "disabled"),
};

static const struct metric exporter_lists[] = {
	METRIC("databases", "items", .key = "databases", .text = "Databases."),
	METRIC("users", "items", .key = "users", .text = "Users."),
	METRIC("pools", "items", .key = "pools", .text = "Pools."),
	METRIC("free_clients", "items", .key = "free_clients", .text = "Always 0."),
	METRIC("used_clients", "items", .key = "used_clients", .text = "Clients."),
	METRIC("login_clients", "items", .key = "login_clients",
	  .text = "Clients that have not logged in yet."),
	METRIC("free_servers", "items", .key = "free_servers", .text = "Always 0."),
	METRIC("used_servers", "items", .key = "used_servers", .text = "Server connections."),
	METRIC("cached_dns_names", "items", .key = "dns_names",
	  .text = "Host names that are remembered."),
	METRIC("cached_dns_zones", "items", .key = "dns_zones", .text = "Zones of these."),
	METRIC("in_flight_dns_queries", "items", .key = "dns_queries",
	  .text = "Host names being looked up."),
};

/* --- groups --- */

#define OURS .names = METRICS_NAMES_PGWEIR
#define THEIRS .names = METRICS_NAMES_PGBOUNCER
#define POOL_LABELS .labels = { { "database", "database" }, { "user", "user" } }

const struct metric_group metric_groups[] = {
	{ OURS, .prefix = "pgweir_", .topic = "lists", .key = "list", METRICS(list_metrics) },
	{ OURS, .prefix = "pgweir_pool_", .topic = "pools", POOL_LABELS,
	  METRICS(pool_metrics) },
	{ OURS, .prefix = "pgweir_pool_", .view = &pool_counters_view, POOL_LABELS,
	  METRICS(counter_metrics) },
	{ OURS, .prefix = "pgweir_database_", .topic = "databases",
	  .labels = { { "database", "name" } }, METRICS(database_metrics) },
	{ OURS, .prefix = "pgweir_server_", .topic = "budget", .where = "kind", .is = "host",
	  .labels = { { "server", "name" } }, METRICS(account_metrics) },
	{ OURS, .prefix = "pgweir_server_limit_", .topic = "budget", .where = "kind",
	  .is = "host", .labels = { { "server", "name" }, { "source", "source" } },
	  METRICS(source_metrics) },
	{ THEIRS, .prefix = "pgbouncer_", .topic = "lists", .key = "list",
	  METRICS(exporter_lists) },
	{ THEIRS, .prefix = "pgbouncer_pools_", .topic = "pools", POOL_LABELS,
	  METRICS(exporter_pools) },
	{ THEIRS, .prefix = "pgbouncer_stats_totals_", .topic = "stats_totals",
	  .labels = { { "database", "database" } }, METRICS(exporter_totals) },
	{ THEIRS, .prefix = "pgbouncer_stats_", .topic = "stats_totals",
	  .labels = { { "database", "database" } }, METRICS(exporter_totals) },
	{ THEIRS, .prefix = "pgbouncer_databases_", .topic = "databases",
	  .labels = { { "name", "name" }, { "host", "host" }, { "port", "port" },
	      { "database", "database" }, { "force_user", "force_user" },
	      { "pool_mode", "pool_mode" } },
	  METRICS(exporter_databases) },
};
const size_t metric_group_count = ARRAY_SIZE(metric_groups);

const struct view *
metric_view(const struct metric_group *group)
{
	return group->view != NULL ? group->view : view_find(span_text(group->topic));
}

const struct column *
metric_column(const struct view *view, const char *name)
{
	for (unsigned i = 0; i < view->column_count; i++) {
		if (strcmp(view->columns[i].name, name) == 0)
			return &view->columns[i];
	}
	return NULL;
}

const char *
metric_text(const struct metric_group *group, const struct metric *metric)
{
	return metric->text != NULL ? metric->text :
				      metric_column(metric_view(group), metric->column)->text;
}

bool
metric_is_usec(const struct metric *metric)
{
	return metric->unit != NULL && strcmp(metric->unit, "us") == 0;
}

void
metric_put_name(const struct metric_group *group, const struct metric *metric, struct buf *out)
{
	buf_printf(out, "%s%s", group->prefix, metric->name);
	if (!metric->bare)
		return;
	if (metric_is_usec(metric))
		buf_put_text(out, "_seconds");
	else if (metric->unit != NULL && metric->unit[0] != '\0')
		buf_printf(out, "_%s", metric->unit);
	if (metric->counter)
		buf_put_text(out, "_total");
}
