/*
 * share.h - how much of a budget is ours when several poolers stand before the same server:
 * an exact split by rank among their addresses. Pure: told who there is, and the time.
 *
 * Whoever has to give does so at once; whoever may take waits until the others have had time
 * to give. So the shares of all never add up to more than there is, except while they have
 * not yet heard of each other. (What is to come may be borrowed before: capacity.c.)
 */
#ifndef POOL_SHARE_H
#define POOL_SHARE_H

#include "base/addr.h"
#include "base/port.h"

/* Longer than it takes all to hear of a new one (see replicas.c). */
#define SHARE_GROWS_AFTER (3 * SECOND)
/* As long as nothing is known about others there might be so many. */
#define SHARE_GUESS 4u

/* One of COUNT, the RANK-th (from 0). */
struct split {
	unsigned	 count, rank;
};

struct share {
	struct split	 now, next;	/* next comes into force at grows_at */
	usec_t		 grows_at;	/* 0: they are the same */
	bool		 guess;		/* nobody has said yet who else there is */
};

/* Alone (KNOWN), or nobody has said yet who else there is. */
void share_init(struct share *s, bool known);
/* The split is TO from now on. True: it is another one than before. */
bool share_set(struct share *s, struct split to, usec_t now);
/* Time passes. True: what was to come is in force. */
bool share_tick(struct share *s, usec_t now);
/* Our part of LIMIT (above 0): at least 1. */
unsigned share_of(const struct share *s, unsigned limit);
/* Nobody else is there, and nobody has just left. */
bool share_alone(const struct share *s);
/* The same as share_of() when what is to come is in force, if somebody has left. */
unsigned share_coming(const struct share *s, unsigned limit);

/* What one who has looked at a server knows of those who share it. */
struct share_look {
	unsigned	 poolers;	/* at least 1 */
	unsigned	 part;		/* of each, about */
	unsigned	 limit;		/* of all together */
	unsigned	 used, ours;	/* connections there are, and ours of these */
	unsigned	 borrowed;	/* by us, beyond our part */
};

/*
 * How much more than its part one whose part is used up may have now. Of what is free each takes so little that all may look
 * at the same moment; what is missing is given back by those who have borrowed, in proportion. DICE is random.
 */
unsigned share_borrow(const struct share_look *look, uint32_t dice);

/*
 * Where we are among COUNT ADDRS (in any order, ports do not matter) if one of OWN_COUNT OWN is
 * among them; if none is we come after them, as one more. Where each pooler has an address of
 * both families it counts once.
 */
struct split share_split(const struct addr *addrs, unsigned count, const struct addr *own,
    unsigned own_count);

#endif
