/*
 * aim.c - tests of pool/aim.h.
 */
#include "unit/unit.h"

#include "pool/aim.h"

static const struct aim_rules one = { .hosts = 1, .addrs = 1, .retry = 15 * SECOND };
static const struct aim_rules three = { .hosts = 3, .addrs = 1, .retry = 15 * SECOND, .roles = true };
static const struct aim_rules prefers = { .hosts = 2, .addrs = 1, .retry = 15 * SECOND,
	.roles = true, .prefers = true };

static struct addr
host(unsigned n)
{
	struct addr a = { .kind = ADDR_IP4, .port = 5432 };

	a.u.ip4.s_addr = n;
	return a;
}

/* One attempt at host N (0: the first, of which no address is known) that missed; the pause. */
static usec_t
miss(struct aim *a, const struct aim_rules *of, enum aim_miss why, unsigned n, usec_t now)
{
	struct addr nowhere = { 0 }, where = host(n);
	struct aim_rules rules = *of;
	bool refused;

	rules.host = n % rules.hosts;
	return aim_missed(a, why, n > 0 ? &where : &nowhere, &rules, now, 512, &refused);
}

static void
hit(struct aim *a, unsigned n)
{
	struct addr where = host(n);

	aim_hit(a, &where);
}

static bool
skips(const struct aim *a, unsigned n, usec_t now)
{
	struct addr where = host(n);

	return aim_skips(a, &where, now);
}

static void
pauses_come_after_laps(void **state)
{
	struct aim a = { 0 };
	usec_t before = 0;

	(void)state;
	for (unsigned lap = 0; lap < 10; lap++) {
		usec_t pause;

		assert_int_equal(miss(&a, &three, MISS_UNREACHABLE, 0, SECOND), 0);
		assert_int_equal(miss(&a, &three, MISS_UNFIT, 2, SECOND), 0);
		pause = miss(&a, &three, MISS_STARTING, 1, SECOND);
		assert_in_range(pause, AIM_PAUSE_LEAST, AIM_PAUSE_MOST);
		assert_true(pause >= before);
		before = pause;
	}
	assert_int_equal(before, AIM_PAUSE_MOST);
	hit(&a, 3);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(miss(&a, &three, MISS_UNREACHABLE, i, SECOND), 0);
	assert_int_equal(miss(&a, &three, MISS_UNREACHABLE, 2, SECOND), AIM_PAUSE_LEAST);
}

/* Several attempts at one host, side by side or because its turn came again, say nothing of the others. */
static void
a_host_s_second_turn_is_no_other_host_s(void **state)
{
	struct aim a = { 0 };

	(void)state;
	for (unsigned i = 0; i < AIM_BURST - 1; i++)
		assert_int_equal(miss(&a, &three, MISS_UNFIT, 1, SECOND), 0);
	assert_int_equal(a.laps, 0);
	assert_int_equal(miss(&a, &three, MISS_UNFIT, 1, SECOND), AIM_PAUSE_LEAST);
	assert_int_equal(miss(&a, &three, MISS_UNFIT, 2, SECOND), 0);
	assert_int_equal(a.laps, 0);
	assert_true(miss(&a, &three, MISS_UNREACHABLE, 0, SECOND) > 0);
	assert_int_equal(a.laps, 1);
}

/* A name with three addresses, and one with one; a dial that fails has tried all of a name's. */
static void
each_address_has_its_turn(void **state)
{
	struct aim_rules name = { .hosts = 2, .host = 0, .addrs = 3 };
	struct aim_rules other = { .hosts = 2, .host = 1, .addrs = 1 };
	struct addr where = host(1);
	struct aim a = { 0 };
	bool refused;

	(void)state;
	for (unsigned lap = 0; lap < 2; lap++) {
		assert_int_equal(aim_missed(&a, MISS_STARTING, &where, &other, 1, 0, &refused), 0);
		assert_int_equal(aim_missed(&a, MISS_STARTING, &where, &name, 1, 0, &refused), 0);
		assert_int_equal(aim_missed(&a, MISS_STARTING, &where, &name, 1, 0, &refused), 0);
		assert_int_equal(a.laps, lap);
		assert_true(aim_missed(&a, MISS_STARTING, &where, &name, 1, 0, &refused) > 0);
		assert_int_equal(a.laps, lap + 1);
	}
	name.whole = true;
	assert_int_equal(aim_missed(&a, MISS_STARTING, &where, &other, 1, 0, &refused), 0);
	assert_true(aim_missed(&a, MISS_STARTING, &where, &name, 1, 0, &refused) > 0);
	assert_int_equal(a.laps, 3);
}

