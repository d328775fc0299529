/*
 * talk_random.c - tests of wire/talk.h: dialogues nobody thought of, by the thousand.
 * What they are made of is in talk_model.c. TALK_SEED and TALK_GAMES play others.
 */
#include "unit/unit.h"

#include "unit/wire/talk_model.h"

static unsigned long
number_from(const char *name, unsigned long fallback)
{
	const char *text = getenv(name);

	return text != NULL ? strtoul(text, NULL, 10) : fallback;
}

static void
play(unsigned long games, unsigned length, struct talk_tally *tally)
{
	unsigned long seed = number_from("TALK_SEED", 1), i;

	games = number_from("TALK_GAMES", games);
	for (i = 0; i < games; i++) {
		struct dice dice = dice_of_seed(seed + i);
		const char *wrong = talk_model_play(&dice, length, tally);

		if (wrong != NULL)
			fail_msg("seed %lu, %u long: %s", seed + i, length, wrong);
	}
}

/* A game in which nothing happens proves nothing. */
static void
check_tally(const struct talk_tally *t)
{
	assert_true(t->asked > 10 * t->dialogues);
	assert_true(t->answered > t->asked / 4);
	assert_true(t->copies > t->dialogues / 10);
	assert_true(t->hidden > t->dialogues / 10);
	assert_true(t->locals > t->dialogues / 10);
	assert_true(t->skipped > t->dialogues / 10);
	assert_true(t->doubts < t->dialogues / 2);
	print_message(
	    "# %lu dialogues, %lu asked, %lu answered, %lu skipped, %lu copies, "
	    "%lu hidden, %lu local, %lu doubts, %u deep\n",
	    t->dialogues, t->asked, t->answered, t->skipped, t->copies, t->hidden,
	    t->locals, t->doubts, t->deepest);
}

static void
short_dialogues_are_followed(void **state)
{
	struct talk_tally tally = { 0 };

	(void)state;
	play(20000, 20, &tally);
	check_tally(&tally);
}

static void
long_dialogues_are_followed(void **state)
{
	struct talk_tally tally = { 0 };

	(void)state;
	play(500, 2000, &tally);
	assert_true(tally.deepest > 64);
	assert_true(tally.doubts > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(short_dialogues_are_followed),
		UNIT_TEST(long_dialogues_are_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
