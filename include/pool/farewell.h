/*
 * farewell.h - draining, the arithmetic: how many clients are told to leave at a time, who
 * is at a good moment for it, which question is asked only to hear that. No clock, no client.
 */
#ifndef POOL_FAREWELL_H
#define POOL_FAREWELL_H

#include "base/port.h"
#include "base/span.h"

/* Whoever said nothing for so long is not about to go on with what it had begun. */
#define FAREWELL_QUIET SECOND

struct farewell {
	bool		 begun;
	usec_t		 from, until;	/* clients go evenly between these */
	usec_t		 looked;
	double		 part;		/* of one client more */
	unsigned	 debt;		/* clients that should have gone by now */
};

/*
 * Clients shall go from NOW on, evenly over LENGTH. RANK of COUNT that do so side by side, so that not all of them
 * begin with their first at once.
 */
void farewell_begin(struct farewell *f, usec_t now, usec_t length, unsigned rank, unsigned count);
/* Has all of its time passed? Then everybody goes who can. */
bool farewell_late(const struct farewell *f, usec_t now);
/* LEFT clients are still there; how many of these should go now? */
unsigned farewell_due(struct farewell *f, unsigned left, usec_t now);
/* One has been told. */
void farewell_told(struct farewell *f);
/*
 * How long must a client have been silent to be told now: less and less, and nothing in the end. PROBED: what it
 * has asked last was only whether we are there, so its real question follows.
 */
usec_t farewell_quiet(const struct farewell *f, bool probed, usec_t now);
/* Is QUERY one by which pools of connections ask whether theirs lives? */
bool farewell_is_probe(struct span query);

#endif
