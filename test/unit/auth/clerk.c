/*
 * clerk.c - errands on other threads: each answered once, in the order of asking, kinds
 * and groups apart, a full queue refused, an end that waits for nobody for ever.
 */
#include "unit/unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "auth/clerk.h"
#include "base/mem.h"
#include "net/loop.h"

#define PATIENCE (20 * SECOND)
#define THREADS 4u	/* of a kind; as in clerk.c */
#define PLACES_PAM 200u
#define SAME_GROUP 2u

/* A gate that errands wait at, and what they did. */
struct world {
	struct loop	*loop;		/* owned */
	struct mailbox	*home;		/* owned */
	struct clerks	*clerks;	/* owned */
	struct timer	*alarm;		/* owned */
	pthread_mutex_t	 mutex;
	pthread_cond_t	 change;	/* of what follows */
	bool		 open;		/* the gate */
	unsigned	 at_gate, ended, dropped;
	/* the asker's thread */
	unsigned	 answered, wanted;
	unsigned	 last;		/* number of the errand answered last */
	bool		 in_order;
};

struct errand {
	struct clerk_job job;
	struct world	*world;
	unsigned	 number;
	bool		 waits;		/* at the gate */
};

static void
too_late(void *owner)
{
	(void)owner;
	fail_msg("expected an answer, none came");
}

