/*
 * resolve.c - net/resolve.h: hosts have one address each; a story may move one.
 */
#include "net/resolve.h"

#include "sim/sim_private.h"

/* Who holds on to addresses, one a loop. */
struct listener {
	const struct resolver_user *calls;
	void		*owner;
};

#define LISTENERS_MOST 64u

static struct listener listeners[LISTENERS_MOST];
static unsigned count;

void
resolvers_begin(void)
{
	count = 0;
}

/* Names need no resolver of their own here: any address that is not NULL will do. */
struct resolver *
resolver_of(struct loop *loop)
{
	return (struct resolver *)(void *)loop;
}

void
resolver_set_limits(struct resolver *r, const struct resolver_limits *limits)
{
	(void)r;
	(void)limits;
}

void
resolver_set_user(struct resolver *r, const struct resolver_user *calls, void *owner)
{
	(void)r;
	for (unsigned i = 0; i < count; i++) {
		if (listeners[i].owner == owner)
			return;
	}
	if (count < LISTENERS_MOST)
		listeners[count++] = (struct listener){ calls, owner };
}

void
sim_host_move(struct sim_host *host, const struct addr *to)
{
	struct addr bare = *to;

	bare.port = 0;
	host->addr = *to;
	for (unsigned i = 0; i < count; i++) {
		const struct listener *l = &listeners[i];

		if (l->calls->uses(l->owner, host->name))
			l->calls->changed(l->owner, host->name, &bare, 1);
	}
}

void
resolver_each_name(struct resolver *r,
    void (*fn)(void *owner, const struct resolver_name *name), void *owner)
{
	(void)r;
	(void)fn;
	(void)owner;
}

void
resolver_each_zone(struct resolver *r,
    void (*fn)(void *owner, const struct resolver_zone *zone), void *owner)
{
	(void)r;
	(void)fn;
	(void)owner;
}
