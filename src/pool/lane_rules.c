/*
 * lane_rules.c - what the configuration means for a lane: its rules, and which of its
 * servers and clients a reload leaves behind.
 */
#include <string.h>

#include "pool/client.h"
#include "pool/lane.h"
#include "pool/place.h"
#include "pool/server.h"

static const char *
unless_empty(const char *text)
{
	return text == NULL || text[0] == '\0' ? NULL : text;
}

/* max_packet_size counts the kind byte, a frame's length does not. */
static uint32_t
frame_most(const struct conf *c)
{
	return c->max_packet_size > FRAME_MOST ? FRAME_MOST : c->max_packet_size - 1;
}

static void
set_rules(struct lane *lane, const struct conf *c, const struct conf_database *db)
{
	const struct conf_user *user = conf_user(c, span_text(lane->pool->user));
	struct rules *r = &lane->rules;
	uint32_t size;

	r->mode = lane->pool->replication != NULL ? POOL_MODE_SESSION :
	    conf_pool_mode(c, db, user);
	r->max_prepared = c->max_prepared_statements;
	r->tracking = r->mode != POOL_MODE_SESSION && r->max_prepared > 0;
	r->no_pqexec = c->disable_pqexec;
	r->fast_close = lane->pool->replication != NULL || c->server_fast_close;
	r->statements = (uint8_t)c->log_statements;
	r->frame_most = frame_most(c);
	r->min_size = conf_min_pool_size(c, db);
	r->attrs = db != NULL && db->target_session_attrs != SESSION_ATTRS_UNSET ?
	    db->target_session_attrs : SESSION_ATTRS_ANY;
	r->round_robin = c->server_round_robin;
	r->reset_always = c->server_reset_query_always;
	r->reset_query = unless_empty(c->server_reset_query);
	r->check_query = unless_empty(c->server_check_query);
	if (r->check_query != NULL && strcmp(r->check_query, "<empty>") == 0)
		r->check_query = "";
	r->check_delay = c->server_check_delay;
	r->query_timeout = conf_query_timeout(c, user);
	r->idle_transaction_timeout = conf_idle_transaction_timeout(c, user);
	r->transaction_timeout = conf_transaction_timeout(c, user);
	r->server_lifetime = conf_server_lifetime(c, db);
	r->server_idle_timeout = c->server_idle_timeout;
	size = conf_pool_size(c, db, user);
	r->lifetime_gap = size > 0 ? r->server_lifetime / size : 0;
}

static bool
server_tls_differs(const struct conf *a, const struct conf *b)
{
	for (size_t i = 0; i < tls_settings.count; i++) {
		const struct setting *row = &tls_settings.rows[i];

		if (span_starts(span_text(row->name), "server_tls") && !setting_same(row, a, b))
			return true;
	}
	return false;
}

/*
 * Was SERVER opened under a configuration that has changed since in what it was made from? A reload closes
 * what it finds in the lanes; one that was between two of them is found here.
 */
bool
lane_outdated(struct lane *lane, struct server *server)
{
	struct setup *now = lane->worker->setup;
	const struct conf_database *was, *is;

	if (likely(server->setup == now))
		return false;
	was = place_database(server->setup->conf, lane->pool);
	is = place_database(now->conf, lane->pool);
	if (was == NULL || is == NULL || conf_database_moved(was, is) ||
	    server_tls_differs(server->setup->conf, now->conf))
		return true;
	setup_drop(server->setup);
	server->setup = setup_hold(now);
	return false;
}

/* No server of this lane is used again once it is free. */
static void
doom_all(struct lane *lane, enum reason why)
{
	LIST_EACH(n, &lane->busy)
		CONTAINER_OF(n, struct server, in_lane)->doomed = true;
	ledger_doubt(&lane->pool->ledger);
	lane_close_idle(lane, true, why);
}

/* Clients of a database that is gone. */
static void
send_home(struct lane *lane)
{
	LIST_EACH(n, &lane->worker->clients) {
		struct client *c = CONTAINER_OF(n, struct client, in_worker);

		if (c->lane == lane)
			client_dismiss(c, CLOSE_database_removed);
	}
}

void
lane_refresh(struct lane *lane, const struct setup *before)
{
	const struct conf *now = lane->worker->setup->conf;
	const struct conf_database *db = place_database(now, lane->pool);
	const struct conf_database *was;

	if (lane->pool->console)
		return;
	lane->removed = db == NULL;
	if (db == NULL) {
		doom_all(lane, CLOSE_database_removed);
		send_home(lane);
		return;
	}
	set_rules(lane, now, db);
	if (before == NULL)
		return;
	was = place_database(before->conf, lane->pool);
	if (was == NULL || conf_database_moved(was, db) || server_tls_differs(before->conf, now))
		doom_all(lane, CLOSE_configuration_changed);
	lane_cover(lane);
}
