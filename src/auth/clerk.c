/*
 * clerk.c - threads for errands that block: a desk a kind, with a queue and a few threads
 * that are started when they are needed. What an errand does, and until when, is its own
 * business (lookup.c, outside.c).
 *
 * One mutex guards all of it. It is held while a finished errand is posted, so that no
 * letter is sent once clerks_stop() has begun.
 */
#include "auth/clerk.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"

#define THREADS_MOST 4u		/* of any kind */
#define SAME_GROUP_MOST 2u	/* errands of one group under way at a time */

static const struct {
	const char	*name;		/* of its threads, and in messages */
	unsigned	 threads;
	unsigned	 places;	/* errands that may wait */
} kinds[CLERK_KINDS] = {
	[CLERK_LOOKUP] = { "auth_query", 4, 1000 },
	[CLERK_PAM] = { "PAM", 4, 200 },
	[CLERK_LDAP] = { "LDAP", 4, 200 },
};

/* One thread of a desk. */
struct clerk {
	struct clerks	*clerks;	/* held */
	struct desk	*desk;		/* borrowed */
	pthread_t	 thread;
	bool		 hired, busy, gone;
	uint64_t	 group;		/* of what it is busy with */
};

struct desk {
	enum clerk_kind	 kind;
	struct list	 queue;		/* clerk_job.in_queue, oldest first */
	unsigned	 waiting;	/* in the queue */
	unsigned	 idle;		/* threads that wait for work */
	pthread_cond_t	 work;		/* something to do, or the end */
	uint64_t	 done[3];	/* by enum clerk_result */
	uint64_t	 refused;
	usec_t		(*rest)(void *arg);
	void		*rest_arg;	/* borrowed */
	struct clerk	 clerks[THREADS_MOST];
};

struct clerks {
	pthread_mutex_t	 mutex;
	pthread_cond_t	 left;		/* a thread is gone */
	atomic_uint	 holds;		/* the owner's and one a thread */
	atomic_bool	 stopping;	/* written under the mutex */
	struct desk	 desks[CLERK_KINDS];
};

static void *serve(void *arg);

usec_t
clerk_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (usec_t)t.tv_sec * SECOND + (usec_t)t.tv_nsec / 1000;
}

static void
cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}

/* Wait for COND until clerk_now() is UNTIL; 0: for as long as it takes. False: it is. */
static bool
cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, usec_t until)
{
	struct timespec t = { (time_t)(until / SECOND), (long)(until % SECOND * 1000) };

	if (until == 0)
		return pthread_cond_wait(cond, mutex) == 0;
	return pthread_cond_timedwait(cond, mutex, &t) != ETIMEDOUT;
}

struct clerks *
clerks_new(struct err *e)
{
	struct clerks *c = mem_new(sizeof(*c));

	if (c == NULL) {
		err_set(e, SQLSTATE_NO_MEMORY, "out of memory");
		return NULL;
	}
	pthread_mutex_init(&c->mutex, NULL);
	cond_init(&c->left);
	atomic_init(&c->holds, 1);
	atomic_init(&c->stopping, false);
	for (unsigned i = 0; i < CLERK_KINDS; i++) {
		c->desks[i].kind = (enum clerk_kind)i;
		list_init(&c->desks[i].queue);
		cond_init(&c->desks[i].work);
	}
	return c;
}

/* One hold fewer; a thread that clerks_stop() has left to itself may have the last. */
static void
drop(struct clerks *c)
{
	if (atomic_fetch_sub(&c->holds, 1) != 1)
		return;
	for (unsigned i = 0; i < CLERK_KINDS; i++)
		pthread_cond_destroy(&c->desks[i].work);
	pthread_cond_destroy(&c->left);
	pthread_mutex_destroy(&c->mutex);
	mem_free(c);
}

void
clerks_free(struct clerks *c)
{
	if (c != NULL)
		drop(c);
}

bool
clerks_stopping(struct clerks *c)
{
	return atomic_load(&c->stopping);
}

