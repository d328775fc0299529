/*
 * aim.c - tests of pool/aim.h.
 */
#include "unit/unit.h"

#include "pool/aim.h"

static const struct aim_rules one = { .choices = 1, .retry = 15 * SECOND };
static const struct aim_rules three = { .choices = 3, .retry = 15 * SECOND, .roles = true };
static const struct aim_rules prefers = { .choices = 2, .retry = 15 * SECOND, .roles = true,
	.prefers = true };

static struct addr
host(unsigned n)
{
	struct addr a = { .kind = ADDR_IP4, .port = 5432 };

	a.u.ip4.s_addr = n;
	return a;
}

/* One attempt at host N (0: nobody knows where) that missed; the pause. */
static usec_t
miss(struct aim *a, const struct aim_rules *rules, enum aim_miss why, unsigned n, usec_t now)
{
	struct addr nowhere = { 0 }, where = host(n);
	bool refused;

	return aim_missed(a, why, n > 0 ? &where : &nowhere, rules, now, 512, &refused);
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
		pause = miss(&a, &three, MISS_STARTING, 0, SECOND);
		assert_in_range(pause, AIM_PAUSE_LEAST, AIM_PAUSE_MOST);
		assert_true(pause >= before);
		before = pause;
	}
	assert_int_equal(before, AIM_PAUSE_MOST);
	hit(&a, 3);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(miss(&a, &three, MISS_UNREACHABLE, 0, SECOND), 0);
	assert_int_equal(miss(&a, &three, MISS_UNREACHABLE, 0, SECOND), AIM_PAUSE_LEAST);
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
	const struct aim_rules hasty = { .choices = 1, .retry = 50 * MSEC };
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
	struct addr where = host(1);
	bool refused;

	(void)state;
	assert_int_equal(aim_missed(&a, MISS_REFUSED, &where, &one, SECOND, 0, &refused), one.retry);
	assert_true(refused);
	assert_int_equal(aim_missed(&a, MISS_REFUSED, &where, &three, SECOND, 0, &refused), 0);
	assert_false(refused);
	aim_missed(&a, MISS_UNREACHABLE, &where, &three, SECOND, 0, &refused);
	assert_true(aim_missed(&a, MISS_REFUSED, &where, &three, SECOND, 0, &refused) < SECOND);
	assert_false(refused);	/* one of them may yet be there */
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
		miss(&a, &three, MISS_UNREACHABLE, 0, 3 * SECOND);
	assert_false(skips(&a, 1, 3 * SECOND));
	hit(&a, 1);
	assert_false(skips(&a, 1, 4 * SECOND));
}

static void
more_addresses_than_marks(void **state)
{
	const struct aim_rules many = { .choices = 99, .roles = true };
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
