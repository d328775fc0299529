/*
 * client.c - birth, states and end of a connection from an application.
 */
#include "pool/client.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/dial.h"
#include "pool/client_limits.h"
#include "pool/courier.h"
#include "pool/pair.h"
#include "pool/place.h"
#include "pool/server.h"
#include "pool/statement.h"
#include "wire/reply.h"

static size_t on_bytes(void *owner, const char *at, size_t len);
static void on_gone(void *owner, const char *why);
static void on_drained(void *owner);
static void on_secured(void *owner);
static size_t hold_bytes(struct client *c, const char *at, size_t len);
static size_t console_bytes(struct client *c, const char *at, size_t len);

static const struct link_owner client_calls = { on_bytes, on_gone, on_drained, on_secured };

const struct client_state CLIENT_START = { "login", client_start_bytes };
const struct client_state CLIENT_AUTH = { "login", client_auth_bytes };
const struct client_state CLIENT_ASKING = { "login", hold_bytes };
const struct client_state CLIENT_IDLE = { "idle", client_talk_bytes };
const struct client_state CLIENT_WAITING = { "waiting", hold_bytes };
const struct client_state CLIENT_SETTLING = { "active", hold_bytes };
const struct client_state CLIENT_ACTIVE = { "active", client_talk_bytes };
const struct client_state CLIENT_CANCELED = { "active", client_canceled_bytes };
const struct client_state CLIENT_CANCELING = { "login", hold_bytes };
const struct client_state CLIENT_CONSOLE = { "idle", console_bytes };

void
client_new(struct worker *w, int fd, const struct addr *peer)
{
	struct client *c = mem_new(sizeof(*c));

	if (c == NULL) {
		log_line(LOG_LEVEL_ERROR, NULL, "connection dropped: out of memory");
		atomic_fetch_sub(&w->client_count, 1);
		atomic_fetch_sub(&w->pooler->clients, 1);
		close(fd);
		return;
	}
	node_init(&c->in_newcomers);
	node_init(&c->in_lane);
	want_init(&c->want);
	c->worker = w;
	c->state = &CLIENT_START;
	c->since = c->asked_at = loop_now(w->loop);
	c->connected = loop_wall(w->loop);
	c->id = atomic_fetch_add(&w->pooler->next_id, 1) + 1;
	c->peer = *peer;
	c->profile = profile_empty();
	node_init(&c->in_worker);
	list_add_last(&w->clients, &c->in_worker);
	list_add_last(&w->newcomers, &c->in_newcomers);
	c->link = link_new(w->loop, fd, &client_calls, c);
	if (c->link == NULL || c->profile == NULL)
		client_close(c, CLOSE_out_of_memory);
	else if (!client_limits_accept(c))
		client_close(c, CLOSE_too_many_of_address);
}

void
client_become(struct client *c, const struct client_state *state)
{
	c->state = state;
	c->since = loop_now(c->worker->loop);
}

/* --- what the link says --- */

/* What one state leaves the next one may want: a query behind a startup packet. */
static size_t
next_state_bytes(struct client *c, const struct client_state *before, const char *at,
    size_t len, size_t done)
{
	while (done < len && !c->dead) {
		const struct client_state *state = c->state;
		size_t n;

		if (state == before || state->bytes == hold_bytes)
			return done;
		n = state->bytes(c, at + done, len - done);
		before = n == 0 ? state : NULL;
		done += n;
	}
	return len;
}

static size_t
on_bytes(void *owner, const char *at, size_t len)
{
	struct client *c = owner;
	const struct client_state *state = c->state;
	size_t done = state->bytes(c, at, len);

	if (likely(done == len))
		return done;
	return next_state_bytes(c, done == 0 ? state : NULL, at, len, done);
}

/* It waits: the link keeps what comes, within bounds. */
static size_t
hold_bytes(struct client *c, const char *at, size_t len)
{
	(void)c;
	(void)at;
	(void)len;
	return 0;
}

static size_t
console_bytes(struct client *c, const char *at, size_t len)
{
	return c->worker->pooler->console->bytes(c, at, len);
}

static void
on_gone(void *owner, const char *why)
{
	struct client *c = owner;
	char text[128];

	if (strcmp(why, "unexpected eof") == 0) {
		client_close(c, CLOSE_client_unexpected_eof);
		return;
	}
	snprintf(text, sizeof(text), "%s: %.100s", reason_text(CLOSE_client_connection_failed), why);
	client_close_saying(c, CLOSE_client_connection_failed, text);
}

/* It has read everything: its server may go on. */
static void
on_drained(void *owner)
{
	struct client *c = owner;

	if (!c->slow)
		return;
	c->slow = false;
	if (c->server != NULL)
		link_resume(c->server->link);
}

static void
on_secured(void *owner)
{
	client_secured(owner);
}

/* --- settings --- */

void
client_take_profile(struct client *c, const struct profile *p)
{
	if (p == NULL)
		return;
	profile_drop(c->profile);
	c->profile = p;
}

/* --- ending --- */

