/*
 * ledger.c - tests of pool/ledger.h, one rule each. What all of them together promise is
 * looked for in ledger_states.c, ledger_random.c and ledger_threads.c.
 */
#include "unit/unit.h"

#include "pool/ledger.h"

#define LANES 3u
#define NOW (10 * SECOND)

struct bench {
	struct book	 book;
	struct ledger	 ledger;
	struct seat	 seats[LANES];
	struct want	 wants[8];
};

static int
bench_begin(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	book_init(&b->book);
	ledger_init(&b->ledger, &b->book);
	ledger_limit(&b->ledger, &(struct ledger_limits){ .most = 2 });
	for (unsigned i = 0; i < LANES; i++)
		ledger_sit(&b->ledger, &b->seats[i], i);
	for (size_t i = 0; i < ARRAY_SIZE(b->wants); i++)
		want_init(&b->wants[i]);
	*state = b;
	return 0;
}

static int
bench_end(void **state)
{
	struct bench *b = *state;

	assert_true(ledger_check(&b->ledger));
	free(b);
	return 0;
}

/* A client comes to LANE at WHEN and does not find an idle server; what must be done? */
static struct errand
queue(struct bench *b, unsigned lane, unsigned want, usec_t when)
{
	struct errand errand;

	assert_false(ledger_take(&b->seats[lane], &b->wants[want], when, &errand));
	return errand;
}

static void
assert_errand(struct errand errand, int what, unsigned lane)
{
	assert_int_equal(errand.what, what);
	if (what == ERRAND_NUDGE)
		assert_int_equal(errand.lane, lane);
}

/* An idle server in LANE, opened for nobody. */
static void
idle_in(struct bench *b, unsigned lane)
{
	assert_true(ledger_fill(&b->seats[lane], UINT32_MAX, NOW));
	assert_int_equal(ledger_opened(&b->seats[lane], NOW).what, GIVE_IDLE);
}

/* A busy one. */
static void
busy_in(struct bench *b, unsigned lane)
{
	struct errand errand;

	idle_in(b, lane);
	assert_true(ledger_take(&b->seats[lane], &b->wants[7], NOW, &errand));
}

static void
an_idle_server_here_is_taken(void **state)
{
	struct bench *b = *state;
	struct errand errand;

	idle_in(b, 0);
	assert_true(ledger_take(&b->seats[0], &b->wants[0], NOW, &errand));
	assert_int_equal(errand.what, ERRAND_NONE);
	assert_int_equal(b->seats[0].idle, 0);
	assert_int_equal(b->ledger.waiting, 0);
	assert_int_equal(ledger_give(&b->seats[0], NOW).what, GIVE_IDLE);
}

static void
one_is_opened_up_to_the_limit(void **state)
{
	struct bench *b = *state;

	assert_errand(queue(b, 0, 0, NOW), ERRAND_OPEN, 0);
	assert_int_equal(ledger_opened(&b->seats[0], NOW).what, GIVE_HERE);
	assert_errand(queue(b, 1, 1, NOW), ERRAND_OPEN, 1);
	assert_errand(ledger_cover(&b->seats[0], NOW), ERRAND_NONE, 0);
	assert_errand(queue(b, 2, 2, NOW), ERRAND_NONE, 0);
	assert_int_equal(b->ledger.open, 2);
	assert_int_equal(b->ledger.waiting, 2);
}

static void
the_first_login_goes_alone(void **state)
{
	struct bench *b = *state;

	assert_errand(queue(b, 0, 0, NOW), ERRAND_OPEN, 0);
	assert_errand(queue(b, 1, 1, NOW), ERRAND_NONE, 0);
	assert_errand(ledger_cover(&b->seats[1], NOW), ERRAND_NONE, 0);
	assert_int_equal(ledger_opened(&b->seats[0], NOW).what, GIVE_HERE);
	assert_errand(ledger_cover(&b->seats[0], NOW), ERRAND_OPEN, 0);
	assert_int_equal(b->ledger.open, 2);
}

