/*
 * lane.h - one worker's part of a pool: which servers are idle, busy or arriving here and
 * which clients wait here. What other lanes have is the ledger's business; moving bytes
 * is the pair's.
 */
#ifndef POOL_LANE_H
#define POOL_LANE_H

#include "pool/counters.h"
#include "pool/latency.h"
#include "pool/ledger.h"
#include "pool/reason.h"
#include "pool/worker.h"

struct client;
struct server;

/* What the configuration says about a pool, resolved once a reload. */
struct rules {
	enum pool_mode	 mode;
	bool		 tracking;	/* prepared statements are ours to keep */
	bool		 no_pqexec;	/* simple queries are refused */
	bool		 fast_close;	/* a doomed server does not wait for its session to end */
	uint8_t		 statements;	/* enum statement_detail: log_statements */
	uint32_t	 frame_most;	/* largest length a message may claim */
	uint32_t	 max_prepared;
	uint32_t	 min_size;
	enum session_attrs attrs;	/* what role its servers must have */
	bool		 round_robin;
	bool		 reset_always;
	const char	*reset_query;	/* borrowed from the worker's setup; NULL: none */
	const char	*check_query;	/* the same; NULL: none, "": an empty query */
	usec_t		 check_delay;
	usec_t		 query_timeout, idle_transaction_timeout, transaction_timeout;
	usec_t		 server_lifetime, server_idle_timeout;
	usec_t		 lifetime_gap;	/* between two servers that go for their age */
};

/* What was decided for the client greeted last: the next mostly asks for the same. */
struct greeting {
	const struct profile *asked, *welcome;	/* held; NULL: nobody was greeted */
	const struct profile *given;		/* held */
};

struct lane {
	struct node	 in_worker;
	struct worker	*worker;	/* borrowed */
	struct pool	*pool;		/* borrowed */
	struct seat	 seat;
	struct rules	 rules;
	bool		 removed;	/* its database is in the configuration no more */
	bool		 asks;		/* the next free server is asked how many connections there are */
	struct list	 idle;		/* server.in_lane, freshest first */
	struct list	 busy;		/* with a client, or with us */
	struct list	 opening;	/* dialing and logging in */
	struct list	 waiting;	/* client.in_lane, oldest first */
	unsigned	 idle_count, busy_count, opening_count, waiting_count;
	unsigned	 client_count;	/* logged in here */
	struct greeting	 greeted;
	struct counters	 counters;
	struct latencies latencies;
	struct letter	 nudge;		/* in our own mailbox while nudge_count > 0 */
	atomic_uint	 nudge_count;
	struct letter	 call;		/* the same while call_count > 0 */
	atomic_uint	 call_count;
};

struct lane *lane_new(struct worker *w, struct pool *pool);
void lane_free(struct lane *lane);
/* Take over what the worker's setup says now, in place of BEFORE. */
void lane_refresh(struct lane *lane, const struct setup *before);

/* Has SERVER been opened under a configuration that has changed since in what it was made from? */
bool lane_outdated(struct lane *lane, struct server *server);

/* Find CLIENT a server, or let it wait in state WAITING, or refuse it. True if it has one now and may talk. */
bool lane_take(struct lane *lane, struct client *client);
/* CLIENT, which waits here, does not any more. */
void lane_leave(struct lane *lane, struct client *client);
/* See to it that nobody waits in vain. */
void lane_cover(struct lane *lane);

/* SERVER has parted from its client, clean: check, reset, close or give it. */
void lane_release(struct lane *lane, struct server *server);
/* SERVER is ready for whoever is next. */
void lane_give(struct lane *lane, struct server *server);
/* SERVER's login has ended well. */
void lane_opened(struct lane *lane, struct server *server);
/* SERVER's login has failed; E is the server's own error or ours, or has no text. True: it is news. */
bool lane_open_failed(struct lane *lane, struct server *server, const struct err *e,
    enum aim_miss miss);
/* SERVER is being closed: count it out and see to those who wait. */
void lane_lost(struct lane *lane, struct server *server);

/* Tell the lanes, of whatever pools, for which the ledgers of BOOK have something. */
void lanes_call(struct book *book);

/* Close idle servers (all, or those that are doomed). */
void lane_close_idle(struct lane *lane, bool all, enum reason why);
/* Several times a second: lifetimes, min_pool_size, back-off, reserve. */
void lane_tick(struct lane *lane, usec_t now);

#endif
