/*
 * budget.c - accounts by kind and name.
 */
#include "pool/budget.h"

#include <string.h>

#include "base/mem.h"
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
find(struct pooler *p, const struct budget_key *k)
{
	struct map_node *node = map_find(&p->budgets, hash_of(k), same_budget, k);

	return node != NULL ? CONTAINER_OF(node, struct budget, in_pooler) : NULL;
}

static struct budget *
find_or_make(struct pooler *p, const struct budget_key *k)
{
	struct budget *b = find(p, k);

	if (b != NULL)
		return b;
	b = mem_new(sizeof(*b) + k->name.len + 1);
	if (b == NULL)
		return NULL;
	b->kind = k->kind;
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
free_unused(struct pooler *p, struct budget *b)
{
	if (b->users > 0)
		return;
	map_remove(&p->budgets, &b->in_pooler);
	mem_free(b);
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

static unsigned
limit_of(const struct conf *conf, const struct budget *b)
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
	case ACCOUNT_KINDS:
		break;
	}
	return 0;
}

void
budget_relimit(struct pooler *p, const struct conf *conf)
{
	struct map_node *node = NULL;

	pthread_mutex_lock(&p->mutex);
	while ((node = map_next(&p->budgets, node)) != NULL) {
		struct budget *b = CONTAINER_OF(node, struct budget, in_pooler);

		ledger_limit_account(&p->book, &b->account, limit_of(conf, b));
	}
	pthread_mutex_unlock(&p->mutex);
}

/* --- pools --- */

static bool
join(struct pooler *p, struct pool *pool, const struct conf *conf, enum account_kind kind,
    struct span name)
{
	struct budget_key k = { kind, name };
	struct budget *b = find_or_make(p, &k);

	if (b == NULL)
		return false;
	if (b->users++ == 0)
		ledger_limit_account(&p->book, &b->account, limit_of(conf, b));
	pool->budgets[kind] = b;
	ledger_tie(&pool->ledger, &b->account);
	return true;
}

bool
budget_join(struct pooler *p, struct pool *pool, const struct conf *conf)
{
	struct buf both = { 0 };
	bool joined;

	buf_put(&both, pool->database, strlen(pool->database) + 1);
	buf_put(&both, pool->user, strlen(pool->user));
	joined = !both.failed && join(p, pool, conf, ACCOUNT_POOL, buf_span(&both)) &&
	    join(p, pool, conf, ACCOUNT_DATABASE, span_text(pool->database)) &&
	    join(p, pool, conf, ACCOUNT_USER, span_text(pool->user));
	buf_fini(&both);
	if (!joined)
		budget_leave(p, pool);
	return joined;
}

void
budget_leave(struct pooler *p, struct pool *pool)
{
	ledger_untie(&pool->ledger);
	for (unsigned i = 0; i < ACCOUNT_KINDS; i++) {
		struct budget *b = pool->budgets[i];

		pool->budgets[i] = NULL;
		if (b == NULL)
			continue;
		b->users--;
		free_unused(p, b);
	}
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
