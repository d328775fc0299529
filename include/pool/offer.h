/*
 * offer.h - what a pooler does without while the server has no room: of several that share it one may have all of its part
 * and another, as strangers took connections, much less. Nobody hears who lacks what; so each offers a part of its part, and
 * takes it back if nobody needed it. Pure: told what there is, and the time.
 */
#ifndef POOL_OFFER_H
#define POOL_OFFER_H

#include "base/port.h"

/* Between an offer that nobody took and the next one, twice as long each time. */
#define OFFER_AFTER (500 * MSEC)
#define OFFER_AFTER_MOST (16 * SECOND)
/* Looks until it shows whether somebody took it; and for so many it was in vain if all of it is back. */
#define OFFER_LOOKS 3u
#define OFFER_LOOKS_MOST 8u
/* After so many looks one is tried: PostgreSQL counts some processes that take no place (autovacuum, parallel workers). */
#define OFFER_LOOKS_TRY 20u

struct offer {
	unsigned	 size;		/* connections of our part that others may have */
	unsigned	 seen;		/* connections of all, in sixteenths: half the last look, a quarter the one before, ... */
	unsigned	 spare;		/* looks in a row at which there was a place at least */
	unsigned	 looks;		/* since it changed */
	unsigned	 age;		/* looks since it began */
	bool		 trying;	/* one was taken back though there seemed to be no room */
	usec_t		 again_at;
	usec_t		 pause;		/* between offers; 0: none was in vain lately */
};

/* What one whose part is used up sees when it looks at the server. */
struct offer_look {
	unsigned	 used, room;	/* connections of all, strangers included; as many as there can be */
	unsigned	 ours, part;	/* connections we have and ought to have */
	usec_t		 waited;	/* by the client that has waited longest here */
};

/*
 * A look, at NOW: O's size follows. A quarter of the part is offered at most, but for one of two or three; half of it while
 * our clients hardly wait.
 * True: there is room, for more than the moment in which a slot changes hands.
 */
bool offer_look(struct offer *o, const struct offer_look *look, usec_t now);

#endif
