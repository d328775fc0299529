/*
 * dice.h - choices for tests that make things up: from a seed, or from the bytes of a
 * fuzzer, so that the same test plays with both.
 */
#ifndef UNIT_DICE_H
#define UNIT_DICE_H

#include "base/port.h"

struct dice {
	uint64_t	 seed;		/* what comes next, unless from bytes */
	const uint8_t	*at;		/* borrowed; NULL: from the seed */
	size_t		 left;
};

static inline struct dice
dice_of_seed(uint64_t seed)
{
	return (struct dice){ .seed = seed * 0x9e3779b97f4a7c15u + 0x2545f4914f6cdd1du };
}

static inline struct dice
dice_of_bytes(const uint8_t *at, size_t len)
{
	return (struct dice){ .at = at, .left = len };
}

/* Bytes that are used up. */
static inline bool
dice_over(const struct dice *d)
{
	return d->at != NULL && d->left == 0;
}

/* A number below SIDES (at most 256 from bytes); 0 when the bytes are used up. */
static inline unsigned
dice_roll(struct dice *d, unsigned sides)
{
	if (d->at != NULL) {
		if (d->left == 0)
			return 0;
		d->left--;
		return *d->at++ % sides;
	}
	/* xorshift64* */
	d->seed ^= d->seed >> 12;
	d->seed ^= d->seed << 25;
	d->seed ^= d->seed >> 27;
	return (unsigned)((d->seed * 0x2545f4914f6cdd1du) >> 33) % sides;
}

/* Once in N times. */
static inline bool
dice_hit(struct dice *d, unsigned n)
{
	return dice_roll(d, n) == n - 1;
}

#endif
