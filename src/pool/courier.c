/*
 * courier.c - connections that carry a cancel request: to the address of the server itself, over TLS if that
 * server's connection is, to a peer, or to a replica, which gets a proof in place of the key (proof.h).
 *
 *	WAITING -> DIALING -> [TLS, or the challenge] -> SENT -> the other side closes
 *
 * One waits while two are on their way to the same server already, or as many as the peer's pool_size says, or
 * REPLICA_MOST. A query that has ended is not canceled any more, whoever is on the way for it.
 */
#include "pool/courier.h"

#include <string.h>

#include "base/mem.h"
#include "net/dial.h"
#include "pool/cancel.h"
#include "pool/fleet.h"
#include "pool/peers.h"

#define TO_SERVER_MOST 2u	/* the one before may be for a query that has just ended */

#define REPLICA_MOST 16u	/* on their way to a replica */
#define REPLICA_TIME (10 * SECOND)	/* if cancel_wait_timeout is 0: replicas come and go without a word */

enum step { WAITING, DIALING, SENT };

struct courier {
	struct node	 in_worker;	/* worker->couriers */
	struct worker	*worker;	/* borrowed */
	enum step	 step;
	struct server	*server;	/* borrowed; NULL: it has ended, or this one goes to a peer */
	struct peer_pool *peer;		/* counted in, of a peer or replica; NULL: to a server */
	uint16_t	 peer_id, port;
	struct addr	 replica;	/* ADDR_NONE: it does not go to one */
	uint8_t		 secret[PROOF_SECRET];
	enum passed	 passed;	/* of what the replica made of it */
	struct request	*request;	/* one hold; NULL: it is our own */
	struct setup	*setup;		/* held */
	struct dial	*dial;		/* owned, while dialing */
	struct link	*link;		/* owned, afterwards */
	char		*host;		/* owned */
	char		*key;		/* owned; when a replica has asked for it, the proof */
	uint32_t	 key_len, pid;
	bool		 tls;		/* the server's own connection is */
	usec_t		 query;		/* when what is to be canceled began */
	usec_t		 began;
};

static bool begin(struct courier *x);
static size_t replica_bytes(struct courier *x, const char *at, size_t len);
static void over(struct courier *x);
static size_t on_bytes(void *owner, const char *at, size_t len);
static void on_gone(void *owner, const char *why);
static void on_secured(void *owner);
static void dialed(void *owner, int fd, const struct addr *where, const char *why);

static const struct link_owner courier_calls = { on_bytes, on_gone, NULL, on_secured };

/* --- setting out --- */

static struct courier *
courier_new(struct worker *w, struct setup *setup, struct request *request, const char *host,
    uint32_t pid, struct span key)
{
	struct courier *x = mem_new(sizeof(*x));

	if (x == NULL)
		return NULL;
	node_init(&x->in_worker);
	x->worker = w;
	x->setup = setup_hold(setup);
	x->pid = pid;
	x->key = mem_copy_text(key.at, key.len);
	x->key_len = (uint32_t)key.len;
	x->host = mem_copy_text(host, strlen(host));
	x->began = loop_now(w->loop);
	list_add_last(&w->couriers, &x->in_worker);
	x->request = request;
	if (request != NULL)
		atomic_fetch_add(&request->refs, 1);
	return x;
}

void
courier_to_server(struct server *s, struct request *request)
{
	struct courier *x;

	if (s->key == NULL)
		return;
	x = courier_new(s->lane->worker, s->setup, request, s->host, s->pid,
	    span_of(s->key, s->key_len));
	if (x == NULL)
		return;
	x->server = s;
	s->cancels++;
	x->tls = link_is_secure(s->link);
	x->query = s->query_began;
	if (!begin(x))
		over(x);
}

void
courier_to_peer(struct worker *w, const struct conf_peer *peer, struct request *request)
{
	struct courier *x = courier_new(w, w->setup, request, peer->host, request->pid,
	    span_of((const char *)request->key, request->key_len));

	if (x == NULL)
		return;
	x->peer_id = peer->id;
	x->port = (uint16_t)peer->port;
	x->peer = peer_enter(w->pooler->peers, peer->id);
	if (x->peer == NULL || !begin(x))
		over(x);
}

void
courier_to_replica(struct worker *w, const struct origin *origin, struct request *request)
{
	char host[64];
	struct courier *x = courier_new(w, w->setup, request, addr_host(&origin->addr, host),
	    request->pid, span_of(request->key, request->key_len));

	if (x == NULL)
		return;
	x->replica = origin->addr;
	memcpy(x->secret, origin->secret, sizeof(x->secret));
	x->passed = PASSED_FAILED;
	x->peer = peer_enter(w->pooler->peers, PEER_REPLICA(origin->tag));
	if (x->peer == NULL || !begin(x))
		over(x);
}

