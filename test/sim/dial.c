/*
 * dial.c - net/dial.h: hosts answer as the story tells them to.
 */
#include "net/dial.h"

#include <string.h>

#include "base/mem.h"
#include "sim/sim_private.h"

struct dial {
	struct source	 source;
	struct sim_host	*host;		/* borrowed; NULL: nobody has that name */
	bool		(*skip)(void *owner, const struct addr *where, unsigned count);
	dial_fn		 done;
	void		*owner;
};

static struct list hosts;
static size_t next_cut;
static int last_dialed;

void
hosts_begin(void)
{
	list_init(&hosts);
	next_cut = 0;
	last_dialed = -1;
}

void
sim_cut_dialed(size_t offset)
{
	next_cut = offset;
}

int
sim_last_dialed(void)
{
	return last_dialed;
}

void
sim_host_add(struct sim_host *host)
{
	static uint8_t number;

	node_init(&host->in_world);
	list_add_last(&hosts, &host->in_world);
	host->addr = (struct addr){ .kind = ADDR_IP4, .port = host->port };
	host->addr.u.ip4.s_addr = htonl(0x0a010000u + ++number);
}

void
sim_host_remove(struct sim_host *host)
{
	list_remove(&host->in_world);
}

struct sim_host *
host_named(const char *name, uint16_t port)
{
	LIST_EACH(n, &hosts) {
		struct sim_host *host = CONTAINER_OF(n, struct sim_host, in_world);

		if (host->port == port && strcmp(host->name, name) == 0)
			return host;
	}
	return NULL;
}

struct sim_host *
host_at(const struct addr *addr)
{
	LIST_EACH(n, &hosts) {
		struct sim_host *host = CONTAINER_OF(n, struct sim_host, in_world);

		if (addr_same(&host->addr, addr))
			return host;
	}
	return NULL;
}

void
socket_tune(int fd, const struct socket_options *options)
{
	(void)fd;
	(void)options;
}

static bool
dial_ready(struct source *source)
{
	struct dial *d = CONTAINER_OF(source, struct dial, source);

	return d->host == NULL || d->host->answer != SIM_HANGS ||
	    (source->wakes != 0 && source->wakes <= sim_now());
}

static void
dial_fire(struct source *source)
{
	struct dial d = *CONTAINER_OF(source, struct dial, source);
	struct addr from = { .kind = ADDR_IP4, .port = 40000 };
	int fd[2];

	dial_cancel(CONTAINER_OF(source, struct dial, source));
	if (d.host == NULL) {
		d.done(d.owner, -1, NULL,
		    DIAL_NO_NAME ": nobody has that name");
		return;
	}
	if (d.skip != NULL && d.skip(d.owner, &d.host->addr, 1)) {
		d.done(d.owner, -1, NULL, DIAL_SKIPPED);
		return;
	}
	switch (d.host->answer) {
	case SIM_HANGS:
		d.done(d.owner, -1, NULL, "timeout");
		return;
	case SIM_REFUSES:
		d.done(d.owner, -1, NULL, "connection refused");
		return;
	case SIM_CONNECTS:
		sim_stream(fd, &from);
		sim_cut(fd[0], next_cut);
		next_cut = 0;
		last_dialed = fd[0];
		d.host->accept(d.host, fd[1]);
		d.done(d.owner, fd[0], &d.host->addr, NULL);
		return;
	}
}

static struct dial *
dial_host(struct loop *loop, struct sim_host *host, usec_t timeout, dial_fn done,
    void *owner)
{
	struct dial *d = mem_new(sizeof(*d));

	if (d == NULL)
		return NULL;
	d->host = host;
	d->done = done;
	d->owner = owner;
	d->source.ready = dial_ready;
	d->source.fire = dial_fire;
	d->source.wakes = timeout > 0 ? sim_now() + timeout : 0;
	source_add(loop, &d->source);
	sim_born(1);
	return d;
}

struct dial *
dial_new(struct loop *loop, const struct dial_to *to, dial_fn done, void *owner)
{
	struct dial *d = dial_host(loop, host_named(to->host, to->port), to->timeout, done, owner);

	if (d != NULL)
		d->skip = to->skip;
	return d;
}

struct dial *
dial_addr(struct loop *loop, const struct addr *where, const char *unix_host,
    usec_t timeout, dial_fn done, void *owner)
{
	(void)unix_host;
	return dial_host(loop, host_at(where), timeout, done, owner);
}

void
dial_cancel(struct dial *dial)
{
	if (dial == NULL)
		return;
	source_drop(&dial->source);
	mem_free(dial);
	sim_born(-1);
}
