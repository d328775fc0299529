/*
 * flow.h - what of some bytes just read goes on to the other side: a run straight from the
 * read buffer as long as it is one piece; behind a copy in the loop's scratch buffer as soon as something
 * was changed, left out in the middle, or put in. Either way one send.
 */
#ifndef POOL_FLOW_H
#define POOL_FLOW_H

#include "net/link.h"
#include "net/loop.h"

struct flow {
	struct loop	*loop;		/* borrowed */
	struct buf	*copy;		/* the loop's scratch, once needed: it goes first */
	const char	*from;		/* the run behind it, still where it was read */
	size_t		 len;
};

static inline void
flow_begin(struct flow *f, struct loop *loop)
{
	f->loop = loop;
	f->copy = NULL;
	f->from = NULL;
	f->len = 0;
}

/* Where changed or new bytes are appended. */
static inline struct buf *
flow_put(struct flow *f)
{
	if (f->copy == NULL)
		f->copy = loop_scratch(f->loop);
	if (f->len > 0)
		buf_put(f->copy, f->from, f->len);
	f->len = 0;
	return f->copy;
}

/* LEN bytes at AT go on as they are. */
static inline void
flow_pass(struct flow *f, const char *at, size_t len)
{
	if (likely(f->len > 0 && f->from + f->len == at)) {
		f->len += len;
		return;
	}
	if (f->len > 0)
		flow_put(f);
	f->from = at;
	f->len = len;
}

static inline size_t
flow_len(const struct flow *f)
{
	return f->len + (f->copy != NULL ? f->copy->len : 0);
}

/* Send everything over LINK in one go. False: it failed. */
static inline bool
flow_send(struct flow *f, struct link *link)
{
	struct buf *copy = f->copy != NULL ? flow_put(f) : NULL;
	const char *from = f->from;
	size_t len = f->len;

	f->copy = NULL;
	f->len = 0;
	if (unlikely(copy != NULL)) {
		if (copy->failed)
			return false;
		from = copy->at;
		len = copy->len;
	}
	return len == 0 || link_send(link, from, len);
}

#endif
