/*
 * pulse.h - telling the service manager, again and again, that all threads live.
 */
#ifndef PULSE_H
#define PULSE_H

#include <stdatomic.h>

#include "base/err.h"
#include "net/loop.h"

struct pooler;

struct pulse {
	struct pooler	*pooler;	/* borrowed */
	struct timer	*timer;		/* owned; NULL: nobody looks */
	usec_t		 period;
	atomic_bool	 answered;	/* all workers have, since they were asked last */
};

/* Begin, on the keeper's LOOP, if the service manager looks. Not begun is {0}. */
bool pulse_begin(struct pulse *pulse, struct pooler *p, struct loop *loop, struct err *e);
/* When no worker runs any more. */
void pulse_end(struct pulse *pulse);

#endif
