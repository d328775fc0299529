/*
 * frame.h - where messages begin and end in a stream, however it is chopped
 * (protocol 3, 55.1: a kind byte, then a length that counts itself). A counter, no more:
 * bodies nobody must look into are passed over without being touched.
 */
#ifndef WIRE_FRAME_H
#define WIRE_FRAME_H

#include "base/span.h"
#include "wire/read.h"

#define FRAME_HEAD 5u			/* kind and length */
#define FRAME_MOST 0x3fffffffu		/* largest length we accept: 1 GiB, as PostgreSQL */

struct frame {
	uint32_t	 left;		/* bytes still to come of the message being passed */
	char		 kind;		/* its kind */
};

/* A message seen at the start of some bytes. */
struct frame_head {
	char		 kind;
	uint32_t	 size;		/* whole message, head included */
};

enum frame_seen { FRAME_HEADER, FRAME_SHORT, FRAME_BAD };

/*
 * The header at AT with LEN bytes there. SHORT: not all five bytes yet. BAD: the
 * length cannot be (below 4, above MOST, which is at most FRAME_MOST).
 */
static inline enum frame_seen
frame_look_most(const char *at, size_t len, uint32_t most, struct frame_head *out)
{
	uint32_t n;

	if (unlikely(len < FRAME_HEAD))
		return FRAME_SHORT;
	n = read_be32(at + 1);
	if (unlikely(n < 4 || n > most))
		return FRAME_BAD;
	out->kind = at[0];
	out->size = n + 1;
	return FRAME_HEADER;
}

static inline enum frame_seen
frame_look(const char *at, size_t len, struct frame_head *out)
{
	return frame_look_most(at, len, FRAME_MOST, out);
}

/* Pass over what is left of the current message: how many of LEN bytes belong to it. */
static inline size_t
frame_pass(struct frame *f, size_t len)
{
	size_t n = f->left < len ? f->left : len;

	f->left -= (uint32_t)n;
	return n;
}

/*
 * Run over whole or begun messages from AT as long as their kind is in PASS (a set, one
 * flag a byte value). Returns how many bytes may go on unread; F remembers a message cut
 * by the end. What stopped it is in *SEEN: HEADER (a message whose kind is not in PASS begins
 * there), SHORT (the end, or an incomplete header), BAD: a length that cannot be, or above MOST.
 */
size_t frame_run(struct frame *f, const char *at, size_t len, uint32_t most,
    const bool pass[256], enum frame_seen *seen);

#endif
