/*
 * goodbye.h - draining, a worker's part: its clients are told to leave (57P01), each between
 * two transactions and at a moment when it is least likely to be about to ask something.
 */
#ifndef POOL_GOODBYE_H
#define POOL_GOODBYE_H

#include "base/span.h"
#include "pool/worker.h"

struct client;

/* From now on W's clients are told, evenly over LENGTH; behind it at the end of their transactions. */
void goodbye_begin(struct worker *w, usec_t length);
/* Several times a second. */
void goodbye_tick(struct worker *w, usec_t now);
/* Every client is told now, whatever it does: its query is canceled. With CONSOLES these are, too. */
void goodbye_to_all(struct worker *w, bool consoles);

/*
 * C, between two transactions, begins one with a message of KIND and BODY (of which all is here). True: it only asked
 * whether we live, and has been told that it should leave.
 */
bool goodbye_asked(struct client *c, char kind, struct span body);
/* C has ended a transaction. True: it has been told. */
bool goodbye_parted(struct client *c);

/* Is W telling its clients? */
static inline bool
goodbye_begun(const struct worker *w)
{
	return w->farewell.begun;
}

#endif
