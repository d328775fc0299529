/*
 * loop.c - net/loop.h over a virtual clock. A turn is, as in net/: everybody who has
 * something, in an order that is drawn, then the chores. Nothing ever blocks: when no
 * loop has anything to do, the clock moves (sim_pass) or the story goes on.
 */
#include "net/loop.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "sim/sim_private.h"

#define TURNS_MOST 20000000ul	/* a world that does not settle is a bug */
#define LOOPS_MOST 16u
#define BEGINNING (1000 * SECOND)
#define WALL_BEGINNING (1700000000 * SECOND)

struct loop {
	struct loop_clock clock;	/* never known: the world has one for all */
	struct list	 sources;
	unsigned	 source_count;
	struct list	 chores;
	struct buf	 scratch;
	struct source	**due;		/* owned; who is ready in this turn */
	unsigned	 due_count, due_cap;
	bool		 stopping;
};

struct timer {
	struct source	 source;
	void		(*fn)(void *owner);
	void		*owner;
};

/* The doors have no parameter for it. */
static struct {
	usec_t		 now;
	uint64_t	 random;
	struct loop	*loops[LOOPS_MOST];
	unsigned	 loop_count;
	struct loop	*outside;
	int		 alive;
	size_t		 most_unsent, most_kept;
} world;

static bool loop_busy(struct loop *loop);
static void run_chores(struct loop *loop);

/* --- the world --- */

void
sim_begin(uint64_t seed)
{
	world.now = BEGINNING;
	world.random = seed * 2654435761u + 1;
	world.loop_count = 0;
	world.alive = 0;
	world.most_unsent = world.most_kept = 0;
	streams_begin();
	hosts_begin();
	resolvers_begin();
	world.outside = loop_new(NULL);
}

unsigned
sim_end(void)
{
	loop_free(world.outside);
	world.outside = NULL;
	streams_end();
	return (unsigned)world.alive;
}

void
sim_born(int count)
{
	world.alive += count;
}

struct loop *
sim_outside(void)
{
	return world.outside;
}

/* SplitMix64, by Sebastiano Vigna. */
uint64_t
sim_draw(uint64_t below)
{
	uint64_t z = world.random += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (z ^ z >> 31) % below;
}

usec_t
sim_now(void)
{
	return world.now;
}

void
sim_note_unsent(size_t unsent)
{
	if (world.most_unsent < unsent)
		world.most_unsent = unsent;
}

void
sim_note_kept(size_t kept)
{
	if (world.most_kept < kept)
		world.most_kept = kept;
}

size_t
sim_most_unsent(void)
{
	return world.most_unsent;
}

size_t
sim_most_kept(void)
{
	return world.most_kept;
}

void
sim_settle(void)
{
	for (unsigned long turns = 0; turns < TURNS_MOST; turns++) {
		struct loop *busy[LOOPS_MOST];
		unsigned count = 0;

		for (unsigned i = 0; i < world.loop_count; i++)
			if (loop_busy(world.loops[i]))
				busy[count++] = world.loops[i];
		if (count > 0)
			loop_turn_once(busy[count > 1 ? sim_draw(count) : 0]);
		else if (!streams_let_go())
			return;
	}
	fprintf(stderr, "the world does not settle\n");
	abort();
}

/* When is something due next? 0: never. */
static usec_t
next_moment(void)
{
	usec_t next = 0;

	for (unsigned i = 0; i < world.loop_count; i++) {
		LIST_EACH(n, &world.loops[i]->sources) {
			struct source *s = CONTAINER_OF(n, struct source, in_loop);

			if (s->wakes > world.now && (next == 0 || s->wakes < next))
				next = s->wakes;
		}
	}
	return next;
}

void
sim_pass(usec_t time)
{
	usec_t end = world.now + time;
	usec_t next;

	sim_settle();
	while ((next = next_moment()) != 0 && next <= end) {
		world.now = next;
		sim_settle();
	}
	world.now = end;
	sim_settle();
}

/* --- sources --- */

void
source_add(struct loop *loop, struct source *source)
{
	node_init(&source->in_loop);
	list_add_last(&loop->sources, &source->in_loop);
	loop->source_count++;
	source->loop = loop;
}

void
source_drop(struct source *source)
{
	struct loop *loop = source->loop;

	if (loop == NULL)
		return;
	list_remove(&source->in_loop);
	loop->source_count--;
	source->loop = NULL;
	for (unsigned i = 0; i < loop->due_count; i++)
		if (loop->due[i] == source)
			loop->due[i] = NULL;
}

