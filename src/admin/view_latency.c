/*
 * view_latency.c - rows: LATENCY: how long things take, from histograms.
 */
#include <string.h>

#include "admin/latencies.h"
#include "admin/view.h"

/* Microseconds, read from one histogram. */
struct readings {
	uint64_t	 count, mean, p50, p90, p99, p99_9, max;
};

struct latency_row {
	const char	*database, *user, *kind;
	enum latency_kind order;
	struct readings	 recent, total;
};

static void
read_histogram(struct readings *r, const struct histogram *h)
{
	r->count = histogram_count(h);
	r->mean = histogram_mean(h);
	r->p50 = histogram_quantile(h, 500);
	r->p90 = histogram_quantile(h, 900);
	r->p99 = histogram_quantile(h, 990);
	r->p99_9 = histogram_quantile(h, 999);
	r->max = h->greatest;
}

static void
add(void *owner, const struct latency_pool *pool)
{
	struct sheet *rows = owner;
	struct latency_row *row = sheet_add(rows);

	if (row == NULL)
		return;
	row->database = sheet_text(rows, span_text(pool->database));
	row->user = sheet_text(rows, span_text(pool->user));
	row->kind = latency_kind_rows[pool->kind].name;
	row->order = pool->kind;
	read_histogram(&row->recent, &pool->recent);
	read_histogram(&row->total, &pool->total);
}

static int
compare(const void *a, const void *b)
{
	const struct latency_row *x = a, *y = b;
	int order = strcmp(x->database, y->database);

	if (order == 0)
		order = strcmp(x->user, y->user);
	return order != 0 ? order : (int)x->order - (int)y->order;
}

static void
finish_latency(const struct view_source *from, struct sheet *rows)
{
	if (!latencies_each(from->parts, add, rows))
		rows->failed = true;
	sheet_sort(rows, compare);
}

#define SAME "The same since the start."
#define CELL(field, name, text) COLUMN(latency_row, BIG, field, name, text)
static const struct column latency_columns[] = {
	COLUMN(latency_row, TEXT, database, "database", "Entry of [databases]."),
	COLUMN(latency_row, TEXT, user, "user", "User on the server."),
	COLUMN(latency_row, TEXT, kind, "kind", "What took so long: wait, transaction, query, login, connect."),
	CELL(recent.count, "recent_count", "How many there were in the last one to two stats_periods."),
	CELL(recent.mean, "recent_mean", "Of these: microseconds on the average, exact."),
	CELL(recent.p50, "recent_p50", "Half of these took no longer, in microseconds; at most 6.25 % wrong."),
	CELL(recent.p90, "recent_p90", "Nine of ten took no longer."),
	CELL(recent.p99, "recent_p99", "99 of 100 took no longer."),
	CELL(recent.p99_9, "recent_p99_9", "999 of 1000 took no longer."),
	CELL(recent.max, "recent_max", "The longest of these, exact."),
	CELL(total.count, "total_count", SAME),
	CELL(total.mean, "total_mean", SAME),
	CELL(total.p50, "total_p50", SAME),
	CELL(total.p90, "total_p90", SAME),
	CELL(total.p99, "total_p99", SAME),
	CELL(total.p99_9, "total_p99_9", SAME),
	CELL(total.max, "total_max", SAME),
};

static const struct view views[] = {
	{ .topic = "latency",
	    .text = "One row a pool and kind: how long waits, transactions, queries, logins and connecting "
		    "to servers take, in microseconds. Of what never happened there is no row.",
	    .role = ROLE_STATS,
	    .columns = latency_columns,
	    .column_count = ARRAY_SIZE(latency_columns),
	    .row_size = sizeof(struct latency_row),
	    .part_size = sizeof(struct latency_part),
	    .fill = latencies_fill,
	    .finish = finish_latency },
};

const struct view_table latency_views = { views, ARRAY_SIZE(views) };
