/*
 * history.c - what all lanes have counted, now and at the ends of the last two periods.
 */
#include "admin/history.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "admin/gather.h"
#include "base/log.h"
#include "pool/lane.h"

static usec_t
wall_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (usec_t)now.tv_sec * SECOND + (usec_t)now.tv_nsec / 1000;
}

static void
snapshot_init(struct snapshot *s)
{
	s->taken = wall_clock();
	sheet_init(&s->tallies, sizeof(struct tally));
}

void
history_init(struct history *h, struct pooler *p)
{
	h->pooler = p;
	pthread_mutex_init(&h->mutex, NULL);
	snapshot_init(&h->older);
	snapshot_init(&h->newer);
}

void
history_fini(struct history *h)
{
	sheet_fini(&h->older.tallies);
	sheet_fini(&h->newer.tallies);
	pthread_mutex_destroy(&h->mutex);
}

/* --- adding up --- */

void
history_fill(struct sheet *part, struct worker *w)
{
	LIST_EACH(n, &w->lanes) {
		const struct lane *lane = CONTAINER_OF(n, struct lane, in_worker);
		struct tally *t = sheet_add(part);

		if (t == NULL)
			return;
		t->database = sheet_text(part, span_text(lane->pool->database));
		t->counters = lane->counters;
		latencies_sum(&lane->latencies, &t->counters);
	}
}

static int
compare_tallies(const void *a, const void *b)
{
	return strcmp(((const struct tally *)a)->database,
	    ((const struct tally *)b)->database);
}

static void
add_tally(void *to, const void *from)
{
	counters_add(&((struct tally *)to)->counters,
	    &((const struct tally *)from)->counters);
}

void
history_total(const struct gathering *g, struct sheet *out)
{
	gathering_join(g, out);
	sheet_sort(out, compare_tallies);
	sheet_merge(out, compare_tallies, add_tally);
	for (size_t i = 0; i < out->count; i++) {
		struct tally *t = sheet_row(out, i);

		t->database = sheet_text(out, span_text(t->database));
	}
}

/* The counters of DATABASE (NULL: of all) in S, into OUT. */
static void
look_up(const struct snapshot *s, const char *database, struct counters *out)
{
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < s->tallies.count; i++) {
		const struct tally *t = sheet_row(&s->tallies, i);

		if (database == NULL || strcmp(database, t->database) == 0)
			counters_add(out, &t->counters);
	}
}

/* --- averages --- */

static uint64_t
per(uint64_t sum, uint64_t events)
{
	return events > 0 ? sum / events : 0;
}

/* What happened from BEFORE to NOW, LASTING so long: counts a second, times an event. */
static void
average(const struct counters *before, const struct counters *now, usec_t lasting,
    struct counters *out)
{
	uint64_t diff[COUNTERS_MOST];

	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < COUNTERS_MOST; i++) {
		diff[i] = now->n[i] > before->n[i] ? now->n[i] - before->n[i] : 0;
		if (lasting > 0)
			out->n[i] = (uint64_t)((double)diff[i] * SECOND / (double)lasting);
	}
	out->n[COUNT_xact_time] = per(diff[COUNT_xact_time], diff[COUNT_xacts]);
	out->n[COUNT_query_time] = per(diff[COUNT_query_time], diff[COUNT_queries]);
	out->n[COUNT_wait_time] = per(diff[COUNT_wait_time],
	    diff[COUNT_server_assignments]);
}

void
history_average(struct history *h, const char *database, const struct counters *total,
    usec_t now, struct counters *out)
{
	struct counters before;
	usec_t taken;

	pthread_mutex_lock(&h->mutex);
	look_up(&h->older, database, &before);
	taken = h->older.taken;
	pthread_mutex_unlock(&h->mutex);
	average(&before, total, now > taken ? now - taken : 0, out);
}

/* --- periods --- */

/* The line that log readers parse: its words and their order stay. */
static void
tell_period(const struct history *h, const struct counters *c, bool log)
{
	const uint64_t *n = c->n;
	char line[512];

#define N(name) ((unsigned long long)n[COUNT_##name])
	snprintf(line, sizeof(line),
	    "stats: %llu xacts/s, %llu queries/s, %llu client parses/s, "
	    "%llu server parses/s, %llu binds/s, "
	    "in %llu B/s, out %llu B/s, xact %llu us, query %llu us, wait %llu us",
	    N(xacts), N(queries), N(client_parses), N(server_parses), N(binds),
	    N(received), N(sent), N(xact_time), N(query_time),
	    N(wait_time));
#undef N
	if (log)
		log_line(LOG_LEVEL_LOG, NULL, "%s", line);
	if (h->told != NULL)
		h->told(line);
}

static void
period_counted(struct gathering *g)
{
	struct history *h = g->owner;
	struct counters before, after, averages;
	struct snapshot now;
	struct setup *setup;

	snapshot_init(&now);
	history_total(g, &now.tallies);
	gathering_free(g);
	look_up(&now, NULL, &after);
	pthread_mutex_lock(&h->mutex);
	look_up(&h->newer, NULL, &before);
	average(&before, &after,
	    now.taken > h->newer.taken ? now.taken - h->newer.taken : 0, &averages);
	sheet_fini(&h->older.tallies);
	h->older = h->newer;
	h->newer = now;
	pthread_mutex_unlock(&h->mutex);
	setup = pooler_setup(h->pooler);
	tell_period(h, &averages, setup->conf->log_stats);
	setup_drop(setup);
}

/* On each worker's thread. */
static void
end_period(struct sheet *part, struct worker *w)
{
	LIST_EACH(n, &w->lanes)
		latencies_turn(&CONTAINER_OF(n, struct lane, in_worker)->latencies);
	history_fill(part, w);
}

void
history_turn(struct history *h)
{
	if (gather(h->pooler, NULL, sizeof(struct tally), end_period, period_counted,
		h) == NULL)
		log_line(LOG_LEVEL_ERROR, NULL,
		    "no statistics of this period: out of memory");
}
