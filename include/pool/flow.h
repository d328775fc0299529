/*
 * flow.h - what of some bytes just read goes on to the other side: a run straight from the
 * read buffer as long as it is one piece, a copy in the loop's scratch buffer as soon as
 * something is changed, left out in the middle, or put in. Either way one send.
 */
#ifndef POOL_FLOW_H
#define POOL_FLOW_H

#include "net/link.h"
#include "net/loop.h"

struct flow {
	struct loop	*loop;		/* borrowed */
	const char	*from;		/* the run, while there is no copy */
	size_t		 len;
	struct buf	*copy;		/* the loop's scratch, once needed */
};

static inline void
flow_begin(struct flow *f, struct loop *loop)
{
	f->loop = loop;
	f->from = NULL;
	f->len = 0;
	f->copy = NULL;
}

/* Where changed or new bytes are appended. */
static inline struct buf *
flow_put(struct flow *f)
{
	if (f->copy == NULL) {
		f->copy = loop_scratch(f->loop);
		buf_put(f->copy, f->from, f->len);
	}
	return f->copy;
}

/* LEN bytes at AT go on as they are. */
static inline void
flow_pass(struct flow *f, const char *at, size_t len)
{
	if (f->copy != NULL || (f->len > 0 && f->from + f->len != at)) {
		buf_put(flow_put(f), at, len);
		return;
	}
	if (f->len == 0)
		f->from = at;
	f->len += len;
}

static inline size_t
flow_len(const struct flow *f)
{
	return f->copy != NULL ? f->copy->len : f->len;
}

/* Send everything over LINK in one go. False: it failed. */
static inline bool
flow_send(struct flow *f, struct link *link)
{
	bool sent = true;

	if (f->copy != NULL)
		sent = !f->copy->failed &&
		    (f->copy->len == 0 || link_send(link, f->copy->at, f->copy->len));
	else if (f->len > 0)
		sent = link_send(link, f->from, f->len);
	f->from = NULL;
	f->len = 0;
	f->copy = NULL;
	return sent;
}

#endif
