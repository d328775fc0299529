/*
 * strikes.c - see strikes.h. What is tried, and where a key of another is passed on, is cancel.c's
 * business.
 */
#include "pool/strikes.h"

#include <unistd.h>

#include "base/mem.h"
#include "pool/worker.h"

#define STRIKES_MOST 200u		/* wrong keys an address may try ... */
#define PASSED_MOST 2000u		/* and keys of others, of which we may not hear whether they are wrong, ... */
#define STRIKES_TIME (10 * SECOND)	/* ... in so long */
#define STRIKERS 256u			/* addresses remembered; a power of two */

struct striker {
	uint64_t	 who;
	usec_t		 since;
	unsigned	 wrong, passed;
};

/* One place an address; who comes to a place that is taken takes it over. */
struct strikes {
	struct striker	 strikers[STRIKERS];
};

void
strikes_free(struct strikes *strikes)
{
	mem_free(strikes);
}

/* Who FROM is: a user of this machine, a host, or with IPv6 a network of 64 bits. */
static uint64_t
who_is(const struct addr *from)
{
	uint64_t kind = (uint64_t)from->kind + 1;

	switch (from->kind) {
	case ADDR_UNIX:
		return span_hash(span_of((const char *)&from->u.unix_peer.uid,
		    sizeof(from->u.unix_peer.uid))) ^ kind;
	case ADDR_IP4:
		return span_hash(span_of((const char *)&from->u.ip4, sizeof(from->u.ip4))) ^ kind;
	case ADDR_IP6:
		return span_hash(span_of((const char *)&from->u.ip6, 8)) ^ kind;
	case ADDR_NONE:
		break;
	}
	return kind;
}

/* Is it a peer, as far as addresses tell? */
static bool
is_peer(const struct conf *conf, const struct addr *from)
{
	if (conf->peer_id == 0 || conf->n_peers == 0)
		return false;
	if (from->kind == ADDR_UNIX)
		return from->u.unix_peer.uid == geteuid();
	for (size_t i = 0; i < conf->n_peers; i++) {
		struct addr peer = { 0 };

		if (addr_parse_ip(&peer, span_text(conf->peers[i].host), from->port) &&
		    addr_same(&peer, from))
			return true;
	}
	return false;
}

bool
strikes_out(const struct worker *w, const struct addr *from)
{
	uint64_t who = who_is(from);
	const struct striker *s;

	if (w->strikes == NULL)
		return false;
	s = &w->strikes->strikers[who % STRIKERS];
	return s->who == who && (s->wrong >= STRIKES_MOST || s->passed >= PASSED_MOST) &&
	    loop_now(w->loop) - s->since < STRIKES_TIME;
}

void
strikes_add(struct worker *w, const struct addr *from, bool passed)
{
	uint64_t who = who_is(from);
	usec_t now = loop_now(w->loop);
	struct striker *s;

	if (is_peer(w->setup->conf, from))
		return;
	if (w->strikes == NULL && (w->strikes = mem_new(sizeof(*w->strikes))) == NULL)
		return;
	s = &w->strikes->strikers[who % STRIKERS];
	if (s->who != who || now - s->since >= STRIKES_TIME)
		*s = (struct striker){ .who = who, .since = now };
	s->wrong += !passed;
	s->passed += passed;
}
