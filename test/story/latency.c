/*
 * latency.c - what the lanes' histograms hold when it is known how long everything took.
 */
#include "story/story.h"

/* All of KIND that the lanes of S have counted since the start; histogram_fini() it. */
static struct histogram
counted(struct story *s, enum latency_kind kind)
{
	struct histogram all = { 0 };

	for (unsigned i = 0; i < s->pooler.worker_count; i++) {
		LIST_EACH(n, &s->pooler.workers[i]->lanes) {
			const struct latency *l =
			    &CONTAINER_OF(n, struct lane, in_worker)->latencies.of[kind];

			assert_true(histogram_merge(&all, &l->now));
			assert_true(histogram_merge(&all, &l->last));
			assert_true(histogram_merge(&all, &l->past));
		}
	}
	return all;
}

/* KIND was counted COUNT times, SUM microseconds together, the longest GREATEST. */
static void
was_counted(struct story *s, enum latency_kind kind, uint64_t count, usec_t sum, usec_t greatest)
{
	struct histogram all = counted(s, kind);
	const char *name = latency_kind_rows[kind].name;

	is_count(histogram_count(&all), count, name);
	is_count(all.sum, sum, name);
	is_count(all.greatest, greatest, name);
	histogram_fini(&all);
}

static void
waits_have_their_quantiles(void **state)
{
	struct story *s = story_begin("pool_size=1 workers=2");
	struct actor *a = story_client_on(s, 0, "app"), *b = story_client_on(s, 1, "app");
	struct histogram waits;
	usec_t sum = 0;

	(void)state;
	/* b waits 1, 2, ... 99 ms for a, which finds the server idle each time */
	for (usec_t wait = MSEC; wait < 100 * MSEC; wait += MSEC) {
		say(a, "begin");
		story_settle(s);
		say(b, "select b");
		story_pass(s, wait);
		say(a, "commit");
		story_settle(s);
		sum += wait;
	}
	waits = counted(s, LATENCY_wait);
	is_count(histogram_count(&waits), 2 * 99, "everybody who asked, once");
	is_count(waits.sum, sum, "to the microsecond");
	is_count(waits.greatest, 99 * MSEC, "the longest");
	/* a waits for the server to come back from b's worker, which takes no time here */
	is_count(histogram_between(&waits, 0, 1), 99, "a never waited");
	is_count(histogram_quantile(&waits, 500), 0, "half did not wait");
	/* the 179th of 198 is 80 ms: between 73728 and 81919 us */
	is_count(histogram_quantile(&waits, 900), (73728 + 81919) / 2, "nine of ten");
	is_count(histogram_quantile(&waits, 999), 99 * MSEC, "the longest, though its bucket's middle is beyond");
	histogram_fini(&waits);
	story_end(s);
}

static void
who_gives_up_has_waited_too(void **state)
{
	struct story *s = story_begin("pool_size=1 query_wait_timeout=10 query_wait_notify=0");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");
	struct actor *c = story_client(s, "app"), *d = story_client(s, "app");

	(void)state;
	say(a, "begin");
	story_settle(s);
	say(b, "select b");
	say(c, "select c");
	say(d, "select d");
	story_pass(s, 3 * SECOND);
	hang_up(b);
	story_settle(s);
	was_counted(s, LATENCY_wait, 2, 3 * SECOND, 3 * SECOND);
	story_pass(s, SECOND);
	actor_cancel(c, 0);
	story_settle(s);
	was_counted(s, LATENCY_wait, 3, 7 * SECOND, 4 * SECOND);
	story_pass(s, 6 * SECOND + 50 * MSEC);
	was_counted(s, LATENCY_wait, 4, 17 * SECOND, 10 * SECOND);
	is_text(actor_state(d), "gone", "d was sent away at the tick of 10 s");
	story_end(s);
}

static void
transactions_and_queries(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a = story_client(s, "app");

	(void)state;
	say(a, "sleep 5");
	story_pass(s, 5 * MSEC);
	was_counted(s, LATENCY_query, 1, 5 * MSEC, 5 * MSEC);
	was_counted(s, LATENCY_transaction, 1, 5 * MSEC, 5 * MSEC);
	say(a, "begin");
	story_settle(s);
	say(a, "sleep 20");
	story_pass(s, 30 * MSEC);
	was_counted(s, LATENCY_query, 3, 25 * MSEC, 20 * MSEC);
	was_counted(s, LATENCY_transaction, 1, 5 * MSEC, 5 * MSEC);
	say(a, "commit");
	story_settle(s);
	was_counted(s, LATENCY_query, 4, 25 * MSEC, 20 * MSEC);
	was_counted(s, LATENCY_transaction, 2, 35 * MSEC, 30 * MSEC);
	sends(a, "P - sleep 7/B -/E/S");
	story_pass(s, 7 * MSEC);
	was_counted(s, LATENCY_query, 5, 32 * MSEC, 20 * MSEC);
	was_counted(s, LATENCY_transaction, 3, 42 * MSEC, 30 * MSEC);
	was_counted(s, LATENCY_wait, 3, 0, 0);
	story_end(s);
}

static void
logins_are_not_waits(void **state)
{
	struct story *s = story_begin_with("pool_size=1",
	    "app = host=db1 port=5432 connect_query='sleep 20'\n");
	struct actor *a = story_connect(s, 0), *b;

	(void)state;
	story_pass(s, 5 * MSEC);
	actor_login(a, "bob", "app", NULL);
	story_pass(s, 25 * MSEC);
	is_text(actor_state(a), "idle", "a is in, 25 ms after it came");
	was_counted(s, LATENCY_connect, 1, 20 * MSEC, 20 * MSEC);
	was_counted(s, LATENCY_login, 1, 25 * MSEC, 25 * MSEC);
	was_counted(s, LATENCY_wait, 0, 0, 0);
	b = story_client(s, "app");
	was_counted(s, LATENCY_login, 2, 25 * MSEC, 25 * MSEC);
	say(b, "select b");
	story_settle(s);
	was_counted(s, LATENCY_wait, 1, 0, 0);
	story_end(s);
}

static void
nobody_was_let_in_nothing_was_counted(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a = story_connect(s, 0);

	(void)state;
	s->db1.refuse = "28000";
	s->db1.refuse_text = "no";
	actor_login(a, "bob", "app", NULL);
	story_pass(s, SECOND);
	is_text(actor_state(a), "gone", "a was refused");
	for (enum latency_kind kind = 0; kind < LATENCIES_MOST; kind++)
		was_counted(s, kind, 0, 0, 0);
	story_end(s);
}

int
main(void)
{
	const struct CMUnitTest stories[] = {
		UNIT_TEST(waits_have_their_quantiles),
		UNIT_TEST(who_gives_up_has_waited_too),
		UNIT_TEST(transactions_and_queries),
		UNIT_TEST(logins_are_not_waits),
		UNIT_TEST(nobody_was_let_in_nothing_was_counted),
	};

	return cmocka_run_group_tests_name("latency", stories, NULL, NULL);
}
