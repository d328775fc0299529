/*
 * view_stats.c - rows: STATS, STATS_TOTALS, STATS_AVERAGES, TOTALS, COUNTERS. What is
 * counted is said in pool/counters.h.
 *
 * Tools read the first four by position, so they stay as PgBouncer 1.25 has them: what it
 * does not count is in COUNTERS.
 */
#include "admin/admin.h"
#include "admin/gather.h"
#include "admin/view.h"

struct stats_row {
	const char	*database;
	struct counters	 total, average;
};

static usec_t
wall_now(const struct view_source *from)
{
	return loop_wall(from->loop);
}

static void
finish_stats(const struct view_source *from, struct sheet *rows)
{
	struct sheet tallies;

	sheet_init(&tallies, sizeof(struct tally));
	history_total(from->parts, &tallies);
	for (size_t i = 0; i < tallies.count; i++) {
		const struct tally *t = sheet_row(&tallies, i);
		struct stats_row *row = sheet_add(rows);

		if (row == NULL)
			break;
		row->database = sheet_text(rows, span_text(t->database));
		row->total = t->counters;
		history_average(&from->admin->history, t->database, &t->counters,
		    wall_now(from), &row->average);
	}
	rows->failed |= tallies.failed;
	sheet_fini(&tallies);
}

