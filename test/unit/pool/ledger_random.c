/*
 * ledger_random.c - tests of pool/ledger.h: long lives of pools too large for every state
 * to be looked at, with clocks that are late. LEDGER_SEED and LEDGER_STEPS live others.
 */
#include "unit/unit.h"

#include "unit/dice.h"
#include "unit/pool/ledger_world.h"

static unsigned long
number_from(const char *name, unsigned long fallback)
{
	const char *text = getenv(name);

	return text != NULL ? strtoul(text, NULL, 10) : fallback;
}

static struct world_rules
some_rules(struct dice *d)
{
	struct world_rules rules = {
		.lanes = 1 + dice_roll(d, WORLD_LANES),
		.limits = {
			{ dice_roll(d, 6), dice_roll(d, 3), dice_roll(d, 2) * 5 * MSEC, 0 },
			{ dice_roll(d, 6), dice_roll(d, 3), dice_roll(d, 2) * 5 * MSEC, 0 },
		},
		.least = dice_roll(d, 3), .patience = dice_roll(d, 2) ? PATIENCE : 0,
	};

	for (unsigned k = 0; k < EVENTS; k++)
		rules.budget[k] = WORLD_EVER;
	return rules;
}

/* Mishaps are rare, or nothing else would happen. */
static bool
let_something_happen(struct world *w, struct dice *d, unsigned mishaps)
{
	static const enum world_event usual[] = { EVENT_GO_ON, EVENT_GO_ON, EVENT_GO_ON,
		EVENT_TAKE, EVENT_TAKE, EVENT_RELEASE, EVENT_RELEASE, EVENT_OPENED,
		EVENT_NUDGED, EVENT_ARRIVED, EVENT_RESUME, EVENT_LATE };
	enum world_event event = dice_roll(d, mishaps) == 0 ?
	    dice_roll(d, EVENTS) :
	    usual[dice_roll(d, ARRAY_SIZE(usual))];

	return world_happen(w, event, dice_roll(d, w->rules.lanes));
}

static void
pools_live_long(void **state)
{
	unsigned long steps = number_from("LEDGER_STEPS", 1000000), step = 0;
	unsigned long seed = number_from("LEDGER_SEED", 1);
	unsigned long served = 0, moved = 0, opened = 0;
	struct world *w = malloc(sizeof(*w));

	(void)state;
	assert_non_null(w);
	for (; step < steps; seed++) {
		struct dice d = dice_of_seed(seed);
		struct world_rules rules = some_rules(&d);
		unsigned mishaps = 2 + dice_roll(&d, 30), i;

		world_init(w, &rules);
		for (i = 0; i < 10000 && w->wrong == NULL; i++)
			if (let_something_happen(w, &d, mishaps))
				world_check(w);
		step += i;
		world_finish(w);
		if (w->wrong != NULL)
			fail_msg("seed %lu, step %u: %s", seed, i, w->wrong);
		served += w->served;
		moved += w->moved;
		opened += w->opened;
	}
	free(w);
	assert_true(served > steps / 50);
	assert_true(moved > steps / 1000);
	assert_true(opened > steps / 1000);
	print_message("# %lu served, %lu moved, %lu opened\n", served, moved, opened);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(pools_live_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
