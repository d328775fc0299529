/*
 * place.c - pools by name, and what an operator has said about databases.
 */
#include "pool/place.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "pool/budget.h"

/* A database somebody paused or disabled. */
struct mark {
	struct map_node	 in_marks;
	size_t		 len;
	char		 name[];
};

struct pool_key {
	struct span	 database, user;
	const char	*replication;
	const struct profile *asked;
	bool		 console;
};

static bool
same_pool(const struct map_node *node, const void *key)
{
	const struct pool *pool = CONTAINER_OF(node, struct pool, in_pooler);
	const struct pool_key *k = key;

	return span_is(k->database, pool->database) && span_is(k->user, pool->user) &&
	    pool->replication == k->replication && pool->asked == k->asked;
}

static uint64_t
hash_key(const struct pool_key *k)
{
	return span_hash(k->database) * 3 + span_hash(k->user);
}

void
place_limits(const struct conf *conf, const struct pool *pool, struct ledger_limits *out)
{
	const struct conf_database *db = place_database(conf, pool);
	const struct conf_user *user = conf_user(conf, span_text(pool->user));

	out->most = conf_pool_size(conf, db, user);
	out->reserve = conf_reserve_pool_size(conf, db, user);
	out->reserve_after = conf->reserve_pool_timeout;
	out->least = conf_min_pool_size(conf, db);
}

const struct conf_database *
place_database(const struct conf *conf, const struct pool *pool)
{
	return conf_database(conf, span_text(pool->database));
}

static struct pool *
pool_new(struct pooler *p, const struct pool_key *k, struct span client_user)
{
	struct pool *pool = mem_new(sizeof(*pool));

	if (pool == NULL)
		return NULL;
	ledger_init(&pool->ledger, &p->book);
	node_init(&pool->in_retired);
	pool->replication = k->replication;
	pool->asked = k->asked != NULL ? profile_hold(k->asked) : NULL;
	pool->database = mem_copy_text(k->database.at, k->database.len);
	pool->user = mem_copy_text(k->user.at, k->user.len);
	pool->client_user = mem_copy_text(client_user.at, client_user.len);
	pool->console = k->console;
	if (pool->database == NULL || pool->user == NULL || pool->client_user == NULL ||
	    !map_add(&p->pools, &pool->in_pooler, hash_key(k))) {
		pool_free(pool);
		return NULL;
	}
	return pool;
}

static bool is_paused(const struct pooler *p, struct span database);

/* The first pool of a database that only the entry * covers. */
static void
log_new_database(const struct pool *pool, const struct conf *conf)
{
	char name[64];

	if (place_database(conf, pool) == conf->template_database &&
	    pool->budgets[ACCOUNT_DATABASE]->users == 1)
		log_line(LOG_LEVEL_LOG, NULL, "registered new auto-database: %s",
		    log_escape(span_text(pool->database), name, sizeof(name)));
}

static struct pool *
make(struct pooler *p, const struct pool_key *k, struct span client_user,
    const struct conf *conf)
{
	struct pool *pool = pool_new(p, k, client_user);
	struct ledger_limits limits;

	if (pool == NULL || conf == NULL)
		return pool;
	if (!budget_join(p, pool, conf)) {
		map_remove(&p->pools, &pool->in_pooler);
		pool_free(pool);
		return NULL;
	}
	place_limits(conf, pool, &limits);
	ledger_limit(&pool->ledger, &limits);
	ledger_pause(&pool->ledger, is_paused(p, k->database));
	log_new_database(pool, conf);
	return pool;
}

static struct pool *
find_or_make(struct pooler *p, const struct pool_key *k, struct span client_user,
    const struct conf *conf)
{
	struct map_node *node;
	struct pool *pool;

	pthread_mutex_lock(&p->mutex);
	node = map_find(&p->pools, hash_key(k), same_pool, k);
	pool = node != NULL ? CONTAINER_OF(node, struct pool, in_pooler) :
	    make(p, k, client_user, conf);
	if (pool != NULL) {
		atomic_fetch_add(&pool->users, 1);
		pool->idle_since = 0;
	}
	pthread_mutex_unlock(&p->mutex);
	return pool;
}

void
place_join(struct pooler *p, struct pool *pool)
{
	pthread_mutex_lock(&p->mutex);
	atomic_fetch_add(&pool->users, 1);
	pthread_mutex_unlock(&p->mutex);
}

void
place_leave(struct pool *pool)
{
	atomic_fetch_sub(&pool->users, 1);
}

struct pool *
place_find(struct pooler *p, const struct conf *conf, struct span database, struct span user,
    const char *replication, const struct profile *asked)
{
	const struct conf_database *db = conf_database(conf, database);
	struct pool_key k = { database, user, replication, replication != NULL ? asked : NULL,
		false };

	if (db != NULL && db->user != NULL)
		k.user = span_text(db->user);
	return find_or_make(p, &k, user, conf);
}

struct pool *
place_console(struct pooler *p)
{
	struct pool_key k = { SPAN_LITERAL("pgbouncer"), SPAN_LITERAL("pgbouncer"), NULL, NULL,
		true };

	return find_or_make(p, &k, k.user, NULL);
}

void
place_each(struct pooler *p, void (*fn)(void *owner, struct pool *pool), void *owner)
{
	struct pool *pool = NULL;

	for (;;) {
		struct map_node *node;

		/* Where the walk stands is not taken away. */
		pthread_mutex_lock(&p->mutex);
		node = map_next(&p->pools, pool != NULL ? &pool->in_pooler : NULL);
		if (pool != NULL)
			place_leave(pool);
		pool = node != NULL ? CONTAINER_OF(node, struct pool, in_pooler) : NULL;
		if (pool != NULL)
			atomic_fetch_add(&pool->users, 1);
		pthread_mutex_unlock(&p->mutex);
		if (pool == NULL)
			return;
		fn(owner, pool);
	}
}

