/*
 * job.h - a command that cannot be answered at once: it asks all workers, perhaps again
 * and again until something is so, or the keeper. The console that waits may leave
 * meanwhile; the job then ends unheard.
 */
#ifndef ADMIN_JOB_H
#define ADMIN_JOB_H

#include <stdatomic.h>

#include "admin/act.h"
#include "admin/console.h"
#include "admin/order.h"

#define JOB_PAUSE (20 * MSEC)	/* between rounds */

enum job_step { JOB_AGAIN, JOB_DONE, JOB_FAILED };

struct job_kind {
	/* On each worker's thread, in each round. */
	void		(*round)(struct worker *w, struct job *job);
	/* After a round, on the console's thread: is it done? FAILED: E says why. */
	enum job_step	(*look)(struct job *job, struct err *e);
	/* The console sent a cancel request (else waiting goes on). May be NULL. */
	void		(*cancel)(struct job *job);
};

struct job {
	struct console	*console;	/* borrowed; NULL: it has left */
	struct admin	*admin;		/* borrowed */
	struct worker	*home;		/* borrowed: the console's */
	const struct job_kind *kind;	/* NULL: it asks the keeper, or gathers rows */
	bool		 away;		/* letters are under way: it may not be freed */
	struct timer	*timer;		/* owned; the next round */
	unsigned	 rounds;
	bool		 late;		/* its time is up: the next round is the last */
	bool		 ours;		/* what it waits for was not so before */
	usec_t		 most;		/* its time; 0: no limit */
	struct scope	 scope;
	usec_t		 began;
	uint64_t	 id;
	atomic_uint	 found;		/* what this round has counted */
	struct order	 order;
	struct letter	 back;		/* from the keeper */
	struct span	 key, value;	/* in strings */
	char		 strings[WORDS_BYTES];
};

/* A job for the running command of S. NULL: no memory, and the command has failed. */
struct job *job_new(struct console *s, const struct job_kind *kind);
/* Begin the first round. */
void job_begin(struct job *job);
/* Send its order to the keeper, and answer with what the keeper says. */
void job_send_order(struct job *job);
/* Gather rows of VIEW for the running portal. */
void job_gather(struct job *job, const struct view *view);
/* Its console leaves, or has been answered otherwise. */
void job_abandon(struct job *job);

#endif
