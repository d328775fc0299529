/*
 * worker.c - one thread. Births and funerals of its clients and servers, its lanes, and
 * asking all workers at once.
 */
#include "pool/worker.h"

#include <errno.h>
#include <limits.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "pool/budget.h"
#include "pool/cancel.h"
#include "pool/client.h"
#include "pool/courier.h"
#include "pool/credentials.h"
#include "pool/deadline.h"
#include "pool/goodbye.h"
#include "pool/hosts.h"
#include "pool/lane.h"
#include "pool/place.h"
#include "pool/retire.h"
#include "pool/server.h"
#include "pool/standing.h"
#include "pool/strikes.h"

#define MANY_LEFT 256u		/* clients whose memory is worth giving back */

static void *run(void *arg);
static void on_sweep(struct chore *chore);
static void on_tick(void *owner);

struct worker *
worker_new(struct pooler *p, unsigned index, struct err *e)
{
	struct worker *w = mem_new(sizeof(*w));

	if (w == NULL) {
		err_set(e, SQLSTATE_NO_MEMORY, "out of memory");
		return NULL;
	}
	w->pooler = p;
	w->index = index;
	list_init(&w->clients);
	list_init(&w->newcomers);
	list_init(&w->lanes);
	list_init(&w->dead_clients);
	list_init(&w->dead_servers);
	list_init(&w->couriers);
	chore_init(&w->sweep, on_sweep);
	w->last_unnamed = (uint64_t)index << 56;
	w->setup = pooler_setup(p);
	w->loop = loop_new(e);
	if (w->loop == NULL)
		goto fail;
	w->mailbox = mailbox_new(w->loop, w, e);
	w->tick = timer_new(w->loop, on_tick, w);
	if (w->mailbox == NULL || w->tick == NULL)
		goto fail;
	hosts_follow(w);
	return w;
fail:
	worker_free(w);
	return NULL;
}

