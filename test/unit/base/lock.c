/*
 * lock.c - tests of base/lock.h: threads that meet at one lock all the time.
 */
#include "unit/unit.h"

#include <pthread.h>
#include <sched.h>

#include "base/lock.h"

#define THREADS 6u
#define ROUNDS 20000u

static struct lock lock;
static unsigned long count;	/* plain: the lock alone keeps it right */
static bool inside;

static void *
meet(void *arg)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		lock_take(&lock);
		if (inside)
			abort();
		inside = true;
		count++;
		/* now and then its holder loses the processor, so that others sleep */
		if (i % 64 == (uintptr_t)arg)
			sched_yield();
		inside = false;
		lock_give(&lock);
	}
	return NULL;
}

static void
one_at_a_time(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	lock_init(&lock);
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, meet, (void *)i), 0);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(count, THREADS * ROUNDS);
	assert_int_not_equal(atomic_load(&lock.state), LOCK_HELD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(one_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
