/*
 * share.c - tests of pool/share.h.
 */
#include "unit/unit.h"

#include "pool/share.h"

static struct addr
ip(const char *text)
{
	struct addr a = { 0 };

	assert_true(addr_parse_ip(&a, span_text(text), 6432));
	return a;
}

static void
the_parts_add_up(void **state)
{
	(void)state;
	for (unsigned limit = 1; limit < 40; limit++) {
		for (unsigned count = 1; count <= limit; count++) {
			unsigned sum = 0;

			for (unsigned rank = 0; rank < count; rank++) {
				struct share s;

				share_init(&s, true);
				share_set(&s, (struct split){ count, rank }, 1);
				sum += share_of(&s, limit);
			}
			assert_int_equal(sum, limit);
		}
	}
}

static void
nobody_is_left_without(void **state)
{
	struct share s;

	(void)state;
	share_init(&s, true);
	share_set(&s, (struct split){ 9, 8 }, 1);
	assert_int_equal(share_of(&s, 4), 1);
}

static void
who_gives_does_so_at_once_who_takes_waits(void **state)
{
	struct share s;

	(void)state;
	share_init(&s, true);
	assert_int_equal(share_of(&s, 12), 12);
	assert_true(share_set(&s, (struct split){ 3, 1 }, SECOND));
	assert_int_equal(share_of(&s, 12), 4);
	assert_false(share_set(&s, (struct split){ 3, 1 }, 2 * SECOND));
	assert_int_equal(share_coming(&s, 12), 4);
	assert_true(share_set(&s, (struct split){ 2, 1 }, 2 * SECOND));
	assert_int_equal(share_of(&s, 12), 4);
	assert_int_equal(share_coming(&s, 12), 6);
	assert_false(share_tick(&s, 2 * SECOND + SHARE_GROWS_AFTER - 1));
	assert_int_equal(share_of(&s, 12), 4);
	assert_true(share_tick(&s, 2 * SECOND + SHARE_GROWS_AFTER));
	assert_int_equal(share_of(&s, 12), 6);
	assert_false(share_tick(&s, 99 * SECOND));
}

static void
what_is_taken_back_in_time_is_not_missed(void **state)
{
	struct share s;

	(void)state;
	share_init(&s, true);
	share_set(&s, (struct split){ 3, 0 }, SECOND);
	share_set(&s, (struct split){ 2, 0 }, SECOND);		/* one has gone */
	share_set(&s, (struct split){ 3, 0 }, 2 * SECOND);	/* and is back */
	assert_false(share_tick(&s, 99 * SECOND));
	assert_int_equal(share_of(&s, 12), 4);
	share_set(&s, (struct split){ 4, 0 }, 100 * SECOND);
	assert_int_equal(share_of(&s, 12), 3);
}

static void
who_knows_nothing_takes_little(void **state)
{
	struct share s;

	(void)state;
	share_init(&s, false);
	assert_int_equal(share_of(&s, 14), 3);
	share_set(&s, (struct split){ 1, 0 }, SECOND);
	assert_int_equal(share_of(&s, 14), 3);
	share_tick(&s, SECOND + SHARE_GROWS_AFTER);
	assert_int_equal(share_of(&s, 14), 14);
}

static void
all_agree_who_is_who(void **state)
{
	const struct addr all[] = { ip("10.0.0.7"), ip("::1"), ip("10.0.0.3"), ip("10.0.0.7") };
	const struct addr other[] = { ip("10.0.0.3"), ip("10.0.0.7"), ip("::1") };
	const struct addr own[] = { ip("192.0.2.1"), ip("10.0.0.7") };
	const struct addr strange = ip("192.0.2.1");
	struct split a = share_split(all, 4, own, 2), b = share_split(other, 3, own, 2), c;

	(void)state;
	assert_int_equal(a.count, 3);
	assert_int_equal(a.rank, 1);
	assert_int_equal(b.count, 3);
	assert_int_equal(b.rank, 1);
	c = share_split(all, 4, &strange, 1);
	assert_int_equal(c.count, 4);
	assert_int_equal(c.rank, 3);
	c = share_split(all, 0, own, 2);
	assert_int_equal(c.count, 1);
	assert_int_equal(c.rank, 0);
}

