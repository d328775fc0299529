/*
 * lock.h - a lock that is held for some dozen instructions at a time by threads that rarely
 * meet. A pthread mutex costs a hundred instructions a pair even then, twice a
 * transaction; this one an exchange each. Who meets another spins a moment, then sleeps
 * in the kernel (futex(2)). Not recursive; no priorities; nothing allocates or blocks
 * under it.
 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <stdatomic.h>

#include "base/port.h"

enum lock_state { LOCK_FREE, LOCK_HELD, LOCK_AWAITED };

struct lock {
	atomic_uint	 state;		/* AWAITED: held, and somebody may sleep */
};

/* The rest of these two, when threads meet (lock.c). */
RARE void lock_wait(struct lock *lock);
RARE void lock_wake(struct lock *lock);

static inline void
lock_init(struct lock *lock)
{
	atomic_init(&lock->state, LOCK_FREE);
}

static inline void
lock_take(struct lock *lock)
{
	unsigned expected = LOCK_FREE;

	if (unlikely(!atomic_compare_exchange_strong_explicit(&lock->state, &expected, LOCK_HELD,
	    memory_order_acquire, memory_order_relaxed)))
		lock_wait(lock);
}

static inline void
lock_give(struct lock *lock)
{
	if (unlikely(atomic_exchange_explicit(&lock->state, LOCK_FREE, memory_order_release) ==
	    LOCK_AWAITED))
		lock_wake(lock);
}

#endif
