/*
 * worker.h - one thread: its loop, its clients, its lanes. Nothing here is touched by any
 * other thread; what crosses threads is a letter to the worker's mailbox.
 */
#ifndef POOL_WORKER_H
#define POOL_WORKER_H

#include "base/list.h"
#include "base/map.h"
#include "net/loop.h"
#include "net/mailbox.h"
#include "pool/farewell.h"
#include "pool/pooler.h"
#include "pool/reason.h"

struct client;
struct strikes;

struct worker {
	struct pooler	*pooler;	/* borrowed */
	unsigned	 index;
	pthread_t	 thread;
	struct loop	*loop;		/* owned */
	struct mailbox	*mailbox;	/* owned */
	struct setup	*setup;		/* held; in force here */
	struct list	 clients;	/* client.in_worker */
	struct list	 newcomers;	/* client.in_newcomers: not logged in yet, oldest first */
	bool		 one_too_many;	/* of these one at least is to be looked at again */
	bool		 asked_ready;	/* the same: one waits to hear whether a server is there */
	struct map	 keys;		/* client.in_keys by pid */
	struct list	 lanes;		/* lane.in_worker */
	struct lane	*by_pool_last;	/* the lane found last */
	struct list	 dead_clients, dead_servers;	/* freed at the end of the turn */
	struct list	 couriers;	/* with cancel requests (courier.c) */
	struct strikes	*strikes;	/* owned; NULL: nobody tried a wrong key yet (strikes.c) */
	struct chore	 sweep;
	struct timer	*tick;		/* owned; looks after deadlines */
	struct farewell	 farewell;	/* draining: of its clients (goodbye.c) */
	struct closes	 closes;	/* why clients and servers were closed here */
	uint64_t	 last_unnamed;	/* serials of unnamed statements, unique over workers */
	atomic_uint	 client_count;	/* for dealing out: read by the keeper */
	unsigned	 most_clients;	/* that were here since memory was given back */
	unsigned	 clients_before; /* a tick ago */
	bool		 standing;	/* pools of this setup that need no clients are made (standing.c) */
	bool		 stopping;
	bool		 running;	/* its thread was started and not yet stopped; the keeper's, alone of all here */
};

/* A worker with its loop and mailbox, not yet running. */
struct worker *worker_new(struct pooler *p, unsigned index, struct err *e);
/* Run it on a thread of its own. */
bool worker_start(struct worker *w, struct err *e);
/* From the keeper: tell it to close everything and end; wait until it has. */
void worker_stop(struct worker *w);
/* Close its clients, servers and cancel requests, on its thread, when its loop has ended. */
void worker_close_everything(struct worker *w);
void worker_free(struct worker *w);

/* The worker with the fewest clients; of several the first from the TURN-th on. From any thread. */
struct worker *worker_least(struct pooler *p, unsigned turn);
/* From the keeper: a connection FD from PEER is yours. */
void worker_accept(struct worker *w, int fd, const struct addr *peer);
/* The same, from W's own thread: it begins at once. */
void worker_take(struct worker *w, int fd, const struct addr *peer);

/* From the keeper: call FN(ARG) on W's thread (or here if that does not run) and wait until it has returned. */
void worker_do(struct worker *w, void (*fn)(void *arg), void *arg);

/*
 * From any thread: call FN(WORKER, ARG) on each worker's thread; when the last has, call DONE(ARG) on the thread of
 * HOME (NULL: on whichever worker is last). False: no memory, nothing happens.
 */
bool worker_ask_all(struct pooler *p, struct worker *home,
    void (*fn)(struct worker *w, void *arg), void (*done)(void *arg), void *arg);

/* SETUP is in force from now on (pooler_install asks each worker to call this). */
void worker_use_setup(struct worker *w, struct setup *setup);

/* The lane of POOL here, made if need be. NULL: no memory. */
struct lane *worker_lane(struct worker *w, struct pool *pool);
/* The lane of POOL here, if there is one, ends. Nobody is in it, and no letter is on its way to it. */
void worker_drop_lane(struct worker *w, struct pool *pool);

#endif
