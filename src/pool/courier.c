/*
 * courier.c - connections that carry a cancel request: to the address of the server itself, over TLS if that
 * server's connection is, or to a peer.
 *
 *	WAITING -> DIALING -> [TLS] -> SENT -> the other side closes
 *
 * One waits while two are on their way to the same server already, or as many as the peer's pool_size says. A
 * query that has ended is not canceled any more, whoever is on the way for it.
 */
#include "pool/courier.h"

#include <string.h>

#include "base/mem.h"
#include "net/dial.h"
#include "pool/cancel.h"
#include "pool/peers.h"

#define TO_SERVER_MOST 2u	/* the one before may be for a query that has just ended */

enum step { WAITING, DIALING, SENT };

struct courier {
	struct node	 in_worker;	/* worker->couriers */
	struct worker	*worker;	/* borrowed */
	enum step	 step;
	struct server	*server;	/* borrowed; NULL: it has ended, or this one goes to a peer */
	struct peer_pool *peer;		/* counted in; NULL: to a server */
	uint16_t	 peer_id, port;
	struct request	*request;	/* one hold; NULL: it is our own */
	struct setup	*setup;		/* held */
	struct dial	*dial;		/* owned, while dialing */
	struct link	*link;		/* owned, afterwards */
	char		*host;		/* owned */
	char		*key;		/* owned */
	uint32_t	 key_len, pid;
	bool		 tls;		/* the server's own connection is */
	usec_t		 query;		/* when what is to be canceled began */
	usec_t		 began;
};

static bool begin(struct courier *x);
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
	if (!x->tls) {
		send_request(x);
		return;
	}
	startup_write_ssl(&b);
	link_send(x->link, b.at, b.len);
	buf_fini(&b);
}

static size_t
on_bytes(void *owner, const char *at, size_t len)
{
	struct courier *x = owner;

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
	(void)why;
	over(owner);
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

/* The request is through, one way or the other: its server may be used again. */
static void
finish(struct courier *x)
{
	struct server *s = x->server;

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

void
courier_tick(struct worker *w, usec_t now, usec_t most)
{
	const struct conf *conf = w->setup->conf;

	LIST_EACH(n, &w->couriers) {
		struct courier *x = CONTAINER_OF(n, struct courier, in_worker);

		if ((most > 0 && now - x->began >= most) ||
		    (x->peer != NULL && conf_peer(conf, x->peer_id) == NULL))
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
