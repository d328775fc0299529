/*
 * loop.h - one thread's event loop: clock, timers, work for the end of a turn, and the
 * buffers that all links of the thread share. One of the five doors to the outside: the
 * simulator implements this header with a virtual clock.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "base/port.h"

struct event_base;
struct loop;

/* A new loop for the calling thread, or NULL. loop_free() when nothing lives on it. */
struct loop *loop_new(struct err *e);
void loop_free(struct loop *loop);

/* libevent's own, for what is built on it. */
struct event_base *loop_base(struct loop *loop);

/* Turn until loop_stop() is called on the loop's own thread. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* How every struct loop begins: asked for its time a dozen times a transaction. */
struct loop_clock {
	usec_t		 now;		/* 0: not read in this turn */
};
RARE usec_t loop_read_clock(struct loop *loop);

/* Monotonic time, read once a turn. */
static inline usec_t
loop_now(struct loop *loop)
{
	usec_t now = ((struct loop_clock *)loop)->now;

	return likely(now != 0) ? now : loop_read_clock(loop);
}
/* Wall-clock time matching loop_now(), for people. */
usec_t loop_wall(struct loop *loop);

/* A timer calls FN(OWNER) on the loop's thread. It rests until set; one shot. */
struct timer;
struct timer *timer_new(struct loop *loop, void (*fn)(void *owner), void *owner);
/* Ring once, DELAY from now; setting it again moves it. */
void timer_set(struct timer *t, usec_t delay);
void timer_stop(struct timer *t);
/* NULL is fine. Allowed from the timer's own function. */
void timer_free(struct timer *t);

/* Something to do at the end of this turn, once. Lives inside its owner. */
struct chore {
	struct node	 in_loop;
	void		(*run)(struct chore *chore);
};
void chore_init(struct chore *chore, void (*run)(struct chore *chore));
/* Run CHORE at the end of the turn (of the next one if it is called from a chore). Twice is once. */
void loop_later(struct loop *loop, struct chore *chore);
/* CHORE will not run any more. */
void chore_drop(struct chore *chore);

/* A function called with each signal SIGNO on this loop (the keeper's). Lasts as long as the loop. */
bool loop_on_signal(struct loop *loop, int signo, void (*fn)(void *owner, int signo),
    void *owner);

/* The loop's scratch buffer, cleared. The caller is done with it before anybody else may ask. */
struct buf *loop_scratch(struct loop *loop);

/* Versions of the libraries under net/, for -V: "libevent 2.1.12-stable (epoll)". */
const char *loop_version(void);

#endif
