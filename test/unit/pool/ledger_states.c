/*
 * ledger_states.c - tests of pool/ledger.h: every state that few lanes, servers, clients
 * and mishaps can reach, by every order of what happens. ledger_world.c says what may
 * happen and what must be so. LEDGER_DEEP=1 takes larger worlds and minutes.
 */
#include "unit/unit.h"

#include <stdio.h>

#include "unit/pool/ledger_world.h"
#include "unit/pool/seen.h"

/* A world and what may happen in it. */
struct tale {
	const char	*name;
	bool		 deep;		/* only with LEDGER_DEEP */
	unsigned	 lanes, most, reserve;
	unsigned	 other;		/* limit after EVENT_LIMIT */
	usec_t		 patience;
	unsigned	 takes;
	unsigned	 leaves, deaths, fails, refusals, breaks, pauses, limits, doubts, waits;
};

static const struct tale tales[] = {
	{ "nothing goes wrong", .lanes = 3, .most = 2, .patience = PATIENCE, .takes = 5 },
	{ "two lanes, one server", .lanes = 2, .most = 1, .takes = 4, .leaves = 1,
	    .deaths = 1, .fails = 1, .waits = 1 },
	{ "two lanes, two servers", .lanes = 2, .most = 2, .patience = PATIENCE,
	    .takes = 4, .leaves = 1, .deaths = 1, .fails = 1, .waits = 1 },
	{ "deaths and hang-ups", .lanes = 2, .most = 2, .takes = 4, .leaves = 2,
	    .deaths = 2 },
	{ "servers break on their way", .lanes = 2, .most = 3, .takes = 5, .breaks = 2,
	    .leaves = 1 },
	{ "pauses", .lanes = 2, .most = 2, .patience = PATIENCE, .takes = 4, .leaves = 1,
	    .pauses = 1, .deaths = 1 },
	{ "limits change", .lanes = 2, .most = 1, .other = 3, .takes = 4, .limits = 2,
	    .deaths = 1 },
	{ "a reserve", .lanes = 2, .most = 1, .reserve = 1, .other = 1,
	    .patience = PATIENCE, .takes = 4, .waits = 2, .leaves = 1 },
	{ "logins fail and are refused", .lanes = 2, .most = 2, .takes = 3, .fails = 2,
	    .refusals = 1, .waits = 2 },
	{ "servers are of yesterday", .lanes = 2, .most = 3, .takes = 4, .doubts = 2,
	    .refusals = 1, .deaths = 1 },
	{ "three lanes", .lanes = 3, .most = 2, .takes = 4, .leaves = 1, .deaths = 1 },
	{ "no limit", .lanes = 3, .most = 0, .takes = 3, .deaths = 1, .fails = 1,
	    .waits = 1 },

	{ "deep: three lanes, all mishaps", true, .lanes = 3, .most = 2,
	    .patience = PATIENCE, .takes = 4, .leaves = 1, .deaths = 1, .fails = 1,
	    .breaks = 1, .waits = 1 },
	{ "deep: three servers", true, .lanes = 3, .most = 3, .takes = 5, .leaves = 1,
	    .deaths = 1, .breaks = 1 },
	{ "deep: pauses", true, .lanes = 3, .most = 2, .takes = 4, .leaves = 1,
	    .deaths = 1, .pauses = 1, .waits = 1 },
	{ "deep: everything", true, .lanes = 2, .most = 2, .reserve = 1, .other = 1,
	    .patience = PATIENCE, .takes = 4, .leaves = 1, .deaths = 1, .fails = 1,
	    .refusals = 1, .breaks = 1, .pauses = 1, .limits = 1, .waits = 1 },
};

#define STEPS_MOST 400u

/* One walk through everything. */
struct walk {
	struct world	 world;
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
	struct world *w = &walk->world;
	struct world here = *w;

	for (unsigned event = 0; event < EVENTS; event++) {
		unsigned lanes = event < EVENT_PAUSE ? tale->lanes : 1;

		for (unsigned i = 0; i < lanes; i++) {
			if (!world_happen(w, event, i))
				continue;
			assert_true(walk->depth < STEPS_MOST);
			snprintf(walk->steps[walk->depth++], sizeof(walk->steps[0]),
			    "%s/%u", world_event_name(event), i);
			if (world_check(w) != NULL)
				tell_steps(walk, tale);
			if (seen_add(&walk->seen, world_hash(w)))
				go_everywhere(walk, tale);
			walk->depth--;
			*w = here;
		}
	}
}

static struct world_rules
rules_of(const struct tale *tale)
{
	struct world_rules rules = {
		.lanes = tale->lanes,
		.patience = tale->patience,
		.limits = { { tale->most, tale->reserve, 5 * MSEC, 0 },
		    { tale->other, 0, 0, 0 } },
	};

	world_rules_free(&rules);
	rules.budget[EVENT_TAKE] = tale->takes;
	rules.budget[EVENT_LEAVE_OLDEST] = rules.budget[EVENT_LEAVE_NEWEST] =
	    tale->leaves;
	rules.budget[EVENT_DIE_BUSY] = rules.budget[EVENT_DIE_IDLE] = tale->deaths;
	rules.budget[EVENT_FAILED] = tale->fails;
	rules.budget[EVENT_REFUSED] = tale->refusals;
	rules.budget[EVENT_BROKEN] = tale->breaks;
	rules.budget[EVENT_PAUSE] = tale->pauses;
	rules.budget[EVENT_LIMIT] = tale->limits;
	rules.budget[EVENT_DOUBT] = tale->doubts;
	rules.budget[EVENT_WAIT] = tale->waits;
	return rules;
}

static void
every_state_is_good(void **state)
{
	struct walk *walk = malloc(sizeof(*walk));
	size_t i;

	(void)state;
	assert_non_null(walk);
	for (i = 0; i < ARRAY_SIZE(tales); i++) {
		struct world_rules rules = rules_of(&tales[i]);

		if (tales[i].deep && getenv("LEDGER_DEEP") == NULL)
			continue;
		memset(walk, 0, sizeof(*walk));
		world_init(&walk->world, &rules);
		go_everywhere(walk, &tales[i]);
		print_message("# %s: %zu states\n", tales[i].name, walk->seen.count);
		assert_true(walk->seen.count > 500);
		seen_fini(&walk->seen);
	}
	free(walk);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(every_state_is_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
