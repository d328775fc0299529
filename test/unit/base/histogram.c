/*
 * histogram.c - tests of base/histogram.h.
 */
#include "unit/unit.h"

#include "base/histogram.h"
#include "base/mem.h"
#include "unit/dice.h"

#define MANY 2000u

static void
buckets_begin_at_their_edges(void **state)
{
	static const struct {
		usec_t		 took;
		unsigned	 bucket;
	} rows[] = {
		{ 0, 0 }, { 1, 1 }, { 7, 7 }, { 8, 8 }, { 15, 15 },
		{ 16, 16 }, { 17, 16 }, { 18, 17 }, { 31, 23 }, { 32, 24 }, { 35, 24 }, { 36, 25 },
		{ 1023, 63 }, { 1024, 64 }, { SECOND, 143 }, { 3600 * SECOND, 237 },
		{ HISTOGRAM_END - 1, HISTOGRAM_BUCKETS - 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(histogram_bucket(rows[i].took), rows[i].bucket);
	for (unsigned b = 0; b < HISTOGRAM_BUCKETS; b++) {
		usec_t edge = histogram_edge(b), next = histogram_edge(b + 1);

		assert_int_equal(histogram_bucket(edge), b);
		assert_int_equal(histogram_bucket(next - 1), b);
		assert_true(next - edge == 1 || (next - edge) * 8 <= edge);
	}
	assert_true(histogram_edge(HISTOGRAM_BUCKETS) == HISTOGRAM_END);
}

static void
an_empty_one_owns_nothing_and_says_nothing(void **state)
{
	struct histogram h = { 0 }, other = { 0 };

	(void)state;
	assert_true(histogram_merge(&h, &other));
	assert_null(h.counts);
	assert_int_equal(histogram_count(&h), 0);
	assert_int_equal(histogram_quantile(&h, 500), 0);
	assert_int_equal(histogram_mean(&h), 0);
	histogram_fini(&h);
}

static void
few_short_ones_need_little_room(void **state)
{
	struct histogram h = { 0 };

	(void)state;
	histogram_add(&h, 0);
	assert_int_equal(h.room, 8);
	histogram_add(&h, 10 * MSEC);
	assert_int_equal(h.room, 96);
	histogram_add(&h, MSEC);
	assert_int_equal(h.room, 96);
	histogram_fini(&h);
}

static void
small_numbers_are_exact(void **state)
{
	struct histogram h = { 0 };

	(void)state;
	for (usec_t took = 1; took <= 10; took++)
		histogram_add(&h, took);
	assert_int_equal(histogram_count(&h), 10);
	assert_int_equal(histogram_quantile(&h, 500), 5);
	assert_int_equal(histogram_quantile(&h, 501), 6);
	assert_int_equal(histogram_quantile(&h, 900), 9);
	assert_int_equal(histogram_quantile(&h, 999), 10);
	assert_int_equal(histogram_quantile(&h, 1000), 10);
	assert_int_equal(histogram_quantile(&h, 0), 1);
	assert_int_equal(histogram_mean(&h), 5);
	assert_int_equal(h.greatest, 10);
	histogram_fini(&h);
}

static void
none_is_longer_than_the_longest(void **state)
{
	struct histogram h = { 0 };

	(void)state;
	histogram_add(&h, 1025);	/* among 1024 to 1151 */
	assert_int_equal(histogram_quantile(&h, 500), 1025);
	histogram_add(&h, 1150);
	assert_int_equal(histogram_quantile(&h, 500), 1087);
	histogram_fini(&h);
}

static void
hours_are_counted_and_the_longest_is_known(void **state)
{
	struct histogram h = { 0 };

	(void)state;
	histogram_add(&h, 1);
	histogram_add(&h, 3 * 3600 * SECOND);
	histogram_add(&h, 2 * 3600 * SECOND);
	histogram_add(&h, UINT64_MAX / 2);
	assert_int_equal(histogram_count(&h), 4);
	assert_int_equal(histogram_between(&h, HISTOGRAM_END - 1, UINT64_MAX), 0);
	assert_int_equal(histogram_between(&h, histogram_edge(HISTOGRAM_BUCKETS - 1), UINT64_MAX), 3);
	assert_true(histogram_quantile(&h, 999) == UINT64_MAX / 2);
	assert_int_equal(h.room, HISTOGRAM_BUCKETS);
	histogram_fini(&h);
}

static void
counts_between_edges_are_exact(void **state)
{
	struct histogram h = { 0 };

	(void)state;
	for (usec_t took = 0; took < 5000; took++)
		histogram_add(&h, took);
	assert_int_equal(histogram_between(&h, 0, 1024), 1024);
	assert_int_equal(histogram_between(&h, 1024, 2048), 1024);
	assert_int_equal(histogram_between(&h, 2048, 4096), 2048);
	assert_int_equal(histogram_between(&h, 4096, UINT64_MAX), 904);
	assert_int_equal(histogram_between(&h, 8192, UINT64_MAX), 0);
	assert_int_equal(histogram_between(&h, 64, 64), 0);
	histogram_fini(&h);
}

static void
cleared_it_counts_anew_in_the_same_room(void **state)
{
	struct histogram h = { 0 };

	(void)state;
	histogram_add(&h, SECOND);
	histogram_clear(&h);
	assert_int_equal(histogram_count(&h), 0);
	mem_fail_after(1);	/* would fail if it asked */
	histogram_add(&h, MSEC);
	histogram_add(&h, 2 * MSEC);
	mem_fail_after(0);
	assert_int_equal(histogram_count(&h), 2);
	assert_int_equal(h.sum, 3 * MSEC);
	assert_int_equal(h.greatest, 2 * MSEC);
	histogram_fini(&h);
}

static void
without_memory_one_is_lost_and_no_more(void **state)
{
	struct histogram h = { 0 }, longer = { 0 };

	(void)state;
	mem_fail_after(1);
	histogram_add(&h, 5);
	assert_int_equal(histogram_count(&h), 0);
	assert_int_equal(h.sum, 0);
	histogram_add(&h, 5);
	assert_int_equal(histogram_count(&h), 1);
	histogram_add(&longer, MSEC);
	mem_fail_after(1);
	assert_false(histogram_merge(&h, &longer));
	assert_int_equal(histogram_count(&h), 1);
	assert_int_equal(h.sum, 5);
	assert_true(histogram_merge(&h, &longer));
	assert_int_equal(histogram_count(&h), 2);
	histogram_fini(&h);
	histogram_fini(&longer);
}

/* --- against samples that are kept and sorted --- */

static int
compare(const void *a, const void *b)
{
	usec_t x = *(const usec_t *)a, y = *(const usec_t *)b;

	return x < y ? -1 : x > y;
}

/* Something between nothing and hours, all lengths of numbers equally often. */
static usec_t
draw(struct dice *d)
{
	unsigned power = dice_roll(d, 36);

	return (((usec_t)dice_roll(d, 1u << 30) << 6) | dice_roll(d, 64)) >> (35 - power);
}

/* What H says must be what the COUNT sorted SAMPLES say, or up to a sixteenth beside it. */
static void
check(const struct histogram *h, const usec_t *samples, unsigned count)
{
	static const unsigned permilles[] = { 1, 100, 500, 900, 990, 999, 1000 };
	usec_t sum = 0;

	for (unsigned i = 0; i < count; i++)
		sum += samples[i];
	assert_true(h->sum == sum);
	assert_true(h->greatest == samples[count - 1]);
	assert_int_equal(histogram_count(h), count);
	for (size_t i = 0; i < ARRAY_SIZE(permilles); i++) {
		usec_t wanted = samples[(count * permilles[i] + 999) / 1000 - 1];
		usec_t got = histogram_quantile(h, permilles[i]);

		if (wanted < histogram_edge(HISTOGRAM_BUCKETS - 1))
			assert_true((got > wanted ? got - wanted : wanted - got) * 16 <= wanted);
		else
			assert_true(got >= histogram_edge(HISTOGRAM_BUCKETS - 1));
	}
}

static void
quantiles_are_those_of_sorted_samples(void **state)
{
	static usec_t samples[MANY];

	(void)state;
	for (unsigned seed = 1; seed <= 200; seed++) {
		struct dice d = dice_of_seed(seed);
		struct histogram a = { 0 }, b = { 0 };
		unsigned count = 1 + dice_roll(&d, MANY);

		for (unsigned i = 0; i < count; i++) {
			samples[i] = draw(&d);
			histogram_add(dice_hit(&d, 2) ? &a : &b, samples[i]);
		}
		qsort(samples, count, sizeof(samples[0]), compare);
		assert_true(histogram_merge(&a, &b));
		check(&a, samples, count);
		histogram_fini(&a);
		histogram_fini(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(buckets_begin_at_their_edges),
		UNIT_TEST(an_empty_one_owns_nothing_and_says_nothing),
		UNIT_TEST(few_short_ones_need_little_room),
		UNIT_TEST(small_numbers_are_exact),
		UNIT_TEST(none_is_longer_than_the_longest),
		UNIT_TEST(hours_are_counted_and_the_longest_is_known),
		UNIT_TEST(counts_between_edges_are_exact),
		UNIT_TEST(cleared_it_counts_anew_in_the_same_room),
		UNIT_TEST(without_memory_one_is_lost_and_no_more),
		UNIT_TEST(quantiles_are_those_of_sorted_samples),
	};

	return cmocka_run_group_tests_name("histogram", tests, NULL, NULL);
}
