/*
 * latency.c - the rows of the table in latency.h, and what happens to a lane's histograms when a
 * period ends.
 */
#include "pool/latency.h"

const struct latency_kind_row latency_kind_rows[LATENCIES_MOST] = {
#define LATENCY_ROW(name, text) { #name, text },
	LATENCIES(LATENCY_ROW)
#undef LATENCY_ROW
};

static uint64_t
sum(const struct latencies *l, enum latency_kind kind)
{
	const struct latency *of = &l->of[kind];

	return of->now.sum + of->last.sum + of->past.sum;
}

void
latencies_sum(const struct latencies *l, struct counters *c)
{
	c->n[COUNT_xact_time] = sum(l, LATENCY_transaction);
	c->n[COUNT_query_time] = sum(l, LATENCY_query);
}

/* The oldest period becomes past. A pool at rest keeps only that. */
static void
turn(struct latency *l)
{
	struct histogram oldest = l->last;

	if (oldest.known > 0 && !histogram_merge(&l->past, &oldest))
		return;
	if (l->now.known > 0)
		histogram_clear(&oldest);
	else
		histogram_fini(&oldest);
	l->last = l->now;
	l->now = oldest;
}

void
latencies_turn(struct latencies *l)
{
	for (unsigned i = 0; i < LATENCIES_MOST; i++)
		turn(&l->of[i]);
}

void
latencies_fini(struct latencies *l)
{
	for (unsigned i = 0; i < LATENCIES_MOST; i++) {
		histogram_fini(&l->of[i].now);
		histogram_fini(&l->of[i].last);
		histogram_fini(&l->of[i].past);
	}
}
