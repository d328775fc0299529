/*
 * lock.c - see lock.h: what happens when threads meet at a lock.
 */
#include "base/lock.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Looks at a lock before its waiter sleeps: longer than it is mostly held, shorter than a sleep. */
#define SPINS 100u

static void
rest(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

static bool
try_take(struct lock *lock)
{
	unsigned expected = LOCK_FREE;

	return atomic_load_explicit(&lock->state, memory_order_relaxed) == LOCK_FREE &&
	    atomic_compare_exchange_strong_explicit(&lock->state, &expected, LOCK_HELD,
	    memory_order_acquire, memory_order_relaxed);
}

/* Whoever gets it after a sleep leaves it AWAITED: there may be others, and one wake too many is harmless. */
void
lock_wait(struct lock *lock)
{
	for (unsigned i = 0; i < SPINS; i++) {
		if (try_take(lock))
			return;
		rest();
	}
	while (atomic_exchange_explicit(&lock->state, LOCK_AWAITED, memory_order_acquire) != LOCK_FREE)
		syscall(SYS_futex, &lock->state, FUTEX_WAIT_PRIVATE, LOCK_AWAITED, NULL, NULL, 0);
}

void
lock_wake(struct lock *lock)
{
	syscall(SYS_futex, &lock->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}
