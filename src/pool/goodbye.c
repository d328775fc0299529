/*
 * goodbye.c - draining: which of a worker's clients are told to leave, and what they hear.
 * How many at a time is farewell.c's arithmetic, when it begins and ends the keeper's.
 *
 * A client that is told just after it was told that we live (a pool asks before it lends a
 * connection) has its query fail. So that question is the best moment to tell it, and the
 * time until its real query the worst.
 */
#include "pool/goodbye.h"

#include "pool/client.h"
#include "pool/lane.h"
#include "pool/server.h"
#include "wire/query.h"

#define NEWCOMERS_GRACE SECOND	/* for logins, when everybody else has had their time */

void
goodbye_begin(struct worker *w, usec_t length)
{
	farewell_begin(&w->farewell, loop_now(w->loop), length, w->index, w->pooler->worker_count);
}

/* PostgreSQL's own words, which drivers and pools know. */
static void
tell(struct client *c)
{
	struct err e = { 0 };

	err_set(&e, SQLSTATE_SHUTDOWN, "terminating connection due to administrator command");
	client_refuse(c, CLOSE_drain, &e);
}

static void
tell_newcomer(struct client *c)
{
	struct err e = { 0 };

	err_set(&e, SQLSTATE_CANNOT_CONNECT_NOW, "the database system is shutting down");
	client_refuse(c, CLOSE_drain, &e);
}

/* --- at rest --- */

/* A client that we may tell some time. */
static bool
concerns(const struct client *c)
{
	return c->welcomed && c->replication == NULL && c->state != &CLIENT_CONSOLE;
}

/* Is C between two transactions, with nothing half said? Since when, into *SINCE. */
static bool
at_rest(const struct client *c, usec_t *since)
{
	const struct server *s = c->server;

	if (link_kept(c->link) > 0 || link_unsent(c->link) > 0 || client_mid_message(c))
		return false;
	if (c->state == &CLIENT_IDLE) {
		*since = c->since;
		return true;
	}
	if (c->state != &CLIENT_ACTIVE || c->lane->rules.mode != POOL_MODE_SESSION ||
	    !talk_at_rest(&s->talk) || s->frame.left > 0)
		return false;
	*since = s->heard > s->since ? s->heard : s->since;
	return true;
}

static unsigned
count_left(const struct worker *w)
{
	unsigned left = 0;

	LIST_EACH(n, &w->clients)
		left += concerns(CONTAINER_OF(n, struct client, in_worker));
	return left;
}

static void
look_at_newcomers(struct worker *w)
{
	usec_t wall = loop_wall(w->loop);

	LIST_EACH(n, &w->newcomers) {
		struct client *c = CONTAINER_OF(n, struct client, in_newcomers);

		if (c->state != &CLIENT_CANCELING && wall - c->connected >= NEWCOMERS_GRACE)
			tell_newcomer(c);
	}
}

void
goodbye_tick(struct worker *w, usec_t now)
{
	struct farewell *f = &w->farewell;

	if (!f->begun)
		return;
	farewell_due(f, count_left(w), now);
	LIST_EACH(n, &w->clients) {
		struct client *c = CONTAINER_OF(n, struct client, in_worker);
		usec_t since;

		if (f->debt == 0)
			break;
		if (!concerns(c) || !at_rest(c, &since) || now - since < farewell_quiet(f, c->probed, now))
			continue;
		farewell_told(f);
		tell(c);
	}
	if (farewell_late(f, now))
		look_at_newcomers(w);
}

/* --- moments --- */

/* Is a transaction that begins so no more than a question whether we are there? */
static bool
is_probe(struct client *c, char kind, struct span body)
{
	struct parse_view parse;
	struct bind_view bind;
	const struct stmt *stmt;

	switch (kind) {
	case 'S':
		return true;
	case 'Q':
		return farewell_is_probe(span_of(body.at, body.len > 0 ? body.len - 1 : 0));
	case 'P':
		return query_parse(body, &parse) == WIRE_OK && farewell_is_probe(parse.text);
	case 'B':
		if (query_bind_head(body, body.len, &bind) != WIRE_OK)
			return false;
		stmt = names_find(&c->names, bind.name);
		return stmt != NULL && farewell_is_probe(span_text(stmt->tail.at));
	default:
		return false;
	}
}

bool
goodbye_asked(struct client *c, char kind, struct span body)
{
	struct farewell *f = &c->worker->farewell;

	c->probed = is_probe(c, kind, body);
	if (!c->probed || !concerns(c) ||
	    (f->debt == 0 && !farewell_late(f, loop_now(c->worker->loop))))
		return false;
	farewell_told(f);
	tell(c);
	return true;
}

bool
goodbye_parted(struct client *c)
{
	usec_t since;

	if (!farewell_late(&c->worker->farewell, loop_now(c->worker->loop)) || c->probed ||
	    !concerns(c) || !at_rest(c, &since))
		return false;
	tell(c);
	return true;
}

/* --- the end of all patience --- */

void
goodbye_to_all(struct worker *w, bool consoles)
{
	LIST_EACH(n, &w->clients) {
		struct client *c = CONTAINER_OF(n, struct client, in_worker);

		if (c->state == &CLIENT_CONSOLE && !consoles)
			continue;
		if (c->welcomed || c->state == &CLIENT_CONSOLE)
			tell(c);
		else if (c->state == &CLIENT_CANCELING)
			client_close(c, CLOSE_drain);
		else
			tell_newcomer(c);
	}
}
