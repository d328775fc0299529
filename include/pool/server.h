/*
 * server.h - a connection to PostgreSQL. Lives on one worker at a time; travels between
 * two as a letter while it is at rest.
 *
 *	DIALING -> ASKING_TLS -> LOGIN -> ENQUIRY -> SETUP -> IDLE <-> ACTIVE
 *	                                                      ^  \       |
 *	                                         RESET, RESCUE, CANCELED, AWAY, LEAVING
 */
#ifndef POOL_SERVER_H
#define POOL_SERVER_H

#include "base/addr.h"
#include "net/dial.h"
#include "net/link.h"
#include "pool/lane.h"
#include "pool/role.h"
#include "session/profile.h"
#include "session/stmts.h"
#include "wire/frame.h"
#include "wire/talk.h"

struct backend_login;
struct client;
struct enquiry;
struct log_who;
struct statement;

/* The list of its lane a server is in. */
enum server_place { IN_NONE, IN_OPENING, IN_BUSY, IN_IDLE };

struct server_state {
	const char	*name;		/* as SHOW SERVERS prints it */
	size_t		(*bytes)(struct server *s, const char *at, size_t len);
};

struct server {
	struct node	 in_lane;	/* lane->idle, busy or opening; later dead_servers */
	const struct server_state *state;
	struct lane	*lane;		/* borrowed */
	struct link	*link;		/* owned; NULL while dialing */
	struct client	*client;	/* the pair; set and cleared in pair.c only */
	struct talk	 talk;		/* what it owes */
	struct frame	 frame;		/* the message being passed on */
	const struct profile *profile;	/* held; its settings now */
	struct shelf	 shelf;		/* statements it has */
	struct notes	 notes;		/* beside the talk's noted entries */
	uint64_t	 unnamed;	/* serial of the unnamed statement it has; 0: none or unknown */
	bool		 skip_frame;	/* frame's rest is swallowed */
	bool		 doomed;	/* not to be used again */
	bool		 cut_short;	/* it waits for the rest of a message: whatever we send would be taken for that */
	bool		 failed;	/* something hidden failed; hidden_error says what */
	bool		 slow;		/* our client is paused because we have unsent bytes */
	bool		 proven;	/* AuthenticationOk came in its turn */
	bool		 reset_seen;	/* RESET or DISCARD ALL since the last ReadyForQuery */
	bool		 extras_reset;	/* by that RESET: if it is rolled back they come back */
	bool		 goodbye;	/* it has sent a FATAL error: its end is no surprise */
	enum reason	 farewell;	/* LEAVING: why; CLOSE_NONE: we have not sent Terminate */
	bool		 recheck;	/* its role may have changed: ask it when it is free */
	bool		 set_seen;	/* SET since the last ReadyForQuery; where roles matter */
	bool		 untold;	/* its end is not worth a line */
	bool		 dead;
	enum server_place place;	/* in which of the lane's lists */
	bool		 in_query, in_xact;	/* times below run */
	usec_t		 query_began, xact_began;
	usec_t		 since;		/* when this state began */
	usec_t		 used;		/* last given back */
	usec_t		 felt;		/* its connection was looked at last (link_is_dead()) */
	usec_t		 heard;		/* last message while in a transaction */
	usec_t		 born;		/* loop clock */
	usec_t		 connected;	/* wall clock */
	uint64_t	 id;
	unsigned	 cancels;	/* couriers for it, waiting ones too */
	unsigned	 couriers;	/* those that have set out */
	/* where and who it is */
	struct setup	*setup;		/* held: what it was opened under */
	struct addr	 where;
	char		*host;		/* owned: as configured, for TLS and cancels */
	unsigned	 host_at;	/* which of the entry's hosts that is (pool->next_host) */
	struct statement *statement;	/* owned; what it was asked last, if log_statements is on */
	unsigned	 choices;	/* addresses its host's name has; 0: not known */
	usec_t		 patience;	/* longest time to open it; 0: no limit */
	uint32_t	 pid;
	char		*key;		/* owned */
	uint32_t	 key_len;
	uint32_t	 version;
	/* only while logging in or with something hidden under way */
	struct dial	*dial;		/* owned */
	struct backend_login *login;	/* owned */
	struct err	*hidden_error;	/* owned */
	struct enquiry	*enquiry;	/* owned; ENQUIRY only */
	const struct profile *target;	/* held; what it is being changed to */
	struct letter	 letter;	/* while it travels */
	struct chore	 depart;	/* leaves for another worker at the end of the turn */
};

