/*
 * cancel.c - cancel requests from clients, and to servers.
 *
 * A request from a client is shown to all workers; the one that has the key acts. A
 * request to a server is a connection of its own, gone when the server closes it.
 */
#include "pool/cancel.h"

#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "net/dial.h"
#include "wire/startup.h"

/* --- from clients --- */

struct request {
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
	const struct request *r = arg;
	struct map_node *node = map_find(&w->keys, r->pid, same_key, r);

	if (node != NULL)
		client_canceled(CONTAINER_OF(node, struct client, in_keys));
}

void
cancel_request(struct worker *from, uint32_t pid, struct span key)
{
	struct request *r;

	if (key.len > CANCEL_KEY_MOST || (r = mem_new(sizeof(*r))) == NULL)
		return;
	r->pid = pid;
	r->key_len = key.len;
	memcpy(r->key, key.at, key.len);
	if (!worker_ask_all(from->pooler, NULL, look_for, mem_free, r))
		mem_free(r);
}

/* --- to servers --- */

struct cancel {
	struct node	 in_worker;	/* worker->cancels */
	struct worker	*worker;	/* borrowed */
	struct server	*server;	/* borrowed; NULL when it has ended meanwhile */
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
cancel_server(struct server *s)
{
	struct worker *w = s->lane->worker;
	struct cancel *x;

	if (s->key == NULL || (x = mem_new(sizeof(*x))) == NULL)
		return;
	node_init(&x->in_worker);
	list_add_last(&w->cancels, &x->in_worker);
	x->worker = w;
	x->server = s;
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
