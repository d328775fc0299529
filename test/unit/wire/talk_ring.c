/*
 * talk_ring.c - tests of wire/talk.h: many entries, and the memory they take.
 */
#include "unit/unit.h"

#include "base/mem.h"
#include "wire/talk.h"

/* How often notes left, how many the last time, and whether they were done. */
struct log {
	unsigned	 times, notes;
	bool		 done;
};

static void
note_left(void *owner, unsigned notes, bool done)
{
	struct log *log = owner;

	log->times++;
	log->notes = notes;
	log->done = done;
}

/* Ask COUNT Parses, every third noted, and have them answered, LAG behind. */
static void
ask_and_answer(struct talk *t, unsigned count, unsigned lag, unsigned *notes)
{
	struct log log = { 0 };
	unsigned asked = 0, answered = 0;

	while (answered < count) {
		if (asked < count) {
			assert_true(
			    talk_ask(t, asked % 3 ? ASK_PARSE : ASK_PARSE | ASK_NOTED));
			asked++;
		}
		if (asked < count && asked - answered < lag)
			continue;
		assert_int_equal(talk_front(t),
		    answered % 3 ? ASK_PARSE : ASK_PARSE | ASK_NOTED);
		assert_int_equal(talk_answer(t, '1', 0, note_left, &log), VERDICT_PASS);
		*notes += log.times;
		log.times = 0;
		answered++;
	}
	assert_true(talk_ask(t, ASK_SYNC));
	assert_int_equal(talk_answer(t, 'Z', 'I', note_left, &log), VERDICT_PASS);
	assert_true(talk_at_rest(t));
}

static void
the_ring_grows_and_shrinks(void **state)
{
	static const unsigned lags[] = { 1, 2, 31, 32, 33, 63, 64, 65, 1000, 4096 };
	struct talk t;
	size_t i;

	(void)state;
	talk_init(&t);
	for (i = 0; i < ARRAY_SIZE(lags); i++) {
		unsigned notes = 0;

		ask_and_answer(&t, 5000, lags[i], &notes);
		assert_int_equal(notes, 1667);
		assert_ptr_equal(t.ring, t.few);
		assert_int_equal(t.mask, TALK_INLINE - 1);
	}
	talk_fini(&t);
}

static void
a_hundred_thousand_are_owed(void **state)
{
	struct talk t;
	unsigned notes = 0;

	(void)state;
	talk_init(&t);
	ask_and_answer(&t, 100000, 100000, &notes);
	assert_int_equal(notes, 33334);
	assert_ptr_equal(t.ring, t.few);
	talk_fini(&t);
}

static void
a_hundred_thousand_are_skipped(void **state)
{
	struct log log = { 0 };
	struct talk t;
	unsigned i;

	(void)state;
	talk_init(&t);
	for (i = 0; i < 100000; i++)
		assert_true(talk_ask(&t, ASK_PARSE | ASK_NOTED));
	assert_true(talk_ask(&t, ASK_SYNC));
	assert_int_equal(talk_answer(&t, 'E', 0, note_left, &log), VERDICT_PASS);
	assert_int_equal(log.times, 1);
	assert_int_equal(log.notes, 100000);
	assert_false(log.done);
	assert_int_equal(talk_answer(&t, 'Z', 'I', note_left, &log), VERDICT_PASS);
	assert_true(talk_at_rest(&t));
	assert_ptr_equal(t.ring, t.few);
	talk_fini(&t);
}

/* COPY takes entries out behind the front, wherever in the ring that is. */
static void
copy_ends_anywhere_in_the_ring(void **state)
{
	unsigned before, syncs;

	(void)state;
	for (before = 0; before < 70; before++) {
		for (syncs = 0; syncs < 70; syncs += 1 + syncs / 3) {
			struct log log = { 0 };
			struct talk t;
			unsigned i;

			talk_init(&t);
			for (i = 0; i < before; i++)
				assert_true(talk_ask(&t, ASK_BIND));
			assert_true(talk_ask(&t, ASK_EXECUTE));
			for (i = 0; i < before; i++)
				talk_answer(&t, '2', 0, note_left, &log);
			for (i = 0; i < syncs; i++)
				assert_true(talk_ask(&t, ASK_SYNC));
			assert_true(talk_ask(&t, ASK_COPY_END));
			assert_true(talk_ask(&t, ASK_SYNC));
			talk_answer(&t, 'G', 0, note_left, &log);
			assert_int_equal(talk_answer(&t, 'C', 0, note_left, &log),
			    VERDICT_PASS);
			assert_int_equal(talk_front(&t), ASK_SYNC);
			assert_int_equal(t.count, 1);
			talk_fini(&t);
		}
	}
}

static void
without_memory_nothing_changes(void **state)
{
	struct talk t;
	unsigned i;

	(void)state;
	talk_init(&t);
	for (i = 0; i < TALK_INLINE; i++)
		assert_true(talk_ask(&t, ASK_PARSE));
	mem_fail_after(1);
	assert_false(talk_ask(&t, ASK_SYNC));
	mem_fail_after(0);
	assert_int_equal(t.count, TALK_INLINE);
	assert_false(talk_ends_ready(&t));
	assert_true(talk_ask(&t, ASK_SYNC));
	assert_int_equal(t.count, TALK_INLINE + 1);
	talk_fini(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(the_ring_grows_and_shrinks),
		UNIT_TEST(a_hundred_thousand_are_owed),
		UNIT_TEST(a_hundred_thousand_are_skipped),
		UNIT_TEST(copy_ends_anywhere_in_the_ring),
		UNIT_TEST(without_memory_nothing_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
