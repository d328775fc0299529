/*
 * readiness.c - pg_isready is told the truth: a server of its database is open, or is opened
 * now as for a client of it. Other clients are not asked about here: they wait for their server as long as they may.
 *
 * Strangers decide when somebody asks, and nothing else: servers are opened for names of the configuration only,
 * one at a time, within the pool's limits and its pauses after failures.
 */
#include "pool/readiness.h"

#include <string.h>

#include "pool/client.h"
#include "pool/place.h"
#include "pool/server.h"

/* pg_isready itself gives up after 3 s. */
#define ANSWER_MOST (2 * SECOND)

enum answer { READY, UNREADY, UNDECIDED };

/* The pools a question is about, walked over. */
struct survey {
	struct pooler	*pooler;
	const struct conf *conf;
	const struct conf_database *db;	/* NULL: one that we do not have, so any */
	bool		 ready;		/* some have servers, or are paused on purpose */
	struct pool	*one;		/* held; of the others */
};

static const struct conf *
conf_of(const struct client *c)
{
	return c->worker->setup->conf;
}

/* --- which pool answers --- */

static void
look(void *owner, struct pool *pool)
{
	struct survey *s = owner;
	struct ledger_view view;

	if (pool->console || pool->replication != NULL ||
	    (s->db != NULL && place_database(s->conf, pool) != s->db))
		return;
	ledger_look(&pool->ledger, &view);
	s->ready |= view.open > view.opening || view.paused;
	if (s->one == NULL) {
		place_join(s->pooler, pool);
		s->one = pool;
	}
}

static bool
has_secret(const struct conf_user *user)
{
	return user != NULL && user->secret != NULL && user->secret[0] != '\0';
}

/* Whom servers of DB could be opened as for C, of those we know a secret of; NULL: nobody. */
static const char *
user_for(const struct client *c, const struct conf *conf, const struct conf_database *db)
{
	const char *auth_user = db->auth_user != NULL ? db->auth_user : conf->auth_user;

	if (db->user != NULL)
		return db->user;
	if (auth_user != NULL && auth_user[0] != '\0')
		return auth_user;
	if (has_secret(conf_user(conf, span_text(c->user))))
		return c->user;
	for (size_t i = 0; i < conf->n_users; i++)
		if (has_secret(&conf->users[i]))
			return conf->users[i].name;
	return NULL;
}

/* Under which name servers of DB are opened: of the template's many not one that a stranger makes up. */
static const char *
name_for(const struct conf *conf, const struct conf_database *db)
{
	if (db != conf->template_database)
		return db->name;
	if (db->auth_dbname != NULL && db->auth_dbname[0] != '\0')
		return db->auth_dbname;
	return conf->auth_dbname != NULL && conf->auth_dbname[0] != '\0' ? conf->auth_dbname :
	    "postgres";
}

/* Nobody of this database has been here yet. */
static struct pool *
first_pool(const struct client *c, const struct conf_database *db)
{
	const struct conf *conf = conf_of(c);
	const char *user, *name;

	if (db == NULL && conf->n_databases > 0)
		db = &conf->databases[0];
	user = db != NULL ? user_for(c, conf, db) : NULL;
	name = user != NULL ? name_for(conf, db) : NULL;
	if (name == NULL || conf_database(conf, span_text(name)) == NULL)
		return NULL;
	return place_find(c->worker->pooler, conf, span_text(name), span_text(user), NULL, NULL);
}

/* --- what it says --- */

bool
readiness_failed(struct pooler *p, struct pool *pool)
{
	char sqlstate[6];
	bool failed;

	pthread_mutex_lock(&p->mutex);
	failed = pool->last_error.text[0] != '\0';
	memcpy(sqlstate, pool->last_error.sqlstate, sizeof(sqlstate));
	pthread_mutex_unlock(&p->mutex);
	return failed && (strcmp(sqlstate, SQLSTATE_CONNECT) == 0 ||
	    strncmp(sqlstate, "57P", 3) == 0);
}

