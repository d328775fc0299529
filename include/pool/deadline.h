/*
 * deadline.h - every timeout, one table: in which state, measured from when, how long, what
 * then. Looked at some times a second.
 */
#ifndef POOL_DEADLINE_H
#define POOL_DEADLINE_H

#include "pool/worker.h"

#define DEADLINE_TICK (100 * MSEC)

/* Look at everything on W that may be late. */
void deadline_tick(struct worker *w, usec_t now);

#endif
