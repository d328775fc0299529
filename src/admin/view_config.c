/*
 * view_config.c - rows: DATABASES, USERS, PEERS, PEER_POOLS, CONFIG: what the operator has
 * wished.
 */
#include <string.h>

#include "admin/admin.h"
#include "admin/load.h"
#include "admin/view.h"
#include "pool/peers.h"
#include "pool/place.h"

static const char *
mode_name(enum pool_mode mode)
{
	static const char *const names[] = { [POOL_MODE_SESSION] = "session",
		[POOL_MODE_TRANSACTION] = "transaction",
		[POOL_MODE_STATEMENT] = "statement" };

	return mode == POOL_MODE_UNSET ? NULL : names[mode];
}

/* --- DATABASES --- */

struct database_row {
	const char	*name, *host, *database, *force_user, *pool_mode;
	const char	*load_balance_hosts;
	uint64_t	 port, pool_size, min_pool_size, reserve_pool_size;
	uint64_t	 server_lifetime;
	uint64_t	 max_connections, current_connections;
	uint64_t	 max_client_connections, current_client_connections;
	uint64_t	 paused, disabled;
};

static const char *
optional_text(struct sheet *rows, const char *text)
{
	return text != NULL ? sheet_text(rows, span_text(text)) : NULL;
}

/* Our own entry. */
static void
set_console(struct database_row *row, const struct conf *conf)
{
	row->port = conf->listen_port;
	row->database = row->force_user = "pgbouncer";
	row->pool_size = 2;
	row->pool_mode = "statement";
	row->max_client_connections = conf->max_db_client_connections;
}

static void
set_database(struct database_row *row, struct sheet *rows, const struct conf *conf,
    const struct conf_database *db)
{
	row->host = optional_text(rows, db->host);
	row->port = db->port;
	row->database = db->dbname != NULL ? sheet_text(rows, span_text(db->dbname)) :
					     row->name;
	row->force_user = optional_text(rows, db->user);
	row->pool_size = conf_pool_size(conf, db, NULL);
	row->min_pool_size = conf_min_pool_size(conf, db);
	row->reserve_pool_size = conf_reserve_pool_size(conf, db, NULL);
	row->server_lifetime = conf_server_lifetime(conf, db) / SECOND;
	row->pool_mode = mode_name(db->pool_mode);
	if (db->n_hosts > 1)
		row->load_balance_hosts = db->load_balance_hosts == LOAD_BALANCE_DISABLE ?
		    "disable" : "round-robin";
	row->max_connections = conf_max_db_connections(conf, db);
	row->max_client_connections = conf_max_db_client_connections(conf, db);
}

static void
finish_databases(const struct view_source *from, struct sheet *rows)
{
	struct pooler *p = from->admin->pooler;
	struct sheet loads;

	sheet_init(&loads, sizeof(struct load));
	load_databases(from->parts, from->conf, p, &loads);
	for (size_t i = 0; i < loads.count; i++) {
		const struct load *load = sheet_row(&loads, i);
		struct span name = span_text(load->name);
		const struct conf_database *db = conf_database(from->conf, name);
		struct database_row *row;

		if (db == NULL && !conf_is_console(name))
			continue;	/* of a pool whose entry was removed */
		row = sheet_add(rows);
		if (row == NULL)
			break;
		row->name = sheet_text(rows, name);
		if (db != NULL)
			set_database(row, rows, from->conf, db);
		else
			set_console(row, from->conf);
		row->current_connections = load->servers;
		row->current_client_connections = load->clients;
		row->paused = place_paused(p, name);
		row->disabled = place_disabled(p, name);
	}
	rows->failed |= loads.failed;
	sheet_fini(&loads);
}

#define DATABASE(kind, field, text) COLUMN(database_row, kind, field, #field, text)
static const struct column database_columns[] = {
	DATABASE(TEXT, name, "As clients ask for it."),
	DATABASE(TEXT, host, "Where its servers are; NULL: unix_socket_dir."),
	DATABASE(INT, port, "Port of the servers."),
	DATABASE(TEXT, database, "Its name on the servers."),
	DATABASE(TEXT, force_user,
	    "Whom all its servers log in as; NULL: as the client."),
	DATABASE(INT, pool_size, "Most servers of one pool."),
	DATABASE(INT, min_pool_size, "Servers of a pool that are kept open."),
	DATABASE(INT, reserve_pool_size, "More servers for a pool in need."),
	DATABASE(INT, server_lifetime, "Seconds after which a server is replaced."),
	DATABASE(TEXT, pool_mode, "As set for it; NULL: not set."),
	DATABASE(TEXT, load_balance_hosts,
	    "How one of several hosts is chosen; NULL: one host."),
	DATABASE(INT, max_connections, "Most servers of all its pools; 0: no limit."),
	DATABASE(INT, current_connections, "Servers now, those being opened too."),
	DATABASE(INT, max_client_connections, "Most clients; 0: no limit."),
	DATABASE(INT, current_client_connections, "Clients now."),
	DATABASE(INT, paused, "1: after PAUSE or KILL of it."),
	DATABASE(INT, disabled, "1: after DISABLE."),
};

