/*
 * place.h - from (database, user) to a pool, and what an operator has said about a database: paused, disabled.
 */
#ifndef POOL_PLACE_H
#define POOL_PLACE_H

#include "pool/pooler.h"

/* The limits CONF sets for POOL now. */
void place_limits(const struct conf *conf, const struct pool *pool,
    struct ledger_limits *out);
/* The entry of POOL's database in CONF; NULL: removed. */
const struct conf_database *place_database(const struct conf *conf, const struct pool *pool);

/*
 * The pool for clients of DATABASE (an entry or covered by the template) who logged in as USER, made if need be. REPLICATION
 * ("true", "database", or NULL) has pools of its own, one for each set of start-up settings ASKED: walsenders take
 * them in the startup packet only. It stays until place_leave() was called as often. NULL: no memory.
 */
struct pool *place_find(struct pooler *p, const struct conf *conf, struct span database,
    struct span user, const char *replication, const struct profile *asked);
/* The console's own pool; the same. */
struct pool *place_console(struct pooler *p);
/* One more user of POOL, which has one already; place_leave() in the end. */
void place_join(struct pooler *p, struct pool *pool);
/* A client of POOL has left, on any thread. */
void place_leave(struct pool *pool);

/* PAUSE, RESUME for DATABASE (at == NULL: all). Pools' ledgers follow; the caller tells the workers. False: already so. */
bool place_pause(struct pooler *p, struct span database, bool paused);
bool place_paused(struct pooler *p, struct span database);
/* End the PAUSE (or KILL) of every database that was named. False: there was none. */
bool place_resume_named(struct pooler *p);
/* Is any database paused by name? */
bool place_any_paused(struct pooler *p);
/*
 * SUSPEND: as paused, but no server is closed for it. RESUME of all ends this, too. False: paused or suspended already.
 */
bool place_suspend(struct pooler *p);
bool place_suspended(struct pooler *p);
/* DISABLE, ENABLE. False: already so. */
bool place_disable(struct pooler *p, struct span database, bool disabled);
bool place_disabled(struct pooler *p, struct span database);

/* Forget all marks (the process ends). */
void place_forget(struct pooler *p);
/* Give all pools the limits of CONF. */
void place_relimit(struct pooler *p, const struct conf *conf);
/* Call FN for each pool, under no lock. */
void place_each(struct pooler *p, void (*fn)(void *owner, struct pool *pool), void *owner);

#endif
