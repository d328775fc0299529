/*
 * latency_metrics.c - histograms of how long things take: those of pool/latency.h in fewer
 * buckets. Their edges are powers of two of microseconds, as ours are: every count is exact.
 */
#include "web/latency_metrics.h"

#include <stdio.h>

#include "admin/latencies.h"
#include "base/text.h"
#include "web/metric.h"

/* Upper edges: 0.000256 s to 67 s. */
#define EDGE(n) ((usec_t)1 << (n))
static const usec_t edges[] = { EDGE(8), EDGE(9), EDGE(10), EDGE(11), EDGE(12), EDGE(13), EDGE(14),
	EDGE(15), EDGE(16), EDGE(17), EDGE(18), EDGE(19), EDGE(20), EDGE(21), EDGE(22), EDGE(23),
	EDGE(24), EDGE(25), EDGE(26) };

struct latency_row {
	const char	*database, *user;
	enum latency_kind kind;
	uint64_t	 count;
	usec_t		 sum;
	uint64_t	 below[ARRAY_SIZE(edges)];	/* less than the edge, those of the edges before too */
};

static void
add(void *owner, const struct latency_pool *pool)
{
	struct sheet *rows = owner;
	struct latency_row *row = sheet_add(rows);

	if (row == NULL)
		return;
	row->database = sheet_text(rows, span_text(pool->database));
	row->user = sheet_text(rows, span_text(pool->user));
	row->kind = pool->kind;
	row->count = histogram_count(&pool->total);
	row->sum = pool->total.sum;
	for (unsigned i = 0; i < ARRAY_SIZE(edges); i++)
		row->below[i] = histogram_between(&pool->total, 0, edges[i]);
}

/* In the order of kind, database, user. */
static void
finish(const struct view_source *from, struct sheet *rows)
{
	rows->failed |= !latencies_each(from->parts, add, rows);
}

const struct view latency_metrics_view = {
	.row_size = sizeof(struct latency_row),
	.part_size = sizeof(struct latency_part),
	.fill = latencies_fill,
	.finish = finish,
};

static struct span
name_of(enum latency_kind kind, char out[64])
{
	snprintf(out, 64, "pgweir_pool_%s_seconds", latency_kind_rows[kind].name);
	return span_text(out);
}

static void
put_labels(struct buf *labels, const struct latency_row *row)
{
	buf_clear(labels);
	label_put(labels, "database", row->database);
	label_put(labels, "user", row->user);
}

static void
write_row(struct exposition *x, struct span name, const struct latency_row *row)
{
	struct buf labels = { 0 };
	char edge[32];

	put_labels(&labels, row);
	for (unsigned i = 0; i < ARRAY_SIZE(edges); i++)
		exposition_bucket(x, name, buf_span(&labels), text_from_usec(edges[i], edge),
		    row->below[i]);
	exposition_histogram(x, name, buf_span(&labels), row->count, row->sum);
	x->out->failed |= labels.failed;
	buf_fini(&labels);
}

static void
add_row(struct latency_row *to, const struct latency_row *from)
{
	to->count += from->count;
	to->sum += from->sum;
	for (unsigned i = 0; i < ARRAY_SIZE(edges); i++)
		to->below[i] += from->below[i];
}

/* Those of KIND, which are the COUNT rows from FIRST on. */
static void
write_kind(struct exposition *x, enum latency_kind kind, const struct sheet *rows, size_t first,
    size_t count, size_t most)
{
	struct latency_row others = { METRIC_OTHERS, METRIC_OTHERS, .kind = kind };
	size_t named = metric_named(count, most);
	char text[64];
	struct span name = name_of(kind, text);

	exposition_family(x, name, FAMILY_HISTOGRAM, latency_kind_rows[kind].text);
	for (size_t i = 0; i < named; i++)
		write_row(x, name, sheet_row(rows, first + i));
	for (size_t i = named; i < count; i++)
		add_row(&others, sheet_row(rows, first + i));
	if (named < count)
		write_row(x, name, &others);
}

void
latency_metrics(const struct sheet *rows, size_t most, struct exposition *x)
{
	size_t first = 0;

	for (enum latency_kind kind = 0; kind < LATENCIES_MOST; kind++) {
		size_t end = first;

		while (end < rows->count &&
		    ((const struct latency_row *)sheet_row(rows, end))->kind == kind)
			end++;
		write_kind(x, kind, rows, first, end - first,
		    most < LATENCY_POOLS_MOST ? most : LATENCY_POOLS_MOST);
		first = end;
	}
}

void
latency_metrics_each(void (*fn)(void *owner, const char *name, const char *text), void *owner)
{
	char text[64];

	for (enum latency_kind kind = 0; kind < LATENCIES_MOST; kind++) {
		name_of(kind, text);
		fn(owner, text, latency_kind_rows[kind].text);
	}
}
