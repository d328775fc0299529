/*
 * budget.c - accounts by kind and name: who counts where, and how much there may be.
 */
#include "pool/budget_private.h"

#include <string.h>

#include "base/mem.h"
#include "conf/budget.h"
#include "pool/place.h"

struct budget_key {
	enum account_kind kind;
	struct span	 name;
};

static bool
same_budget(const struct map_node *node, const void *key)
{
	const struct budget *b = CONTAINER_OF(node, struct budget, in_pooler);
	const struct budget_key *k = key;

	return b->kind == k->kind && span_same(span_of(b->name, b->len), k->name);
}

static uint64_t
hash_of(const struct budget_key *k)
{
	return span_hash(k->name) + k->kind;
}

static struct budget *
find_or_make(struct pooler *p, const struct budget_key *k)
{
	struct map_node *node = map_find(&p->budgets, hash_of(k), same_budget, k);
	struct budget *b;

	if (node != NULL)
		return CONTAINER_OF(node, struct budget, in_pooler);
	b = mem_new(sizeof(*b) + k->name.len + 1);
	if (b == NULL)
		return NULL;
	b->kind = k->kind;
	b->found = -1;
	account_init(&b->account);
	b->len = k->name.len;
	memcpy(b->name, k->name.at, k->name.len);
	if (!map_add(&p->budgets, &b->in_pooler, hash_of(k))) {
		mem_free(b);
		return NULL;
	}
	return b;
}

static void
leave(struct pooler *p, struct budget *b)
{
	if (b == NULL || --b->users > 0)
		return;
	map_remove(&p->budgets, &b->in_pooler);
	mem_free(b);
}

/* --- names --- */

/* The key of POOL's account of KIND: names of its database and user, or of hosts, port and those on them, split by NUL. */
static bool
put_name(struct buf *out, const struct pool *pool, const struct conf_database *db,
    enum account_kind kind)
{
	const char *catalog = db->dbname != NULL ? db->dbname : pool->database;

	if (kind >= ACCOUNT_HOST)
		buf_printf(out, "%s:%u", db->host != NULL ? db->host : db->hosts[0].text, db->hosts[0].port);
	if (kind == ACCOUNT_POOL || kind == ACCOUNT_DATABASE)
		buf_put(out, pool->database, strlen(pool->database));
	if (kind == ACCOUNT_POOL || kind == ACCOUNT_ROLE || kind == ACCOUNT_CATALOG)
		buf_put(out, "", 1);
	if (kind == ACCOUNT_POOL || kind == ACCOUNT_USER || kind == ACCOUNT_ROLE)
		buf_put(out, pool->user, strlen(pool->user));
	if (kind == ACCOUNT_CATALOG)
		buf_put(out, catalog, strlen(catalog));
	return !out->failed;
}

/* --- limits --- */

/* Of the pool (DATABASE, USER): what it may have, the reserve included. */
static unsigned
pool_limit(const struct conf *conf, struct span database, struct span user)
{
	const struct conf_database *db = conf_database(conf, database);
	const struct conf_user *u = conf_user(conf, user);
	unsigned size = db != NULL ? conf_pool_size(conf, db, u) : 0;

	return size > 0 ? size + conf_reserve_pool_size(conf, db, u) : 0;
}

unsigned
budget_whole(const struct conf *conf, const struct budget *b)
{
	struct server_limit wish;
	double limit, most;

	conf_server_limit(conf, &wish);
	if (wish.number == 0 && b->found < 0)
		return 0;
	most = b->found - b->reserved;
	if (wish.number > 0)
		limit = wish.number;
	else if (wish.share > 0)
		limit = wish.share * b->found < most ? wish.share * b->found : most;
	else
		limit = most - conf->server_connection_headroom;
	limit *= conf_budget_share(conf);
	return limit < 1 ? 1 : (unsigned)limit;
}

/* Connections to a server that may be ours, 0: as many as we like. */
static unsigned
host_limit(const struct conf *conf, const struct budget *b, const struct share *share)
{
	unsigned whole = budget_whole(conf, b), ours;

	if (whole == 0)
		return 0;
	ours = share_of(share, whole);
	if (share_alone(share) || conf->budget_probe_interval == 0)
		return ours;
	ours += b->borrowed;
	if (ours > whole)
		ours = whole;
	return ours > b->offer.size + 1 ? ours - b->offer.size : 1;
}