/* --- USERS --- */

struct user_row {
	const char	*name, *pool_size, *reserve_pool_size, *pool_mode;
	uint64_t	 max_user_connections, current_connections;
	uint64_t	 max_user_client_connections, current_client_connections;
};

static const char *
optional_count(struct sheet *rows, uint32_t count)
{
	return count != COUNT_UNSET ? sheet_printf(rows, "%9u", count) : "";
}

static void
finish_users(const struct view_source *from, struct sheet *rows)
{
	const struct conf *conf = from->conf;
	struct sheet loads;

	sheet_init(&loads, sizeof(struct load));
	load_users(from->parts, conf, from->admin->pooler, &loads);
	for (size_t i = 0; i < loads.count; i++) {
		const struct load *load = sheet_row(&loads, i);
		const struct conf_user *user = conf_user(conf, span_text(load->name));
		struct user_row *row = sheet_add(rows);

		if (row == NULL)
			break;
		row->name = sheet_text(rows, span_text(load->name));
		row->pool_size = user != NULL ? optional_count(rows, user->pool_size) :
						"";
		row->reserve_pool_size = user != NULL ?
		    optional_count(rows, user->reserve_pool_size) : "";
		row->pool_mode = user != NULL ? mode_name(user->pool_mode) : NULL;
		row->max_user_connections = conf_max_user_connections(conf, user);
		row->current_connections = load->servers;
		row->max_user_client_connections = conf_max_user_client_connections(conf,
		    user);
		row->current_client_connections = load->clients;
	}
	rows->failed |= loads.failed;
	sheet_fini(&loads);
}

#define USER(kind, field, text) COLUMN(user_row, kind, field, #field, text)
static const struct column user_columns[] = {
	USER(TEXT, name, "User."),
	USER(TEXT, pool_size, "As set in [users], or empty."),
	USER(TEXT, reserve_pool_size, "As set in [users], or empty."),
	USER(TEXT, pool_mode, "As set in [users], or NULL."),
	USER(INT, max_user_connections, "Most servers of all its pools; 0: no limit."),
	USER(INT, current_connections, "Servers now, those being opened too."),
	USER(INT, max_user_client_connections, "Most clients; 0: no limit."),
	USER(INT, current_client_connections, "Clients now."),
};

/* --- PEERS --- */

struct peer_row {
	const char	*host;
	uint64_t	 peer_id, port, pool_size;
};

static void
finish_peers(const struct view_source *from, struct sheet *rows)
{
	for (size_t i = 0; i < from->conf->n_peers; i++) {
		const struct conf_peer *peer = &from->conf->peers[i];
		struct peer_row *row = sheet_add(rows);

		if (row == NULL)
			return;
		row->peer_id = peer->id;
		row->host = optional_text(rows, peer->host);
		row->port = peer->port;
		row->pool_size = peer->pool_size != COUNT_UNSET ?
		    peer->pool_size :
		    from->conf->default_pool_size;
	}
}

static const struct column peer_columns[] = {
	COLUMN(peer_row, INT, peer_id, "peer_id", "Key in [peers]."),
	COLUMN(peer_row, TEXT, host, "host", "Where it listens."),
	COLUMN(peer_row, INT, port, "port", "Its port."),
	COLUMN(peer_row, INT, pool_size, "pool_size", "Most connections to it."),
};

/* --- PEER_POOLS --- */

struct peer_pool_row {
	uint64_t	 peer_id, waiting, sent, dialing;
};

static void
finish_peer_pools(const struct view_source *from, struct sheet *rows)
{
	for (size_t i = 0; i < from->conf->n_peers; i++) {
		struct peer_pool_row *row = sheet_add(rows);
		struct peer_load load;

		if (row == NULL)
			return;
		row->peer_id = from->conf->peers[i].id;
		peer_look(from->admin->pooler->peers, (uint16_t)row->peer_id, &load);
		row->waiting = load.waiting + load.dialing;
		row->dialing = load.dialing;
		row->sent = load.sent;
	}
}

static const struct column peer_pool_columns[] = {
	COLUMN(peer_pool_row, INT, peer_id, "peer_id", "Key in [peers]."),
	COLUMN(peer_pool_row, INT, sent, "cl_active_cancel_req",
	    "Cancel requests that were passed on to it and are not done."),
	COLUMN(peer_pool_row, INT, waiting, "cl_waiting_cancel_req",
	    "Cancel requests that wait for a connection to it."),
	COLUMN(peer_pool_row, INT, sent, "sv_active_cancel",
	    "Connections that carry a cancel request."),
	COLUMN(peer_pool_row, INT, dialing, "sv_login", "Connections that are being opened."),
};

