/*
 * retire.c - the end of pools nobody uses. While a pool has clients, or somebody walks over
 * it, its users are above 0; its servers are the ledger's business.
 */
#include "pool/retire.h"

#include "base/log.h"
#include "pool/budget.h"
#include "pool/lane.h"
#include "pool/place.h"

#define LOOK_EVERY (300 * MSEC)
/* Replication pools are made for each set of settings that a client asks for: they do not stay. */
#define REPLICATION_STAYS (60 * SECOND)

static void bury(struct pooler *p);

/* How long POOL may be idle; 0: for ever. */
static usec_t
may_be_idle(const struct conf *conf, const struct pool *pool)
{
	const struct conf_database *db = place_database(conf, pool);
	usec_t most = conf->pool_idle_timeout;

	if (pool->console)
		return 0;
	if (db == NULL)
		return 1;	/* its clients are sent away by a reload */
	if (pool->replication != NULL)
		return most > 0 && most < REPLICATION_STAYS ? most : REPLICATION_STAYS;
	if (db->user != NULL && conf_min_pool_size(conf, db) > 0)
		return 0;	/* it will have servers without clients */
	if (db == conf->template_database && conf->autodb_idle_timeout > 0 &&
	    (most == 0 || conf->autodb_idle_timeout < most))
		return conf->autodb_idle_timeout;
	return most;
}

/* Has nobody used POOL for so long that it may go? Under the pooler's mutex. */
static bool
is_due(struct pool *pool, const struct conf *conf, usec_t now)
{
	usec_t most = may_be_idle(conf, pool);

	if (most == 0 || atomic_load(&pool->users) > 0 || !ledger_is_empty(&pool->ledger)) {
		pool->idle_since = 0;
		return false;
	}
	if (pool->idle_since == 0)
		pool->idle_since = now;
	return now - pool->idle_since >= most && ledger_close(&pool->ledger);
}

static void
log_retired(const struct pool *pool)
{
	char database[64], user[64];

	log_line(LOG_LEVEL_LOG, NULL, "cleaning up idle pool: %s/%s",
	    log_escape(span_text(pool->database), database, sizeof(database)),
	    log_escape(span_text(pool->user), user, sizeof(user)));
}

static void
look(struct pooler *p, const struct conf *conf, usec_t now)
{
	struct map_node *node, *next;

	pthread_mutex_lock(&p->mutex);
	for (node = map_next(&p->pools, NULL); node != NULL; node = next) {
		struct pool *pool = CONTAINER_OF(node, struct pool, in_pooler);

		next = map_next(&p->pools, node);
		if (!is_due(pool, conf, now))
			continue;
		map_remove(&p->pools, node);
		budget_leave(p, pool);
		list_add_last(&p->retired, &pool->in_retired);
	}
	pthread_mutex_unlock(&p->mutex);
	LIST_EACH(n, &p->retired)
		log_retired(CONTAINER_OF(n, struct pool, in_retired));
}

void
retire_tick(struct worker *w, usec_t now)
{
	struct pooler *p = w->pooler;

	if (p->burying || now < p->looked_at + LOOK_EVERY)
		return;
	p->looked_at = now;
	if (list_empty(&p->retired))
		look(p, w->setup->conf, now);
	if (!list_empty(&p->retired))
		bury(p);
}

/* --- burial: one at a time --- */

/* Letters to lanes of retired pools have been posted by now, if there were any. */
static void
pass_by(struct worker *w, void *arg)
{
	(void)w;
	(void)arg;
}

static void
drop_lanes(struct worker *w, void *arg)
{
	struct pooler *p = arg;

	LIST_EACH(n, &p->retired)
		worker_drop_lane(w, CONTAINER_OF(n, struct pool, in_retired));
}

static void
dropped(void *arg)
{
	struct pooler *p = arg;

	LIST_EACH(n, &p->retired) {
		list_remove(n);
		pool_free(CONTAINER_OF(n, struct pool, in_retired));
	}
	p->burying = false;
}

/* Without memory for the question the next look begins anew. */
static void
all_passed_by(void *arg)
{
	struct pooler *p = arg;

	p->burying = worker_ask_all(p, p->workers[0], drop_lanes, dropped, p);
}

static void
bury(struct pooler *p)
{
	p->burying = worker_ask_all(p, p->workers[0], pass_by, all_passed_by, p);
}
