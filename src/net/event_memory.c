/*
 * event_memory.c - where libevent's memory comes from. For every descriptor there ever was it
 * keeps a few bytes until its base ends. On the heap these would lie between what clients
 * own, and hardly a page could be given back when the clients leave: so they get a place of
 * their own. All else libevent wants comes from the heap.
 */
#include "net/event_memory.h"

#include <event2/event.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SLOT ((size_t)32)			/* bytes; what libevent keeps a descriptor fits in */
#define PLACE ((size_t)32 << 20)		/* bytes of addresses, a page of memory at a time */

static char *place;		/* NULL: none was to be had; never given back */
static atomic_size_t taken;	/* bytes of it */

static bool
in_place(const void *ptr)
{
	return place != NULL && (uintptr_t)ptr - (uintptr_t)place < PLACE;
}

static void *
take(size_t size)
{
	size_t at;

	if (size > SLOT || place == NULL ||
	    atomic_load_explicit(&taken, memory_order_relaxed) >= PLACE)
		return malloc(size);
	at = atomic_fetch_add_explicit(&taken, SLOT, memory_order_relaxed);
	return at < PLACE ? place + at : malloc(size);
}

/* A slot is not used again: libevent gives it up when a base ends, and so do we. */
static void
give(void *ptr)
{
	if (!in_place(ptr))
		free(ptr);
}

static void *
resize(void *old, size_t size)
{
	void *bigger;

	if (!in_place(old))
		return realloc(old, size);
	if (size <= SLOT)
		return old;
	bigger = malloc(size);
	if (bigger != NULL)
		memcpy(bigger, old, SLOT);
	return bigger;
}

static void
begin(void)
{
	void *at = mmap(NULL, PLACE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at != MAP_FAILED)
		place = at;
	event_set_mem_functions(take, resize, give);
}

void
event_memory_begin(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, begin);
}
