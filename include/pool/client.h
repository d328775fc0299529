/*
 * client.h - a connection from an application. Lives and dies on one worker.
 *
 *	START --> SECURING --> START --> AUTH --> [WAITING] --> IDLE <--> WAITING
 *	                                  ^|                     |           |
 *	                                ASKING       CONSOLE    ACTIVE <-- SETTLING
 */
#ifndef POOL_CLIENT_H
#define POOL_CLIENT_H

#include "base/addr.h"
#include "net/link.h"
#include "pool/lane.h"
#include "session/stmts.h"
#include "wire/frame.h"

struct crowd;
struct attempt;
struct credential;
struct hba_rule;
struct log_who;
struct login_rules;
struct request;
struct server;
struct startup;

#define CLIENT_KEY_MOST 32u		/* bytes of a cancel key from protocol 3.2 on */

/* What may happen now. */
struct client_state {
	const char	*name;				/* as SHOW CLIENTS prints it */
	size_t		(*bytes)(struct client *c, const char *at, size_t len);
};

struct client {
	struct node	 in_worker;	/* worker->clients, later dead_clients */
	struct node	 in_newcomers;	/* worker->newcomers */
	struct node	 in_lane;	/* lane->waiting, while WAITING */
	struct map_node	 in_keys;	/* worker->keys, once welcomed */
	const struct client_state *state;
	struct worker	*worker;	/* borrowed: its thread */
	struct link	*link;		/* owned */
	struct lane	*lane;		/* borrowed; NULL until login names one */
	struct server	*server;	/* the pair; set and cleared in pair.c only */
	const struct profile *profile;	/* held; its settings */
	const struct profile *base;	/* held; those it began with: what RESET goes back to */
	struct names	 names;		/* its prepared statements */
	char		*unnamed;	/* owned: tail of its unnamed Parse, unnamed_len bytes */
	uint32_t	 unnamed_len, unnamed_cap;
	uint64_t	 unnamed_serial; /* 0: it has none */
	struct want	 want;		/* its place in the ledger's queue */
	struct frame	 frame;		/* the message being passed on, or dropped */
	bool		 dropping;	/* frame's rest is not for any server */
	bool		 stalled;	/* its next message needs to know how an earlier one ends */
	bool		 closed_locally; /* a Close was answered here: its Sync may be, too */
	bool		 keyed;		/* in worker->keys */
	bool		 welcomed;	/* ReadyForQuery was sent */
	const char	*replication;	/* constant: "true", "database"; NULL: no */
	bool		 admin;		/* console: may do everything */
	bool		 tls_asked, gss_asked, negotiated;
	bool		 challenged;	/* it is a replica, or says so: key is the challenge (cancel.c) */
	bool		 slow;		/* the server is paused because we have unsent bytes */
	bool		 crowded;	/* its address has more than its share */
	bool		 one_too_many;	/* looked at again at the next tick (client_limits.c) */
	bool		 asks_ready;	/* the same (readiness.c) */
	bool		 probed;	/* draining: it asked last whether we are there, nothing else */
	bool		 dead;
	uint8_t		 key_len;
	uint32_t	 pid;		/* of its backend key */
	uint8_t		 key[CLIENT_KEY_MOST];
	uint32_t	 version;	/* of the protocol: PROTOCOL_3_0 .. 3_2 */
	uint32_t	 laps_seen;	/* of its pool's aim, when it asked (readiness.c) */
	uint64_t	 id;
	usec_t		 since;		/* when this state began */
	usec_t		 asked_at;	/* when the query it waits for or runs began; before the first, its login */
	usec_t		 wait_notified;	/* 0: not yet told that it waits */
	usec_t		 connected;	/* wall clock */
	usec_t		 wait_timeout, idle_timeout;	/* its own limits; 0: none */
	struct addr	 peer;
	struct crowd	*crowds[3];	/* borrowed: where it is counted (client_limits.c) */
	char		*user, *database;	/* owned; NULL before the startup packet */
	struct attempt	*attempt;	/* owned; gone when login ends (client_auth.c) */
	struct buf	*last_word;	/* borrowed; what login has to say before the greeting */
	void		*console;	/* the console's own */
};

