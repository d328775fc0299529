/*
 * ledger_threads.c - tests of pool/ledger.h: four threads, a lane each, with letters in
 * queues under mutexes, as fast as they can. For TSan, and for what only real threads do.
 */
#include "unit/unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "pool/ledger.h"
#include "unit/dice.h"

#define LANES 4u
#define MOST 5u
#define AT_ONCE 6u	/* clients a lane has waiting */
#define SERVED 5000u	/* clients each lane has served when it closes */

/* A client that waits. Wants belong to their thread. */
struct waiter {
	struct node	 in_line;
	struct want	 want;
	bool		 free;
};

struct place {
	struct seat	 seat;
	pthread_t	 thread;
	pthread_mutex_t	 mutex;		/* of the letters */
	unsigned	 nudges, servers;	/* letters */
	/* the thread's own */
	struct town	*town;		/* borrowed */
	struct list	 line;
	struct waiter	 waiters[AT_ONCE];
	unsigned	 idle, busy, opening;
	unsigned long	 served, moved, leaves;
	struct dice	 dice;
};

struct town {
	struct book	 book;
	struct ledger	 ledger;
	struct place	 places[LANES];
	atomic_uint	 open;		/* counted beside the ledger */
	atomic_uint	 most_open;
	atomic_uint	 closing;	/* lanes that let nobody in any more */
	atomic_uint	 done;		/* lanes that wait for nothing */
	atomic_ulong	 clock;
};

static usec_t
now_of(struct town *t)
{
	return atomic_fetch_add(&t->clock, 1);
}

static void
letter(struct place *to, unsigned nudges, unsigned servers)
{
	pthread_mutex_lock(&to->mutex);
	to->nudges += nudges;
	to->servers += servers;
	pthread_mutex_unlock(&to->mutex);
}

static void
one_more_open(struct town *t)
{
	unsigned open = atomic_fetch_add(&t->open, 1) + 1;
	unsigned most = atomic_load(&t->most_open);

	while (open > most && !atomic_compare_exchange_weak(&t->most_open, &most, open))
		;
}

static void
do_errand(struct place *p, struct errand errand)
{
	if (errand.what == ERRAND_OPEN) {
		p->opening++;
		one_more_open(p->town);
	} else if (errand.what == ERRAND_NUDGE) {
		letter(&p->town->places[errand.lane], 1, 0);
	}
}

static void
cover(struct place *p)
{
	struct errand errand;

	while ((errand = ledger_cover(&p->seat, now_of(p->town))).what != ERRAND_NONE)
		do_errand(p, errand);
}

static void
stop_waiting(struct waiter *w)
{
	list_remove(&w->in_line);
	w->free = true;
}

static void
gone_busy(struct place *p)
{
	p->busy--;
	atomic_fetch_sub(&p->town->open, 1);
	ledger_gone_busy(&p->seat, now_of(p->town));
	cover(p);
}

static void
put(struct place *p, struct give give)
{
	switch (give.what) {
	case GIVE_IDLE:
		p->busy--;
		p->idle++;
		return;
	case GIVE_CLOSE:
	case GIVE_YIELD:
		gone_busy(p);
		return;
	case GIVE_AWAY:
		p->busy--;
		p->moved++;
		letter(&p->town->places[give.lane], 0, 1);
		return;
	case GIVE_HERE:
		stop_waiting(CONTAINER_OF(give.want, struct waiter, want));
		p->served++;
		return;
	}
}

static void
take(struct place *p)
{
	struct errand errand;
	unsigned i = 0;

	while (i < AT_ONCE && !p->waiters[i].free)
		i++;
	if (i == AT_ONCE)
		return;
	want_init(&p->waiters[i].want);
	if (ledger_take(&p->seat, &p->waiters[i].want, now_of(p->town), &errand)) {
		p->idle--;
		p->busy++;
		p->served++;
		return;
	}
	p->waiters[i].free = false;
	list_add_last(&p->line, &p->waiters[i].in_line);
	do_errand(p, errand);
	cover(p);
}

static void
leave(struct place *p)
{
	struct waiter *w = LIST_FIRST(&p->line, struct waiter, in_line);

	if (w == NULL)
		return;
	ledger_leave(&w->want);
	stop_waiting(w);
	p->leaves++;
}

static void
server_arrives(struct place *p)
{
	struct waiter *w = LIST_FIRST(&p->line, struct waiter, in_line);

	p->busy++;
	if (w != NULL && ledger_called(&w->want)) {
		ledger_leave(&w->want);
		stop_waiting(w);
		p->served++;
	} else {
		put(p, ledger_give(&p->seat, now_of(p->town)));
	}
}

