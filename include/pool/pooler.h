/*
 * pooler.h - what all threads share: the configuration in force, the pools, the keyring,
 * the workers. Everything else belongs to one worker.
 */
#ifndef POOL_POOLER_H
#define POOL_POOLER_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/map.h"
#include "conf/conf.h"
#include "net/dial.h"
#include "net/tls.h"
#include "pool/aim.h"
#include "pool/ledger.h"
#include "pool/share.h"
#include "session/profile.h"

struct budget;
struct clerks;
struct client;
struct credential;
struct credentials;
struct crowds;
struct fleet;
struct keyring;
struct lookup;
struct peers;
struct worker;

/* One configuration with the TLS contexts made from it; immutable, counted. */
struct setup {
	atomic_uint	 refs;
	struct conf	*conf;		/* held */
	struct tls	*client_tls;	/* held; NULL: disabled */
	struct tls	*server_tls;	/* held; NULL: disabled */
};

/* One (database, user): the part that is not any worker's. Lives as long as it is used (retire.c). */
struct pool {
	struct map_node	 in_pooler;
	struct ledger	 ledger;
	struct budget	*budgets[TIES_MOST];	/* by account_kind (budget.h); under mutex */
	const char	*database;	/* owned: the entry's name as clients ask for it */
	const char	*user;		/* owned: whom the servers log in as */
	const char	*client_user;	/* owned: whose secret is used if the entry forces no user */
	bool		 console;	/* the pool of our own clients: it has no servers */
	const char	*replication;	/* constant: "true", "database"; NULL: ordinary servers */
	const struct profile *asked;	/* held; replication: settings for the startup packet, else NULL */
	atomic_uint	 next_host;	/* of the entry's hosts, in turn; without load balancing: the present one */
	atomic_uint	 failures;	/* login attempts that failed in a row */
	atomic_ullong	 failing_since;	/* no server can be opened and none is open; 0: not so */
	atomic_ullong	 failed_at;	/* when that was last tried */
	atomic_ullong	 aged_at;	/* when a server was last closed for its age; 0: never */
	atomic_uint	 users;		/* clients in it, and walkers over it; goes up under pooler->mutex only */
	usec_t		 idle_since;	/* 0: it was not idle when looked at; under pooler->mutex */
	struct node	 in_retired;	/* pooler->retired; retire.c's */
	/* Under pooler->mutex: */
	const struct profile *welcome;	/* held; settings a fresh server reports, NULL: not known yet */
	struct map	 tried;		/* start-up settings servers took, and their spelling (client_login.c) */
	struct credential *credential;	/* held; who logged in last had this secret (credentials.h); NULL: auth_file's */
	struct aim	 aim;		/* where the next server is opened */
	struct err	 last_error;	/* of the last failed login; text[0] == '\0': none */
};

/* Clients whose server is us: the console, which lives in a layer above. */
struct console_calls {
	/* CLIENT has logged in to the console. False: not allowed, E says why. */
	bool	(*enter)(struct client *client, struct err *e);
	/* LEN bytes of messages; how many are consumed? */
	size_t	(*bytes)(struct client *client, const char *at, size_t len);
	/* CLIENT is leaving: forget what it waits for. */
	void	(*leave)(struct client *client);
	/* A cancel request for CLIENT has come. */
	void	(*cancel)(struct client *client);
};

struct pooler {
	pthread_mutex_t	 mutex;
	struct setup	*setup;		/* held; in force for new things; under mutex */
	struct map	 pools;		/* under mutex */
	struct map	 budgets;	/* budget.in_pooler; under mutex */
	struct share	 share;		/* ours of them; under mutex */
	atomic_bool	 looking;	/* some budget wants a server to be asked what is unused */
	struct map	 disabled;	/* names of disabled databases; under mutex (place.c) */
	struct map	 paused;	/* names of paused databases; under mutex (place.c) */
	bool		 all_paused;	/* under mutex */
	bool		 suspended;	/* SUSPEND: nothing is read either; under mutex */
	struct book	 book;
	struct keyring	*keyring;	/* owned */
	struct clerks	*clerks;	/* owned; stopped before the workers are */
	struct lookup	*lookup;	/* owned */
	struct credentials *credentials; /* owned */
	struct peers	*peers;		/* owned */
	struct fleet	*fleet;		/* owned */
	struct crowds	*crowds;	/* owned */
	struct worker	**workers;	/* owned; fixed after start */
	unsigned	 worker_count;
	const struct console_calls *console;
	atomic_uint	 clients;	/* sockets of any kind */
	atomic_uint	 consoles;	/* of these, consoles */
	atomic_uint	 client_room;	/* how many of them descriptors allow */
	atomic_ullong	 next_id;	/* of clients and servers, in SHOW */
	atomic_bool	 draining;	/* SIGTERM has come: not ready any more, though clients are let in yet */
	atomic_ullong	 drain_began;	/* wall clock; 0: it has not */
	atomic_bool	 shutting;	/* no new logins but to the console */
	atomic_ullong	 closed_at;	/* wall clock: who came by TCP since then may only cancel; 0: TCP is closed, if shutting */
	atomic_bool	 no_servers;	/* SHUTDOWN WAIT_FOR_SERVERS: who waits is sent away */
	usec_t		 started;	/* wall clock */
	/* The first worker's (retire.c): */
	struct list	 retired;	/* pool.in_retired: not in the map any more, not yet freed */
	bool		 burying;	/* the workers are being asked about those */
	usec_t		 looked_at;
};

/* POOL, which is in no map and has no lanes, is freed. */
void pool_free(struct pool *pool);

bool pooler_init(struct pooler *p, struct err *e);
/* Only when no worker runs any more. */
void pooler_fini(struct pooler *p);

/* Make TLS contexts for CONF (a hold is taken). NULL: E says what is wrong. */
struct setup *setup_new(struct conf *conf, struct err *e);
/* What CONF wishes for TCP sockets, of both kinds. */
struct socket_options pooler_socket_options(const struct conf *conf);
struct setup *setup_hold(struct setup *s);
void setup_drop(struct setup *s);

/* The setup in force; a hold is taken. */
struct setup *pooler_setup(struct pooler *p);
/* Put SETUP (whose hold passes over) in force for what begins from now on, and tell the workers. */
void pooler_install(struct pooler *p, struct setup *setup);

#endif
