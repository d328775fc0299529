/*
 * account.h - what pools share: a limit on the servers of a database, of a user, of a
 * server host. A server is counted in every account of its ledger's chain, from the
 * decision to open it until its end. Part of the ledger: everything here is called under
 * the book's lock, by ledger.c only (place.c makes the accounts and sets their limits by
 * the functions of ledger.h). The rules are tried out in test/model/budget_model.py.
 *
 * A ledger that wants a server and has no room in its chain is hungry. Hungry ledgers
 * get the slots that become free, and what others have beyond them:
 *
 *	idle servers	of a ledger that has more servers, or has not used its for a
 *			while, are evicted (below its min_pool_size only for one that has none)
 *	busy servers	of a ledger that has at least two more are closed when they are
 *			free; with one more, if nobody wants them there, or the hungry one's
 *			client has waited longer
 */
#ifndef POOL_ACCOUNT_H
#define POOL_ACCOUNT_H

#include "base/list.h"
#include "base/port.h"

struct book;
struct ledger;
struct seat;

/* A ledger whose servers were not used for so long keeps them only as long as nobody needs the room. */
#define AGED_AFTER (500 * MSEC)
/* Between pools that differ by one server a slot changes hands for a client that has waited so much longer than any there. */
#define TURN_AFTER (480 * MSEC)
/* A hungry ledger that found nothing does not look again for so long, unless it is told to: many clients may come meanwhile. */
#define LOOK_AGAIN_AFTER (5 * MSEC)

/* After a server had no room for us its account grows again so often: by one connection, then by two, by four, ... */
#define PROBE_EVERY (200 * MSEC)

struct account {
	unsigned	 used;		/* servers, those granted and being opened included */
	unsigned	 opening;	/* of these, granted and being opened */
	unsigned	 limit;		/* in force; 0: none */
	unsigned	 wish;		/* what was set or found out; 0: none */
	unsigned	 learnt;	/* less, because the server had no room for more; 0: nothing */
	unsigned	 step;		/* learnt grows by so many next */
	unsigned	 parallel;	/* most that may be being opened at a time; 0: no limit */
	usec_t		 probe_at;	/* when learnt grows next */
	usec_t		 refused_at;	/* the server had no room then */
	bool		 over;		/* has more than its limit, since that was lowered */
	struct list	 ties;		/* tie.in_account: its ledgers */
	struct list	 hungry;	/* tie.in_hungry: those that are hungry, the longest first */
};

/* A ledger's place in an account. */
struct tie {
	struct account	*account;	/* borrowed */
	struct ledger	*ledger;	/* borrowed */
	struct node	 in_account, in_hungry;
};

void account_init(struct account *a);
/* A's wish, what was learnt, or its use has changed: its limit follows, and BOOK's number of accounts that are over it. */
void account_look(struct book *book, struct account *a);

/* May L open one more server now? */
bool chain_has_room(const struct ledger *l);
/* Has an account of L more servers than it may? */
bool chain_is_over(const struct ledger *l);
/* One server more, which is being opened. */
void chain_add(struct ledger *l);
/* It is open. */
void chain_opened(struct ledger *l);
/* One fewer. */
void chain_sub(struct ledger *l);

/* L is hungry, or not any more. */
void chain_hunger(struct ledger *l, bool hungry);
/* A server of L is free and WANTED by a client of L or not: should its slot go to another ledger? */
bool chain_yields(struct ledger *l, bool wanted, usec_t now);
/* The hungry ledger sharing an account with L that the next free slot is for; NULL: none can use one. */
struct ledger *chain_next(struct ledger *l, usec_t now);
/* Whose idle server goes so that L gets room, or NULL. Evictions under way count. *BARREN: there is none and none is under way. */
struct seat *chain_victim(struct ledger *l, usec_t now, bool *barren);
/* Call FN for the hungry ledgers that share an account with L, the few that have been so longest. */
void chain_each_hungry(struct ledger *l, void (*fn)(struct ledger *hungry));

#endif
