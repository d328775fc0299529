/*
 * ledger.h - one logical pool over all threads: how many servers are open, which lanes
 * have idle ones, who waits, in what order. Decides; lane.c acts. No fd, no loop, no log.
 *
 * A seat is a lane's place in its ledger; a want is a client's place in the queue, a node
 * inside the client that the ledger never follows to it. One lock for all ledgers of a
 * book, held for a few lines, never while calling out. The protocol (take, cover, give,
 * nudge) is tried in every interleaving by test/unit/pool/ledger_states.c: the limit is
 * never exceeded, no server is lost, every want is covered by an idle server that is promised or
 * by a server being opened, or there is nothing left to cover it with. What ledgers share
 * (account.h) is tried the same way by account_states.c.
 */
#ifndef POOL_LEDGER_H
#define POOL_LEDGER_H

#include <stdatomic.h>

#include "base/list.h"
#include "base/lock.h"
#include "base/port.h"
#include "pool/account.h"

#define LANES_MOST 64u
#define TIES_MOST 6u	/* accounts a ledger's servers count in */

/* How much younger than the oldest want of all our own oldest may be and still be served first: it spares
 * moving a server to another thread (doc/architecture.md has the figures). */
#define PATIENCE (2 * MSEC)

/* The lock of many ledgers, and what they have for each other. */
struct book {
	struct lock	 lock;
	unsigned	 hungry;	/* ledgers without room in their accounts */
	unsigned	 over;		/* accounts with more servers than they may have */
	atomic_bool	 learnt;	/* some account has been told by its server that it is full */
	struct list	 calls;		/* seat.in_calls: lanes to be told to cover */
	usec_t		 patience;	/* PATIENCE; tests of order set 0 */
};

void book_init(struct book *book);

/* What limits a pool. */
struct ledger_limits {
	unsigned	 most;		/* servers; 0: no limit */
	unsigned	 reserve;	/* more, when the oldest want has waited long */
	usec_t		 reserve_after;	/* that long; 0: never */
	unsigned	 least;		/* servers that are not taken away for others */
};

struct seat {
	struct ledger	*ledger;	/* borrowed */
	unsigned	 lane;		/* index of its worker */
	unsigned	 idle;		/* servers without a client here */
	unsigned	 promised;	/* idle ones for which a nudge is under way */
	unsigned	 evictions;	/* idle ones that are to be closed, for which a call is */
	unsigned	 granted;	/* servers counted as being opened that wait for a call */
	struct node	 in_calls;
	struct list	 wants;		/* its own, oldest first (want.in_seat) */
};

struct ledger {
	struct book	*book;		/* borrowed */
	struct ledger_limits limits;
	unsigned	 open;		/* servers, those being opened included */
	unsigned	 opening;
	unsigned	 idle;		/* of all seats together */
	unsigned	 waiting;	/* wants in the queue */
	unsigned	 evictions;	/* of all seats together */
	unsigned	 leaving;	/* those and servers being closed for another ledger */
	bool		 hungry;	/* in the lists of its accounts */
	usec_t		 look_at;	/* hungry: no idle server of others is looked for before */
	usec_t		 active_at;	/* when a server was last taken or given back */
	bool		 paused;	/* nobody gets a server */
	usec_t		 retry_at;	/* open none before: the last attempt failed */
	bool		 refusing;	/* it failed in a way that waiting does not mend */
	bool		 doubted;	/* what servers are opened with has changed; none has been since */
	struct list	 wants;		/* all, oldest first (want.in_ledger) */
	struct seat	*seats[LANES_MOST];	/* borrowed; NULL where a lane does not exist */
	unsigned	 seat_count;	/* highest lane + 1 */
	struct tie	 ties[TIES_MOST];
	unsigned	 tie_count;
};

enum want_state { WANT_NONE, WANT_QUEUED, WANT_CALLED };

struct want {
	struct node	 in_ledger, in_seat;
	struct seat	*seat;		/* borrowed */
	usec_t		 since;
	enum want_state	 state;		/* CALLED: a server is on its way to the lane for it */
};

/* What a lane must do so that nobody waits in vain. */
struct errand {
	enum { ERRAND_NONE, ERRAND_OPEN, ERRAND_NUDGE, ERRAND_REFUSE } what;
	unsigned	 lane;		/* NUDGE: whose */
	bool		 reserve;	/* OPEN: one of the reserve */
	bool		 calls;		/* ledger_call() has something */
};

/* Where a free server goes. */
struct give {
	enum { GIVE_IDLE, GIVE_HERE, GIVE_AWAY, GIVE_CLOSE, GIVE_YIELD } what;	/* YIELD: close, for another pool */
	unsigned	 lane;		/* AWAY: to whom */
	struct want	*want;		/* HERE: whose turn it is */
};

