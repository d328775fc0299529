/*
 * offer.c - tests of pool/offer.h.
 */
#include "unit/unit.h"

#include "pool/offer.h"

#define LOOK (100 * MSEC)
#define ROOM 17u
#define PART 8u

/* A pooler that does as its offer says, and others who may want what it leaves. */
struct world {
	struct offer	 offer;
	struct offer_look look;
	unsigned	 others;	/* connections they and strangers have */
	unsigned	 wish;		/* and would like to have */
	usec_t		 now;
};

static struct world
world_of(unsigned others, unsigned wish)
{
	return (struct world){ .look = { .room = ROOM, .part = PART, .waited = SECOND },
		.others = others, .wish = wish, .now = SECOND };
}

static void
turns(struct world *w, unsigned count)
{
	while (count-- > 0) {
		unsigned mine = w->look.part - w->offer.size;

		w->look.ours = mine < w->look.room - w->others ? mine : w->look.room - w->others;
		while (w->others < w->wish && w->others + w->look.ours < w->look.room)
			w->others++;
		w->look.used = w->others + w->look.ours;
		w->now += LOOK;
		offer_look(&w->offer, &w->look, w->now);
	}
}

static void
nothing_is_offered_while_there_is_room(void **state)
{
	struct world w = world_of(5, 5);

	(void)state;
	turns(&w, 100);
	assert_int_equal(w.offer.size, 0);
}

static void
who_has_all_offers_a_quarter(void **state)
{
	struct world w = world_of(ROOM - PART, 99);

	(void)state;
	turns(&w, 20);
	assert_int_equal(w.offer.size, PART / 4);
	assert_int_equal(w.look.ours, PART - PART / 4);
}

static void
who_hardly_waits_offers_half(void **state)
{
	struct world w = world_of(ROOM - PART, 99);

	(void)state;
	w.look.waited = 10 * MSEC;
	turns(&w, 30);
	assert_int_equal(w.offer.size, PART / 2);
	w.look.waited = SECOND;
	turns(&w, 1);
	assert_int_equal(w.offer.size, PART / 4);
}

static void
who_lacks_much_loses_no_more(void **state)
{
	struct world w = world_of(ROOM - PART + 3, 99);

	(void)state;
	turns(&w, 100);
	assert_int_equal(w.look.ours, PART - 3);
}

/* Strangers have just what is left: nobody needs more. */
static void
what_nobody_takes_is_offered_ever_more_rarely(void **state)
{
	struct world w = world_of(ROOM - PART, ROOM - PART);
	unsigned without = 0;

	(void)state;
	turns(&w, 600);		/* a minute */
	for (unsigned i = 0; i < 600; i++) {
		turns(&w, 1);
		without += w.look.ours < PART;
	}
	assert_true(without > 0);
	assert_true(without < 60);
}

/* Of a small part one is offered, which leaves no more room than a slot that changes hands. */
static void
one_that_nobody_takes_comes_back(void **state)
{
	struct world w = world_of(ROOM - 4, ROOM - 4);
	unsigned without = 0;

	(void)state;
	w.look.part = 4;
	turns(&w, 600);
	for (unsigned i = 0; i < 600; i++) {
		turns(&w, 1);
		without += w.look.ours < 4;
	}
	assert_true(without > 0);
	assert_true(without < 60);
}

static void
all_comes_back_when_there_is_room(void **state)
{
	struct world w = world_of(ROOM - PART, 99);

	(void)state;
	turns(&w, 20);
	w.others = w.wish = 5;
	turns(&w, 4);
	assert_int_equal(w.offer.size, 0);
	assert_int_equal(w.look.ours, PART);
}

/* Another pooler has come, or the server has become smaller. */
static void
a_smaller_part_makes_a_smaller_offer(void **state)
{
	struct world w = world_of(ROOM - PART, 99);

	(void)state;
	w.look.waited = 0;
	turns(&w, 30);
	assert_int_equal(w.offer.size, PART / 2);
	w.look.part = 3;
	turns(&w, 1);
	assert_int_equal(w.offer.size, 1);
	w.others = w.wish = 5;
	turns(&w, 20);
	assert_int_equal(w.offer.size, 0);
}

/* PostgreSQL counts processes that take no place: there seems to be none for ever. */
static void
what_only_seems_full_is_tried(void **state)
{
	struct offer o = { 0 };
	struct offer_look look = { .used = ROOM + 20, .room = ROOM, .ours = PART, .part = PART, .waited = SECOND };
	unsigned without = 0;

	(void)state;
	for (unsigned i = 1; i <= 600; i++) {
		offer_look(&o, &look, i * LOOK);
		look.ours = PART - o.size;	/* what it wants it gets */
		without += look.ours < PART;
	}
	assert_true(without > 0);
	assert_true(without < 120);
}

/* The same when it is full indeed: what was tried is given again. */
static void
what_is_full_stays_offered(void **state)
{
	struct world w = world_of(ROOM - PART, 99);
	unsigned refused = 0;

	(void)state;
	turns(&w, 20);
	for (unsigned i = 0; i < 600; i++) {
		turns(&w, 1);
		refused += w.offer.trying;
		assert_true(w.look.ours <= PART - PART / 4);
	}
	assert_true(refused > 0);
	assert_true(refused < 40);
}

/* A slot that changes hands is free for a moment: that is no room. */
static void
a_moment_is_not_room(void **state)
{
	struct offer o = { 0 };
	struct offer_look look = { .room = ROOM, .ours = PART, .part = PART, .waited = SECOND };

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		look.ours = PART - o.size - o.trying;
		look.used = ROOM - (i & 1);
		assert_false(offer_look(&o, &look, i * LOOK));
	}
	assert_int_equal(o.size + o.trying, PART / 4);
}

static void
the_last_one_is_kept(void **state)
{
	struct world w = world_of(ROOM - 1, 99);

	(void)state;
	w.look.part = 1;
	w.look.waited = 0;
	turns(&w, 100);
	assert_int_equal(w.offer.size, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(nothing_is_offered_while_there_is_room),
		UNIT_TEST(who_has_all_offers_a_quarter),
		UNIT_TEST(who_hardly_waits_offers_half),
		UNIT_TEST(who_lacks_much_loses_no_more),
		UNIT_TEST(what_nobody_takes_is_offered_ever_more_rarely),
		UNIT_TEST(one_that_nobody_takes_comes_back),
		UNIT_TEST(all_comes_back_when_there_is_room),
		UNIT_TEST(a_smaller_part_makes_a_smaller_offer),
		UNIT_TEST(what_only_seems_full_is_tried),
		UNIT_TEST(what_is_full_stays_offered),
		UNIT_TEST(a_moment_is_not_room),
		UNIT_TEST(the_last_one_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
