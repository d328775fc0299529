/*
 * clerk.h - a few threads for errands that block (a query by libpq, PAM, LDAP), so that
 * no event loop has to.
 *
 *	asker's loop                          helper thread
 *	clerk_ask(clerks, job)  ----------->  job->work(job)
 *	job->letter.open()      <-----------  by letter to job->home
 *
 * Each kind has threads and a queue of its own: a dead LDAP server stops no lookup.
 * Threads start when they are first needed. lookup.h and outside.h are what others use.
 */
#ifndef AUTH_CLERK_H
#define AUTH_CLERK_H

#include "base/err.h"
#include "base/list.h"
#include "net/mailbox.h"

struct clerks;

/* What may wait without stopping another. Their numbers of threads and places are in clerk.c. */
enum clerk_kind { CLERK_LOOKUP, CLERK_PAM, CLERK_LDAP, CLERK_KINDS };

/* How an errand went, for the counters. */
enum clerk_result { CLERK_FAILED, CLERK_NO, CLERK_YES };

/*
 * An errand; lives inside what it is about. clerk_ask() gives it away, until its letter
 * opens on the asker's thread (exactly once), or drop() is called because nobody will
 * hear of it (clerks_stop).
 */
struct clerk_job {
	struct letter	 letter;	/* set open() before asking */
	struct mailbox
	    *home; /* borrowed: where the letter goes; outlives clerks_stop() */
	enum clerk_kind	 kind;
	/* Of jobs with the same GROUP at most two are under way at a time; 0: no such limit.
	 * So one dead server does not take all threads of its kind. */
	uint64_t	 group;
	usec_t		 timeout;	/* from asking on; work() keeps to it by itself */
	usec_t		 deadline;	/* set by clerk_ask(): on clerk_now()'s clock */
	/* On a helper thread. May block, until the deadline at most; sets result. */
	void		(*work)(struct clerk_job *job);
	/* On any thread: wipe and free. */
	void		(*drop)(struct clerk_job *job);
	enum clerk_result result;	/* set by work() */
	struct node	 in_queue;	/* clerk.c's own */
};

/* No thread yet. NULL: no memory. */
struct clerks *clerks_new(struct err *e);
/*
 * From the keeper, before the workers are stopped: what waits is dropped, what is under way
 * gets GRACE to end, then is left to itself (its job is dropped when it ends, the
 * thread is not joined: PAM modules may take for ever). Later asks are refused. Twice is once.
 */
void clerks_stop(struct clerks *c, usec_t grace);
/* After clerks_stop(). NULL is fine. */
void clerks_free(struct clerks *c);

/*
 * Queue JOB; from any thread, never blocks. False: nothing happened and JOB is still the
 * caller's; E says why (SQLSTATE 53300: the queue of its kind is full).
 */
bool clerk_ask(struct clerks *c, struct clerk_job *job, struct err *e);

struct clerk_numbers {
	const char	*name;		/* "auth_query", "PAM", "LDAP" */
	unsigned	 threads, busy;	/* now */
	unsigned	 waiting, places;	/* errands that wait, and that may */
	uint64_t	 yes, no, failed;	/* errands done so far */
	uint64_t	 refused;	/* asked in vain, as all places were taken */
};

/* What is to be shown of KIND. */
void clerk_count(struct clerks *c, enum clerk_kind kind, struct clerk_numbers *out);

/* Is the end near? A job that waits in slices looks here between them. */
bool clerks_stopping(struct clerks *c);
/*
 * A thread of KIND that has nothing to do calls REST(ARG) before it sleeps; it sleeps as long as REST says, 0 meaning
 * until there is work. For what must be tidied up. Set before the first ask.
 */
void clerks_at_rest(struct clerks *c, enum clerk_kind kind, usec_t (*rest)(void *arg),
    void *arg);

/* Monotonic time, for deadlines. */
usec_t clerk_now(void);

#endif
