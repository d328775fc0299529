/*
 * check.c - recount a pooler at rest: every list, count and owner, and whether it believes
 * of its servers what is true of them. Returns the first thing that is wrong.
 */
#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"
#include "pool/deadline.h"
#include "story/story.h"

static char said[400];

/* What the lanes of a pool have together. */
struct sums {
	unsigned	 idle, busy, opening, waiting, called;
};

static const char *wrong(const char *format, ...) PRINTF_LIKE(1, 2);

static const char *
wrong(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(said, sizeof(said), format, args);
	va_end(args);
	return said;
}

#define MUST(x) \
	do { \
		if (!(x)) \
			return wrong("%s:%d: not so: %s", __FILE__, __LINE__, #x); \
	} while (0)

static unsigned
count(const struct list *list)
{
	unsigned n = 0;

	LIST_EACH(node, list)
		n++;
	return n;
}

/* --- one server --- */

static struct pg_session *
session_of(struct story *s, const struct server *server)
{
	struct pg_session *session = pg_session_of(&s->db1, server->pid);

	return session != NULL ? session : pg_session_of(&s->db2, server->pid);
}

/* The server has the settings and the statements we think it has. */
static const char *
check_beliefs(struct story *s, const struct server *server)
{
	struct pg_session *session = session_of(s, server);

	if (s->liars && strcmp(server->host, "db2") == 0)
		return NULL;
	if (session == NULL) {
		/* It has ended: nobody looks while its client does not read. */
		MUST(server->client != NULL && server->client->slow);
		return NULL;
	}
	if (server->state != &SERVER_IDLE && !talk_quiet(&server->talk))
		return NULL;
	for (unsigned i = 0; i < profile_count(server->profile); i++) {
		const struct setting_value *v = profile_at(server->profile, i);
		const char *now = pg_setting(session, v->name);

		/* In a transaction others may be set that are reported at its end. */
		if (server->talk.status == 'I' &&
		    (now == NULL || !span_is(v->value, now)))
			return wrong("%s server %llu believes %s=%s, it is %s", server->state->name,
			    (unsigned long long)server->id, v->name.at, v->value.at, now);
	}
	MUST(server->doomed || !server->lane->rules.tracking ||
	    shelf_count(&server->shelf) == session->named);
	return NULL;
}

static unsigned
noted(const struct talk *t)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < t->count; i++)
		n += (t->ring[(t->first + i) & t->mask] & ASK_NOTED) != 0;
	return n;
}

static const char *
check_server(struct story *s, struct lane *lane, struct server *server,
    enum server_place place)
{
	MUST(server->lane == lane && server->place == place && !server->dead);
	MUST(noted(&server->talk) == server->notes.count);
	if (place == IN_OPENING) {
		MUST(server->client == NULL);
		return NULL;
	}
	MUST(server->link != NULL && server->dial == NULL && server->login == NULL);
	MUST(!server->slow || link_unsent(server->link) > 0);
	if (place == IN_IDLE) {
		MUST(server->state == &SERVER_IDLE && server->client == NULL);
		MUST(talk_at_rest(&server->talk) && talk_quiet(&server->talk));
		MUST(server->cancels == 0 && !server->slow);
		MUST(server->frame.left == 0 || s->liars);
		MUST(link_unsent(server->link) == 0);
		MUST(link_kept(server->link) == 0 || s->liars);
	} else {
		MUST(server->state != &SERVER_IDLE && server->state != &SERVER_AWAY);
		MUST((server->client != NULL) ==
		    (server->state == &SERVER_ACTIVE ||
			server->state == &SERVER_SETTLING));
		MUST(server->client == NULL || server->client->server == server);
	}
	return check_beliefs(s, server);
}

/* --- one client --- */

static const char *
check_client(struct worker *w, struct client *c)
{
	MUST(c->worker == w && !c->dead && c->link != NULL);
	MUST(c->profile != NULL);
	MUST(node_linked(&c->in_newcomers) == !c->welcomed);
	MUST(node_linked(&c->in_lane) == (c->state == &CLIENT_WAITING));
	MUST((c->want.state != WANT_NONE) == (c->state == &CLIENT_WAITING));
	MUST(!c->slow || link_unsent(c->link) > 0);
	if (c->lane != NULL)
		MUST(c->lane->worker == w);
	if (c->server == NULL) {
		MUST(c->state != &CLIENT_ACTIVE && c->state != &CLIENT_SETTLING &&
		    !c->slow);
		return NULL;
	}
	MUST(c->server->client == c && c->server->lane == c->lane);
	MUST(c->state == &CLIENT_ACTIVE || c->state == &CLIENT_SETTLING);
	MUST((c->state == &CLIENT_ACTIVE) == (c->server->state == &SERVER_ACTIVE));
	if (c->state == &CLIENT_ACTIVE && talk_quiet(&c->server->talk))
		MUST(c->profile == c->server->profile);
	return NULL;
}