static void
a_doubt_lets_one_login_go_ahead(void **state)
{
	struct bench *b = *state;

	ledger_limit(&b->ledger, &(struct ledger_limits){ .most = 9 });
	busy_in(b, 0);
	ledger_doubt(&b->ledger);
	assert_errand(queue(b, 0, 1, NOW), ERRAND_OPEN, 0);
	assert_errand(queue(b, 1, 2, NOW), ERRAND_NONE, 0);
	/* whoever waits is told, although yesterday's server is there */
	assert_true(ledger_gone_opening(&b->seats[0], NOW, NOW + SECOND, true));
	assert_errand(ledger_cover(&b->seats[0], NOW), ERRAND_NONE, 0);
	/* a new doubt wipes out the failure */
	ledger_doubt(&b->ledger);
	assert_errand(ledger_cover(&b->seats[0], NOW), ERRAND_OPEN, 0);
	ledger_opened(&b->seats[0], NOW);
	assert_false(b->ledger.doubted);
	assert_errand(ledger_cover(&b->seats[0], NOW), ERRAND_OPEN, 0);
	assert_errand(queue(b, 0, 3, NOW), ERRAND_OPEN, 0);
}

static void
no_limit_is_no_limit(void **state)
{
	struct bench *b = *state;

	ledger_limit(&b->ledger, &(struct ledger_limits){ .most = 0 });
	busy_in(b, 0);
	for (unsigned i = 0; i < 6; i++)
		assert_errand(queue(b, i % LANES, i, NOW), ERRAND_OPEN, 0);
	assert_int_equal(b->ledger.open, 7);
}

static void
an_idle_server_elsewhere_is_nudged(void **state)
{
	struct bench *b = *state;
	struct give give;

	idle_in(b, 1);
	assert_errand(queue(b, 0, 0, NOW), ERRAND_NUDGE, 1);
	assert_errand(ledger_cover(&b->seats[0], NOW), ERRAND_NONE, 0);
	/* it is promised: who comes there now does not get it */
	assert_errand(queue(b, 1, 1, NOW + 1), ERRAND_OPEN, 1);
	b->book.patience = 0;
	assert_true(ledger_nudged(&b->seats[1], NOW, &give));
	assert_int_equal(give.what, GIVE_AWAY);
	assert_int_equal(give.lane, 0);
	assert_true(ledger_called(&b->wants[0]));
	assert_false(ledger_called(&b->wants[1]));
}

/* Connecting may take long: idle servers first, whatever is being opened. */
static void
nobody_waits_for_an_opening_beside_an_idle_server(void **state)
{
	struct bench *b = *state;

	busy_in(b, 1);
	assert_errand(queue(b, 0, 0, NOW), ERRAND_OPEN, 0);
	assert_int_equal(ledger_give(&b->seats[1], NOW).what, GIVE_AWAY);
	ledger_leave(&b->wants[0]);
	assert_int_equal(ledger_give(&b->seats[0], NOW).what, GIVE_IDLE);
	assert_errand(queue(b, 2, 1, NOW), ERRAND_NUDGE, 0);
}

static void
a_nudge_that_comes_too_late_does_nothing(void **state)
{
	struct bench *b = *state;
	struct give give;

	idle_in(b, 1);
	assert_errand(queue(b, 0, 0, NOW), ERRAND_NUDGE, 1);
	ledger_leave(&b->wants[0]);
	assert_false(ledger_nudged(&b->seats[1], NOW, &give));
	assert_int_equal(b->seats[1].idle, 1);
	assert_int_equal(b->seats[1].promised, 0);
}

static void
a_promise_whose_server_died_is_covered_anew(void **state)
{
	struct bench *b = *state;
	struct give give;

	idle_in(b, 1);
	assert_errand(queue(b, 0, 0, NOW), ERRAND_NUDGE, 1);
	ledger_gone_idle(&b->seats[1], NOW);
	assert_errand(ledger_cover(&b->seats[1], NOW), ERRAND_OPEN, 1);
	assert_false(ledger_nudged(&b->seats[1], NOW, &give));
}

static void
the_oldest_is_served_first(void **state)
{
	struct bench *b = *state;
	struct give give;

	b->book.patience = 0;
	busy_in(b, 0);
	busy_in(b, 0);
	queue(b, 1, 0, NOW);
	queue(b, 0, 1, NOW + 1);
	queue(b, 0, 2, NOW + 2);
	give = ledger_give(&b->seats[0], NOW + 9);
	assert_int_equal(give.what, GIVE_AWAY);
	assert_int_equal(give.lane, 1);
	give = ledger_give(&b->seats[0], NOW + 9);
	assert_int_equal(give.what, GIVE_HERE);
	assert_ptr_equal(give.want, &b->wants[1]);
}

