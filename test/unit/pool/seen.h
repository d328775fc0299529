/*
 * seen.h - a set of the states that a walk has come by, as their hashes.
 */
#ifndef POOL_SEEN_H
#define POOL_SEEN_H

#include "unit/unit.h"

/* All 0 is the empty set. */
struct seen {
	uint64_t	*slots;		/* owned; 0 is an empty place */
	size_t		 size, count;
};

static inline void
seen_grow(struct seen *seen)
{
	struct seen bigger = { .size = seen->size > 0 ? seen->size * 2 : 1024 };

	bigger.slots = calloc(bigger.size, sizeof(*bigger.slots));
	assert_non_null(bigger.slots);
	for (size_t i = 0; i < seen->size; i++) {
		size_t at = seen->slots[i] & (bigger.size - 1);

		if (seen->slots[i] == 0)
			continue;
		while (bigger.slots[at] != 0)
			at = (at + 1) & (bigger.size - 1);
		bigger.slots[at] = seen->slots[i];
	}
	free(seen->slots);
	seen->slots = bigger.slots;
	seen->size = bigger.size;
}

/* True if HASH is new. */
static inline bool
seen_add(struct seen *seen, uint64_t hash)
{
	size_t at;

	if (seen->count * 2 >= seen->size)
		seen_grow(seen);
	hash |= hash == 0;
	at = hash & (seen->size - 1);
	while (seen->slots[at] != 0) {
		if (seen->slots[at] == hash)
			return false;
		at = (at + 1) & (seen->size - 1);
	}
	seen->slots[at] = hash;
	seen->count++;
	return true;
}

static inline void
seen_fini(struct seen *seen)
{
	free(seen->slots);
	*seen = (struct seen){ 0 };
}

#endif
