/*
 * limits.c - who is who, and which level of the conf applies to them.
 *
 *	pool_mode, pool_size, reserve_pool_size		user of the pool > database > global
 *	min_pool_size, server_lifetime, max_db_*	database > global
 *	query_wait_timeout				client's user > database > global
 *	other timeouts, max_user_*			user > global
 */
#include <stdlib.h>

#include "conf/conf.h"

#define DATABASE_NAME_MOST 63	/* bytes, NAMEDATALEN - 1 of PostgreSQL */

/* memcmp's order, shorter first. */
static int
order_of(struct span a, const char *name)
{
	struct span b = span_text(name);
	size_t n = a.len < b.len ? a.len : b.len;
	int order = n > 0 ? memcmp(a.at, b.at, n) : 0;

	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int
database_compare(const void *key, const void *entry)
{
	const struct conf_database *db = entry;

	return order_of(*(const struct span *)key, db->name);
}

static int
user_compare(const void *key, const void *entry)
{
	const struct conf_user *user = entry;

	return order_of(*(const struct span *)key, user->name);
}

bool
conf_is_console(struct span name)
{
	return span_is(name, "pgbouncer") || span_is(name, "pgweir");
}

const struct conf_database *
conf_database(const struct conf *conf, struct span name)
{
	const struct conf_database *db = NULL;

	if (name.len > DATABASE_NAME_MOST || conf_is_console(name))
		return NULL;
	if (conf->n_databases > 0)
		db = bsearch(&name, conf->databases, conf->n_databases, sizeof(*db),
		    database_compare);
	return db != NULL ? db : conf->template_database;
}

const struct conf_user *
conf_user(const struct conf *conf, struct span name)
{
	if (conf->n_users == 0)
		return NULL;
	return bsearch(&name, conf->users, conf->n_users, sizeof(*conf->users), user_compare);
}

const struct conf_peer *
conf_peer(const struct conf *conf, uint16_t id)
{
	for (size_t i = 0; i < conf->n_peers; i++) {
		if (conf->peers[i].id == id)
			return &conf->peers[i];
	}
	return NULL;
}

/* The first of A, B and C that is given. */
static uint32_t
first_count(uint32_t a, uint32_t b, uint32_t c)
{
	if (a != COUNT_UNSET)
		return a;
	return b != COUNT_UNSET ? b : c;
}

static usec_t
first_time(usec_t a, usec_t b, usec_t c)
{
	if (a != USEC_UNSET)
		return a;
	return b != USEC_UNSET ? b : c;
}

/* A field of what may be NULL. */
#define COUNT_OF(object, field) ((object) != NULL ? (object)->field : COUNT_UNSET)
#define TIME_OF(object, field) ((object) != NULL ? (object)->field : USEC_UNSET)

enum pool_mode
conf_pool_mode(const struct conf *conf, const struct conf_database *db,
    const struct conf_user *user)
{
	if (user != NULL && user->pool_mode != POOL_MODE_UNSET)
		return user->pool_mode;
	if (db != NULL && db->pool_mode != POOL_MODE_UNSET)
		return db->pool_mode;
	return conf->pool_mode;
}

uint32_t
conf_pool_size(const struct conf *conf, const struct conf_database *db,
    const struct conf_user *user)
{
	return first_count(COUNT_OF(user, pool_size), COUNT_OF(db, pool_size),
	    conf->default_pool_size);
}

uint32_t
conf_min_pool_size(const struct conf *conf, const struct conf_database *db)
{
	return first_count(COUNT_OF(db, min_pool_size), COUNT_UNSET, conf->min_pool_size);
}

uint32_t
conf_reserve_pool_size(const struct conf *conf, const struct conf_database *db,
    const struct conf_user *user)
{
	return first_count(COUNT_OF(user, reserve_pool_size), COUNT_OF(db, reserve_pool_size),
	    conf->reserve_pool_size);
}

uint32_t
conf_max_db_connections(const struct conf *conf, const struct conf_database *db)
{
	return first_count(COUNT_OF(db, max_db_connections), COUNT_UNSET,
	    conf->max_db_connections);
}

uint32_t
conf_max_db_client_connections(const struct conf *conf, const struct conf_database *db)
{
	return first_count(COUNT_OF(db, max_db_client_connections), COUNT_UNSET,
	    conf->max_db_client_connections);
}

uint32_t
conf_max_user_connections(const struct conf *conf, const struct conf_user *user)
{
	return first_count(COUNT_OF(user, max_user_connections), COUNT_UNSET,
	    conf->max_user_connections);
}

uint32_t
conf_max_user_client_connections(const struct conf *conf, const struct conf_user *user)
{
	return first_count(COUNT_OF(user, max_user_client_connections), COUNT_UNSET,
	    conf->max_user_client_connections);
}

usec_t
conf_query_wait_timeout(const struct conf *conf, const struct conf_database *db,
    const struct conf_user *client_user)
{
	return first_time(TIME_OF(client_user, query_wait_timeout),
	    TIME_OF(db, query_wait_timeout), conf->query_wait_timeout);
}

usec_t
conf_query_timeout(const struct conf *conf, const struct conf_user *user)
{
	return first_time(TIME_OF(user, query_timeout), USEC_UNSET, conf->query_timeout);
}

usec_t
conf_idle_transaction_timeout(const struct conf *conf, const struct conf_user *user)
{
	return first_time(TIME_OF(user, idle_transaction_timeout), USEC_UNSET,
	    conf->idle_transaction_timeout);
}

usec_t
conf_transaction_timeout(const struct conf *conf, const struct conf_user *user)
{
	return first_time(TIME_OF(user, transaction_timeout), USEC_UNSET,
	    conf->transaction_timeout);
}

usec_t
conf_client_idle_timeout(const struct conf *conf, const struct conf_user *client_user)
{
	return first_time(TIME_OF(client_user, client_idle_timeout), USEC_UNSET,
	    conf->client_idle_timeout);
}

usec_t
conf_server_lifetime(const struct conf *conf, const struct conf_database *db)
{
	return first_time(TIME_OF(db, server_lifetime), USEC_UNSET, conf->server_lifetime);
}