static unsigned
limit_of(const struct conf *conf, const struct budget *b, const struct share *share)
{
	struct span name = span_of(b->name, b->len);
	const struct conf_database *db;
	size_t first;

	switch (b->kind) {
	case ACCOUNT_POOL:
		first = strlen(b->name);
		return pool_limit(conf, span_of(b->name, first),
		    span_of(b->name + first + 1, b->len - first - 1));
	case ACCOUNT_DATABASE:
		db = conf_database(conf, name);
		return db != NULL ? conf_max_db_connections(conf, db) : 0;
	case ACCOUNT_USER:
		return conf_max_user_connections(conf, conf_user(conf, name));
	case ACCOUNT_HOST:
		return host_limit(conf, b, share);
	case ACCOUNT_ROLE:
	case ACCOUNT_CATALOG:
		return b->found < 0 ? 0 : share_of(share, (unsigned)b->found);
	case ACCOUNT_KINDS:
		break;
	}
	return 0;
}

void
budget_set_limit(struct pooler *p, struct budget *b, const struct conf *conf)
{
	ledger_limit_account(&p->book, &b->account, limit_of(conf, b, &p->share),
	    b->kind == ACCOUNT_HOST ? conf->server_connect_parallel : 0);
}

void
budget_relimit(struct pooler *p, const struct conf *conf)
{
	struct map_node *node = NULL;

	pthread_mutex_lock(&p->mutex);
	while ((node = map_next(&p->budgets, node)) != NULL)
		budget_set_limit(p, CONTAINER_OF(node, struct budget, in_pooler), conf);
	pthread_mutex_unlock(&p->mutex);
}

/* What B had borrowed is a part of its share now; alone, it neither borrows nor offers. */
static void
settle_loans(struct budget *b, const struct conf *conf, const struct share *before, const struct share *now)
{
	unsigned whole = budget_whole(conf, b), was, is;

	if (b->kind != ACCOUNT_HOST || whole == 0)
		return;
	was = share_of(before, whole);
	is = share_of(now, whole);
	if (is > was)
		b->borrowed -= b->borrowed < is - was ? b->borrowed : is - was;
	if (share_alone(now)) {
		b->borrowed = 0;
		b->offer = (struct offer){ 0 };
	}
}

void
budget_set_share(struct pooler *p, const struct share *share)
{
	struct setup *setup = pooler_setup(p);
	struct map_node *node = NULL;

	pthread_mutex_lock(&p->mutex);
	while ((node = map_next(&p->budgets, node)) != NULL)
		settle_loans(CONTAINER_OF(node, struct budget, in_pooler), setup->conf, &p->share, share);
	p->share = *share;
	pthread_mutex_unlock(&p->mutex);
	budget_relimit(p, setup->conf);
	setup_drop(setup);
}

/* --- pools --- */

/* The account of KIND that POOL belongs to, one more user of it counted; NULL: no memory. */
static struct budget *
enter(struct pooler *p, struct pool *pool, const struct conf *conf, enum account_kind kind)
{
	const struct conf_database *db = place_database(conf, pool);
	struct budget_key k = { kind, { NULL, 0 } };
	struct budget *b = NULL;
	struct buf name = { 0 };

	if (db != NULL && put_name(&name, pool, db, kind)) {
		k.name = buf_span(&name);
		b = find_or_make(p, &k);
	}
	buf_fini(&name);
	if (b != NULL && b->users++ == 0)
		budget_set_limit(p, b, conf);
	return b;
}

bool
budget_join(struct pooler *p, struct pool *pool, const struct conf *conf)
{
	for (unsigned kind = 0; kind < ACCOUNT_KINDS; kind++) {
		struct budget *b = enter(p, pool, conf, kind);

		if (b == NULL) {
			budget_leave(p, pool);
			return false;
		}
		pool->budgets[kind] = b;
		ledger_tie(&pool->ledger, &b->account);
	}
	return true;
}

void
budget_leave(struct pooler *p, struct pool *pool)
{
	ledger_untie(&pool->ledger);
	for (unsigned kind = 0; kind < ACCOUNT_KINDS; kind++) {
		leave(p, pool->budgets[kind]);
		pool->budgets[kind] = NULL;
	}
}

void
budget_follow(struct pooler *p, struct pool *pool, const struct conf *conf)
{
	pthread_mutex_lock(&p->mutex);
	for (unsigned kind = ACCOUNT_HOST; kind < ACCOUNT_KINDS; kind++) {
		struct budget *was = pool->budgets[kind];
		struct budget *now = was != NULL ? enter(p, pool, conf, kind) : NULL;

		if (now == NULL)
			continue;	/* its entry is gone, and it will be */
		ledger_retie(&pool->ledger, kind, &now->account);
		pool->budgets[kind] = now;
		leave(p, was);
	}
	pthread_mutex_unlock(&p->mutex);
}

void
budget_forget(struct pooler *p)
{
	struct map_node *node;

	while ((node = map_next(&p->budgets, NULL)) != NULL) {
		map_remove(&p->budgets, node);
		mem_free(CONTAINER_OF(node, struct budget, in_pooler));
	}
	map_fini(&p->budgets);
}
