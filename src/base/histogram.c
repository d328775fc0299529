/*
 * histogram.c - growing, merging and reading histograms. Counting is in line, in the header.
 */
#include "base/histogram.h"

#include <string.h>

#include "base/mem.h"

/* See to it that the first BUCKETS are there, a whole power of two at a time. */
static bool
make_room(struct histogram *h, unsigned buckets)
{
	unsigned room = (buckets + 7) / 8 * 8;
	uint64_t *counts;

	if (buckets <= h->room)
		return true;
	counts = mem_resize(h->counts, room * sizeof(*counts));
	if (counts == NULL)
		return false;
	memset(counts + h->room, 0, (room - h->room) * sizeof(*counts));
	h->counts = counts;
	h->room = room;
	return true;
}

static void
know(struct histogram *h, usec_t greatest)
{
	h->greatest = greatest;
	h->known = greatest < HISTOGRAM_END ? greatest + 1 : HISTOGRAM_END;
}

void
histogram_add_greatest(struct histogram *h, usec_t took)
{
	unsigned bucket = histogram_bucket(took < HISTOGRAM_END ? took : HISTOGRAM_END - 1);

	if (!make_room(h, bucket + 1))
		return;
	h->counts[bucket]++;
	h->sum += took;
	if (took >= h->greatest)
		know(h, took);
}

bool
histogram_merge(struct histogram *to, const struct histogram *from)
{
	if (!make_room(to, from->room))
		return false;
	for (unsigned i = 0; i < from->room; i++)
		to->counts[i] += from->counts[i];
	to->sum += from->sum;
	if (from->known > 0 && from->greatest >= to->greatest)
		know(to, from->greatest);
	return true;
}

void
histogram_clear(struct histogram *h)
{
	if (h->room > 0)
		memset(h->counts, 0, h->room * sizeof(*h->counts));
	h->known = h->sum = h->greatest = 0;
}

void
histogram_fini(struct histogram *h)
{
	mem_free(h->counts);
	memset(h, 0, sizeof(*h));
}

/* --- reading --- */

usec_t
histogram_edge(unsigned bucket)
{
	return bucket < 16 ? bucket : (usec_t)(bucket % 8 + 8) << (bucket / 8 - 1);
}

uint64_t
histogram_count(const struct histogram *h)
{
	return histogram_between(h, 0, UINT64_MAX);
}

/* The first bucket that counts nothing below TIME. */
static unsigned
bucket_from(usec_t time)
{
	unsigned bucket;

	if (time >= HISTOGRAM_END)
		return HISTOGRAM_BUCKETS;
	bucket = histogram_bucket(time);
	return histogram_edge(bucket) < time ? bucket + 1 : bucket;
}

uint64_t
histogram_between(const struct histogram *h, usec_t from, usec_t to)
{
	unsigned end = bucket_from(to);
	uint64_t count = 0;

	for (unsigned i = bucket_from(from); i < end && i < h->room; i++)
		count += h->counts[i];
	return count;
}

/* What stands for all in BUCKET: its middle, but never more than there was. */
static usec_t
middle(const struct histogram *h, unsigned bucket)
{
	usec_t mid = (histogram_edge(bucket) + histogram_edge(bucket + 1) - 1) / 2;

	return bucket == HISTOGRAM_BUCKETS - 1 || mid > h->greatest ? h->greatest : mid;
}

usec_t
histogram_quantile(const struct histogram *h, unsigned permille)
{
	uint64_t count = histogram_count(h);
	/* the rank from 1 on, rounded up; in two parts, so that no count is too great */
	uint64_t rank = count / 1000 * permille + (count % 1000 * permille + 999) / 1000;

	for (unsigned i = 0; i < h->room; i++) {
		if (rank <= h->counts[i] && h->counts[i] > 0)
			return middle(h, i);
		rank -= h->counts[i];
	}
	return h->greatest;
}

usec_t
histogram_mean(const struct histogram *h)
{
	uint64_t count = histogram_count(h);

	return count > 0 ? h->sum / count : 0;
}