/* --- loops --- */

struct loop *
loop_new(struct err *e)
{
	struct loop *loop = mem_new(sizeof(*loop));

	if (loop == NULL || world.loop_count == LOOPS_MOST) {
		mem_free(loop);
		err_set(e, SQLSTATE_NO_MEMORY, "cannot make an event loop");
		return NULL;
	}
	list_init(&loop->sources);
	list_init(&loop->chores);
	world.loops[world.loop_count++] = loop;
	sim_born(1);
	return loop;
}

void
loop_free(struct loop *loop)
{
	if (loop == NULL)
		return;
	run_chores(loop);
	for (unsigned i = 0; i < world.loop_count; i++)
		if (world.loops[i] == loop)
			world.loops[i] = world.loops[--world.loop_count];
	buf_fini(&loop->scratch);
	mem_free(loop->due);
	mem_free(loop);
	sim_born(-1);
}

static bool
loop_busy(struct loop *loop)
{
	if (!list_empty(&loop->chores))
		return true;
	LIST_EACH(n, &loop->sources) {
		struct source *s = CONTAINER_OF(n, struct source, in_loop);

		if (s->ready(s))
			return true;
	}
	return false;
}

/* Who is ready now, in an order that is drawn. */
static void
gather_due(struct loop *loop)
{
	if (loop->due_cap < loop->source_count) {
		loop->due_cap = loop->source_count * 2;
		mem_free(loop->due);
		loop->due = mem_new(loop->due_cap * sizeof(struct source *));
		if (loop->due == NULL)
			abort();
	}
	loop->due_count = 0;
	LIST_EACH(n, &loop->sources) {
		struct source *s = CONTAINER_OF(n, struct source, in_loop);

		if (s->ready(s))
			loop->due[loop->due_count++] = s;
	}
	for (unsigned i = loop->due_count; i > 1; i--) {
		unsigned j = (unsigned)sim_draw(i);
		struct source *s = loop->due[j];

		loop->due[j] = loop->due[i - 1];
		loop->due[i - 1] = s;
	}
}

bool
loop_turn_once(struct loop *loop)
{
	bool something = !list_empty(&loop->chores);

	gather_due(loop);
	for (unsigned i = 0; i < loop->due_count; i++) {
		struct source *s = loop->due[i];

		something = true;
		if (s != NULL && s->ready(s))
			s->fire(s);
	}
	loop->due_count = 0;
	run_chores(loop);
	return something;
}

void
loop_run(struct loop *loop)
{
	loop->stopping = false;
	while (!loop->stopping && loop_turn_once(loop))
		;
}

void
loop_stop(struct loop *loop)
{
	loop->stopping = true;
}

usec_t
loop_read_clock(struct loop *loop)
{
	(void)loop;
	return world.now;
}

usec_t
loop_wall(struct loop *loop)
{
	(void)loop;
	return world.now - BEGINNING + WALL_BEGINNING;
}

struct buf *
loop_scratch(struct loop *loop)
{
	buf_clear(&loop->scratch);
	return &loop->scratch;
}

bool
loop_on_signal(struct loop *loop, int signo, void (*fn)(void *owner, int signo),
    void *owner)
{
	(void)loop;
	(void)signo;
	(void)fn;
	(void)owner;
	return true;
}

const char *
loop_version(void)
{
	return "simulated";
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

/* --- timers --- */

static bool
timer_ready(struct source *source)
{
	return source->wakes != 0 && source->wakes <= world.now;
}

static void
timer_fire(struct source *source)
{
	struct timer *t = CONTAINER_OF(source, struct timer, source);

	source->wakes = 0;
	t->fn(t->owner);
}

struct timer *
timer_new(struct loop *loop, void (*fn)(void *owner), void *owner)
{
	struct timer *t = mem_new(sizeof(*t));

	if (t == NULL)
		return NULL;
	t->source.ready = timer_ready;
	t->source.fire = timer_fire;
	t->fn = fn;
	t->owner = owner;
	source_add(loop, &t->source);
	sim_born(1);
	return t;
}

void
timer_set(struct timer *t, usec_t delay)
{
	t->source.wakes = world.now + delay;
}

void
timer_stop(struct timer *t)
{
	t->source.wakes = 0;
}

void
timer_free(struct timer *t)
{
	if (t == NULL)
		return;
	source_drop(&t->source);
	mem_free(t);
	sim_born(-1);
}