/* --- one lane --- */

static const char *
check_list(struct story *s, struct lane *lane, struct list *list, enum server_place place)
{
	const char *what = NULL;

	LIST_EACH(n, list) {
		what = check_server(s, lane, CONTAINER_OF(n, struct server, in_lane),
		    place);
		if (what != NULL)
			return what;
	}
	return what;
}

static const char *
check_lane(struct story *s, struct lane *lane, struct sums *sums)
{
	const char *what = NULL;
	unsigned members = 0;

	MUST(count(&lane->idle) == lane->idle_count);
	MUST(count(&lane->busy) == lane->busy_count);
	MUST(count(&lane->opening) == lane->opening_count);
	MUST(count(&lane->waiting) == lane->waiting_count);
	MUST(lane->seat.idle == lane->idle_count);
	MUST(lane->seat.promised == 0 && atomic_load(&lane->nudge_count) == 0);
	LIST_EACH(n, &lane->waiting) {
		struct client *c = CONTAINER_OF(n, struct client, in_lane);

		MUST(c->lane == lane && c->state == &CLIENT_WAITING);
		MUST(c->want.seat == &lane->seat);
		sums->called += c->want.state == WANT_CALLED;
	}
	LIST_EACH(n, &lane->worker->clients)
		members += CONTAINER_OF(n, struct client, in_worker)->lane == lane;
	MUST(members == lane->client_count);
	what = check_list(s, lane, &lane->idle, IN_IDLE);
	if (what == NULL)
		what = check_list(s, lane, &lane->busy, IN_BUSY);
	if (what == NULL)
		what = check_list(s, lane, &lane->opening, IN_OPENING);
	sums->idle += lane->idle_count;
	sums->busy += lane->busy_count;
	sums->opening += lane->opening_count;
	sums->waiting += lane->waiting_count;
	return what;
}

/* --- one pool --- */

struct inspection {
	struct story	*story;
	const char	*what;		/* is wrong; NULL: nothing so far */
};

static const char *
check_ledger(const struct ledger *l, const struct sums *sums)
{
	unsigned most = l->limits.most + l->limits.reserve;

	MUST(ledger_check((struct ledger *)l));
	MUST(l->open == sums->idle + sums->busy + sums->opening);
	MUST(l->opening == sums->opening);
	MUST(l->waiting == sums->waiting - sums->called);
	MUST(sums->called == 0);
	MUST(
	    l->limits.most == 0 || l->open <= most || sums->idle == 0 || l->waiting == 0);
	/* Nobody waits beside an idle server, nor in vain. */
	if (l->waiting == 0 || l->paused)
		return NULL;
	MUST(sums->idle == 0);
	if (l->opening > 0 && (l->opening == l->open || l->doubted))
		return NULL;	/* one login shows whether others work */
	if (l->opening >= l->waiting || sim_now() < l->retry_at + DEADLINE_TICK ||
	    (l->limits.most > 0 && l->open >= l->limits.most) || !chain_has_room(l))
		return NULL;
	return wrong("%u wait, %u of %u are open, %u opening: another could be opened",
	    l->waiting, l->open, l->limits.most, l->opening);
}

static void
check_pool(void *owner, struct pool *pool)
{
	struct inspection *i = owner;
	struct sums sums = { 0 };

	for (unsigned w = 0; i->what == NULL && w < pool->ledger.seat_count; w++)
		if (pool->ledger.seats[w] != NULL)
			i->what = check_lane(i->story,
			    CONTAINER_OF(pool->ledger.seats[w], struct lane, seat),
			    &sums);
	if (i->what == NULL)
		i->what = check_ledger(&pool->ledger, &sums);
}

/* --- all --- */

static const char *
check_worker(struct worker *w, unsigned *clients)
{
	const char *what = NULL;

	MUST(list_empty(&w->dead_clients) && list_empty(&w->dead_servers));
	MUST(count(&w->clients) == atomic_load(&w->client_count));
	*clients += count(&w->clients);
	LIST_EACH(n, &w->clients) {
		what = check_client(w, CONTAINER_OF(n, struct client, in_worker));
		if (what != NULL)
			return what;
	}
	return what;
}

const char *
story_wrong(struct story *s)
{
	struct inspection i = { s, NULL };
	unsigned clients = 0;

	MUST(log_insists() == 0);
	for (unsigned w = 0; w < s->pooler.worker_count; w++) {
		const char *what = check_worker(s->pooler.workers[w], &clients);

		if (what != NULL)
			return what;
	}
	MUST(clients == atomic_load(&s->pooler.clients));
	place_each(&s->pooler, check_pool, &i);
	return i.what;
}