static void
log_end(struct client *c, enum reason why, const char *text)
{
	struct log_who who;
	char shown[300];

	c->worker->closes.clients[why]++;

	/* Whoever has not even named a user is not worth a line (port scans, probes). */
	if (c->user == NULL || !c->worker->setup->conf->log_disconnections)
		return;
	client_who(c, &who);
	who.reason = reason_code(why);
	if (c->server != NULL && statement_of(c->server) != NULL)
		who.statement = statement_of(c->server)->text;
	log_line(LOG_LEVEL_LOG, &who, "closing because: %s (age=%llus)",
	    log_escape(span_text(text), shown, sizeof(shown)),
	    (unsigned long long)((loop_wall(c->worker->loop) - c->connected) / SECOND));
}

/* Everything but the link. The log has been told: it knows before the other side does. */
static void
leave(struct client *c)
{
	struct worker *w = c->worker;

	c->dead = true;
	if (c->console != NULL || c->state == &CLIENT_CONSOLE)
		w->pooler->console->leave(c);
	client_auth_end(c);
	if (c->server != NULL)
		pair_abandon(c);
	if (c->lane != NULL) {
		lane_leave(c->lane, c);
		c->lane->client_count--;
		if (c->lane->pool->console)
			atomic_fetch_sub(&w->pooler->consoles, 1);
		place_leave(c->lane->pool);
	}
	if (c->keyed)
		map_remove(&w->keys, &c->in_keys);
	list_remove(&c->in_newcomers);
	list_remove(&c->in_worker);
	list_add_last(&w->dead_clients, &c->in_worker);
	loop_later(w->loop, &w->sweep);
	client_limits_leave(c);
	atomic_fetch_sub(&w->client_count, 1);
	atomic_fetch_sub(&w->pooler->clients, 1);
}

void
client_close(struct client *c, enum reason why)
{
	client_close_saying(c, why, reason_text(why));
}

void
client_close_saying(struct client *c, enum reason why, const char *text)
{
	if (c->dead)
		return;
	log_end(c, why, text);
	leave(c);
	link_close(c->link);
	c->link = NULL;
}

void
client_finish(struct client *c, enum reason why)
{
	if (c->dead)
		return;
	log_end(c, why, reason_text(why));
	leave(c);
	link_finish(c->link);
	c->link = NULL;
}

void
client_refuse(struct client *c, enum reason why, const struct err *e)
{
	struct buf b = { 0 };
	struct log_who who;
	char text[600];

	if (c->dead)
		return;
	if (c->server != NULL && c->server->frame.left > 0 && !c->server->skip_frame) {
		client_close_saying(c, why, e->text);	/* in the middle of a message no other can be put */
		return;
	}
	if (c->worker->setup->conf->log_pooler_errors && why != CLOSE_drain)
		log_line(LOG_LEVEL_WARNING, client_who(c, &who), "pooler error: %s",
		    log_escape(span_text(e->text), text, sizeof(text)));
	log_end(c, why, e->text);
	client_say_last_word(c);
	reply_write_error(&b, "FATAL", e);
	if (!b.failed)
		link_send(c->link, b.at, b.len);
	buf_fini(&b);
	leave(c);
	link_finish(c->link);
	c->link = NULL;
}

void
client_refuse_text(struct client *c, enum reason why, const char *format, ...)
{
	struct err e = { 0 };
	char text[sizeof(e.text)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	err_set(&e, SQLSTATE_PROTOCOL, "%s", text);
	client_refuse(c, why, &e);
}

void
client_dismiss(struct client *c, enum reason why)
{
	client_refuse_text(c, why, "%s", reason_text(why));
}

void
client_notice(struct client *c, const char *text)
{
	struct buf b = { 0 };

	reply_write_notice(&b, "00000", text, NULL);
	if (!b.failed)
		link_send(c->link, b.at, b.len);
	buf_fini(&b);
}

void
client_free(struct client *c)
{
	list_remove(&c->in_worker);
	profile_drop(c->profile);
	profile_drop(c->base);
	names_fini(&c->names);
	mem_wipe(c->key, sizeof(c->key));
	mem_free(c->unnamed);
	mem_free(c->user);
	mem_free(c->database);
	mem_free(c);
}

/* --- cancel --- */

/*
 * Running: the request goes on to the server. Waiting: what it waits with is answered as a canceled
 * query would be, at once, and it keeps its connection.
 */
void
client_canceled(struct client *c, struct request *request)
{
	if (c->state == &CLIENT_CONSOLE)
		c->worker->pooler->console->cancel(c);
	else if (c->state == &CLIENT_ACTIVE && c->server != NULL && !talk_quiet(&c->server->talk))
		courier_to_server(c->server, request);
	else if (c->state == &CLIENT_WAITING && c->welcomed)
		client_cancel_wait(c);
}

const struct log_who *
client_who(const struct client *c, struct log_who *out)
{
	*out = (struct log_who){
		.side = 'C', .id = c->id, .database = c->database, .user = c->user,
		.pair = c->server != NULL ? c->server->id : 0,
		.server_pid = c->server != NULL ? c->server->pid : 0,
	};
	addr_text(&c->peer, out->addr);
	return out;
}
