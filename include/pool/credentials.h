/*
 * credentials.h - who the users are that auth_file does not name: asked of a server by
 * auth_query, remembered for a while, shared by all workers.
 *
 *	a client's worker                                    helper thread (auth/lookup.h)
 *	credentials_find  -- READY: remembered
 *	                  -- WAIT:  one lookup for all who ask for the same -->
 *	wait->heard()     <-- by letter, to each who waits ------------------- answer
 *
 * Also what a pool remembers for the logins of its servers (pool_remember).
 */
#ifndef POOL_CREDENTIALS_H
#define POOL_CREDENTIALS_H

#include "auth/lookup.h"
#include "base/list.h"
#include "pool/pooler.h"

struct worker;

/* What is known of one user; immutable, counted, wiped by who drops it last. */
struct credential {
	atomic_uint	 refs;
	bool		 known;		/* there is such a user */
	bool		 told;		/* a password that PAM or LDAP has found right */
	usec_t		 asked_at;	/* when it was asked for */
	size_t		 len;
	char		 secret[];	/* any kind of secret.h; empty matches nothing */
};

/* NULL: no memory, or longer than any secret. */
struct credential *credential_new(bool known, struct span secret) MUST_USE;
struct credential *credential_hold(struct credential *c);
void credential_drop(struct credential *c);

static inline struct span
credential_secret(const struct credential *c)
{
	return span_of(c->secret, c->len);
}

/* How questions get out: lookup_ask(), or a test. */
typedef bool (*credentials_door)(void *arg, const struct lookup_ask *ask, struct err *e);

struct credentials;

struct credentials *credentials_new(credentials_door door, void *arg) MUST_USE;
/* When no worker runs any more and no answer can come. */
void credentials_free(struct credentials *c);

/* Who waits for an answer. */
struct credentials_wait;

struct credentials_want {
	/* where, as whom and about whom to ask: all but the answer's part */
	struct lookup_ask ask;
	struct span	 entry;		/* name of the database's entry */
	struct worker	*worker;	/* who hears it */
	/* an answer will do if it was asked for at this time or later */
	usec_t		 not_before;
	/*
	 * WAIT only, on WORKER's thread, never from within credentials_find(): FOUND is a hold
	 * that passes over. NULL and no text in E: ask again. NULL and a text: it failed, the
	 * log says why.
	 */
	void		(*heard)(void *owner, struct credential *found, const struct err *e);
	void		*owner;
};

/* NOWHERE: nobody is to be asked about it. REFUSED: the client was. */
enum credentials_aimed { AIM_SET, AIM_NOWHERE, AIM_REFUSED };

/* Fill in where to ask about the user of C under CONF: ENTRY, and the question in ASK. */
enum credentials_aimed credentials_aim(struct client *c, struct conf *conf,
    struct credentials_want *want);

/* What C's user lacks under CONF to get in by any password, for the log; NULL: nothing. CREDENTIAL: what auth_query said,
 * NULL if it was not asked. */
const char *credentials_lack(const struct client *c, const struct conf *conf,
    const struct credential *credential);

enum credentials_seen { CREDENTIALS_READY, CREDENTIALS_WAIT, CREDENTIALS_FAILED };

/* From WORKER's thread. READY: a hold is in *FOUND. WAIT: *WAIT lasts until heard() or
 * credentials_leave(). FAILED: it was logged why. */
enum credentials_seen credentials_find(struct credentials *c,
    const struct credentials_want *want, struct credential **found,
    struct credentials_wait **wait);
/* The owner of WAIT does not want to hear it any more. On its worker's thread; NULL is fine. */
void credentials_leave(struct credentials *c, struct credentials_wait *wait);

/* An answer has come (also by test). */
void credentials_hear(struct credentials *c, const struct lookup_answer *answer);

/* Other servers or queries may apply now: forget everything. */
void credentials_renew(struct credentials *c);
/* Several times a second: forget what was asked for before OLDEST. */
void credentials_tick(struct credentials *c, usec_t oldest);
/* How many users are remembered or asked for. */
size_t credentials_count(struct credentials *c);

/* C has let a client of POOL in, and does for logins of its servers, too. */
void pool_remember(struct pooler *p, struct pool *pool, struct credential *c);
/* What POOL remembers, a hold, or NULL. */
struct credential *pool_credential(struct pooler *p, struct pool *pool);

#endif