struct relimit {
	struct pooler	*pooler;
	const struct conf *conf;
};

static void
relimit(void *owner, struct pool *pool)
{
	const struct relimit *r = owner;
	struct ledger_limits limits;

	if (pool->console)
		return;
	place_limits(r->conf, pool, &limits);
	ledger_limit(&pool->ledger, &limits);
	budget_follow(r->pooler, pool, r->conf);
}

void
place_relimit(struct pooler *p, const struct conf *conf)
{
	struct relimit r = { p, conf };

	place_each(p, relimit, &r);
	budget_relimit(p, conf);
}

/* --- marks --- */

static bool
same_mark(const struct map_node *node, const void *key)
{
	const struct mark *mark = CONTAINER_OF(node, struct mark, in_marks);

	return span_same(span_of(mark->name, mark->len), *(const struct span *)key);
}

static bool
is_marked(const struct map *marks, struct span name)
{
	return marks->count > 0 && map_find(marks, span_hash(name), same_mark, &name) != NULL;
}

/* Do pools of DATABASE give no servers? Under the mutex. */
static bool
is_paused(const struct pooler *p, struct span database)
{
	return p->all_paused || p->suspended || is_marked(&p->paused, database);
}

/* False: it was so already (or there is no memory to note it). */
static bool
mark_set(struct map *marks, struct span name, bool on)
{
	struct map_node *node = map_find(marks, span_hash(name), same_mark, &name);
	struct mark *mark;

	if (on == (node != NULL))
		return false;
	if (node != NULL) {
		map_remove(marks, node);
		mem_free(CONTAINER_OF(node, struct mark, in_marks));
		return true;
	}
	mark = mem_new(sizeof(*mark) + name.len);
	if (mark == NULL || !map_add(marks, &mark->in_marks, span_hash(name))) {
		mem_free(mark);
		return false;
	}
	mark->len = name.len;
	memcpy(mark->name, name.at, name.len);
	return true;
}

static void
marks_clear(struct map *marks)
{
	struct map_node *node;

	while ((node = map_next(marks, NULL)) != NULL) {
		map_remove(marks, node);
		mem_free(CONTAINER_OF(node, struct mark, in_marks));
	}
	map_fini(marks);
}

void
place_forget(struct pooler *p)
{
	marks_clear(&p->paused);
	marks_clear(&p->disabled);
}

struct repause {
	struct pooler	*pooler;
	struct span	 database;
};

static void
repause(void *owner, struct pool *pool)
{
	struct repause *r = owner;
	bool paused;

	if (pool->console || (r->database.at != NULL && !span_is(r->database, pool->database)))
		return;
	pthread_mutex_lock(&r->pooler->mutex);
	paused = is_paused(r->pooler, span_text(pool->database));
	pthread_mutex_unlock(&r->pooler->mutex);
	ledger_pause(&pool->ledger, paused);
}

bool
place_pause(struct pooler *p, struct span database, bool paused)
{
	struct repause r = { p, database };
	bool changed;

	pthread_mutex_lock(&p->mutex);
	if (database.at == NULL) {
		changed = (p->all_paused || p->suspended) != paused;
		if (changed) {
			p->all_paused = paused;
			p->suspended = false;
		}
	} else {
		changed = mark_set(&p->paused, database, paused);
	}
	pthread_mutex_unlock(&p->mutex);
	if (changed)
		place_each(p, repause, &r);
	return changed;
}

bool
place_paused(struct pooler *p, struct span database)
{
	bool yes;

	pthread_mutex_lock(&p->mutex);
	yes = database.at == NULL ? p->all_paused : is_marked(&p->paused, database);
	pthread_mutex_unlock(&p->mutex);
	return yes;
}

bool
place_resume_named(struct pooler *p)
{
	struct repause r = { p, { NULL, 0 } };
	bool any;

	pthread_mutex_lock(&p->mutex);
	any = p->paused.count > 0;
	marks_clear(&p->paused);
	pthread_mutex_unlock(&p->mutex);
	if (any)
		place_each(p, repause, &r);
	return any;
}

bool
place_any_paused(struct pooler *p)
{
	bool yes;

	pthread_mutex_lock(&p->mutex);
	yes = p->paused.count > 0;
	pthread_mutex_unlock(&p->mutex);
	return yes;
}

bool
place_suspend(struct pooler *p)
{
	struct repause r = { p, { NULL, 0 } };
	bool changed;

	pthread_mutex_lock(&p->mutex);
	changed = !p->all_paused && !p->suspended;
	if (changed)
		p->suspended = true;
	pthread_mutex_unlock(&p->mutex);
	if (changed)
		place_each(p, repause, &r);
	return changed;
}

bool
place_suspended(struct pooler *p)
{
	bool yes;

	pthread_mutex_lock(&p->mutex);
	yes = p->suspended;
	pthread_mutex_unlock(&p->mutex);
	return yes;
}

bool
place_disable(struct pooler *p, struct span database, bool disabled)
{
	bool changed;

	pthread_mutex_lock(&p->mutex);
	changed = mark_set(&p->disabled, database, disabled);
	pthread_mutex_unlock(&p->mutex);
	return changed;
}

bool
place_disabled(struct pooler *p, struct span database)
{
	bool yes;

	pthread_mutex_lock(&p->mutex);
	yes = is_marked(&p->disabled, database);
	pthread_mutex_unlock(&p->mutex);
	return yes;
}
