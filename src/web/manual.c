/*
 * manual.c - what is served over HTTP as Markdown. The tables' words are the tables'.
 */
#include "web/manual.h"

#include "web/latency_metrics.h"
#include "web/metric.h"
#include "web/process_metrics.h"
#include "web/route.h"

static const char head[] =
	"# Metrics and probes\n\n"
	"Made by `pgweir --describe metrics` from the tables in `src/web`; edit those.\n\n"
	"`metrics_listen = *:9127` serves the paths below over HTTP/1.1, on a thread of its own. Without it\n"
	"there is no such thread. Only GET and HEAD are answered, one request a connection.\n\n";

static const char text[] =
	"\n## Who may ask\n\n"
	"Whoever reaches the port may ask for probes. `metrics_bearer_token_file` names a file with tokens, one\n"
	"a line, of which the others must show one (`Authorization: Bearer ...`). With `metrics_tls_cert_file` and\n"
	"`metrics_tls_key_file` the port takes TLS 1.2 and 1.3 only. All of these files are read at RELOAD; one that\n"
	"cannot be used changes nothing and is said in the log. A port that moves, too: what is wished for still\n"
	"stays open, what cannot be had is tried again every second. At the start that is an error, unless\n"
	"`so_reuseport` says that another process may be about to end.\n\n"
	"Strangers can hold 64 connections at a time, of more the oldest ends. Each has 8 KiB for a request\n"
	"without a body, 10 seconds of silence and 30 in all. While eight questions to the workers are under way, or 32 MiB of\n"
	"answers are not taken yet, others are answered with 503.\n\n"
	"## Probes\n\n"
	"They answer 200 and `ok`, or 503 and a line for each thing that is wrong.\n\n"
	"- `/startupz`: clients can come in. It stays 200.\n"
	"- `/livez`: every worker and the main thread have answered within the last five seconds. No server is\n"
	"  looked at: to restart the pooler as PostgreSQL is away would help nobody.\n"
	"- `/readyz`: neither draining, nor paused (all of it), nor suspended, with descriptors left for clients.\n"
	"  `readiness_databases` names databases (`*`: all that are configured by name) that count, too: if one of\n"
	"  their pools found no server when it last tried, and none of them has one. A server that refuses a login\n"
	"  is there. While nobody else tries, this probe has a worker try. `/readyz?verbose` adds what was heard, for\n"
	"  who has a token.\n\n"
	"During a drain all of this goes on until the end.\n\n"
	"## Metrics\n\n"
	"`/metrics` is OpenMetrics 1.0 for who accepts it, else Prometheus' text format 0.0.4. Values are those of\n"
	"SHOW, times in seconds. `metrics_exporter_names` chooses between the names below and those of\n"
	"prometheus-community/pgbouncer_exporter, the totals of which have both prefixes, `pgbouncer_stats_totals_` as\n"
	"since 0.11 and `pgbouncer_stats_` as before; it is `both` at first. Of the exporter's metrics\n"
	"`pgbouncer_client_connections` is missing: it asks about each client by itself.\n\n"
	"Names come from strangers where there is an entry `*`: at most `metrics_max_pools` pools (databases, servers) have\n"
	"their own, in the order of their names, and all others are one row, `(others)`. Histograms have 100 pools at most.\n\n"
	"What a scrape costs, with 1,000 pools, is in [performance.md](performance.md).\n\n";

static void
put_row(void *owner, const char *name, const char *what)
{
	buf_printf(owner, "| `%s` | %s |\n", name, what);
}

static void
put_route(void *owner, const struct route *route)
{
	buf_printf(owner, "| `%s` | %s | %s |\n", route->path,
	    route->open ? "everybody" : "who has a token", route->text);
}

static void
begin_table(struct buf *out)
{
	buf_put_text(out, "\n\n| name | what it says |\n| --- | --- |\n");
}

/* ", by `database`, `user`" */
static void
put_labels(struct buf *out, const struct metric_group *group)
{
	for (const struct metric_label *label = group->labels; label->name != NULL; label++)
		buf_printf(out, "%s`%s`", label == group->labels ? ", by " : ", ", label->name);
}

static void
put_group(struct buf *out, const struct metric_group *group)
{
	for (size_t i = 0; i < group->count; i++) {
		struct buf name = { 0 };

		metric_put_name(group, &group->metrics[i], &name);
		put_row(out, buf_text(&name), metric_text(group, &group->metrics[i]));
		out->failed |= name.failed;
		buf_fini(&name);
	}
}

void
manual_metrics(struct buf *out)
{
	buf_put_text(out, head);
	buf_put_text(out, "| path | for | what it says |\n| --- | --- | --- |\n");
	routes_each(put_route, out);
	buf_put_text(out, text);
	buf_put_text(out, "### The process");
	begin_table(out);
	process_metrics_each(put_row, out);
	buf_put_text(out, "\n### Histograms, by `database`, `user`");
	begin_table(out);
	latency_metrics_each(put_row, out);
	for (size_t i = 0; i < metric_group_count; i++) {
		buf_printf(out, "\n### `%s*`", metric_groups[i].prefix);
		put_labels(out, &metric_groups[i]);
		begin_table(out);
		put_group(out, &metric_groups[i]);
	}
}