static void
setup(struct world *w)
{
	pthread_condattr_t attr;

	memset(w, 0, sizeof(*w));
	w->loop = loop_new(NULL);
	w->home = mailbox_new(w->loop, w, NULL);
	w->clerks = clerks_new(NULL);
	w->alarm = timer_new(w->loop, too_late, w);
	w->in_order = true;
	assert_non_null(w->clerks);
	pthread_mutex_init(&w->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_cond_init(&w->change, &attr);
	pthread_condattr_destroy(&attr);
}

static void
teardown(struct world *w)
{
	clerks_stop(w->clerks, PATIENCE);
	clerks_free(w->clerks);
	timer_free(w->alarm);
	mailbox_free(w->home);
	loop_free(w->loop);
	pthread_cond_destroy(&w->change);
	pthread_mutex_destroy(&w->mutex);
}

static void
count(struct world *w, unsigned *counter)
{
	pthread_mutex_lock(&w->mutex);
	(*counter)++;
	pthread_cond_broadcast(&w->change);
	pthread_mutex_unlock(&w->mutex);
}

static unsigned
value(struct world *w, const unsigned *counter)
{
	unsigned n;

	pthread_mutex_lock(&w->mutex);
	n = *counter;
	pthread_mutex_unlock(&w->mutex);
	return n;
}

/* Wait until COUNTER is N or more. */
static void
await(struct world *w, const unsigned *counter, unsigned n)
{
	pthread_mutex_lock(&w->mutex);
	while (*counter < n)
		pthread_cond_wait(&w->change, &w->mutex);
	pthread_mutex_unlock(&w->mutex);
}

static void
open_gate(struct world *w)
{
	pthread_mutex_lock(&w->mutex);
	w->open = true;
	pthread_cond_broadcast(&w->change);
	pthread_mutex_unlock(&w->mutex);
}

static void
work(struct clerk_job *job)
{
	struct errand *errand = CONTAINER_OF(job, struct errand, job);
	struct world *w = errand->world;

	if (errand->waits) {
		count(w, &w->at_gate);
		pthread_mutex_lock(&w->mutex);
		while (!w->open)
			pthread_cond_wait(&w->change, &w->mutex);
		pthread_mutex_unlock(&w->mutex);
	}
	count(w, &w->ended);
	job->result = errand->number % 2 ? CLERK_YES : CLERK_NO;
}

static void
drop(struct clerk_job *job)
{
	struct errand *errand = CONTAINER_OF(job, struct errand, job);
	struct world *w = errand->world;

	mem_free(errand);
	count(w, &w->dropped);
}

static void
answered(struct letter *letter, void *receiver)
{
	struct clerk_job *job = CONTAINER_OF(letter, struct clerk_job, letter);
	struct errand *errand = CONTAINER_OF(job, struct errand, job);
	struct world *w = receiver;

	if (!errand->waits) {
		w->in_order = w->in_order && errand->number > w->last;
		w->last = errand->number;
	}
	mem_free(errand);
	if (++w->answered == w->wanted)
		loop_stop(w->loop);
}

static bool
ask(struct world *w, enum clerk_kind kind, unsigned number, uint64_t group, bool waits,
    struct err *e)
{
	struct errand *errand = mem_new(sizeof(*errand));
	usec_t before = clerk_now();

	errand->world = w;
	errand->number = number;
	errand->waits = waits;
	errand->job = (struct clerk_job){
		.letter.open = answered,
		.home = w->home,
		.kind = kind,
		.group = group,
		.timeout = SECOND,
		.work = work,
		.drop = drop,
	};
	if (clerk_ask(w->clerks, &errand->job, e))
		return true;
	assert_true(errand->job.deadline >= before + SECOND);
	mem_free(errand);
	return false;
}

static void
must_ask(struct world *w, enum clerk_kind kind, unsigned number, uint64_t group,
    bool waits)
{
	assert_true(ask(w, kind, number, group, waits, NULL));
}

/* Turn the loop until N answers have come in all. */
static void
hear(struct world *w, unsigned n)
{
	w->wanted = n;
	timer_set(w->alarm, PATIENCE);
	if (w->answered < n)
		loop_run(w->loop);
	timer_stop(w->alarm);
	assert_int_equal(w->answered, n);
}

static void
nothing_asked_nothing_happens(void **state)
{
	struct world w;

	(void)state;
	setup(&w);
	assert_false(clerks_stopping(w.clerks));
	teardown(&w);
}

static void
answers_come_in_the_order_of_asking(void **state)
{
	struct world w;

	(void)state;
	setup(&w);
	for (unsigned i = 0; i < THREADS - 1; i++)
		must_ask(&w, CLERK_LOOKUP, 0, 0, true);
	await(&w, &w.at_gate, THREADS - 1);
	/* one thread is left */
	for (unsigned i = 1; i <= 50; i++)
		must_ask(&w, CLERK_LOOKUP, i, i, false);
	hear(&w, 50);
	assert_true(w.in_order);
	open_gate(&w);
	hear(&w, 50 + THREADS - 1);
	teardown(&w);
}

static void
a_full_queue_refuses_and_stops_no_other_kind(void **state)
{
	struct world w;
	struct clerk_numbers n;
	struct err e = { .text = "" };

	(void)state;
	setup(&w);
	for (unsigned i = 0; i < THREADS; i++)
		must_ask(&w, CLERK_PAM, 0, 0, true);
	await(&w, &w.at_gate, THREADS);
	for (unsigned i = 1; i <= PLACES_PAM; i++)
		must_ask(&w, CLERK_PAM, i, 0, false);
	assert_false(ask(&w, CLERK_PAM, 999, 0, false, &e));
	assert_string_equal(e.sqlstate, SQLSTATE_TOO_MANY);
	assert_string_equal(e.text, "200 logins wait for PAM already");
	clerk_count(w.clerks, CLERK_PAM, &n);
	assert_int_equal(n.threads, THREADS);
	assert_int_equal(n.busy, THREADS);
	assert_int_equal(n.waiting, PLACES_PAM);
	assert_int_equal(n.places, PLACES_PAM);
	assert_int_equal(n.refused, 1);
	assert_int_equal(n.yes + n.no + n.failed, 0);
	must_ask(&w, CLERK_LOOKUP, 1, 0, false);
	hear(&w, 1);
	must_ask(&w, CLERK_LDAP, 2, 0, false);
	hear(&w, 2);
	open_gate(&w);
	hear(&w, 2 + THREADS + PLACES_PAM);
	must_ask(&w, CLERK_PAM, 1, 0, false);
	hear(&w, 3 + THREADS + PLACES_PAM);
	clerk_count(w.clerks, CLERK_PAM, &n);
	assert_string_equal(n.name, "PAM");
	assert_int_equal(n.waiting, 0);
	assert_int_equal(n.yes, PLACES_PAM / 2 + 1);
	assert_int_equal(n.no, PLACES_PAM / 2 + THREADS);
	assert_int_equal(n.failed, 0);
	teardown(&w);
}

static void
a_stuck_group_leaves_threads_to_others(void **state)
{
	struct world w;

	(void)state;
	setup(&w);
	for (unsigned i = 0; i < 10; i++)
		must_ask(&w, CLERK_LOOKUP, 0, 7, true);
	await(&w, &w.at_gate, SAME_GROUP);
	must_ask(&w, CLERK_LOOKUP, 1, 8, false);
	must_ask(&w, CLERK_LOOKUP, 2, 0, false);
	hear(&w, 2);
	assert_int_equal(value(&w, &w.at_gate), SAME_GROUP);
	open_gate(&w);
	hear(&w, 12);
	assert_int_equal(w.at_gate, 10);
	teardown(&w);
}

static void
the_end_drops_what_waits_and_what_is_under_way(void **state)
{
	struct world w;
	struct err e = { .text = "" };

	(void)state;
	setup(&w);
	for (unsigned i = 0; i < THREADS; i++)
		must_ask(&w, CLERK_LDAP, 0, 0, true);
	await(&w, &w.at_gate, THREADS);
	for (unsigned i = 0; i < 5; i++)
		must_ask(&w, CLERK_LDAP, 1, 0, false);
	/* they are stuck: left to themselves */
	clerks_stop(w.clerks, 10 * MSEC);
	assert_true(clerks_stopping(w.clerks));
	assert_int_equal(w.dropped, 5);
	assert_int_equal(w.ended, 0);
	assert_false(ask(&w, CLERK_LDAP, 1, 0, false, &e));
	assert_string_equal(e.sqlstate, SQLSTATE_SHUTDOWN);
	clerks_free(w.clerks);
	open_gate(&w);
	await(&w, &w.dropped, 5 + THREADS);
	assert_int_equal(w.answered, 0);
	w.clerks = clerks_new(NULL);
	teardown(&w);
}

/* Those under way are waited for when they end in time. */
static void *
open_soon(void *arg)
{
	struct world *w = arg;

	while (!clerks_stopping(w->clerks))
		sched_yield();
	open_gate(w);
	return NULL;
}

static void
the_end_waits_for_what_is_under_way(void **state)
{
	struct world w;
	pthread_t thread;

	(void)state;
	setup(&w);
	must_ask(&w, CLERK_LDAP, 0, 0, true);
	must_ask(&w, CLERK_PAM, 0, 0, true);
	await(&w, &w.at_gate, 2);
	assert_int_equal(pthread_create(&thread, NULL, open_soon, &w), 0);
	clerks_stop(w.clerks, PATIENCE);
	assert_int_equal(w.ended, 2);
	assert_int_equal(w.dropped, 2);
	assert_int_equal(w.answered, 0);
	pthread_join(thread, NULL);
	teardown(&w);
}

static usec_t
rest(void *arg)
{
	struct world *w = arg;

	count(w, &w->at_gate);
	return value(w, &w->at_gate) < 3 ? MSEC : 0;
}

static void
who_rests_tidies_up_first_and_again_when_told(void **state)
{
	struct world w;

	(void)state;
	setup(&w);
	clerks_at_rest(w.clerks, CLERK_LOOKUP, rest, &w);
	must_ask(&w, CLERK_LOOKUP, 1, 0, false);
	hear(&w, 1);
	await(&w, &w.at_gate, 3);
	must_ask(&w, CLERK_LOOKUP, 2, 0, false);
	hear(&w, 2);
	await(&w, &w.at_gate, 4);
	teardown(&w);
}

/* --- several askers --- */

#define ASKERS 3u
#define EACH 2000u

static void *
ask_and_hear(void *arg)
{
	struct world *mine = arg;
	unsigned asked = 0;

	while (asked < EACH) {
		unsigned batch = asked + 50;

		for (; asked < batch; asked++)
			must_ask(mine, asked % 2 ? CLERK_LOOKUP : CLERK_LDAP, asked + 1,
			    asked % 3, false);
		hear(mine, asked);
	}
	return NULL;
}

static void
several_askers_are_each_answered_once(void **state)
{
	struct world worlds[ASKERS];
	pthread_t threads[ASKERS];

	(void)state;
	for (unsigned i = 0; i < ASKERS; i++) {
		setup(&worlds[i]);
		if (i > 0) {
			clerks_free(worlds[i].clerks);
			worlds[i].clerks = worlds[0].clerks;
		}
	}
	for (unsigned i = 0; i < ASKERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_and_hear,
				     &worlds[i]),
		    0);
	for (unsigned i = 0; i < ASKERS; i++)
		pthread_join(threads[i], NULL);
	/* who posts may still be waking a mailbox whose letters have all been opened */
	clerks_stop(worlds[0].clerks, PATIENCE);
	for (unsigned i = 1; i < ASKERS; i++)
		worlds[i].clerks = clerks_new(NULL);
	for (unsigned i = 0; i < ASKERS; i++)
		teardown(&worlds[i]);
}

static void
no_memory_is_refused(void **state)
{
	struct err e = { .text = "" };

	(void)state;
	mem_fail_after(1);
	assert_null(clerks_new(&e));
	assert_string_equal(e.sqlstate, SQLSTATE_NO_MEMORY);
	clerks_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(nothing_asked_nothing_happens),
		UNIT_TEST(answers_come_in_the_order_of_asking),
		UNIT_TEST(a_full_queue_refuses_and_stops_no_other_kind),
		UNIT_TEST(a_stuck_group_leaves_threads_to_others),
		UNIT_TEST(the_end_drops_what_waits_and_what_is_under_way),
		UNIT_TEST(the_end_waits_for_what_is_under_way),
		UNIT_TEST(who_rests_tidies_up_first_and_again_when_told),
		UNIT_TEST(several_askers_are_each_answered_once),
		UNIT_TEST(no_memory_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