static bool
is_to_replica(const struct courier *x)
{
	return x->replica.kind != ADDR_NONE;
}

/* How long it may take; 0: no limit. MOST: cancel_wait_timeout. */
static usec_t
time_of(const struct courier *x, usec_t most)
{
	return most == 0 && is_to_replica(x) ? REPLICA_TIME : most;
}

static bool
dial_replica(struct courier *x)
{
	struct worker *w = x->worker;

	if (!peer_begin(w->pooler->peers, x->peer, REPLICA_MOST))
		return true;
	x->step = DIALING;
	x->dial = dial_addr(w->loop, &x->replica, x->host,
	    time_of(x, w->setup->conf->cancel_wait_timeout), dialed, x);
	return x->dial != NULL;
}

static bool
dial_peer(struct courier *x)
{
	const struct conf *conf = x->worker->setup->conf;
	struct dial_to to = {
		.host = x->host, .port = x->port, .timeout = conf->cancel_wait_timeout,
		.options = pooler_socket_options(conf),
	};
	const struct conf_peer *peer = conf_peer(conf, x->peer_id);
	uint32_t most = conf->default_pool_size;

	if (peer == NULL)
		return false;	/* removed meanwhile */
	if (peer->pool_size != COUNT_UNSET)
		most = peer->pool_size;
	if (!peer_begin(x->worker->pooler->peers, x->peer, most))
		return true;
	x->step = DIALING;
	x->dial = dial_new(x->worker->loop, &to, dialed, x);
	return x->dial != NULL;
}

/* Has the query ended by itself? What runs next is not to be canceled. */
static bool
too_late(const struct courier *x)
{
	const struct server *s = x->server;

	if (x->peer != NULL)
		return false;
	return s == NULL || talk_quiet(&s->talk) ||
	    (x->request != NULL && (!s->in_query || s->query_began != x->query));
}

static bool
dial_server(struct courier *x)
{
	struct server *s = x->server;

	if (too_late(x))
		return false;
	if (s->couriers >= TO_SERVER_MOST)
		return true;
	s->couriers++;
	x->step = DIALING;
	x->dial = dial_addr(x->worker->loop, &s->where, x->host,
	    x->worker->setup->conf->cancel_wait_timeout, dialed, x);
	return x->dial != NULL;
}

/* Set out, if it is X's turn; false: it leads nowhere. */
static bool
begin(struct courier *x)
{
	if (x->key == NULL || x->host == NULL)
		return false;
	if (is_to_replica(x))
		return dial_replica(x);
	return x->peer != NULL ? dial_peer(x) : dial_server(x);
}

/* --- being there --- */

static void
send_request(struct courier *x)
{
	struct buf b = { 0 };
	bool sent;

	if (too_late(x)) {
		over(x);
		return;
	}
	if (x->peer != NULL)
		peer_sent(x->worker->pooler->peers, x->peer);
	x->step = SENT;
	startup_write_cancel(&b, x->pid, span_of(x->key, x->key_len));
	sent = !b.failed && link_send(x->link, b.at, b.len);
	buf_fini(&b);
	if (!sent)
		over(x);
}

static void
dialed(void *owner, int fd, const struct addr *where, const char *why)
{
	struct courier *x = owner;
	struct buf b = { 0 };

	(void)where;
	(void)why;
	x->dial = NULL;
	if (fd >= 0)
		x->link = link_new(x->worker->loop, fd, &courier_calls, x);
	if (x->link == NULL || too_late(x)) {
		over(x);
		return;
	}
	if (!x->tls && !is_to_replica(x)) {
		send_request(x);
		return;
	}
	if (x->tls)
		startup_write_ssl(&b);
	else
		startup_write_peer(&b);
	link_send(x->link, b.at, b.len);
	buf_fini(&b);
}

static size_t
on_bytes(void *owner, const char *at, size_t len)
{
	struct courier *x = owner;

	if (is_to_replica(x))
		return replica_bytes(x, at, len);
	if (!x->tls || link_is_secure(x->link))
		return len;	/* nothing is ever answered */
	if (len != 1 || at[0] != 'S' ||
	    !link_secure(x->link, x->setup->server_tls, LINK_CONNECTS, x->host, NULL))
		over(x);
	return len;
}

static void
on_secured(void *owner)
{
	send_request(owner);
}

static void
on_gone(void *owner, const char *why)
{
	struct courier *x = owner;

	(void)why;
	if (x->step == SENT && x->passed == PASSED_FAILED)
		x->passed = PASSED_DONE;
	over(x);
}