void
clerks_at_rest(struct clerks *c, enum clerk_kind kind, usec_t (*rest)(void *arg),
    void *arg)
{
	pthread_mutex_lock(&c->mutex);
	c->desks[kind].rest = rest;
	c->desks[kind].rest_arg = arg;
	pthread_mutex_unlock(&c->mutex);
}

/* --- asking --- */

/* Start the thread of CLERK. What it was is 0, or an errno. */
static int
hire(struct clerks *c, struct desk *desk, struct clerk *clerk)
{
	sigset_t all, before;
	int failed;

	clerk->clerks = c;
	clerk->desk = desk;
	/* Signals are the keeper's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&clerk->thread, NULL, serve, clerk);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed == 0) {
		atomic_fetch_add(&c->holds, 1);
		clerk->hired = true;
	}
	return failed;
}

/* One thread more if there is more to do than idle ones; an errno if there is none at all. */
static int
staff(struct clerks *c, struct desk *desk)
{
	unsigned hired = 0;
	int failed;

	while (hired < kinds[desk->kind].threads && desk->clerks[hired].hired)
		hired++;
	if (desk->idle >= desk->waiting || hired == kinds[desk->kind].threads)
		return 0;
	failed = hire(c, desk, &desk->clerks[hired]);
	return hired > 0 ? 0 : failed;
}

bool
clerk_ask(struct clerks *c, struct clerk_job *job, struct err *e)
{
	struct desk *desk = &c->desks[job->kind];
	int failed = 0;
	bool full, stopping;

	node_init(&job->in_queue);
	job->deadline = clerk_now() + job->timeout;
	pthread_mutex_lock(&c->mutex);
	stopping = c->stopping;
	full = desk->waiting >= kinds[desk->kind].places;
	desk->refused += full;
	if (!stopping && !full) {
		list_add_last(&desk->queue, &job->in_queue);
		desk->waiting++;
		failed = staff(c, desk);
		if (failed != 0) {
			list_remove(&job->in_queue);
			desk->waiting--;
		} else {
			pthread_cond_signal(&desk->work);
		}
	}
	pthread_mutex_unlock(&c->mutex);
	if (stopping)
		return err_set(e, SQLSTATE_SHUTDOWN, "shutting down");
	if (full)
		return err_set(e, SQLSTATE_TOO_MANY, "%u logins wait for %s already",
		    kinds[desk->kind].places, kinds[desk->kind].name);
	if (failed != 0)
		return err_set(e, SQLSTATE_NO_MEMORY, "cannot start a thread: %s",
		    strerror(failed));
	return true;
}

void
clerk_count(struct clerks *c, enum clerk_kind kind, struct clerk_numbers *out)
{
	const struct desk *desk = &c->desks[kind];

	*out = (struct clerk_numbers){ .name = kinds[kind].name,
		.places = kinds[kind].places };
	pthread_mutex_lock(&c->mutex);
	for (unsigned i = 0; i < THREADS_MOST; i++) {
		out->threads += desk->clerks[i].hired && !desk->clerks[i].gone;
		out->busy += desk->clerks[i].busy;
	}
	out->waiting = desk->waiting;
	out->yes = desk->done[CLERK_YES];
	out->no = desk->done[CLERK_NO];
	out->failed = desk->done[CLERK_FAILED];
	out->refused = desk->refused;
	pthread_mutex_unlock(&c->mutex);
}

/* --- a thread --- */

static bool
may_begin(const struct desk *desk, uint64_t group)
{
	unsigned same = 0;

	if (group == 0)
		return true;
	for (unsigned i = 0; i < THREADS_MOST; i++)
		same += desk->clerks[i].busy && desk->clerks[i].group == group;
	return same < SAME_GROUP_MOST;
}

/* The oldest errand that may begin, out of the queue, or NULL. */
static struct clerk_job *
take(struct desk *desk)
{
	LIST_EACH(n, &desk->queue) {
		struct clerk_job *job = CONTAINER_OF(n, struct clerk_job, in_queue);

		if (!may_begin(desk, job->group))
			continue;
		list_remove(n);
		desk->waiting--;
		return job;
	}
	return NULL;
}

/* Do JOB, without the mutex meanwhile. */
static void
perform(struct clerk *clerk, struct clerk_job *job)
{
	struct clerks *c = clerk->clerks;

	clerk->busy = true;
	clerk->group = job->group;
	pthread_mutex_unlock(&c->mutex);
	job->work(job);
	pthread_mutex_lock(&c->mutex);
	clerk->busy = false;
	clerk->desk->done[job->result]++;
	if (c->stopping) {
		pthread_mutex_unlock(&c->mutex);
		job->drop(job);
		pthread_mutex_lock(&c->mutex);
		return;
	}
	mailbox_post(job->home, &job->letter);
}

/* How long to sleep, 0: until there is work. Others may bring some meanwhile. */
static usec_t
tidy_up(struct clerks *c, struct desk *desk)
{
	usec_t nap = 0;

	if (desk->rest == NULL)
		return 0;
	pthread_mutex_unlock(&c->mutex);
	nap = desk->rest(desk->rest_arg);
	pthread_mutex_lock(&c->mutex);
	return nap;
}

static void *
serve(void *arg)
{
	struct clerk *clerk = arg;
	struct clerks *c = clerk->clerks;
	struct desk *desk = clerk->desk;
	struct clerk_job *job;
	bool tidy = false;
	usec_t nap = 0;

	pthread_setname_np(pthread_self(), kinds[desk->kind].name);
	pthread_mutex_lock(&c->mutex);
	while (!c->stopping) {
		job = take(desk);
		if (job != NULL) {
			perform(clerk, job);
			tidy = false;
		} else if (!tidy) {
			nap = tidy_up(c, desk);
			tidy = true;
		} else {
			desk->idle++;
			cond_wait(&desk->work, &c->mutex,
			    nap > 0 ? clerk_now() + nap : 0);
			desk->idle--;
			tidy = false;
		}
	}
	clerk->gone = true;
	pthread_cond_signal(&c->left);
	pthread_mutex_unlock(&c->mutex);
	drop(c);
	return NULL;
}

/* --- the end --- */

static bool
all_gone(const struct clerks *c)
{
	for (unsigned k = 0; k < CLERK_KINDS; k++) {
		for (unsigned i = 0; i < THREADS_MOST; i++) {
			const struct clerk *clerk = &c->desks[k].clerks[i];

			if (clerk->hired && !clerk->gone)
				return false;
		}
	}
	return true;
}

/* Join who is gone, let go of who is not. */
static void
dismiss(struct clerk *clerk, bool gone)
{
	if (!clerk->hired)
		return;
	if (gone)
		pthread_join(clerk->thread, NULL);
	else
		pthread_detach(clerk->thread);
	clerk->hired = false;
}

void
clerks_stop(struct clerks *c, usec_t grace)
{
	struct list waiting;
	usec_t until = clerk_now() + grace;
	bool gone[CLERK_KINDS][THREADS_MOST];

	list_init(&waiting);
	pthread_mutex_lock(&c->mutex);
	atomic_store(&c->stopping, true);
	for (unsigned k = 0; k < CLERK_KINDS; k++) {
		list_join(&waiting, &c->desks[k].queue);
		c->desks[k].waiting = 0;
		pthread_cond_broadcast(&c->desks[k].work);
	}
	pthread_mutex_unlock(&c->mutex);
	LIST_EACH(n, &waiting) {
		struct clerk_job *job = CONTAINER_OF(n, struct clerk_job, in_queue);

		list_remove(n);
		job->drop(job);
	}

	pthread_mutex_lock(&c->mutex);
	while (!all_gone(c) && cond_wait(&c->left, &c->mutex, until))
		;
	for (unsigned k = 0; k < CLERK_KINDS; k++)
		for (unsigned i = 0; i < THREADS_MOST; i++)
			gone[k][i] = c->desks[k].clerks[i].gone;
	pthread_mutex_unlock(&c->mutex);
	for (unsigned k = 0; k < CLERK_KINDS; k++)
		for (unsigned i = 0; i < THREADS_MOST; i++)
			dismiss(&c->desks[k].clerks[i], gone[k][i]);
}