static enum answer
by_last_error(struct pooler *p, struct pool *pool)
{
	return readiness_failed(p, pool) ? UNREADY : READY;
}

static unsigned
laps_of(struct pooler *p, struct pool *pool)
{
	unsigned laps;

	pthread_mutex_lock(&p->mutex);
	laps = pool->aim.laps;
	pthread_mutex_unlock(&p->mutex);
	return laps;
}

/* POOL has no server, and C asks: open one, or say what came of the last attempt if it is too early for another. */
static enum answer
try(struct client *c, struct pool *pool, struct lane *lane)
{
	struct worker *w = c->worker;

	if (!ledger_fill(&lane->seat, 1, loop_now(w->loop)))
		return by_last_error(w->pooler, pool);
	server_open(lane);
	return UNDECIDED;
}

/* The same for C, which has waited: the last attempt was made meanwhile. All hosts have to be tried before it is a no. */
static enum answer
try_again(struct client *c, struct pool *pool, struct lane *lane)
{
	struct pooler *p = c->worker->pooler;

	if (by_last_error(p, pool) == READY)
		return READY;
	if (laps_of(p, pool) != c->laps_seen)
		return UNREADY;
	return try(c, pool, lane);
}

/* What POOL, which has no server, has to say to C, which asks for the FIRST time or has waited. */
static enum answer
answer_of(struct client *c, struct pool *pool, bool first)
{
	struct lane *lane = worker_lane(c->worker, pool);
	struct ledger_view view;

	if (lane == NULL)
		return READY;	/* no memory: its login will tell */
	if (first)
		c->laps_seen = laps_of(c->worker->pooler, pool);
	ledger_look(&pool->ledger, &view);
	if (view.opening > 0)
		return UNDECIDED;
	return first ? try(c, pool, lane) : try_again(c, pool, lane);
}

static enum answer
answer(struct client *c, bool first)
{
	struct pooler *p = c->worker->pooler;
	struct survey s = { .pooler = p, .conf = conf_of(c),
		.db = conf_database(conf_of(c), span_text(c->database)) };
	enum answer a = READY;

	if (atomic_load(&p->draining) || atomic_load(&p->shutting))
		return UNREADY;
	place_each(p, look, &s);
	if (s.one == NULL)
		s.one = first_pool(c, s.db);
	if (!s.ready && s.one != NULL)
		a = answer_of(c, s.one, first);
	if (s.one != NULL)
		place_leave(s.one);
	return a == UNDECIDED && loop_now(c->worker->loop) - c->since >= ANSWER_MOST ? UNREADY : a;
}

/* --- who asks --- */

/* libpq names the program there unless somebody wants another name; we may have added the host. */
static bool
is_pg_isready(const struct client *c)
{
	const struct setting_value *v = profile_get(c->profile, SPAN_LITERAL("application_name"));

	return v != NULL && span_starts(v->value, "pg_isready");
}

/* True: C may log in. */
static bool
go_on(struct client *c, bool first)
{
	struct err e = { 0 };

	switch (answer(c, first)) {
	case READY:
		return true;
	case UNREADY:
		err_set(&e, SQLSTATE_CANNOT_CONNECT_NOW, "no server can be reached at present");
		client_refuse(c, CLOSE_unready, &e);
		return false;
	case UNDECIDED:
		c->asks_ready = true;
		c->worker->asked_ready = true;
		return false;
	}
	return true;
}

bool
readiness_check(struct client *c)
{
	if (!conf_of(c)->isready_checks_server || !is_pg_isready(c) ||
	    conf_is_console(span_text(c->database)))
		return true;
	client_become(c, &CLIENT_ASKING);
	return go_on(c, true);
}

void
readiness_tick(struct worker *w)
{
	if (likely(!w->asked_ready))
		return;
	w->asked_ready = false;
	LIST_EACH(n, &w->newcomers) {
		struct client *c = CONTAINER_OF(n, struct client, in_newcomers);

		if (!c->asks_ready)
			continue;
		c->asks_ready = false;
		if (go_on(c, false))
			client_authenticate(c);
	}
}