/* Whatever hosts there are, and whatever they do: attempts that cost no time are few. */
static void
there_is_no_storm(void **state)
{
	static const struct { unsigned hosts, addrs; } worlds[] = { { 1, 1 }, { 1, 60 }, { 2, 1 },
		{ 3, 60 }, { 64, 1 }, { 1000, 1 }, { 1000, 60 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(worlds); i++) {
		struct aim_rules rules = { .hosts = worlds[i].hosts, .addrs = worlds[i].addrs,
			.roles = true };
		struct aim a = { 0 };
		usec_t now = SECOND;
		unsigned tries = 0;

		for (; now < 31 * SECOND; tries++) {
			struct addr where = host(tries);
			bool refused;

			rules.host = tries % rules.hosts;
			now += aim_missed(&a, MISS_UNFIT, &where, &rules, now, tries * 7919, &refused);
		}
		assert_true(a.laps > 0);
		assert_in_range(tries, 75, 30 * 200);
	}
}

/* Another worker's clock is a little ahead. */
static void
clocks_differ(void **state)
{
	struct aim a = { 0 };

	(void)state;
	miss(&a, &three, MISS_UNFIT, 1, SECOND);
	hit(&a, 2);
	assert_true(skips(&a, 1, SECOND - 1));
	assert_true(aim_alarms(&a, SECOND));
	assert_false(aim_alarms(&a, SECOND - 1));
	for (unsigned i = 0; i < 3; i++)
		miss(&a, &three, MISS_UNREACHABLE, i, SECOND);
	assert_true(aim_tells(&a, 9 * SECOND));
	assert_false(aim_tells(&a, 9 * SECOND - 1));
}

static void
no_two_come_back_together(void **state)
{
	struct addr nowhere = { 0 };
	usec_t least = 0, most = 0;

	(void)state;
	for (uint32_t dice = 0; dice < 1024; dice++) {
		struct aim a = { 0 };
		bool refused;
		usec_t pause = aim_missed(&a, MISS_UNREACHABLE, &nowhere, &one, SECOND, dice, &refused);

		least = dice == 0 || pause < least ? pause : least;
		most = pause > most ? pause : most;
		assert_false(refused);
	}
	assert_in_range(least, AIM_PAUSE_LEAST * 3 / 4, AIM_PAUSE_LEAST);
	assert_in_range(most, AIM_PAUSE_LEAST, AIM_PAUSE_LEAST * 5 / 4);
}

static void
one_host_alone_is_asked_less_often(void **state)
{
	const struct aim_rules hasty = { .hosts = 1, .addrs = 1, .retry = 50 * MSEC };
	struct aim a = { 0 }, b = { 0 };
	usec_t pause = 0;

	(void)state;
	for (unsigned i = 0; i < 12; i++)
		pause = miss(&a, &one, MISS_UNREACHABLE, 0, SECOND);
	assert_int_equal(pause, AIM_PAUSE_MOST_ALONE);
	for (unsigned i = 0; i < 12; i++)
		pause = miss(&b, &hasty, MISS_UNREACHABLE, 0, SECOND);
	assert_int_equal(pause, 50 * MSEC);
}

static void
refused_by_all_is_refused(void **state)
{
	struct aim a = { 0 };
	struct aim_rules rules = three;
	struct addr where = host(1);
	bool refused;

	(void)state;
	assert_int_equal(aim_missed(&a, MISS_REFUSED, &where, &one, SECOND, 0, &refused), one.retry);
	assert_true(refused);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(aim_missed(&a, MISS_REFUSED, &where, &three, SECOND, 0, &refused), 0);
		assert_false(refused);	/* one of them is no more than one */
	}
	assert_int_equal(miss(&a, &three, MISS_UNREACHABLE, 1, SECOND), 0);
	rules.host = 2;
	assert_true(aim_missed(&a, MISS_REFUSED, &where, &rules, SECOND, 0, &refused) < SECOND);
	assert_false(refused);	/* one of them may yet be there */
	for (rules.host = 0; rules.host < 3; rules.host++)
		aim_missed(&a, MISS_REFUSED, &where, &rules, SECOND, 0, &refused);
	assert_true(refused);
}

static void
a_full_server_is_no_miss(void **state)
{
	struct aim a = { 0 };

	(void)state;
	for (unsigned i = 0; i < 9; i++)
		assert_int_equal(miss(&a, &one, MISS_FULL, 1, SECOND), AIM_PAUSE_LEAST);
	assert_int_equal(a.laps, 0);
}

