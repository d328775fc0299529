/*
 * farewell.c - draining by numbers: evenly, whatever the ticks; nobody twice; debts are
 * kept until somebody can go; probes are told from questions.
 */
#include "unit/unit.h"

#include "pool/farewell.h"

/* LEFT clients go as soon as they should, looked at every TICK: gone after each tenth of LENGTH. */
struct row {
	unsigned	 left;
	usec_t		 length, tick;
	unsigned	 gone[10];
	unsigned	 slack;		/* by which a count may differ */
};

static const struct row rows[] = {
	{ 100, 10 * SECOND, 100 * MSEC, { 10, 20, 30, 40, 50, 60, 70, 80, 90, 100 }, 1 },
	{ 100, 10 * SECOND, 1 * SECOND, { 10, 20, 30, 40, 50, 60, 70, 80, 90, 100 }, 1 },
	{ 7, 15 * SECOND, 100 * MSEC, { 0, 1, 2, 2, 3, 4, 5, 5, 6, 7 }, 1 },
	{ 100000, 15 * SECOND, 100 * MSEC, { 10000, 20000, 30000, 40000, 50000, 60000, 70000,
		80000, 90000, 100000 }, 1 },
	{ 3, 0, 100 * MSEC, { 3, 3, 3, 3, 3, 3, 3, 3, 3, 3 }, 0 },
	{ 0, 10 * SECOND, 100 * MSEC, { 0 }, 0 },
};

/* How many go until NOW, from *LEFT that are there. */
static unsigned
let_go(struct farewell *f, unsigned *left, usec_t now)
{
	unsigned due = farewell_due(f, *left, now);

	for (unsigned i = 0; i < due; i++)
		farewell_told(f);
	*left -= due;
	return due;
}

static void
they_go_evenly(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *r = &rows[i];
		unsigned left = r->left, gone = 0;
		struct farewell f;
		usec_t now = 5;

		farewell_begin(&f, now, r->length, 0, 1);
		for (unsigned tenth = 0; tenth < 10; tenth++) {
			usec_t until = 5 + r->length * (tenth + 1) / 10;

			do {
				gone += let_go(&f, &left, now);
				now += r->tick;
			} while (now <= until);
			now -= r->tick;
			if (gone + r->slack < r->gone[tenth] || gone > r->gone[tenth] + r->slack)
				fail_msg("row %zu: %u gone after %u tenths, expected %u", i, gone,
				    tenth + 1, r->gone[tenth]);
			now += r->tick;
		}
		let_go(&f, &left, 5 + r->length);
		assert_int_equal(left, 0);
		assert_true(farewell_late(&f, 5 + r->length));
	}
}

static void
a_debt_is_kept(void **state)
{
	struct farewell f;

	(void)state;
	farewell_begin(&f, 0, 10 * SECOND, 0, 1);
	assert_int_equal(farewell_due(&f, 100, 2 * SECOND), 20);
	assert_int_equal(farewell_due(&f, 100, 2 * SECOND), 20);	/* nobody could */
	farewell_told(&f);
	assert_int_equal(farewell_due(&f, 99, 2 * SECOND), 19);
	assert_int_equal(farewell_due(&f, 99, 6 * SECOND), 59);		/* half of 80 more */
	assert_int_equal(farewell_due(&f, 5, 6 * SECOND), 5);		/* most have left */
	assert_int_equal(farewell_due(&f, 0, 6 * SECOND), 0);
	farewell_told(&f);
	assert_int_equal(farewell_due(&f, 3, 10 * SECOND), 3);
}

static void
side_by_side_they_do_not_begin_together(void **state)
{
	struct farewell f[8];
	unsigned at[8] = { 0 };

	(void)state;
	for (unsigned i = 0; i < 8; i++)
		farewell_begin(&f[i], 0, 10 * SECOND, i, 8);
	for (unsigned tick = 1; tick <= 100; tick++)
		for (unsigned i = 0; i < 8; i++)
			if (at[i] == 0 && farewell_due(&f[i], 1, tick * 100 * MSEC) > 0)
				at[i] = tick;
	for (unsigned i = 1; i < 8; i++)
		if (at[i] == 0 || at[i] + 5 > at[i - 1])
			fail_msg("number %u goes at tick %u, the one before at %u", i, at[i], at[i - 1]);
}

static void
silence_counts_less_and_less(void **state)
{
	struct farewell f;

	(void)state;
	farewell_begin(&f, 0, 10 * SECOND, 0, 1);
	assert_int_equal(farewell_quiet(&f, false, 0), FAREWELL_QUIET);
	assert_int_equal(farewell_quiet(&f, false, 5 * SECOND), FAREWELL_QUIET / 2);
	assert_int_equal(farewell_quiet(&f, false, 10 * SECOND), 0);
	assert_int_equal(farewell_quiet(&f, true, 10 * SECOND), FAREWELL_QUIET);
	farewell_begin(&f, 7, 0, 0, 1);
	assert_int_equal(farewell_quiet(&f, false, 7), 0);
	f = (struct farewell){ .begun = false };
	assert_false(farewell_late(&f, 100));
	assert_int_equal(farewell_due(&f, 10, 100), 0);
}

static void
probes_are_known(void **state)
{
	static const char *const probes[] = { "", ";", " ; ", "SELECT 1", "select 1;", " Select 1 ; ",
		"-- ping", "/* ping */", ";;" };
	static const char *const questions[] = { "select 10", "select 1, 2", "begin", "select",
		"select 1; delete from t", "-- pin", "select 11", "update t set a = 1" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(probes); i++)
		assert_true(farewell_is_probe(span_text(probes[i])));
	for (size_t i = 0; i < ARRAY_SIZE(questions); i++)
		assert_false(farewell_is_probe(span_text(questions[i])));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(they_go_evenly),
		UNIT_TEST(a_debt_is_kept),
		UNIT_TEST(side_by_side_they_do_not_begin_together),
		UNIT_TEST(silence_counts_less_and_less),
		UNIT_TEST(probes_are_known),
	};

	return cmocka_run_group_tests_name("farewell", tests, NULL, NULL);
}