/* --- replicas --- */

/* From now on the proof is what is carried. False: no memory, or no digests. */
static bool
prove(struct courier *x, const char *challenge)
{
	uint8_t proof[PROOF_SIZE];
	char *made;

	if (!proof_make(x->secret, (const uint8_t *)challenge, x->pid, span_of(x->key, x->key_len),
	    proof))
		return false;
	made = mem_copy_text((const char *)proof, sizeof(proof));
	if (made == NULL)
		return false;
	mem_wipe(x->key, x->key_len);
	mem_free(x->key);
	x->key = made;
	x->key_len = sizeof(proof);
	return true;
}

/* Its challenge, and then what came of the request. */
static size_t
replica_bytes(struct courier *x, const char *at, size_t len)
{
	if (x->step == SENT) {
		if (x->passed == PASSED_FAILED)
			x->passed = at[0] == PROOF_UNKNOWN ? PASSED_UNKNOWN : PASSED_REFUSED;
		return len;
	}
	if (at[0] == PROOF_ASKED && len < 1 + PROOF_CHALLENGE)
		return 0;
	if (at[0] != PROOF_ASKED || len > 1 + PROOF_CHALLENGE) {
		x->passed = PASSED_REFUSED;
		over(x);
	} else if (prove(x, at + 1)) {
		send_request(x);
	} else {
		over(x);
	}
	return len;
}

/* --- the end --- */

static enum peer_step
peer_step(const struct courier *x)
{
	switch (x->step) {
	case WAITING:
		return PEER_WAITING;
	case DIALING:
		return PEER_DIALING;
	case SENT:
		break;
	}
	return PEER_SENT;
}

/* Whether the key was wrong is known only of a replica that said so. */
static void
note_passed(struct courier *x)
{
	struct worker *w = x->worker;

	if (x->passed != PASSED_UNKNOWN)
		atomic_store(&x->request->found, true);
	if (!w->stopping)
		fleet_note(w->pooler->fleet, &x->replica, x->passed, loop_now(w->loop));
}

/* The request is through, one way or the other: its server may be used again. */
static void
finish(struct courier *x)
{
	struct server *s = x->server;

	if (is_to_replica(x))
		note_passed(x);
	if (x->request != NULL)
		cancel_through(x->worker, x->request);
	if (x->peer != NULL)
		peer_leave(x->worker->pooler->peers, x->peer, peer_step(x));
	if (s != NULL && x->step != WAITING)
		s->couriers--;
	list_remove(&x->in_worker);
	dial_cancel(x->dial);
	link_close(x->link);
	setup_drop(x->setup);
	mem_free(x->host);
	if (x->key != NULL)
		mem_wipe(x->key, x->key_len);
	mem_free(x->key);
	mem_wipe(x->secret, sizeof(x->secret));
	mem_free(x);
	if (s == NULL || --s->cancels > 0 || s->state != &SERVER_CANCELED)
		return;
	lane_release(s->lane, s);
}

/* Those that wait may have their turn now, or may wait in vain. */
static void
begin_waiting(struct worker *w)
{
	LIST_EACH(n, &w->couriers) {
		struct courier *x = CONTAINER_OF(n, struct courier, in_worker);

		if (x->step == WAITING && !begin(x))
			finish(x);
	}
}

static void
over(struct courier *x)
{
	struct worker *w = x->worker;

	finish(x);
	begin_waiting(w);
}

/* To a peer that CONF does not have. */
static bool
is_to_removed(const struct courier *x, const struct conf *conf)
{
	return x->peer != NULL && !is_to_replica(x) && conf_peer(conf, x->peer_id) == NULL;
}

void
courier_tick(struct worker *w, usec_t now, usec_t most)
{
	const struct conf *conf = w->setup->conf;

	LIST_EACH(n, &w->couriers) {
		struct courier *x = CONTAINER_OF(n, struct courier, in_worker);
		usec_t time = time_of(x, most);

		if ((time > 0 && now - x->began >= time) || is_to_removed(x, conf))
			finish(x);
	}
	begin_waiting(w);
}

void
courier_forget(struct server *s)
{
	LIST_EACH(n, &s->lane->worker->couriers) {
		struct courier *x = CONTAINER_OF(n, struct courier, in_worker);

		if (x->server == s)
			x->server = NULL;
	}
	s->cancels = s->couriers = 0;
}

void
courier_drop_all(struct worker *w)
{
	LIST_EACH(n, &w->couriers) {
		struct courier *x = CONTAINER_OF(n, struct courier, in_worker);

		x->server = NULL;
		finish(x);
	}
}