/* Has its server got the beginning of a message, and not yet the end? */
static inline bool
client_mid_message(const struct client *c)
{
	return c->frame.left > 0 && !c->dropping;
}

extern const struct client_state CLIENT_START, CLIENT_AUTH, CLIENT_ASKING, CLIENT_IDLE, CLIENT_WAITING,
    CLIENT_SETTLING, CLIENT_ACTIVE, CLIENT_CANCELED, CLIENT_CANCELING, CLIENT_CONSOLE;

/* A connection has come: FD is taken over. */
void client_new(struct worker *w, int fd, const struct addr *peer);
void client_become(struct client *c, const struct client_state *state);

/* Close with E as a FATAL error, as polite as may be. Its server is rescued or closed. */
void client_refuse(struct client *c, enum reason why, const struct err *e);
/* The same with a text of PgBouncer's class (08P01). */
void client_refuse_text(struct client *c, enum reason why, const char *format, ...) PRINTF_LIKE(3, 4);
/* The same with the words of the table. */
void client_dismiss(struct client *c, enum reason why);
/* Close without a word; WHY goes to the log. */
void client_close(struct client *c, enum reason why);
/* The same; what happened has a TEXT of its own. */
void client_close_saying(struct client *c, enum reason why, const char *text);
/* The same, so that TLS and TCP end in good order (what is queued is sent, close_notify). */
void client_finish(struct client *c, enum reason why);
/* Freed at the end of the turn. */
void client_free(struct client *c);

/* A NOTICE, no close. */
void client_notice(struct client *c, const char *text);
/* Its settings are P now, whose hold passes over; NULL (no memory) changes nothing. */
void client_take_profile(struct client *c, const struct profile *p);

/* What its login still has to say, if anything: before all else that it hears. */
void client_say_last_word(struct client *c);
/* The settings of a fresh server of its pool are known: greet it. False: it was refused. */
bool client_welcome(struct client *c);
/* Its startup packet is read: let it prove who it is. */
void client_authenticate(struct client *c);
/* Its login is over, one way or another: forget whom it asked, wipe what it said. */
void client_auth_end(struct client *c);
/* The method CONF wants of it, into OUT, and what it shows beforehand; the rule that says so, NULL if none (client_method.c). */
const struct hba_rule *client_method(const struct client *c, const struct conf *conf,
    struct login_rules *out);
/* Our own uid over the unix socket, as user pgbouncer or pgweir of the console: it needs no password. */
bool client_is_our_own(const struct client *c);
/* A login that went well: find its lane, greet it or let it wait for a server. CREDENTIAL (borrowed, may be NULL): what
 * else than auth_file knew its secret. */
void client_enter(struct client *c, struct credential *credential);
/* The same for the console; OWN: it is our own uid over the unix socket. */
void client_enter_console(struct client *c, bool own);
/* The settings it began with fit SERVER, its pair: remember that, part, greet it. */
void client_tried(struct client *c);
/* Forget what servers said about start-up settings (the process ends). */
void tried_forget(struct pool *pool);

/* The configuration has changed: its timeouts. */
void client_refresh(struct client *c);

/* CLIENT_ACTIVE, CLIENT_IDLE: forward what may be forwarded (client_talk.c). */
size_t client_talk_bytes(struct client *c, const char *at, size_t len);
/* Take over what a startup packet says (client_startup.c). False: it was refused. */
bool client_take_startup(struct client *c, const struct startup *s);
/* CLIENT_START (client_login.c), CLIENT_AUTH (client_auth.c). */
size_t client_start_bytes(struct client *c, const char *at, size_t len);
size_t client_auth_bytes(struct client *c, const char *at, size_t len);
void client_secured(struct client *c);

/* CLIENT_WAITING: answer what it waits with as canceled; CLIENT_CANCELED: the rest of that batch (client_wait.c). */
void client_cancel_wait(struct client *c);
size_t client_canceled_bytes(struct client *c, const char *at, size_t len);
/* A cancel request with its key has come while it waits or runs. */
void client_canceled(struct client *c, struct request *request);

/* What a line about C says of it, into OUT, which borrows its names. Returns OUT. */
const struct log_who *client_who(const struct client *c, struct log_who *out);

#endif
