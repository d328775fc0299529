/*
 * crowd.c - counting by name: one count a kind and name, gone with the last of them, and
 * right when four threads count at once.
 */
#include "unit/unit.h"

#include <pthread.h>
#include <stdio.h>

#include "pool/crowd.h"

#define THREADS 4u
#define ROUNDS 2000u

static void
each_kind_and_name_has_its_own(void **state)
{
	struct crowds *crowds = crowds_new();
	struct span app = SPAN_LITERAL("app"), ap = SPAN_LITERAL("ap");
	struct crowd *a, *b, *c, *d;
	unsigned count = 0;

	(void)state;
	a = crowd_enter(crowds, CROWD_DATABASE, app, &count);
	assert_int_equal(count, 1);
	b = crowd_enter(crowds, CROWD_DATABASE, app, &count);
	assert_int_equal(count, 2);
	assert_ptr_equal(a, b);
	c = crowd_enter(crowds, CROWD_USER, app, &count);
	assert_int_equal(count, 1);
	d = crowd_enter(crowds, CROWD_DATABASE, ap, &count);
	assert_int_equal(count, 1);
	assert_int_equal(crowd_count(crowds, CROWD_DATABASE, app), 2);
	crowd_leave(crowds, a);
	assert_int_equal(crowd_count(crowds, CROWD_DATABASE, app), 1);
	crowd_leave(crowds, b);
	assert_int_equal(crowd_count(crowds, CROWD_DATABASE, app), 0);
	assert_int_equal(crowd_count(crowds, CROWD_USER, app), 1);
	crowd_leave(crowds, c);
	crowd_leave(crowds, d);
	crowd_leave(crowds, NULL);
	crowds_free(crowds);
}

static void *
come_and_go(void *arg)
{
	struct crowds *crowds = arg;
	struct crowd *in[8] = { NULL };
	char name[16];

	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned at = i % ARRAY_SIZE(in), count = 0;

		crowd_leave(crowds, in[at]);
		snprintf(name, sizeof(name), "name %u", i % 5);
		in[at] = crowd_enter(crowds, CROWD_USER, span_text(name), &count);
		if (count == 0 || count > THREADS * ARRAY_SIZE(in))
			return crowds;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(in); i++)
		crowd_leave(crowds, in[i]);
	return NULL;
}

static void
threads_count_together(void **state)
{
	struct crowds *crowds = crowds_new();
	pthread_t threads[THREADS];
	void *wrong;

	(void)state;
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, crowds), 0);
	for (unsigned i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], &wrong), 0);
		assert_null(wrong);
	}
	assert_int_equal(crowd_count(crowds, CROWD_USER, SPAN_LITERAL("name 1")), 0);
	crowds_free(crowds);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(each_kind_and_name_has_its_own),
		UNIT_TEST(threads_count_together),
	};

	return cmocka_run_group_tests_name("crowd", tests, NULL, NULL);
}