void ledger_init(struct ledger *l, struct book *book);
/* Its servers count in A too, from now on (before there are any). */
void ledger_tie(struct ledger *l, struct account *a);
/* No more; it has no servers and no wants. */
void ledger_untie(struct ledger *l);
/* Its servers count in A in place of the account of tie AT (in the order of ledger_tie()), which may be the same. */
void ledger_retie(struct ledger *l, unsigned at, struct account *a);
/* Change an account's limits; ledgers that are over it close servers as they become free. */
void ledger_limit_account(struct book *book, struct account *a, unsigned limit, unsigned parallel);
/* A server that was being opened was refused for want of room (53300): A is as large as what is open besides. Returns that. */
unsigned ledger_full(struct book *book, struct account *a, usec_t now);
/* Several times a second while book->learnt: what was learnt of A grows again, little by little. False: it is forgotten. */
bool ledger_probe(struct book *book, struct account *a, usec_t now);
/* The server shows room for so many: if less was learnt of A it may have them, or some, unless it was refused just now. */
void ledger_room(struct book *book, struct account *a, unsigned room, usec_t now);
/* The next lane that is to be told to cover (ledger_evicts(), then ledger_cover()); NULL: no more. Any lane may tell it. */
struct seat *ledger_call(struct book *book);
/* A call has come. True: close an idle server here, the longest unused, and ask again. */
bool ledger_evicts(struct seat *seat);
/* For account.c, under the lock: is a server missing that L itself may open? */
bool ledger_lacks(struct ledger *l, usec_t now);
/* For account.c, under the lock: where L has an idle server that is promised to nobody, or NULL. */
struct seat *ledger_free_seat(struct ledger *l);
/* Change the limits; a smaller one takes effect as servers are given back. */
void ledger_limit(struct ledger *l, const struct ledger_limits *limits);
/* Nobody gets a server any more, or again. */
void ledger_pause(struct ledger *l, bool paused);
/* What the last attempt to open one failed by may have changed: the next need not wait. */
void ledger_hope(struct ledger *l);
/* What servers are opened with has changed: the last failure counts no more, and one login goes before others. */
void ledger_doubt(struct ledger *l);
/* Make SEAT the place of lane LANE. */
void ledger_sit(struct ledger *l, struct seat *seat, unsigned lane);
/* SEAT, which has nothing, is nobody's place any more. */
void ledger_rise(struct seat *seat);
/* Has it neither servers nor wants, and is not paused? */
bool ledger_is_empty(struct ledger *l);
/* The same; if so it stays that way: nobody gets a server any more. */
bool ledger_close(struct ledger *l);

void want_init(struct want *w);

/*
 * A client needs a server. True: use an idle one of this lane now. False: W is queued, and *ERRAND must be done, followed by
 * ledger_cover() until it says NONE; or it is REFUSE: W is not queued, the server refuses our logins.
 */
bool ledger_take(struct seat *seat, struct want *w, usec_t now, struct errand *errand);
/* What is still missing so that nobody waits in vain. */
struct errand ledger_cover(struct seat *seat, usec_t now);
/* A server here is free: released, or arrived from another lane. */
struct give ledger_give(struct seat *seat, usec_t now);
/* The same for one whose login has just ended. */
struct give ledger_opened(struct seat *seat, usec_t now);
/* A nudge has arrived. True: take an idle server here and do as *GIVE says. Cover afterwards. */
bool ledger_nudged(struct seat *seat, usec_t now, struct give *give);
/* Is W called (a server is on its way for it)? */
bool ledger_called(struct want *w);
/* The server W was called for has not arrived: W is in the queue again, as old as it is. */
void ledger_recall(struct want *w);
/* The client of W has got a server or does not want one any more. */
void ledger_leave(struct want *w);

/* A server has ended that was idle here, busy here or being opened here; cover afterwards. */
void ledger_gone_idle(struct seat *seat, usec_t now);
void ledger_gone_busy(struct seat *seat, usec_t now);
/* RETRY_AT: open none before (0: at once). REFUSING: until then tell clients instead of letting them wait, if no server is left.
 * True: none is left. */
bool ledger_gone_opening(struct seat *seat, usec_t now, usec_t retry_at, bool refusing);
/* Count a server as being opened, if fewer than LEAST are open and a limit does not forbid it. */
bool ledger_fill(struct seat *seat, unsigned least, usec_t now);

/* Numbers for people, under the lock. */
struct ledger_view {
	unsigned	 open, opening, waiting;
	unsigned	 most;		/* limit and reserve together; 0: none */
	bool		 paused;
	bool		 over;		/* an account has more servers than it may */
	usec_t		 oldest;	/* since when the oldest waits; 0: nobody */
};
void ledger_look(struct ledger *l, struct ledger_view *out);
struct account_view {
	unsigned	 used, opening, idle, waiting;
	unsigned	 limit, wish, learnt;	/* as in struct account */
	unsigned	 guaranteed;	/* what min_pool_size keeps */
	unsigned	 most;		/* the largest part of one ledger */
	const struct ledger *holder;	/* whose that is; NULL: nobody's */
	usec_t		 oldest;	/* since when the oldest waits; 0: nobody */
};
void ledger_look_account(struct book *book, const struct account *a, struct account_view *out);
/* Recount everything; false if the books do not balance. For tests and stories. */
bool ledger_check(struct ledger *l);

#endif
