/*
 * latencies.c - the histograms of all lanes together. What is counted is said in pool/latency.h.
 */
#include "admin/latencies.h"

#include <string.h>

#include "pool/lane.h"

/* --- on the workers --- */

static void
add_part(struct sheet *part, struct latency_part row, const struct histogram *h, bool recent)
{
	struct latency_part *at;
	uint64_t *counts;

	if (h->known == 0)
		return;
	counts = store_new(&part->texts, h->room * sizeof(*counts));
	at = counts != NULL ? sheet_add(part) : NULL;
	if (at == NULL) {
		part->failed = true;
		return;
	}
	memcpy(counts, h->counts, h->room * sizeof(*counts));
	row.recent = recent;
	row.histogram = *h;
	row.histogram.counts = counts;
	*at = row;
}

static void
fill_lane(struct sheet *part, const struct lane *lane)
{
	struct latency_part row = {
		.database = sheet_text(part, span_text(lane->pool->database)),
		.user = sheet_text(part, span_text(lane->pool->user)),
	};

	for (row.kind = 0; row.kind < LATENCIES_MOST; row.kind++) {
		const struct latency *l = &lane->latencies.of[row.kind];

		add_part(part, row, &l->now, true);
		add_part(part, row, &l->last, true);
		add_part(part, row, &l->past, false);
	}
}

void
latencies_fill(struct sheet *part, struct worker *w)
{
	LIST_EACH(n, &w->lanes)
		fill_lane(part, CONTAINER_OF(n, struct lane, in_worker));
}

/* --- together --- */

static int
compare(const void *a, const void *b)
{
	const struct latency_part *x = a, *y = b;
	int order = strcmp(x->database, y->database);

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return order != 0 ? order : strcmp(x->user, y->user);
}

/* Those of PARTS from *AT on that are of one pool and kind, into POOL, which is empty. */
static bool
add_pool(const struct sheet *parts, size_t *at, struct latency_pool *pool)
{
	const struct latency_part *first = sheet_row(parts, *at);
	bool good = true;

	pool->database = first->database;
	pool->user = first->user;
	pool->kind = first->kind;
	for (; *at < parts->count; ++*at) {
		const struct latency_part *part = sheet_row(parts, *at);

		if (compare(part, first) != 0)
			break;
		good = good && histogram_merge(&pool->total, &part->histogram) &&
		    (!part->recent || histogram_merge(&pool->recent, &part->histogram));
	}
	return good;
}

bool
latencies_each(const struct gathering *g,
    void (*fn)(void *owner, const struct latency_pool *pool), void *owner)
{
	struct latency_pool pool = { 0 };
	struct sheet parts;
	bool good;

	sheet_init(&parts, sizeof(struct latency_part));
	gathering_join(g, &parts);
	sheet_sort(&parts, compare);
	good = !parts.failed;
	for (size_t at = 0; at < parts.count;) {
		histogram_clear(&pool.total);
		histogram_clear(&pool.recent);
		if (add_pool(&parts, &at, &pool))
			fn(owner, &pool);
		else
			good = false;
	}
	histogram_fini(&pool.total);
	histogram_fini(&pool.recent);
	sheet_fini(&parts);
	return good;
}
