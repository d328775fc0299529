/*
 * account_states.c - tests of pool/account.h: every state that few pools, servers, clients
 * and mishaps can reach, and long lives of larger worlds. account_world.c says what may
 * happen, account_count.c what must be so. ACCOUNT_SEED and ACCOUNT_STEPS live others.
 */
#include "unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "unit/dice.h"
#include "unit/pool/account_world.h"
#include "unit/pool/seen.h"

/* A world and what may happen in it. */
struct tale {
	const char	*name;
	unsigned	 pools, per, size, least;
	unsigned	 limit, narrow;		/* of all pools; of the even ones */
	unsigned	 takes;
	unsigned	 leaves, deaths, fails, pauses, shrinks, times;
};

static const struct tale tales[] = {
	{ "one slot for two", .pools = 2, .per = 1, .size = 2, .limit = 1, .takes = 4,
	    .leaves = 1, .deaths = 1, .fails = 1, .times = 1 },
	{ "two slots for two", .pools = 2, .per = 1, .size = 2, .limit = 2, .takes = 4,
	    .leaves = 1, .deaths = 1, .times = 1 },
	{ "two slots for three, one account inside the other", .pools = 3, .per = 1, .size = 2,
	    .limit = 2, .narrow = 1, .takes = 4, .deaths = 1, .times = 1 },
	{ "pauses", .pools = 2, .per = 1, .size = 2, .limit = 2, .takes = 4, .leaves = 1,
	    .pauses = 1, .times = 1 },
	{ "a limit goes down and up", .pools = 2, .per = 1, .size = 3, .limit = 3, .takes = 4,
	    .shrinks = 2, .times = 1 },
	{ "min_pool_size", .pools = 2, .per = 1, .size = 2, .least = 1, .limit = 2, .takes = 4,
	    .deaths = 1, .times = 1 },
	{ "two lanes each", .pools = 2, .per = 2, .size = 2, .limit = 1, .takes = 3, .leaves = 1,
	    .times = 1 },
};

#define STEPS_MOST 400u

struct walk {
	struct account_world world;
	struct seen	 seen;
	unsigned	 depth;
	char		 steps[STEPS_MOST][16];	/* how we came here */
};

static void
tell_steps(const struct walk *walk, const struct tale *tale)
{
	print_error("%s:", tale->name);
	for (unsigned i = 0; i < walk->depth; i++)
		print_error(" %s", walk->steps[i]);
	print_error("\n");
	fail_msg("%s: %s", tale->name, walk->world.wrong);
}

/* Everything that can happen from here. */
static void
go_everywhere(struct walk *walk, const struct tale *tale)
{
	struct account_world *w = &walk->world;
	struct account_world here = *w;

	for (unsigned what = 0; what < HAPPENINGS; what++) {
		for (unsigned i = 0; i < account_world_lanes(w); i++) {
			if (!account_world_happen(w, what, i))
				continue;
			assert_true(walk->depth < STEPS_MOST);
			snprintf(walk->steps[walk->depth++], sizeof(walk->steps[0]), "%s/%u",
			    happening_name(what), i);
			if (account_world_check(w) != NULL)
				tell_steps(walk, tale);
			if (seen_add(&walk->seen, account_world_hash(w)))
				go_everywhere(walk, tale);
			walk->depth--;
			*w = here;
		}
	}
}

static void
allow_the_usual(struct account_rules *rules)
{
	static const enum happening usual[] = { GO_ON, RELEASE, OPENED, NUDGED, CALLED, ARRIVED,
		RESUME };

	for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
		rules->budget[usual[i]] = EVER;
}

static struct account_rules
rules_of(const struct tale *tale)
{
	struct account_rules rules = { .pools = tale->pools, .per = tale->per,
		.limit = { tale->limit, tale->narrow } };

	for (unsigned p = 0; p < tale->pools; p++) {
		rules.size[p] = tale->size;
		rules.least[p] = tale->least;
		rules.in[0][p] = true;
		rules.in[1][p] = p % 2 == 0;
	}
	allow_the_usual(&rules);
	rules.budget[TAKE] = tale->takes;
	rules.budget[LEAVE] = tale->leaves;
	rules.budget[DIE_BUSY] = rules.budget[DIE_IDLE] = tale->deaths;
	rules.budget[FAILED] = tale->fails;
	rules.budget[FILL] = tale->least > 0 ? 2 : 0;
	rules.budget[PAUSE] = tale->pauses;
	rules.budget[SHRINK] = tale->shrinks;
	rules.budget[TIME] = tale->times;
	return rules;
}

