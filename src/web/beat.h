/*
 * beat.h - do all threads turn? Every second the workers and the keeper are asked something
 * that costs them nothing.
 */
#ifndef WEB_BEAT_H
#define WEB_BEAT_H

#include <stdatomic.h>

#include "base/buf.h"
#include "net/mailbox.h"
#include "pool/ledger.h"

struct web;

struct beat {
	struct letter	 back;		/* from the workers */
	struct letter	 keeper;	/* to the keeper */
	atomic_bool	 answered[LANES_MOST];	/* by worker */
	atomic_bool	 keeper_answered;
	bool		 asking;	/* the workers have not all answered yet */
	unsigned	 late, keeper_late;	/* seconds, of our own clock, without an answer */
};

void beat_begin(struct web *web);
/* Every second. */
void beat_tick(struct web *web);
/* Append a line for each thread that hangs. */
void beat_faults(const struct web *web, struct buf *out);

#endif
