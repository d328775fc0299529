/*
 * latency.c - tests of pool/latency.h: what is of this period, of the last one, and past.
 */
#include "unit/unit.h"

#include "base/mem.h"
#include "pool/latency.h"

/* As much of a lane as latency_add() knows. */
struct any_lane {
	struct latencies latencies;
};

static void
expect(const struct latency *l, uint64_t now, uint64_t last, uint64_t past)
{
	assert_int_equal(histogram_count(&l->now), now);
	assert_int_equal(histogram_count(&l->last), last);
	assert_int_equal(histogram_count(&l->past), past);
}

static void
a_period_is_recent_for_one_more(void **state)
{
	struct any_lane lane = { 0 };
	const struct latency *wait = &lane.latencies.of[LATENCY_wait];

	(void)state;
	latency_add(&lane, wait, 0);
	latency_add(&lane, wait, MSEC);
	expect(wait, 2, 0, 0);
	latencies_turn(&lane.latencies);
	expect(wait, 0, 2, 0);
	latency_add(&lane, wait, 2 * MSEC);
	expect(wait, 1, 2, 0);
	latencies_turn(&lane.latencies);
	expect(wait, 0, 1, 2);
	latency_add(&lane, wait, SECOND);
	latencies_turn(&lane.latencies);
	latencies_turn(&lane.latencies);
	expect(wait, 0, 0, 4);
	assert_int_equal(wait->past.sum, SECOND + 3 * MSEC);
	assert_int_equal(wait->past.greatest, SECOND);
	latencies_fini(&lane.latencies);
}

static void
at_rest_it_keeps_only_the_past(void **state)
{
	struct any_lane lane = { 0 };

	(void)state;
	for (int i = 0; i < 3; i++) {
		latency_add(&lane, query, MSEC);
		latencies_turn(&lane.latencies);
	}
	for (int i = 0; i < 3; i++)
		latencies_turn(&lane.latencies);
	for (unsigned kind = 0; kind < LATENCIES_MOST; kind++) {
		assert_null(lane.latencies.of[kind].now.counts);
		assert_null(lane.latencies.of[kind].last.counts);
	}
	expect(&lane.latencies.of[LATENCY_query], 0, 0, 3);
	latencies_fini(&lane.latencies);
}

static void
without_memory_the_period_goes_on(void **state)
{
	struct any_lane lane = { 0 };
	const struct latency *login = &lane.latencies.of[LATENCY_login];

	(void)state;
	latency_add(&lane, login, MSEC);
	latencies_turn(&lane.latencies);
	latency_add(&lane, login, MSEC);
	mem_fail_after(1);
	latencies_turn(&lane.latencies);
	expect(login, 1, 1, 0);
	latencies_turn(&lane.latencies);
	expect(login, 0, 1, 1);
	latencies_fini(&lane.latencies);
}

static void
counters_get_the_sums(void **state)
{
	struct any_lane lane = { 0 };
	struct counters c = { .n = { [COUNT_xacts] = 7 } };

	(void)state;
	for (unsigned i = 1; i <= 3; i++) {
		latency_add(&lane, query, i);
		latency_add(&lane, transaction, 10 * i);
		latencies_sum(&lane.latencies, &c);
		latencies_turn(&lane.latencies);
	}
	assert_int_equal(c.n[COUNT_query_time], 6);
	assert_int_equal(c.n[COUNT_xact_time], 60);
	assert_int_equal(c.n[COUNT_xacts], 7);
	latencies_fini(&lane.latencies);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(a_period_is_recent_for_one_more),
		UNIT_TEST(at_rest_it_keeps_only_the_past),
		UNIT_TEST(without_memory_the_period_goes_on),
		UNIT_TEST(counters_get_the_sums),
	};

	return cmocka_run_group_tests_name("latency", tests, NULL, NULL);
}