static void
every_state_is_good(void **state)
{
	struct walk *walk = malloc(sizeof(*walk));

	(void)state;
	assert_non_null(walk);
	for (size_t i = 0; i < ARRAY_SIZE(tales); i++) {
		struct account_rules rules = rules_of(&tales[i]);

		memset(walk, 0, sizeof(*walk));
		account_world_init(&walk->world, &rules);
		go_everywhere(walk, &tales[i]);
		print_message("# %s: %zu states\n", tales[i].name, walk->seen.count);
		assert_true(walk->seen.count > 500);
		account_world_fini(&walk->world);
		seen_fini(&walk->seen);
	}
	free(walk);
}

/* --- long lives --- */

static unsigned long
number_from(const char *name, unsigned long fallback)
{
	const char *text = getenv(name);

	return text != NULL ? strtoul(text, NULL, 10) : fallback;
}

static struct account_rules
some_rules(struct dice *d)
{
	struct account_rules rules = { .pools = 2 + dice_roll(d, POOLS - 1),
		.per = 1 + dice_roll(d, PER_MOST),
		.limit = { 1 + dice_roll(d, 5), dice_roll(d, 4) } };

	for (unsigned p = 0; p < rules.pools; p++) {
		rules.size[p] = dice_roll(d, 5);
		rules.in[0][p] = dice_roll(d, 8) > 0;
		rules.in[1][p] = dice_roll(d, 2) > 0;
	}
	/* what one pool keeps must leave something for the others, or they wait for ever */
	rules.least[0] = rules.limit[0] > 2 && rules.limit[1] != 1;
	for (unsigned k = 0; k < HAPPENINGS; k++)
		rules.budget[k] = EVER;
	return rules;
}

static bool
let_something_happen(struct account_world *w, struct dice *d, unsigned mishaps)
{
	static const enum happening usual[] = { GO_ON, GO_ON, GO_ON, TAKE, TAKE, RELEASE, RELEASE,
		OPENED, NUDGED, CALLED, ARRIVED, RESUME };
	enum happening what = dice_roll(d, mishaps) == 0 ? dice_roll(d, HAPPENINGS) :
	    usual[dice_roll(d, ARRAY_SIZE(usual))];

	return account_world_happen(w, what, dice_roll(d, account_world_lanes(w)));
}

static void
pools_share_for_long(void **state)
{
	unsigned long steps = number_from("ACCOUNT_STEPS", 600000), step = 0;
	unsigned long seed = number_from("ACCOUNT_SEED", 1);
	unsigned long served = 0, evicted = 0, yielded = 0;
	struct account_world *w = malloc(sizeof(*w));

	(void)state;
	assert_non_null(w);
	for (; step < steps; seed++) {
		struct dice d = dice_of_seed(seed);
		struct account_rules rules = some_rules(&d);
		unsigned mishaps = 2 + dice_roll(&d, 30), i;

		account_world_init(w, &rules);
		for (i = 0; i < 6000 && w->wrong == NULL; i++)
			if (let_something_happen(w, &d, mishaps))
				account_world_check(w);
		step += i;
		if (w->wrong == NULL)
			account_world_finish(w);
		if (w->wrong != NULL)
			fail_msg("seed %lu, step %u: %s", seed, i, w->wrong);
		served += w->served;
		evicted += w->evicted;
		yielded += w->yielded;
		account_world_fini(w);
	}
	free(w);
	print_message("# %lu served, %lu evicted, %lu yielded\n", served, evicted, yielded);
	assert_true(served > steps / 50);
	assert_true(evicted > steps / 10000);
	assert_true(yielded > steps / 5000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(every_state_is_good),
		UNIT_TEST(pools_share_for_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
