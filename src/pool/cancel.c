/*
 * cancel.c - cancel requests from clients: whose they are.
 *
 * A key says which peer gave it (peers.h). Another's request is carried there; ours is shown to all
 * workers, and the one that has the key acts. Who tries many wrong keys is not listened to
 * for a while. What peers pass on is not their doing: they have limited it where it came from.
 */
#include "pool/cancel.h"

#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/rand.h"
#include "pool/courier.h"
#include "pool/peers.h"

#define STRIKES_MOST 200u		/* wrong keys an address may try ... */
#define PASSED_MOST 2000u		/* and keys of others, of which we do not hear whether they are wrong, ... */
#define STRIKES_TIME (10 * SECOND)	/* ... in so long */
#define STRIKERS 256u			/* addresses remembered; a power of two */

static bool forward(struct client *client, struct request *r);
static void look_for(struct worker *w, void *arg);
static void request_drop(void *arg);
static void request_through(struct letter *letter, void *receiver);
static bool is_out(const struct worker *w, const struct addr *from);
static void strike(struct worker *w, const struct addr *from, bool passed);

void
cancel_request(struct client *client, uint32_t pid, struct span key)
{
	struct worker *w = client->worker;
	struct request *r;

	if (key.len > CANCEL_KEY_MOST || is_out(w, &client->peer) ||
	    (r = mem_new(sizeof(*r))) == NULL) {
		client_finish(client, CLOSE_cancel_request);
		return;
	}
	atomic_store(&r->refs, 1);
	r->home = w;
	r->requester = client->id;
	r->from = client->peer;
	r->letter.open = request_through;
	r->pid = pid;
	r->key_len = key.len;
	memcpy(r->key, key.at, key.len);
	client_become(client, &CLIENT_CANCELING);
	if (forward(client, r) || !worker_ask_all(w->pooler, w, look_for, request_drop, r))
		request_drop(r);
}

/* Another's: pass it on. A key of nobody we know may be one of ours, from before peer_id was set. */
static bool
forward(struct client *client, struct request *r)
{
	const struct conf *conf = client->worker->setup->conf;
	uint16_t id = peer_of_key(r->pid);
	const struct conf_peer *peer;

	if (conf->peer_id == 0)
		return false;
	if (id == conf->peer_id) {
		peer_unwind_key(r->key);
		return false;
	}
	peer = conf_peer(conf, id);
	if (peer == NULL)
		return false;
	atomic_store(&r->found, true);
	strike(client->worker, &client->peer, true);
	if (peer_spend_hop(r->key))
		courier_to_peer(client->worker, peer, r);
	return true;
}

/* --- ours --- */

static bool
same_key(const struct map_node *node, const void *key)
{
	const struct client *c = CONTAINER_OF(node, struct client, in_keys);
	const struct request *r = key;

	return c->pid == r->pid && c->key_len == r->key_len &&
	    secret_same(c->key, r->key, r->key_len);
}

static void
look_for(struct worker *w, void *arg)
{
	struct request *r = arg;
	struct map_node *node = map_find(&w->keys, r->pid, same_key, r);

	if (node != NULL && !atomic_exchange(&r->found, true))
		client_canceled(CONTAINER_OF(node, struct client, in_keys), r);
}

/* --- wrong keys --- */

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

static bool
is_out(const struct worker *w, const struct addr *from)
{
	uint64_t who = who_is(from);
	const struct striker *s;

	if (w->strikes == NULL)
		return false;
	s = &w->strikes->strikers[who % STRIKERS];
	return s->who == who && (s->wrong >= STRIKES_MOST || s->passed >= PASSED_MOST) &&
	    loop_now(w->loop) - s->since < STRIKES_TIME;
}

/* FROM has tried a wrong key, or one that was PASSED on. */
static void
strike(struct worker *w, const struct addr *from, bool passed)
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

/* --- the end of a request --- */

/* On the requester's thread: when nothing is left to wait for, its connection ends. */
static void
request_drop(void *arg)
{
	struct request *r = arg;

	if (atomic_fetch_sub(&r->refs, 1) != 1)
		return;
	if (!atomic_load(&r->found))
		strike(r->home, &r->from, false);
	LIST_EACH(n, &r->home->newcomers) {
		struct client *c = CONTAINER_OF(n, struct client, in_newcomers);

		if (c->id == r->requester)
			client_finish(c, CLOSE_cancel_request);
	}
	mem_free(r);
}

static void
request_through(struct letter *letter, void *receiver)
{
	(void)receiver;
	request_drop(CONTAINER_OF(letter, struct request, letter));
}

void
cancel_through(struct worker *w, struct request *r)
{
	if (!w->stopping)
		mailbox_post(r->home->mailbox, &r->letter);
	else if (atomic_fetch_sub(&r->refs, 1) == 1)
		mem_free(r);
}