/* The columns have PgBouncer's order and names: every view has its own. */
#define CELL(part, counter, name_, text_)                                             \
	{                                                                             \
		.name = name_, .kind = COLUMN_NUMERIC,                                \
		.at = offsetof(struct stats_row, part.n[COUNT_##counter]), .text = text_ \
	}
#define TOTAL(counter, name, text) CELL(total, counter, name, text)
#define AVERAGE(counter, name) \
	CELL(average, counter, name, "The same a second; of times: microseconds each.")
#define DATABASE                                                                      \
	{                                                                             \
		.name = "database", .kind = COLUMN_TEXT,                              \
		.at = offsetof(struct stats_row, database), .text = "Entry of [databases]." \
	}

static const struct column stats_columns[] = {
	DATABASE,
	TOTAL(server_assignments, "total_server_assignment_count",
	    "Times a client was given a server."),
	TOTAL(xacts, "total_xact_count", "Transactions."),
	TOTAL(queries, "total_query_count", "Queries: batches up to a ReadyForQuery."),
	TOTAL(received, "total_received", "Bytes that came from clients."),
	TOTAL(sent, "total_sent", "Bytes that came from servers."),
	TOTAL(xact_time, "total_xact_time", "Microseconds in transactions."),
	TOTAL(query_time, "total_query_time", "Microseconds of queries."),
	TOTAL(wait_time, "total_wait_time",
	    "Microseconds that clients waited for a server."),
	TOTAL(client_parses, "total_client_parse_count",
	    "Statements that clients prepared."),
	TOTAL(server_parses, "total_server_parse_count",
	    "Statements prepared on servers."),
	TOTAL(binds, "total_bind_count", "Prepared statements bound."),
	AVERAGE(server_assignments, "avg_server_assignment_count"),
	AVERAGE(xacts, "avg_xact_count"),
	AVERAGE(queries, "avg_query_count"),
	AVERAGE(received, "avg_recv"),
	AVERAGE(sent, "avg_sent"),
	AVERAGE(xact_time, "avg_xact_time"),
	AVERAGE(query_time, "avg_query_time"),
	AVERAGE(wait_time, "avg_wait_time"),
	AVERAGE(client_parses, "avg_client_parse_count"),
	AVERAGE(server_parses, "avg_server_parse_count"),
	AVERAGE(binds, "avg_bind_count"),
};

static const struct column total_columns[] = {
	DATABASE,
	TOTAL(server_assignments, "server_assignment_count",
	    "Times a client was given a server."),
	TOTAL(xacts, "xact_count", "Transactions."),
	TOTAL(queries, "query_count", "Queries: batches up to a ReadyForQuery."),
	TOTAL(received, "bytes_received", "Bytes that came from clients."),
	TOTAL(sent, "bytes_sent", "Bytes that came from servers."),
	TOTAL(xact_time, "xact_time", "Microseconds in transactions."),
	TOTAL(query_time, "query_time", "Microseconds of queries."),
	TOTAL(wait_time, "wait_time", "Microseconds that clients waited for a server."),
	TOTAL(client_parses, "client_parse_count", "Statements that clients prepared."),
	TOTAL(server_parses, "server_parse_count", "Statements prepared on servers."),
	TOTAL(binds, "bind_count", "Prepared statements bound."),
};

static const struct column average_columns[] = {
	DATABASE,
	AVERAGE(server_assignments, "server_assignment_count"),
	AVERAGE(xacts, "xact_count"),
	AVERAGE(queries, "query_count"),
	AVERAGE(received, "bytes_received"),
	AVERAGE(sent, "bytes_sent"),
	AVERAGE(xact_time, "xact_time"),
	AVERAGE(query_time, "query_time"),
	AVERAGE(wait_time, "wait_time"),
	/* the prefixes of these three are PgBouncer's */
	AVERAGE(client_parses, "avg_client_parse_count"),
	AVERAGE(server_parses, "avg_server_parse_count"),
	AVERAGE(binds, "avg_bind_count"),
};

/* --- TOTALS: the same of all databases, upright --- */

struct totals_row {
	const char	*name;
	uint64_t	 value;
};

static const struct column totals_columns[] = {
	COLUMN(totals_row, TEXT, name, "name", "What is counted."),
	COLUMN(totals_row, NUMERIC, value, "value",
	    "Its sum over all databases, or its average."),
};

static void
add_totals(struct sheet *rows, const char *prefix, const struct counters *c)
{
	static const struct {
		const char	*name;
		enum counter	 counter;
	} names[] = {
		{ "server_assignment_count", COUNT_server_assignments },
		{ "xact_count", COUNT_xacts },
		{ "query_count", COUNT_queries },
		{ "client_bytes", COUNT_received },
		{ "server_bytes", COUNT_sent },
		{ "xact_time", COUNT_xact_time },
		{ "query_time", COUNT_query_time },
		{ "wait_time", COUNT_wait_time },
		{ "ps_client_parse_count", COUNT_client_parses },
		{ "ps_server_parse_count", COUNT_server_parses },
		{ "ps_bind_count", COUNT_binds },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct totals_row *row = sheet_add(rows);

		if (row == NULL)
			return;
		row->name = sheet_printf(rows, "%s%s", prefix, names[i].name);
		row->value = c->n[names[i].counter];
	}
}

static void
finish_totals(const struct view_source *from, struct sheet *rows)
{
	struct counters total = { 0 }, average;

	for (unsigned i = 0; i < from->parts->count; i++) {
		const struct sheet *part = &from->parts->parts[i];

		for (size_t j = 0; j < part->count; j++)
			counters_add(&total,
			    &((const struct tally *)sheet_row(part, j))->counters);
	}
	history_average(&from->admin->history, NULL, &total, wall_now(from), &average);
	add_totals(rows, "total_", &total);
	add_totals(rows, "avg_", &average);
}

/* --- COUNTERS: everything that is counted --- */

struct counter_view_row {
	const char	*database, *counter, *unit;
	uint64_t	 total, average;
};

static const struct column counter_columns[] = {
	COLUMN(counter_view_row, TEXT, database, "database", "Entry of [databases]."),
	COLUMN(counter_view_row, TEXT, counter, "counter", "What is counted."),
	COLUMN(counter_view_row, TEXT, unit, "unit", "Empty, bytes, or us."),
	COLUMN(counter_view_row, NUMERIC, total, "total", "Since the start."),
	COLUMN(counter_view_row, NUMERIC, average, "average",
	    "The same a second; of times: microseconds each."),
};

static void
add_counters(struct sheet *rows, const struct stats_row *of)
{
	for (size_t i = 0; i < COUNTERS_MOST; i++) {
		struct counter_view_row *row = sheet_add(rows);

		if (row == NULL)
			return;
		row->database = sheet_text(rows, span_text(of->database));
		row->counter = counter_rows[i].name;
		row->unit = counter_rows[i].unit;
		row->total = of->total.n[i];
		row->average = of->average.n[i];
	}
}

static void
finish_counters(const struct view_source *from, struct sheet *rows)
{
	struct sheet stats;

	sheet_init(&stats, sizeof(struct stats_row));
	finish_stats(from, &stats);
	for (size_t i = 0; i < stats.count; i++)
		add_counters(rows, sheet_row(&stats, i));
	rows->failed |= stats.failed;
	sheet_fini(&stats);
}

#define STATS_VIEW(topic_, text_, columns_)                                           \
	{                                                                             \
		.topic = topic_, .text = text_, .role = ROLE_STATS, .columns = columns_, \
		.column_count = ARRAY_SIZE(columns_), .row_size = sizeof(struct stats_row), \
		.part_size = sizeof(struct tally), .fill = history_fill,              \
		.finish = finish_stats                                                \
	}

static const struct view views[] = {
	STATS_VIEW("stats",
	    "One row a database: what was counted, and averages of the last one "
	    "to two stats_periods.",
	    stats_columns),
	STATS_VIEW("stats_totals", "Only what was counted.", total_columns),
	STATS_VIEW("stats_averages", "Only the averages.", average_columns),
	{ .topic = "totals",
	    .text = "The same of all databases together, a row each.",
	    .role = ROLE_STATS,
	    .columns = totals_columns,
	    .column_count = ARRAY_SIZE(totals_columns),
	    .row_size = sizeof(struct totals_row),
	    .part_size = sizeof(struct tally),
	    .fill = history_fill,
	    .finish = finish_totals },
	{ .topic = "counters",
	    .text = "One row a database and counter: all that is counted.",
	    .role = ROLE_STATS,
	    .columns = counter_columns,
	    .column_count = ARRAY_SIZE(counter_columns),
	    .row_size = sizeof(struct counter_view_row),
	    .part_size = sizeof(struct tally),
	    .fill = history_fill,
	    .finish = finish_counters },
};

const struct view_table stats_views = { views, ARRAY_SIZE(views) };
