/*
 * lookup.h - auth_query: ask a server for the secret of a user, by libpq on connections
 * of our own, on a helper thread (clerk.h). Nothing of a client gets there but the name,
 * as a bound parameter. Caching, and what an answer means for a login, is the caller's.
 */
#ifndef AUTH_LOOKUP_H
#define AUTH_LOOKUP_H

#include "base/err.h"
#include "base/span.h"
#include "conf/conf.h"
#include "net/mailbox.h"

#define LOOKUP_NAME_MOST 63u	/* bytes of a user's name (NAMEDATALEN - 1) */

struct clerks;
struct lookup;

/*
 * All connections of the process, none open yet; CLERKS is borrowed. NULL: no memory. Before
 * there are threads, as it takes libpq's variables (PGHOST, ...) out of the environment.
 */
struct lookup *lookup_new(struct clerks *clerks, struct err *e);
/* After clerks_stop(): closes what is open. NULL is fine. */
void lookup_free(struct lookup *l);

/* What to ask whom; everything is copied or held, nothing needs to live longer than the call. */
struct lookup_ask {
	struct conf	*conf;		/* its server_tls_* settings apply; held meanwhile */
	const struct conf_database *db;	/* an entry of CONF: its hosts are asked */
	struct span	 dbname;	/* of the database on the server */
	struct span	 user;		/* auth_user */
	struct span	 secret;	/* of auth_user, in plain; empty: none is sent */
	const char	*query;		/* auth_query, constant SQL with one parameter */
	struct span	 name;		/* who is asked about: 1 to LOOKUP_NAME_MOST bytes, no NUL */
	usec_t		 timeout;	/* waiting, connecting and asking together; at least 1 */
	/* the answer */
	struct mailbox
	    *home; /* borrowed: whose thread hears it; outlives clerks_stop() */
	void		(*open)(struct letter *letter, void *receiver);
	uint64_t	 id;		/* the asker's own; comes back */
};

enum lookup_outcome {
	LOOKUP_FOUND,		/* one row */
	LOOKUP_NOBODY,		/* no row */
	LOOKUP_FAILED,		/* err: trouble of ours or of the server's */
};

struct lookup_answer {
	uint64_t	 id;
	enum lookup_outcome outcome;
	struct span
	    name; /* as the server has it; FOUND only, never NULL; may differ from what was asked */
	bool		 has_secret;	/* false: NULL, matches nothing */
	struct span	 secret;	/* any kind of secret.h, may be empty */
	/* FAILED: text is one line for the log with the server's words (escape it), never with a secret; not for clients */
	struct err	 err;
};

/*
 * Ask; from any thread, never blocks. True: a letter comes back to HOME exactly once, unless
 * clerks_stop() is first. False: nothing will come, E says why: too many lookups are
 * under way (SQLSTATE 53300), a name too long, a user secret that cannot be sent, no memory.
 */
bool lookup_ask(struct lookup *l, const struct lookup_ask *ask, struct err *e);
/* The answer that came by LETTER; the receiver's, until lookup_answer_free() wipes it. */
struct lookup_answer *lookup_answer_of(struct letter *letter);
void lookup_answer_free(struct lookup_answer *a);

/* After a reload: no connection made before is used again. */
void lookup_renew(struct lookup *l);
/* Close connections after IDLE and LIFE; for tests, which cannot wait for a minute. */
void lookup_tune(struct lookup *l, usec_t idle, usec_t life);

/* For SHOW and for budgets of server connections; lookups themselves are in clerk_count(). */
struct lookup_numbers {
	unsigned	 open;		/* connections, also those being opened */
	uint64_t	 opened;	/* so far */
};
void lookup_count(struct lookup *l, struct lookup_numbers *out);

#endif