/* Ours may be younger by so much and not more; that clocks differ is no reason. */
static void
patience_prefers_our_own(void **state)
{
	static const struct {
		long long	 younger;
		int		 what;
	} rows[] = {
		{ 0, GIVE_HERE },
		{ 1, GIVE_HERE },
		{ PATIENCE, GIVE_HERE },
		{ PATIENCE + 1, GIVE_AWAY },
		{ SECOND, GIVE_AWAY },
		{ -1, GIVE_HERE },
		{ -(long long)SECOND, GIVE_HERE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bench *b;

		bench_begin((void **)&b);
		busy_in(b, 0);
		busy_in(b, 0);
		queue(b, 1, 0, NOW);
		queue(b, 0, 1, NOW + (usec_t)rows[i].younger);
		assert_int_equal(ledger_give(&b->seats[0], NOW).what, rows[i].what);
		bench_end((void **)&b);
	}
	(void)state;
}

static void
who_leaves_is_not_served(void **state)
{
	struct bench *b = *state;
	struct give give;

	busy_in(b, 0);
	busy_in(b, 1);
	queue(b, 0, 0, NOW);
	queue(b, 0, 1, NOW);
	ledger_leave(&b->wants[0]);
	assert_false(ledger_called(&b->wants[0]));
	give = ledger_give(&b->seats[0], NOW);
	assert_ptr_equal(give.want, &b->wants[1]);
	ledger_leave(&b->wants[1]);
	ledger_leave(&b->wants[2]);	/* which has never been in a queue */
	assert_int_equal(b->ledger.waiting, 0);
}

static void
who_is_called_may_leave(void **state)
{
	struct bench *b = *state;

	busy_in(b, 0);
	busy_in(b, 0);
	queue(b, 1, 0, NOW);
	assert_int_equal(ledger_give(&b->seats[0], NOW).what, GIVE_AWAY);
	assert_true(ledger_called(&b->wants[0]));
	ledger_leave(&b->wants[0]);
	assert_false(ledger_called(&b->wants[0]));
	ledger_recall(&b->wants[0]);
	assert_int_equal(b->ledger.waiting, 0);
	assert_int_equal(ledger_give(&b->seats[1], NOW).what, GIVE_IDLE);
}

/* In whatever order servers fail to arrive, the oldest is first again. */
static void
who_is_recalled_is_as_old_as_before(void **state)
{
	static const unsigned orders[][3] = { { 0, 1, 2 }, { 2, 1, 0 }, { 1, 2, 0 } };

	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		struct bench *b;

		bench_begin((void **)&b);
		ledger_limit(&b->ledger, &(struct ledger_limits){ .most = 4 });
		b->book.patience = 0;
		for (unsigned k = 0; k < 4; k++)
			busy_in(b, 0);
		for (unsigned k = 0; k < 4; k++)
			queue(b, 1 + k % 2, k, NOW + k);
		for (unsigned k = 0; k < 3; k++)
			assert_int_equal(ledger_give(&b->seats[0], NOW).what, GIVE_AWAY);
		for (unsigned k = 0; k < 3; k++)
			ledger_recall(&b->wants[orders[i][k]]);
		for (unsigned k = 0; k < 4; k++) {
			struct node *first = list_first(&b->ledger.wants);

			assert_ptr_equal(first, &b->wants[k].in_ledger);
			ledger_leave(&b->wants[k]);
		}
		bench_end((void **)&b);
	}
	(void)state;
}

