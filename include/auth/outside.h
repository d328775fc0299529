/*
 * outside.h - passwords that PAM or an LDAP server judges, on helper threads (clerk.h).
 * The client's cleartext password goes out, yes or no comes back by letter.
 */
#ifndef AUTH_OUTSIDE_H
#define AUTH_OUTSIDE_H

#include "base/addr.h"
#include "base/err.h"
#include "base/span.h"
#include "net/mailbox.h"

struct clerks;

enum outside_kind { OUTSIDE_PAM, OUTSIDE_LDAP };

/* Everything is copied; secrets among it are wiped. */
struct outside_ask {
	enum outside_kind kind;
	const char	*service;	/* PAM: name of the service; NULL or "": pgbouncer */
	const char	*pam_folder;	/* of service files; NULL: the system's */
	const char	*options;	/* LDAP: as in auth_ldap_options (conf/ldap_options.h) */
	struct span	 user, password;
	const struct addr *peer;	/* PAM_RHOST; NULL: local */
	usec_t		 timeout;	/* waiting and asking together; at least 1 */
	/* the answer */
	struct mailbox
	    *home; /* borrowed: whose thread hears it; outlives clerks_stop() */
	void		(*open)(struct letter *letter, void *receiver);
	uint64_t	 id;		/* the asker's own; comes back */
};

enum outside_outcome {
	OUTSIDE_YES,
	OUTSIDE_NO,		/* wrong password, unknown or locked user */
	OUTSIDE_FAILED,		/* no judge could be asked: for the client the same as NO */
};

struct outside_answer {
	uint64_t	 id;
	enum outside_outcome outcome;
	struct span	 password;	/* as it was asked: for logins to the server, if YES */
	/* NO, FAILED: text is one line for the log, never with a secret; not for clients */
	struct err	 err;
};

/*
 * Ask; from any thread, never blocks. True: a letter comes back to HOME exactly once, unless
 * clerks_stop() is first. False: nothing will come, E says why: the password is empty (an
 * LDAP server would let anybody in), the name or the options cannot be used, too many are
 * under way (SQLSTATE 53300), not built in, no memory.
 */
bool outside_ask(struct clerks *c, const struct outside_ask *ask, struct err *e);
struct outside_answer *outside_answer_of(struct letter *letter);
/* Wipe and free. */
void outside_answer_free(struct outside_answer *a);

#endif