static void
read_letters(struct place *p)
{
	unsigned nudges, servers;
	struct give give;

	pthread_mutex_lock(&p->mutex);
	nudges = p->nudges;
	servers = p->servers;
	p->nudges = p->servers = 0;
	pthread_mutex_unlock(&p->mutex);
	while (servers-- > 0)
		server_arrives(p);
	if (nudges == 0)
		return;
	while (nudges-- > 0) {
		if (!ledger_nudged(&p->seat, now_of(p->town), &give))
			continue;
		p->idle--;
		p->busy++;
		put(p, give);
	}
	cover(p);
}

/* What servers do by themselves. */
static void
servers_turn(struct place *p, bool mishaps)
{
	if (p->opening > 0) {
		p->opening--;
		if (mishaps && dice_hit(&p->dice, 20)) {
			atomic_fetch_sub(&p->town->open, 1);
			ledger_gone_opening(&p->seat, now_of(p->town), now_of(p->town) + 50, false);
		} else {
			p->busy++;
			put(p, ledger_opened(&p->seat, now_of(p->town)));
		}
		cover(p);
	}
	if (p->busy > 0 && dice_hit(&p->dice, 2))
		put(p, ledger_give(&p->seat, now_of(p->town)));
	if (mishaps && p->busy > 0 && dice_hit(&p->dice, 50))
		gone_busy(p);
	if (mishaps && p->idle > 0 && dice_hit(&p->dice, 50)) {
		p->idle--;
		atomic_fetch_sub(&p->town->open, 1);
		ledger_gone_idle(&p->seat, now_of(p->town));
		cover(p);
	}
}

static bool
waits_for_something(struct place *p)
{
	return !list_empty(&p->line) || p->busy > 0 || p->opening > 0;
}

static void *
live(void *arg)
{
	struct place *p = arg;
	struct town *t = p->town;
	bool done = false;

	while (p->served < SERVED) {
		read_letters(p);
		take(p);
		servers_turn(p, true);
		if (dice_hit(&p->dice, 30))
			leave(p);
		if (dice_hit(&p->dice, 1000))
			ledger_pause(&t->ledger, true);
		else if (dice_hit(&p->dice, 20))
			ledger_pause(&t->ledger, false);
		if (dice_hit(&p->dice, 20))
			cover(p);
		sched_yield();
	}
	atomic_fetch_add(&t->closing, 1);
	while (atomic_load(&t->done) < LANES) {
		bool was = done;

		if (atomic_load(&t->closing) == LANES)
			ledger_pause(&t->ledger, false);
		read_letters(p);
		cover(p);
		servers_turn(p, false);
		done = atomic_load(&t->closing) == LANES && !waits_for_something(p);
		if (done != was)
			done ? atomic_fetch_add(&t->done, 1) :
			       atomic_fetch_sub(&t->done, 1);
		sched_yield();
	}
	return NULL;
}

static void
town_begin(struct town *t, usec_t patience)
{
	struct ledger_limits limits = { .most = MOST };

	memset(t, 0, sizeof(*t));
	atomic_store(&t->clock, SECOND);
	book_init(&t->book);
	t->book.patience = patience;
	ledger_init(&t->ledger, &t->book);
	ledger_limit(&t->ledger, &limits);
	for (unsigned i = 0; i < LANES; i++) {
		struct place *p = &t->places[i];

		p->town = t;
		p->dice = dice_of_seed(i + 1);
		pthread_mutex_init(&p->mutex, NULL);
		list_init(&p->line);
		for (unsigned k = 0; k < AT_ONCE; k++) {
			p->waiters[k].free = true;
			node_init(&p->waiters[k].in_line);
		}
		ledger_sit(&t->ledger, &p->seat, i);
	}
}

static void
town_lives(usec_t patience)
{
	struct town *t = malloc(sizeof(*t));
	unsigned long moved = 0;
	unsigned idle = 0;

	assert_non_null(t);
	town_begin(t, patience);
	for (unsigned i = 0; i < LANES; i++)
		assert_int_equal(pthread_create(&t->places[i].thread, NULL, live,
				     &t->places[i]),
		    0);
	for (unsigned i = 0; i < LANES; i++)
		pthread_join(t->places[i].thread, NULL);
	for (unsigned i = 0; i < LANES; i++) {
		struct place *p = &t->places[i];

		read_letters(p);
		assert_true(list_empty(&p->line));
		idle += p->idle + p->busy;
		moved += p->moved;
		pthread_mutex_destroy(&p->mutex);
	}
	assert_true(ledger_check(&t->ledger));
	assert_int_equal(t->ledger.open, idle);
	assert_int_equal(t->ledger.waiting, 0);
	assert_true(atomic_load(&t->most_open) <= MOST);
	assert_true(moved > 100);
	print_message("# %lu servers moved\n", moved);
	free(t);
}

static void
threads_share_a_pool(void **state)
{
	(void)state;
	town_lives(0);
}

static void
threads_prefer_their_own(void **state)
{
	(void)state;
	town_lives(50);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(threads_share_a_pool),
		UNIT_TEST(threads_prefer_their_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