static void
the_wrong_role_is_left_alone_for_a_while(void **state)
{
	struct aim a = { 0 };

	(void)state;
	miss(&a, &three, MISS_UNFIT, 1, SECOND);
	assert_true(skips(&a, 1, SECOND));
	assert_false(skips(&a, 2, SECOND));
	hit(&a, 2);
	assert_true(skips(&a, 1, 2 * SECOND));
	assert_true(skips(&a, 1, AIM_MARK_KEPT));
	assert_false(skips(&a, 1, SECOND + AIM_MARK_KEPT));
	/* nothing else serves: it may have been promoted */
	for (unsigned i = 0; i < 3; i++)
		miss(&a, &three, MISS_UNREACHABLE, i, 3 * SECOND);
	assert_false(skips(&a, 1, 3 * SECOND));
	hit(&a, 1);
	assert_false(skips(&a, 1, 4 * SECOND));
}

static void
more_addresses_than_marks(void **state)
{
	const struct aim_rules many = { .hosts = 99, .addrs = 1, .roles = true };
	struct aim a = { 0 };

	(void)state;
	for (unsigned n = 1; n < 60; n++)
		miss(&a, &many, MISS_UNFIT, n, SECOND);
	for (unsigned n = 1; n < 60; n++)
		assert_int_equal(skips(&a, n, SECOND), n + AIM_MARKS >= 60);
}

static void
a_primary_will_do_if_there_is_no_standby(void **state)
{
	struct aim a = { 0 };
	usec_t now = 100 * SECOND;

	(void)state;
	assert_false(aim_takes_less(&a, now));
	assert_int_equal(miss(&a, &prefers, MISS_UNFIT, 1, now), 0);
	assert_false(aim_takes_less(&a, now));
	assert_int_equal(miss(&a, &prefers, MISS_UNREACHABLE, 0, now), 0);
	assert_true(aim_takes_less(&a, now));
	assert_false(skips(&a, 1, now));
	hit(&a, 1);
	assert_true(aim_takes_less(&a, now + AIM_LESS_FOR - 1));
	assert_false(aim_takes_less(&a, now + AIM_LESS_FOR));
}

static void
patience_grows(void **state)
{
	struct aim a = { 0 };

	(void)state;
	assert_int_equal(aim_patience(&a, 1, 15 * SECOND), 15 * SECOND);
	assert_int_equal(aim_patience(&a, 1, 0), 0);
	assert_int_equal(aim_patience(&a, 2, 15 * SECOND), AIM_PATIENCE);
	a.laps = 2;
	assert_int_equal(aim_patience(&a, 2, 15 * SECOND), 4 * AIM_PATIENCE);
	a.laps = 20;
	assert_int_equal(aim_patience(&a, 2, 15 * SECOND), 15 * SECOND);
	assert_true(aim_patience(&a, 2, 0) > 15 * SECOND);
}

static void
alarms_and_lines_are_few(void **state)
{
	struct aim a = { 0 };

	(void)state;
	assert_true(aim_alarms(&a, SECOND));
	assert_false(aim_alarms(&a, 2 * SECOND));
	assert_true(aim_alarms(&a, SECOND + AIM_ALARM_EVERY));
	assert_true(aim_tells(&a, SECOND));
	assert_true(aim_tells(&a, SECOND));
	miss(&a, &one, MISS_UNREACHABLE, 0, SECOND);
	assert_false(aim_tells(&a, 2 * SECOND));
	assert_true(aim_tells(&a, SECOND + AIM_TELL_EVERY));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(pauses_come_after_laps),
		UNIT_TEST(a_host_s_second_turn_is_no_other_host_s),
		UNIT_TEST(each_address_has_its_turn),
		UNIT_TEST(there_is_no_storm),
		UNIT_TEST(clocks_differ),
		UNIT_TEST(no_two_come_back_together),
		UNIT_TEST(one_host_alone_is_asked_less_often),
		UNIT_TEST(refused_by_all_is_refused),
		UNIT_TEST(a_full_server_is_no_miss),
		UNIT_TEST(the_wrong_role_is_left_alone_for_a_while),
		UNIT_TEST(more_addresses_than_marks),
		UNIT_TEST(a_primary_will_do_if_there_is_no_standby),
		UNIT_TEST(patience_grows),
		UNIT_TEST(alarms_and_lines_are_few),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
