/*
 * loop.c - a thread's event loop on libevent. A turn is: wait, call everybody who has
 * something, then the chores. Time is read once a turn, when first asked for.
 */
#include "net/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "net/event_memory.h"
#include "net/loop_private.h"

#define SIGNALS_MOST 8
#define SHARED_MOST (4 * LOOP_READ_MOST)	/* a shared buffer larger than this is not kept */
#define STOCK_MOST 256u		/* blocks that are kept for the next who needs one */

struct block {
	struct block	*next;
};

struct loop_signal {
	struct event	*event;		/* owned */
	void		(*fn)(void *owner, int signo);
	void		*owner;
};

struct loop {
	struct loop_clock clock;	/* first: loop_now() */
	struct event_base *base;	/* owned */
	usec_t		 wall;		/* 0: not read in this turn */
	bool		 stopping;
	struct list	 chores;
	struct list	 lingering;
	struct buf	 scratch;
	struct buf	 cipher_out;
	char		*cipher;	/* owned; LOOP_READ_MOST bytes, or NULL */
	struct block	*stock;		/* owned */
	unsigned	 stock_count;
	struct loop_slot resolver;
	struct loop_signal signals[SIGNALS_MOST];
	unsigned	 signal_count;
	char		 read[LOOP_READ_MOST];
};

struct timer {
	struct event	*event;		/* owned */
	void		(*fn)(void *owner);
	void		*owner;
};

static void loop_turn(struct loop *loop);
static void run_chores(struct loop *loop);

struct loop *
loop_new(struct err *e)
{
	struct loop *loop = mem_new(sizeof(*loop));
	struct event_config *config;

	event_memory_begin();
	config = event_config_new();
	if (loop == NULL || config == NULL)
		goto fail;
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	event_config_set_flag(config, EVENT_BASE_FLAG_NO_CACHE_TIME);
	event_config_set_flag(config, EVENT_BASE_FLAG_IGNORE_ENV);
	loop->base = event_base_new_with_config(config);
	if (loop->base == NULL)
		goto fail;
	event_config_free(config);
	list_init(&loop->chores);
	list_init(&loop->lingering);
	return loop;
fail:
	if (config != NULL)
		event_config_free(config);
	mem_free(loop);
	err_set(e, SQLSTATE_NO_MEMORY, "cannot make an event loop: %s", strerror(errno));
	return NULL;
}

void
loop_free(struct loop *loop)
{
	if (loop == NULL)
		return;
	link_close_lingering(&loop->lingering);
	while (!list_empty(&loop->chores))
		run_chores(loop);
	if (loop->resolver.release != NULL)
		loop->resolver.release(loop->resolver.ptr);
	for (unsigned i = 0; i < loop->signal_count; i++)
		event_free(loop->signals[i].event);
	event_base_free(loop->base);
	while (loop->stock != NULL)
		mem_free(loop_block_take(loop));
	buf_fini(&loop->scratch);
	buf_fini(&loop->cipher_out);
	mem_free(loop->cipher);
	mem_free(loop);
}

void
loop_run(struct loop *loop)
{
	loop->stopping = false;
	while (!loop->stopping)
		loop_turn(loop);
}

static void
loop_turn(struct loop *loop)
{
	int flags = EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY;

	if (!list_empty(&loop->chores))
		flags |= EVLOOP_NONBLOCK;
	loop->clock.now = loop->wall = 0;
	event_base_loop(loop->base, flags);
	run_chores(loop);
}

void
loop_stop(struct loop *loop)
{
	loop->stopping = true;
	event_base_loopbreak(loop->base);
}

/* What a chore puts off runs in the next turn, so that nobody is starved of input. */
static void
run_chores(struct loop *loop)
{
	struct list due;

	list_init(&due);
	list_join(&due, &loop->chores);
	while (!list_empty(&due)) {
		struct chore *chore = CONTAINER_OF(due.head.next, struct chore, in_loop);

		list_remove(&chore->in_loop);
		chore->run(chore);
	}
}

static usec_t
read_clock(clockid_t which)
{
	struct timespec t;

	clock_gettime(which, &t);
	return (usec_t)t.tv_sec * SECOND + (usec_t)t.tv_nsec / 1000;
}

usec_t
loop_read_clock(struct loop *loop)
{
	loop->clock.now = read_clock(CLOCK_MONOTONIC);
	return loop->clock.now;
}

