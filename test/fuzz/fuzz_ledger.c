/*
 * fuzz_ledger.c - a pool's life: the first bytes are its limits, the others what happens
 * to which lane. After each event everything is counted, in the end nobody may wait.
 */
#include "fuzz/fuzz.h"

#include "unit/dice.h"
#include "unit/pool/ledger_world.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct dice d = dice_of_bytes(bytes, len);
	struct world_rules rules = { .lanes = 1 + dice_roll(&d, WORLD_LANES) };
	struct world *w = malloc(sizeof(*w));
	unsigned shape = dice_roll(&d, 256), other = dice_roll(&d, 256);

	must(w != NULL);
	rules.limits[0] = (struct ledger_limits){ shape % 6, shape / 6 % 3, 5 * MSEC, 0 };
	rules.limits[1] = (struct ledger_limits){ other % 6, other / 6 % 3, 5 * MSEC, 0 };
	rules.least = shape / 18 % 3;
	rules.patience = other / 18 % 2 ? PATIENCE : 0;
	for (unsigned k = 0; k < EVENTS; k++)
		rules.budget[k] = WORLD_EVER;
	world_init(w, &rules);
	while (!dice_over(&d) && w->wrong == NULL) {
		unsigned roll = dice_roll(&d, EVENTS * WORLD_LANES);

		if (world_happen(w, roll % EVENTS, roll / EVENTS % rules.lanes))
			world_check(w);
	}
	world_finish(w);
	if (w->wrong != NULL)
		fprintf(stderr, "%s\n", w->wrong);
	must(w->wrong == NULL);
	free(w);
	return 0;
}