static void
a_pause_gives_nobody_a_server(void **state)
{
	struct bench *b = *state;
	struct errand errand;
	struct give give;

	idle_in(b, 0);
	idle_in(b, 1);
	assert_true(ledger_take(&b->seats[1], &b->wants[7], NOW, &errand));
	assert_errand(queue(b, 2, 0, NOW), ERRAND_NUDGE, 0);
	ledger_pause(&b->ledger, true);
	assert_errand(queue(b, 0, 1, NOW), ERRAND_NONE, 0);
	assert_false(ledger_nudged(&b->seats[0], NOW, &give));
	assert_int_equal(ledger_give(&b->seats[1], NOW).what, GIVE_CLOSE);
	ledger_gone_busy(&b->seats[1], NOW);
	assert_errand(ledger_cover(&b->seats[1], NOW), ERRAND_NONE, 0);
	assert_false(ledger_fill(&b->seats[1], 9, NOW));
	ledger_pause(&b->ledger, false);
	assert_errand(ledger_cover(&b->seats[2], NOW), ERRAND_NUDGE, 0);
	assert_errand(ledger_cover(&b->seats[2], NOW), ERRAND_OPEN, 2);
	assert_errand(ledger_cover(&b->seats[2], NOW), ERRAND_NONE, 0);
}

static void
a_smaller_limit_closes_what_is_given_back(void **state)
{
	struct bench *b = *state;

	busy_in(b, 0);
	busy_in(b, 0);
	ledger_limit(&b->ledger, &(struct ledger_limits){ .most = 1 });
	queue(b, 0, 0, NOW);
	assert_int_equal(ledger_give(&b->seats[0], NOW).what, GIVE_CLOSE);
	ledger_gone_busy(&b->seats[0], NOW);
	assert_int_equal(ledger_give(&b->seats[0], NOW).what, GIVE_HERE);
}

static void
the_reserve_is_for_those_who_have_waited(void **state)
{
	struct bench *b = *state;

	ledger_limit(&b->ledger, &(struct ledger_limits){ .most = 1, .reserve = 1, .reserve_after = 5 * SECOND });
	busy_in(b, 0);
	assert_errand(queue(b, 0, 0, NOW), ERRAND_NONE, 0);
	assert_errand(ledger_cover(&b->seats[0], NOW + 5 * SECOND - 1), ERRAND_NONE, 0);
	/* another lane's clock is behind */
	assert_errand(ledger_cover(&b->seats[1], NOW - 1), ERRAND_NONE, 0);
	assert_errand(ledger_cover(&b->seats[0], NOW + 5 * SECOND), ERRAND_OPEN, 0);
	queue(b, 0, 1, NOW);
	assert_errand(ledger_cover(&b->seats[0], NOW + 9 * SECOND), ERRAND_NONE, 0);
	assert_false(ledger_fill(&b->seats[0], 9, NOW));
	ledger_limit(&b->ledger, &(struct ledger_limits){ .most = 1, .reserve = 9, .reserve_after = 0 });
	assert_errand(ledger_cover(&b->seats[0], NOW + 9 * SECOND), ERRAND_NONE, 0);
}

static void
a_failed_opening_is_tried_again_later(void **state)
{
	struct bench *b = *state;

	assert_errand(queue(b, 0, 0, NOW), ERRAND_OPEN, 0);
	assert_true(ledger_gone_opening(&b->seats[0], NOW, NOW + SECOND, false));
	assert_errand(ledger_cover(&b->seats[0], NOW + SECOND - 1), ERRAND_NONE, 0);
	assert_false(ledger_fill(&b->seats[0], 1, NOW));
	/* a client that comes now waits, too */
	assert_errand(queue(b, 0, 1, NOW), ERRAND_NONE, 0);
	assert_errand(ledger_cover(&b->seats[0], NOW + SECOND), ERRAND_OPEN, 0);
	assert_int_equal(ledger_opened(&b->seats[0], NOW).what, GIVE_HERE);
	assert_int_equal(b->ledger.retry_at, 0);
}

static void
a_longer_pause_is_not_cut_by_a_shorter(void **state)
{
	struct bench *b = *state;

	ledger_limit(&b->ledger, &(struct ledger_limits){ .most = 9 });
	busy_in(b, 0);
	assert_errand(queue(b, 0, 0, NOW), ERRAND_OPEN, 0);
	assert_errand(queue(b, 0, 1, NOW), ERRAND_OPEN, 0);
	ledger_gone_opening(&b->seats[0], NOW, NOW + SECOND, true);
	ledger_gone_opening(&b->seats[0], NOW, NOW, false);
	assert_errand(ledger_cover(&b->seats[0], NOW), ERRAND_NONE, 0);
	assert_true(b->ledger.refusing);
	assert_errand(ledger_cover(&b->seats[0], NOW + SECOND), ERRAND_OPEN, 0);
	ledger_gone_opening(&b->seats[0], NOW + SECOND, NOW + 2 * SECOND, false);
	assert_false(b->ledger.refusing);
}