extern const struct server_state SERVER_DIALING, SERVER_ASKING_TLS, SERVER_LOGIN,
    SERVER_ENQUIRY, SERVER_SETUP, SERVER_IDLE, SERVER_ACTIVE, SERVER_SETTLING, SERVER_RESET,
    SERVER_RESCUE, SERVER_CANCELED, SERVER_LEAVING, SERVER_AWAY;

/* Open one for LANE, already counted as opening in the ledger. */
void server_open(struct lane *lane);
void server_become(struct server *s, const struct server_state *state);
/* End it: Terminate if that is safe, count it out; a client still paired is told WHY. */
void server_close(struct server *s, enum reason why);
/* The same; what happened has a TEXT of its own. */
void server_close_saying(struct server *s, enum reason why, const char *text);
/*
 * The same of one that is busy without a client, in peace: it counts until PostgreSQL has closed the
 * connection, as only then another is sure to get its place there.
 */
void server_leave(struct server *s, enum reason why);
/* The same as server_close(); its client hears E. */
void server_fail(struct server *s, enum reason why, const struct err *e);
void server_free(struct server *s);
/* Its opening has failed: E is the server's own error or ours. */
void server_open_failed(struct server *s, const struct err *e, enum aim_miss miss);
/* Its host is no good: where the hosts are not taken in turn the next one is. */
void server_leave_host(const struct server *s);
/* Move it to one of its lane's lists, or out of them. */
void server_list(struct server *s, enum server_place place);
extern const struct link_owner server_calls;

/* --- roles (server_role.c) --- */

/* How long may it take to open S at one of HOSTS hosts? MOST: what the operator allows; 0: no limit. */
usec_t server_patience(const struct server *s, unsigned hosts, usec_t most);
/* Is this address known to be of the wrong role? The dial's owner is a server. */
bool server_skips(void *owner, const struct addr *where, unsigned count);
/* It has logged in. False: it does not fit, and its opening has failed, or it is being asked what it is. */
bool server_role_good(struct server *s);
/* It has logged in and fits: what is there to be done before its first use? (server_login.c) */
void server_admit(struct server *s);
/* It is open and may be used. */
void server_hit(struct server *s);
/* It has said what it is now. False: that is not what is wanted; it and others at its host leave. */
bool server_role_told(struct server *s, struct host_role role);
/* Its setting NAME, which may be about its role, has changed. */
void server_role_changed(struct server *s, struct span name);
/* It has sent an error with SQLSTATE while open. */
void server_role_error(struct server *s, struct span sqlstate);
/* It ended without a word: others at its host may be gone, too. FOR_ALL: they are, whatever role they should have. */
void server_host_doubted(struct server *s, bool for_all);

/* SERVER_ACTIVE (server_talk.c). */
size_t server_talk_bytes(struct server *s, const char *at, size_t len);
/* Everything hidden: SETUP, SETTLING, RESET, RESCUE, CANCELED, IDLE, AWAY (server_hidden.c). */
size_t server_hidden_bytes(struct server *s, const char *at, size_t len);
/* ASKING_TLS, LOGIN (server_login.c). */
size_t server_tls_bytes(struct server *s, const char *at, size_t len);
size_t server_login_bytes(struct server *s, const char *at, size_t len);
void server_dialed(void *owner, int fd, const struct addr *where, const char *why);
void server_secured(struct server *s);

/* Note that ASKED goes to the server, with what must be undone if it is skipped. False: the server was closed. */
bool server_ask_failed(struct server *s);
static inline bool
server_ask(struct server *s, unsigned asked)
{
	return likely(talk_ask(&s->talk, asked)) || server_ask_failed(s);
}
bool server_ask_noted(struct server *s, unsigned asked, enum note_kind kind,
    struct stmt *stmt, struct span name);
/* Send what is ours. False: the server was closed. */
bool server_send(struct server *s, const struct buf *b);
/* Its settings have changed: ParameterStatus. */
void server_parameter(struct server *s, struct span name, struct span value);

/* What a line about S says of it, into OUT, which borrows its names. Returns OUT. */
const struct log_who *server_who(const struct server *s, struct log_who *out);

#endif
