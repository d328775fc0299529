/*
 * histogram.h - how often something took how long. Microseconds are counted in buckets at most an
 * eighth of their lower edge wide, so that what is read from them is at most 6.25 % wrong. For one
 * thread.
 *
 *	0 1 ... 15 | 16-17 18-19 ... 30-31 | 32-35 ... 60-63 | ... | ... 15/16 of HISTOGRAM_END, and more
 *
 * Memory comes with what is counted: a histogram that has seen nothing owns nothing, one whose
 * longest are milliseconds less than a kilobyte.
 */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include "base/port.h"

#define HISTOGRAM_BUCKETS 240u
#define HISTOGRAM_END ((usec_t)1 << 32)	/* 71 minutes: longer ones are told apart no more */

/* {0} is empty. */
struct histogram {
	usec_t		 known;		/* below it all have their buckets: 0, or greatest + 1, at most END */
	usec_t		 sum, greatest;
	uint64_t	*counts;	/* owned: ROOM buckets */
	unsigned	 room;
};

/* Make room for TOOK, the longest so far, and count it; without memory it is not counted. */
RARE void histogram_add_greatest(struct histogram *h, usec_t took);

/* The bucket of TOOK, which is below HISTOGRAM_END: eight for each power of two. */
static inline unsigned
histogram_bucket(usec_t took)
{
	unsigned power = 63u - (unsigned)__builtin_clzll(took | 8);

	return power * 8 + (unsigned)(took * 8 >> power) - 24;
}

/* Count one that TOOK so long. */
static inline void
histogram_add(struct histogram *h, usec_t took)
{
	if (unlikely(took >= h->known)) {
		histogram_add_greatest(h, took);
		return;
	}
	h->sum += took;
	h->counts[histogram_bucket(took)]++;
}

/* TO += FROM. False: no memory, TO is as before. */
bool histogram_merge(struct histogram *to, const struct histogram *from) MUST_USE;
/* Forget what was counted, keep the memory. */
void histogram_clear(struct histogram *h);
/* Empty, and owning nothing. */
void histogram_fini(struct histogram *h);

/* The least that is counted in BUCKET. */
usec_t histogram_edge(unsigned bucket);
/* How many were counted. */
uint64_t histogram_count(const struct histogram *h);
/*
 * How many took FROM or longer, but less than TO: exact if both are edges, or 0 and UINT64_MAX.
 * Others are rounded up to the next edge, by 12.5 % at most.
 */
uint64_t histogram_between(const struct histogram *h, usec_t from, usec_t to);
/* The time that PERMILLE of a thousand did not exceed; 0 if nothing was counted. */
usec_t histogram_quantile(const struct histogram *h, unsigned permille);
/* The time of one on the average, exact. */
usec_t histogram_mean(const struct histogram *h);

#endif
