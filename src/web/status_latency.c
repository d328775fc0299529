/*
 * status_latency.c - how long things take, as the status page shows it.
 */
#include "web/status_latency.h"

#include <stdlib.h>
#include <string.h>

#include "admin/latencies.h"

struct summary {
	struct sheet	*rows;
	struct latency_pool all[LATENCIES_MOST];	/* of all pools together */
	bool		 failed;
};

static void
read_row(struct status_latency *row, const struct latency_pool *from)
{
	const struct histogram *recent = &from->recent;

	row->order = from->kind;
	row->kind = latency_kind_rows[from->kind].name;
	row->total_count = histogram_count(&from->total);
	row->recent_count = histogram_count(recent);
	row->mean = histogram_mean(recent);
	row->p50 = histogram_quantile(recent, 500);
	row->p90 = histogram_quantile(recent, 900);
	row->p99 = histogram_quantile(recent, 990);
	row->p99_9 = histogram_quantile(recent, 999);
	row->max = recent->greatest;
}

static void
add(void *owner, const struct latency_pool *pool)
{
	struct summary *s = owner;
	struct latency_pool *all = &s->all[pool->kind];
	struct status_latency *row = sheet_add(s->rows);

	if (row == NULL || !histogram_merge(&all->total, &pool->total) ||
	    !histogram_merge(&all->recent, &pool->recent)) {
		s->failed = true;
		return;
	}
	row->database = sheet_text(s->rows, span_text(pool->database));
	row->user = sheet_text(s->rows, span_text(pool->user));
	read_row(row, pool);
}

/* NULL is before every text. */
static int
compare_texts(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return (a != NULL) - (b != NULL);
	return strcmp(a, b);
}

static int
compare(const void *a, const void *b)
{
	const struct status_latency *x = a, *y = b;
	int order = compare_texts(x->database, y->database);

	if (order == 0)
		order = compare_texts(x->user, y->user);
	return order != 0 ? order : (int)x->order - (int)y->order;
}

static void
finish(const struct view_source *from, struct sheet *rows)
{
	struct summary s = { .rows = rows };

	s.failed = !latencies_each(from->parts, add, &s) || s.failed;
	for (enum latency_kind kind = 0; kind < LATENCIES_MOST; kind++) {
		struct status_latency *row = sheet_add(rows);

		s.all[kind].kind = kind;
		if (row != NULL)
			read_row(row, &s.all[kind]);
		histogram_fini(&s.all[kind].total);
		histogram_fini(&s.all[kind].recent);
	}
	rows->failed |= s.failed;
	sheet_sort(rows, compare);
}

const struct status_latency *
status_latency_find(const struct sheet *rows, const char *database, const char *user,
    enum latency_kind kind)
{
	struct status_latency key = { .database = database, .user = user, .order = kind };

	if (rows->count == 0)
		return NULL;
	return bsearch(&key, rows->rows, rows->count, rows->row_size, compare);
}

/* Their names are those of SHOW LATENCY, where their meaning is told. */
#define CELL(field, name) COLUMN(status_latency, BIG, field, name, "As in SHOW LATENCY.")
static const struct column columns[] = {
	COLUMN(status_latency, TEXT, kind, "kind", "As in SHOW LATENCY."),
	CELL(total_count, "total_count"),
	CELL(recent_count, "recent_count"),
	CELL(mean, "recent_mean"),
	CELL(p50, "recent_p50"),
	CELL(p90, "recent_p90"),
	CELL(p99, "recent_p99"),
	CELL(p99_9, "recent_p99_9"),
	CELL(max, "recent_max"),
};

const struct view status_latency_view = {
	.topic = "latency",
	.text = "How long things take, of all pools together.",
	.columns = columns,
	.column_count = ARRAY_SIZE(columns),
	.row_size = sizeof(struct status_latency),
	.part_size = sizeof(struct latency_part),
	.fill = latencies_fill,
	.finish = finish,
};
