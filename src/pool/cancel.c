/*
 * cancel.c - cancel requests from clients, and to servers.
 *
 * A request from a client is shown to all workers; the one that has the key acts. A
 * request to a server is a connection of its own, gone when the server closes it.
 */
#include "pool/cancel.h"

#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "net/dial.h"
#include "wire/startup.h"

/* --- from clients --- */

/* Held by the asking of all workers and by the request to a server, if one comes of it. */
struct request {
	atomic_uint	 refs;
	struct worker	*home;		/* borrowed; the requester's */
	uint64_t	 requester;	/* id of its client */
	struct letter	 letter;	/* a request to a server is through */
	uint32_t	 pid;
	size_t		 key_len;
	char		 key[CANCEL_KEY_MOST];
};

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

	if (node != NULL)
		client_canceled(CONTAINER_OF(node, struct client, in_keys), r);
}

/* On the requester's thread: when nothing is left to wait for, its connection ends. */
static void
request_drop(void *arg)
{
	struct request *r = arg;

	if (atomic_fetch_sub(&r->refs, 1) != 1)
		return;
	LIST_EACH(n, &r->home->newcomers) {
		struct client *c = CONTAINER_OF(n, struct client, in_newcomers);

		if (c->id == r->requester)
			client_finish(c, "cancel request");
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
cancel_request(struct client *client, uint32_t pid, struct span key)
{
	struct worker *w = client->worker;
	struct request *r = key.len <= CANCEL_KEY_MOST ? mem_new(sizeof(*r)) : NULL;

	if (r == NULL) {
		client_finish(client, "cancel request");
		return;
	}
	atomic_store(&r->refs, 1);
	r->home = w;
	r->requester = client->id;
	r->letter.open = request_through;
	r->pid = pid;
	r->key_len = key.len;
	memcpy(r->key, key.at, key.len);
	client_become(client, &CLIENT_CANCELING);
	if (!worker_ask_all(w->pooler, w, look_for, request_drop, r))
		request_drop(r);
}

/* --- to servers --- */

struct cancel {
	struct node	 in_worker;	/* worker->cancels */
	struct worker	*worker;	/* borrowed */
	struct server	*server;	/* borrowed; NULL when it has ended meanwhile */
	struct request	*request;	/* one hold; NULL: it is our own */
	struct setup	*setup;		/* held */
	struct dial	*dial;		/* owned, while dialing */
	struct link	*link;		/* owned, afterwards */
	char		*host;		/* owned */
	char		*key;		/* owned */
	uint32_t	 key_len, pid;
	bool		 tls;		/* the server's own connection is */
	usec_t		 began;
};

static size_t on_bytes(void *owner, const char *at, size_t len);
static void on_gone(void *owner, const char *why);
static void on_secured(void *owner);
static void dialed(void *owner, int fd, const struct addr *where, const char *why);

static const struct link_owner cancel_calls = { on_bytes, on_gone, NULL, on_secured };

/* The request is through, one way or the other: its server may be used again. */
static void
over(struct cancel *x)
{
	struct server *s = x->server;

	if (x->request != NULL && !x->worker->stopping)
		mailbox_post(x->request->home->mailbox, &x->request->letter);
	else if (x->request != NULL && atomic_fetch_sub(&x->request->refs, 1) == 1)
		mem_free(x->request);
	list_remove(&x->in_worker);
	dial_cancel(x->dial);
	link_close(x->link);
	setup_drop(x->setup);
	mem_free(x->host);
	mem_free(x->key);
	mem_free(x);
	if (s == NULL || --s->cancels > 0 || s->state != &SERVER_CANCELED)
		return;
	lane_release(s->lane, s);
}

void
cancel_server(struct server *s, struct request *request)
{
	struct worker *w = s->lane->worker;
	struct cancel *x;

	if (s->key == NULL || (x = mem_new(sizeof(*x))) == NULL)
		return;
	node_init(&x->in_worker);
	list_add_last(&w->cancels, &x->in_worker);
	x->worker = w;
	x->server = s;
	x->request = request;
	if (request != NULL)
		atomic_fetch_add(&request->refs, 1);
	s->cancels++;
	x->setup = setup_hold(s->setup);
	x->pid = s->pid;
	x->key = mem_copy_text(s->key, s->key_len);
	x->key_len = s->key_len;
	x->host = mem_copy_text(s->host, strlen(s->host));
	x->tls = link_is_secure(s->link);
	x->began = loop_now(w->loop);
	if (x->key != NULL && x->host != NULL)
		x->dial = dial_addr(w->loop, &s->where, x->host, w->setup->conf->cancel_wait_timeout,
		    dialed, x);
	if (x->dial == NULL)
		over(x);
}

static void
send_request(struct cancel *x)
{
	struct buf b = { 0 };
	bool sent;

	startup_write_cancel(&b, x->pid, span_of(x->key, x->key_len));
	sent = !b.failed && link_send(x->link, b.at, b.len);
	buf_fini(&b);
	if (!sent)
		over(x);
}

static void
dialed(void *owner, int fd, const struct addr *where, const char *why)
{
	struct cancel *x = owner;
	struct buf b = { 0 };

	(void)where;
	(void)why;
	x->dial = NULL;
	if (fd >= 0)
		x->link = link_new(x->worker->loop, fd, &cancel_calls, x);
	/* The query has ended by itself: what runs next is not to be canceled. */
	if (x->link == NULL || x->server == NULL || talk_quiet(&x->server->talk)) {
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
	struct cancel *x = owner;

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

void
cancel_forget(struct server *s)
{
	LIST_EACH(n, &s->lane->worker->cancels) {
		struct cancel *x = CONTAINER_OF(n, struct cancel, in_worker);

		if (x->server == s)
			x->server = NULL;
	}
	s->cancels = 0;
}

void
cancel_drop_all(struct worker *w)
{
	LIST_EACH(n, &w->cancels) {
		struct cancel *x = CONTAINER_OF(n, struct cancel, in_worker);

		x->server = NULL;
		over(x);
	}
}

void
cancel_tick(struct worker *w, usec_t now, usec_t most)
{
	LIST_EACH(n, &w->cancels) {
		struct cancel *x = CONTAINER_OF(n, struct cancel, in_worker);

		if (now - x->began >= most)
			over(x);
	}
}