static void
a_refusal_is_told_while_no_server_is_left(void **state)
{
	struct bench *b = *state;

	busy_in(b, 0);
	assert_errand(queue(b, 0, 0, NOW), ERRAND_OPEN, 0);
	assert_errand(queue(b, 1, 1, NOW), ERRAND_NONE, 0);
	assert_false(ledger_gone_opening(&b->seats[0], NOW, NOW + SECOND, true));
	/* the other server may still become free */
	assert_errand(queue(b, 2, 2, NOW), ERRAND_NONE, 0);
	ledger_gone_busy(&b->seats[0], NOW);
	assert_errand(queue(b, 2, 3, NOW), ERRAND_REFUSE, 0);
	assert_int_equal(b->ledger.waiting, 3);
	assert_errand(queue(b, 2, 3, NOW + SECOND), ERRAND_OPEN, 0);
	assert_int_equal(ledger_opened(&b->seats[2], NOW).what, GIVE_HERE);
	assert_false(b->ledger.refusing);
}

static void
filling_stops_at_what_is_wanted(void **state)
{
	struct bench *b = *state;

	assert_true(ledger_fill(&b->seats[0], 1, NOW));
	assert_false(ledger_fill(&b->seats[0], 1, NOW));
	assert_true(ledger_fill(&b->seats[0], 9, NOW));
	assert_false(ledger_fill(&b->seats[0], 9, NOW));
	assert_int_equal(b->ledger.opening, 2);
}

static void
people_see_the_numbers(void **state)
{
	struct bench *b = *state;
	struct ledger_view v;

	ledger_look(&b->ledger, &v);
	assert_true(
	    v.open == 0 && v.waiting == 0 && v.oldest == 0 && v.most == 2 && !v.paused);
	busy_in(b, 0);
	queue(b, 0, 0, NOW);
	queue(b, 0, 1, NOW + 1);
	queue(b, 0, 2, NOW + 2);
	ledger_limit(&b->ledger, &(struct ledger_limits){ .most = 2, .reserve = 3, .reserve_after = SECOND });
	ledger_pause(&b->ledger, true);
	ledger_look(&b->ledger, &v);
	assert_true(v.open == 2 && v.opening == 1 && v.waiting == 3);
	assert_true(v.oldest == NOW && v.most == 5 && v.paused);
	ledger_limit(&b->ledger, &(struct ledger_limits){ .most = 0, .reserve = 3, .reserve_after = SECOND });
	ledger_look(&b->ledger, &v);
	assert_int_equal(v.most, 0);
}

#define BENCH_TEST(rule) cmocka_unit_test_setup_teardown(rule, bench_begin, bench_end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(an_idle_server_here_is_taken),
		BENCH_TEST(one_is_opened_up_to_the_limit),
		BENCH_TEST(the_first_login_goes_alone),
		BENCH_TEST(a_doubt_lets_one_login_go_ahead),
		BENCH_TEST(no_limit_is_no_limit),
		BENCH_TEST(an_idle_server_elsewhere_is_nudged),
		BENCH_TEST(nobody_waits_for_an_opening_beside_an_idle_server),
		BENCH_TEST(a_nudge_that_comes_too_late_does_nothing),
		BENCH_TEST(a_promise_whose_server_died_is_covered_anew),
		BENCH_TEST(the_oldest_is_served_first),
		BENCH_TEST(patience_prefers_our_own),
		BENCH_TEST(who_leaves_is_not_served),
		BENCH_TEST(who_is_called_may_leave),
		BENCH_TEST(who_is_recalled_is_as_old_as_before),
		BENCH_TEST(a_pause_gives_nobody_a_server),
		BENCH_TEST(a_smaller_limit_closes_what_is_given_back),
		BENCH_TEST(the_reserve_is_for_those_who_have_waited),
		BENCH_TEST(a_failed_opening_is_tried_again_later),
		BENCH_TEST(a_longer_pause_is_not_cut_by_a_shorter),
		BENCH_TEST(a_refusal_is_told_while_no_server_is_left),
		BENCH_TEST(filling_stops_at_what_is_wanted),
		BENCH_TEST(people_see_the_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