/* Each of three has an address of both families. */
static void
both_families_count_once(void **state)
{
	const struct addr all[] = { ip("10.0.0.1"), ip("fd00::3"), ip("10.0.0.2"), ip("fd00::2"),
		ip("10.0.0.3"), ip("fd00::1") };
	const struct addr own[] = { ip("127.0.0.1"), ip("fd00::2"), ip("10.0.0.2") };
	const struct addr late[] = { ip("10.0.0.1"), ip("10.0.0.2"), ip("10.0.0.3"), ip("fd00::2") };
	const struct addr strange = ip("192.0.2.1");
	struct split a = share_split(all, 6, own, 3);

	(void)state;
	assert_int_equal(a.count, 3);
	assert_int_equal(a.rank, 1);
	/* addresses of one family come before those of the other */
	a = share_split(late, 4, own, 3);
	assert_int_equal(a.count, 3);
	assert_int_equal(a.rank, 1);
	/* we listen at one of them only */
	a = share_split(all, 6, &own[1], 1);
	assert_int_equal(a.count, 3);
	assert_int_equal(a.rank, 1);
	a = share_split(all, 6, &own[2], 1);
	assert_int_equal(a.count, 3);
	assert_int_equal(a.rank, 1);
	a = share_split(all, 6, &strange, 1);
	assert_int_equal(a.count, 4);
	assert_int_equal(a.rank, 3);
}

#define POOLERS 50u
#define LIMIT 97u

static unsigned
sum_of(const unsigned *wanted, const unsigned *borrowed, unsigned count, const unsigned *parts)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < count; i++) {
		unsigned most = parts[i] + borrowed[i];

		sum += wanted[i] < most ? wanted[i] : most;
	}
	return sum;
}

/*
 * COUNT poolers, HUNGRY of which want more than there is and the others nothing, look at the server once a round: one after
 * the other, or AT_ONCE. After some rounds all there is is used, and hardly more or less.
 */
static void
they_converge(unsigned count, unsigned hungry, bool at_once)
{
	unsigned parts[POOLERS], borrowed[POOLERS] = { 0 }, wanted[POOLERS];
	uint32_t dice = count * 31 + hungry;

	for (unsigned i = 0; i < count; i++) {
		parts[i] = LIMIT / count + (i < LIMIT % count);
		wanted[i] = i < hungry ? 1000 : 0;
	}
	for (unsigned round = 0; round < 500; round++) {
		unsigned before = sum_of(wanted, borrowed, count, parts), after;

		for (unsigned i = 0; i < hungry; i++) {
			struct share_look look = { .poolers = count, .part = parts[i], .limit = LIMIT,
				.used = at_once ? before : sum_of(wanted, borrowed, count, parts),
				.ours = parts[i] + borrowed[i], .borrowed = borrowed[i] };

			dice = dice * 1664525u + 1013904223u;
			borrowed[i] = share_borrow(&look, dice >> 8);
		}
		after = sum_of(wanted, borrowed, count, parts);
		if (round >= 20)
			assert_in_range(after, LIMIT - 4, LIMIT + 5);
	}
}

static void
borrowing_does_not_swing(void **state)
{
	static const unsigned counts[] = { 2, 3, 5, 10, 20, 50 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		for (unsigned at_once = 0; at_once < 2; at_once++) {
			they_converge(counts[i], 1, at_once);
			they_converge(counts[i], counts[i] / 2, at_once);
			they_converge(counts[i], counts[i] - 1, at_once);
			they_converge(counts[i], counts[i], at_once);
		}
	}
}

/* Strangers have come: what is missing is given back at once by the one who has it. */
static void
what_is_missing_is_given_back(void **state)
{
	struct share_look look = { .poolers = 5, .part = 20, .limit = 100, .used = 110, .ours = 35,
		.borrowed = 15 };

	(void)state;
	assert_int_equal(share_borrow(&look, 0), 5);
	look.used = 130;
	assert_int_equal(share_borrow(&look, 0), 0);
	look.borrowed = 0;
	assert_int_equal(share_borrow(&look, 0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(the_parts_add_up),
		UNIT_TEST(nobody_is_left_without),
		UNIT_TEST(who_gives_does_so_at_once_who_takes_waits),
		UNIT_TEST(what_is_taken_back_in_time_is_not_missed),
		UNIT_TEST(who_knows_nothing_takes_little),
		UNIT_TEST(all_agree_who_is_who),
		UNIT_TEST(both_families_count_once),
		UNIT_TEST(borrowing_does_not_swing),
		UNIT_TEST(what_is_missing_is_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
