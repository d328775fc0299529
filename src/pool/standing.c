/*
 * standing.c - pools made for the configuration, not for a client.
 */
#include "pool/standing.h"

#include "base/log.h"
#include "pool/lane.h"
#include "pool/place.h"

static void
make(struct worker *w, const struct conf *conf, const struct conf_database *db)
{
	struct pool *pool = place_find(w->pooler, conf, span_text(db->name),
	    span_text(db->user), NULL, NULL);

	if (pool == NULL || worker_lane(w, pool) == NULL)
		log_line(LOG_LEVEL_ERROR, NULL, "no pool for min_pool_size: out of memory");
	if (pool != NULL)
		place_leave(pool);
}

void
standing_make(struct worker *w)
{
	const struct conf *conf = w->setup->conf;

	for (size_t i = 0; i < conf->n_databases; i++) {
		const struct conf_database *db = &conf->databases[i];

		if (db->user != NULL && conf_min_pool_size(conf, db) > 0)
			make(w, conf, db);
	}
}