/* Most turns need none. */
usec_t
loop_wall(struct loop *loop)
{
	if (loop->wall == 0)
		loop->wall = read_clock(CLOCK_REALTIME);
	return loop->wall;
}

/* --- timers --- */

static void
timer_rings(evutil_socket_t fd, short what, void *arg)
{
	struct timer *t = arg;

	(void)fd;
	(void)what;
	t->fn(t->owner);
}

struct timer *
timer_new(struct loop *loop, void (*fn)(void *owner), void *owner)
{
	struct timer *t = mem_new(sizeof(*t));

	if (t == NULL)
		return NULL;
	t->fn = fn;
	t->owner = owner;
	t->event = event_new(loop->base, -1, 0, timer_rings, t);
	if (t->event == NULL) {
		mem_free(t);
		return NULL;
	}
	return t;
}

void
timer_set(struct timer *t, usec_t delay)
{
	struct timeval tv = {
		.tv_sec = (time_t)(delay / SECOND),
		.tv_usec = (suseconds_t)(delay % SECOND),
	};

	event_add(t->event, &tv);
}

void
timer_stop(struct timer *t)
{
	event_del(t->event);
}

void
timer_free(struct timer *t)
{
	if (t == NULL)
		return;
	event_free(t->event);
	mem_free(t);
}

/* --- chores --- */

void
chore_init(struct chore *chore, void (*run)(struct chore *chore))
{
	node_init(&chore->in_loop);
	chore->run = run;
}

void
loop_later(struct loop *loop, struct chore *chore)
{
	if (!node_linked(&chore->in_loop))
		list_add_last(&loop->chores, &chore->in_loop);
}

void
chore_drop(struct chore *chore)
{
	list_remove(&chore->in_loop);
}

/* --- signals --- */

static void
signal_came(evutil_socket_t signo, short what, void *arg)
{
	struct loop_signal *s = arg;

	(void)what;
	s->fn(s->owner, (int)signo);
}

bool
loop_on_signal(struct loop *loop, int signo, void (*fn)(void *owner, int signo),
    void *owner)
{
	struct loop_signal *s;

	if (loop->signal_count == SIGNALS_MOST)
		return false;
	s = &loop->signals[loop->signal_count];
	s->fn = fn;
	s->owner = owner;
	s->event = evsignal_new(loop->base, signo, signal_came, s);
	if (s->event == NULL || event_add(s->event, NULL) != 0)
		return false;
	loop->signal_count++;
	return true;
}

/* --- what the thread's links share --- */

struct list *
loop_lingering(struct loop *loop)
{
	return &loop->lingering;
}

struct event_base *
loop_base(struct loop *loop)
{
	return loop->base;
}

char *
loop_read_buffer(struct loop *loop)
{
	return loop->read;
}

char *
loop_cipher_buffer(struct loop *loop)
{
	if (loop->cipher == NULL)
		loop->cipher = mem_new(LOOP_READ_MOST);
	return loop->cipher;
}

char *
loop_block_take(struct loop *loop)
{
	struct block *block = loop->stock;

	if (block == NULL)
		return mem_new(LOOP_BLOCK);
	loop->stock = block->next;
	loop->stock_count--;
	return (char *)block;
}

void
loop_block_give(struct loop *loop, char *mine)
{
	struct block *block = (struct block *)(void *)mine;

	if (loop->stock_count >= STOCK_MOST) {
		mem_free(mine);
		return;
	}
	block->next = loop->stock;
	loop->stock = block;
	loop->stock_count++;
}

/* Empty B for the next use; what one huge message made it grow to is given back. */
static struct buf *
ready(struct buf *b)
{
	if (unlikely(b->cap > SHARED_MOST))
		buf_fini(b);
	buf_clear(b);
	return b;
}

struct buf *
loop_cipher_out(struct loop *loop)
{
	return ready(&loop->cipher_out);
}

struct buf *
loop_scratch(struct loop *loop)
{
	return ready(&loop->scratch);
}

struct loop_slot *
loop_resolver_slot(struct loop *loop)
{
	return &loop->resolver;
}

const char *
loop_version(void)
{
	static char text[64];

	snprintf(text, sizeof(text), "libevent %s (epoll)", event_get_version());
	return text;
}