/* --- CONFIG --- */

struct config_row {
	const char	*key, *value, *fallback, *changeable;
};

static void
finish_config(const struct view_source *from, struct sheet *rows)
{
	const struct setting *setting = NULL;
	struct buf value = { 0 };

	while ((setting = conf_setting_next(setting)) != NULL) {
		struct config_row *row = sheet_add(rows);

		if (row == NULL)
			break;
		buf_clear(&value);
		row->key = setting->name;
		if (conf_setting_show(from->conf, setting, &value))
			row->value = sheet_text(rows, buf_span(&value));
		row->fallback = setting->fallback;
		row->changeable = setting->reload == AT_ONCE ? "yes" : "no";
	}
	buf_fini(&value);
}

static const struct column config_columns[] = {
	COLUMN(config_row, TEXT, key, "key", "Setting."),
	COLUMN(config_row, TEXT, value, "value", "What is in force."),
	COLUMN(config_row, TEXT, fallback, "default",
	    "What is in force if nothing is said."),
	COLUMN(config_row, TEXT, changeable, "changeable",
	    "yes: RELOAD and SET change it."),
};

/* --- SETTINGS --- */

struct setting_row {
	const char	*name, *value, *fallback, *source, *changeable, *text;
};

/* CONFIG's columns are counted by tools; here is room for more. */
static void
finish_settings(const struct view_source *from, struct sheet *rows)
{
	const struct setting *setting = NULL;
	struct buf text = { 0 };

	while ((setting = conf_setting_next(setting)) != NULL) {
		struct setting_row *row = sheet_add(rows);

		if (row == NULL)
			break;
		buf_clear(&text);
		row->name = setting->name;
		if (conf_setting_show(from->conf, setting, &text))
			row->value = sheet_text(rows, buf_span(&text));
		buf_clear(&text);
		conf_setting_source(from->conf, setting, &text);
		row->source = sheet_text(rows, buf_span(&text));
		row->fallback = setting->fallback;
		row->changeable = setting->reload == AT_ONCE ? "yes" : "no";
		row->text = setting->text;
	}
	rows->failed |= text.failed;
	buf_fini(&text);
}

static const struct column setting_columns[] = {
	COLUMN(setting_row, TEXT, name, "name", "Setting."),
	COLUMN(setting_row, TEXT, value, "value", "What is in force."),
	COLUMN(setting_row, TEXT, fallback, "default", "What is in force if nothing is said."),
	COLUMN(setting_row, TEXT, source, "source",
	    "Who says it: default, FILE:LINE, environment, console, command line."),
	COLUMN(setting_row, TEXT, changeable, "changeable", "yes: RELOAD and SET change it."),
	COLUMN(setting_row, TEXT, text, "text", "What it does."),
};

static const struct view views[] = {
	{ .topic = "databases",
	    .text = "One row a database, those of the * entry only if used.",
	    .role = ROLE_STATS,
	    .columns = database_columns,
	    .column_count = ARRAY_SIZE(database_columns),
	    .row_size = sizeof(struct database_row),
	    .part_size = sizeof(struct load),
	    .fill = load_fill_databases,
	    .finish = finish_databases },
	{ .topic = "users",
	    .text = "One row a user that is configured or here.",
	    .role = ROLE_STATS,
	    .columns = user_columns,
	    .column_count = ARRAY_SIZE(user_columns),
	    .row_size = sizeof(struct user_row),
	    .part_size = sizeof(struct load),
	    .fill = load_fill_users,
	    .finish = finish_users },
	{ .topic = "peers",
	    .text = "One row an entry of [peers].",
	    .role = ROLE_STATS,
	    .columns = peer_columns,
	    .column_count = ARRAY_SIZE(peer_columns),
	    .row_size = sizeof(struct peer_row),
	    .finish = finish_peers },
	{ .topic = "peer_pools",
	    .text = "One row an entry of [peers]: cancel requests on their way there.",
	    .role = ROLE_STATS,
	    .columns = peer_pool_columns,
	    .column_count = ARRAY_SIZE(peer_pool_columns),
	    .row_size = sizeof(struct peer_pool_row),
	    .finish = finish_peer_pools },
	{ .topic = "config",
	    .text = "One row a setting.",
	    .role = ROLE_STATS,
	    .columns = config_columns,
	    .column_count = ARRAY_SIZE(config_columns),
	    .row_size = sizeof(struct config_row),
	    .finish = finish_config },
	{ .topic = "settings",
	    .text = "One row a setting: what CONFIG has, who says it, and what it does.",
	    .role = ROLE_STATS,
	    .columns = setting_columns,
	    .column_count = ARRAY_SIZE(setting_columns),
	    .row_size = sizeof(struct setting_row),
	    .finish = finish_settings },
};

const struct view_table config_views = { views, ARRAY_SIZE(views) };