bool
worker_start(struct worker *w, struct err *e)
{
	sigset_t all, before;
	int failed;

	/* Signals are the keeper's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&w->thread, NULL, run, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed != 0)
		return err_set(e, SQLSTATE_NO_MEMORY, "cannot start a thread: %s",
		    strerror(failed));
	w->running = true;
	return true;
}

static void *
run(void *arg)
{
	struct worker *w = arg;

	timer_set(w->tick, DEADLINE_TICK);
	loop_run(w->loop);
	worker_close_everything(w);
	return NULL;
}

/* --- stopping --- */

static void
stop_here(struct letter *letter, void *receiver)
{
	struct worker *w = receiver;

	(void)letter;
	w->stopping = true;
	loop_stop(w->loop);
}

void
worker_stop(struct worker *w)
{
	struct letter letter = { NULL, stop_here };

	mailbox_post(w->mailbox, &letter);
	pthread_join(w->thread, NULL);
	w->running = false;
}

static void
close_lane(struct lane *lane)
{
	struct server *s;

	while ((s = LIST_FIRST(&lane->idle, struct server, in_lane)) != NULL ||
	    (s = LIST_FIRST(&lane->busy, struct server, in_lane)) != NULL ||
	    (s = LIST_FIRST(&lane->opening, struct server, in_lane)) != NULL)
		server_close(s, CLOSE_shutting_down);
}

void
worker_close_everything(struct worker *w)
{
	struct client *c;

	while ((c = LIST_FIRST(&w->clients, struct client, in_worker)) != NULL)
		client_close(c, CLOSE_shutting_down);
	LIST_EACH(n, &w->lanes)
		close_lane(CONTAINER_OF(n, struct lane, in_worker));
	courier_drop_all(w);
	on_sweep(&w->sweep);
}

void
worker_free(struct worker *w)
{
	if (w == NULL)
		return;
	LIST_EACH(n, &w->lanes)
		lane_free(CONTAINER_OF(n, struct lane, in_worker));
	timer_free(w->tick);
	mailbox_free(w->mailbox);
	chore_drop(&w->sweep);
	loop_free(w->loop);
	map_fini(&w->keys);
	strikes_free(w->strikes);
	setup_drop(w->setup);
	mem_free(w);
}

/* --- the dead --- */

static void
on_sweep(struct chore *chore)
{
	struct worker *w = CONTAINER_OF(chore, struct worker, sweep);

	LIST_EACH(n, &w->dead_clients)
		client_free(CONTAINER_OF(n, struct client, in_worker));
	LIST_EACH(m, &w->dead_servers)
		server_free(CONTAINER_OF(m, struct server, in_lane));
}

/*
 * When most clients have left and no more do: what one of them had lies between what others
 * have, so the heap does not shrink by itself.
 */
static void
give_memory_back(struct worker *w)
{
	unsigned now = atomic_load_explicit(&w->client_count, memory_order_relaxed);
	bool leaving = now < w->clients_before;

	w->clients_before = now;
	if (now > w->most_clients)
		w->most_clients = now;
	if (leaving || w->most_clients - now < MANY_LEFT || now > w->most_clients / 2)
		return;
	w->most_clients = now;
	mem_give_back();
}

/* What auth_query said is remembered for a while only. */
static void
forget_secrets(struct worker *w, usec_t now)
{
	usec_t keep = w->setup->conf->auth_query_cache_time;

	if (now > keep)
		credentials_tick(w->pooler->credentials, now - keep);
}

static void
on_tick(void *owner)
{
	struct worker *w = owner;

	deadline_tick(w, loop_now(w->loop));
	goodbye_tick(w, loop_now(w->loop));
	if (w->index == 0)
		forget_secrets(w, loop_now(w->loop));
	give_memory_back(w);
	if (w->index == 0)
		retire_tick(w, loop_now(w->loop));
	if (w->index == 0 && !w->standing)
		standing_make(w);
	w->standing = true;
	if (w->index == 0)
		budget_tick(w->pooler, w->setup->conf, loop_now(w->loop));
	timer_set(w->tick, DEADLINE_TICK);
}

/* --- new connections --- */

struct arrival {
	struct letter	 letter;
	int		 fd;
	struct addr	 peer;
};

static void
open_arrival(struct letter *letter, void *receiver)
{
	struct arrival *a = CONTAINER_OF(letter, struct arrival, letter);

	client_new(receiver, a->fd, &a->peer);
	mem_free(a);
}

struct worker *
worker_least(struct pooler *p, unsigned turn)
{
	struct worker *best = NULL;
	unsigned least = UINT_MAX;

	for (unsigned i = 0; i < p->worker_count; i++) {
		struct worker *w = p->workers[(turn + i) % p->worker_count];
		unsigned count = atomic_load_explicit(&w->client_count, memory_order_relaxed);

		if (count < least) {
			best = w;
			least = count;
		}
	}
	return best;
}

static void
count_arrival(struct worker *w)
{
	atomic_fetch_add(&w->client_count, 1);
	atomic_fetch_add(&w->pooler->clients, 1);
}

void
worker_take(struct worker *w, int fd, const struct addr *peer)
{
	count_arrival(w);
	client_new(w, fd, peer);
}

void
worker_accept(struct worker *w, int fd, const struct addr *peer)
{
	struct arrival *a = mem_new(sizeof(*a));

	if (a == NULL) {
		log_line(LOG_LEVEL_ERROR, NULL, "connection dropped: out of memory");
		close(fd);
		return;
	}
	a->letter.open = open_arrival;
	a->fd = fd;
	a->peer = *peer;
	count_arrival(w);
	mailbox_post(w->mailbox, &a->letter);
}

/* --- a favour --- */

struct favour {
	struct letter	 letter;
	void		(*fn)(void *arg);
	void		*arg;
	sem_t		 done;
};

static void
open_favour(struct letter *letter, void *receiver)
{
	struct favour *f = CONTAINER_OF(letter, struct favour, letter);

	(void)receiver;
	f->fn(f->arg);
	sem_post(&f->done);
}

void
worker_do(struct worker *w, void (*fn)(void *arg), void *arg)
{
	struct favour favour = { .letter.open = open_favour, .fn = fn, .arg = arg };

	if (!w->running) {
		fn(arg);
		return;
	}
	sem_init(&favour.done, 0, 0);
	mailbox_post(w->mailbox, &favour.letter);
	while (sem_wait(&favour.done) != 0)
		insist(errno == EINTR);
	sem_destroy(&favour.done);
}

/* --- asking all workers --- */

struct question {
	atomic_uint	 left;		/* workers that have not answered */
	struct worker	*home;
	void		(*fn)(struct worker *w, void *arg);
	void		(*done)(void *arg);
	void		*arg;
	struct letter	 answer;
	struct letter	 letters[];	/* one a worker */
};

static void
open_answer(struct letter *letter, void *receiver)
{
	struct question *q = CONTAINER_OF(letter, struct question, answer);

	(void)receiver;
	q->done(q->arg);
	mem_free(q);
}

/* The letters stand in one array: the worker's index says where it begins. */
static void
open_question(struct letter *letter, void *receiver)
{
	struct worker *w = receiver;
	struct letter *first = letter - w->index;
	struct question *q = CONTAINER_OF(first, struct question, letters[0]);

	q->fn(w, q->arg);
	if (atomic_fetch_sub(&q->left, 1) != 1)
		return;
	if (q->home != NULL)
		mailbox_post(q->home->mailbox, &q->answer);
	else
		open_answer(&q->answer, w);
}

bool
worker_ask_all(struct pooler *p, struct worker *home,
    void (*fn)(struct worker *w, void *arg), void (*done)(void *arg), void *arg)
{
	struct question *q = mem_new(sizeof(*q) + p->worker_count * sizeof(q->letters[0]));

	if (q == NULL)
		return false;
	atomic_store(&q->left, p->worker_count);
	q->home = home;
	q->fn = fn;
	q->done = done;
	q->arg = arg;
	q->answer.open = open_answer;
	for (unsigned i = 0; i < p->worker_count; i++)
		q->letters[i].open = open_question;
	for (unsigned i = 0; i < p->worker_count; i++)
		mailbox_post(p->workers[i]->mailbox, &q->letters[i]);
	return true;
}

/* --- lanes --- */

struct lane *
worker_lane(struct worker *w, struct pool *pool)
{
	struct lane *lane = w->by_pool_last;

	if (lane != NULL && lane->pool == pool)
		return lane;
	lane = NULL;
	if (pool->ledger.seats[w->index] != NULL)
		lane = CONTAINER_OF(pool->ledger.seats[w->index], struct lane, seat);
	else
		lane = lane_new(w, pool);
	if (lane != NULL)
		w->by_pool_last = lane;
	return lane;
}

void
worker_drop_lane(struct worker *w, struct pool *pool)
{
	struct seat *seat = pool->ledger.seats[w->index];
	struct lane *lane;

	if (seat == NULL)
		return;
	lane = CONTAINER_OF(seat, struct lane, seat);
	insist(lane->client_count == 0 && lane->nudge_count == 0 && lane->call_count == 0);
	if (w->by_pool_last == lane)
		w->by_pool_last = NULL;
	ledger_rise(seat);
	lane_free(lane);
}

void
worker_use_setup(struct worker *w, struct setup *setup)
{
	struct setup *before = w->setup;

	w->setup = setup_hold(setup);
	w->standing = false;
	hosts_follow(w);
	LIST_EACH(n, &w->lanes)
		lane_refresh(CONTAINER_OF(n, struct lane, in_worker), before);
	LIST_EACH(m, &w->clients) {
		struct client *c = CONTAINER_OF(m, struct client, in_worker);

		if (c->welcomed)
			client_refresh(c);
	}
	setup_drop(before);
}
