/*
 * set_entry.c - rows: the keys of one entry of [databases], [users] and [peers].
 *
 * A key that is not given leaves the value to the next level (limits.c); some numbers
 * mean "not given", as PgBouncer has it.
 */
#include "conf/rows.h"

#define OF_DATABASE(kind_, type, key, member) \
	ROW(SCOPE_DATABASE, struct conf_database, kind_, type, key, member)
#define DB_TEXT(name_) OF_DATABASE(KIND_TEXT, const char *, #name_, name_)
#define DB_COUNT(name_) OF_DATABASE(KIND_COUNT, uint32_t, #name_, name_)
#define DB_SECONDS(name_) OF_DATABASE(KIND_SECONDS, usec_t, #name_, name_)

#define OF_USER(kind_, type, name_) \
	ROW(SCOPE_USER, struct conf_user, kind_, type, #name_, name_)
#define USER_COUNT(name_) OF_USER(KIND_COUNT, uint32_t, name_)
#define USER_SECONDS(name_) OF_USER(KIND_SECONDS, usec_t, name_)

#define OF_PEER(kind_, type, name_) \
	ROW(SCOPE_PEER, struct conf_peer, kind_, type, #name_, name_)

static const char *const load_balance_words[] = { "round-robin", "disable", NULL };
static const char *const session_attrs_words[] = { "any", "read-write", "read-only", "primary",
	"standby", "prefer-standby", NULL };

static const struct setting database_rows[] = {
	{ DB_TEXT(application_name), .ready = true,
	  .text = "application_name of its server connections." },
	{ DB_TEXT(auth_dbname), .check = is_not_console, .ready = true,
	  .text = "Database in which auth_query runs." },
	{ DB_TEXT(auth_query), .ready = true,
	  .text = "Query that finds users who are not in auth_file." },
	{ DB_TEXT(auth_user), .ready = true,
	  .text = "User who runs auth_query." },
	{ DB_TEXT(client_encoding), .ready = true,
	  .text = "client_encoding of its server connections." },
	{ DB_TEXT(connect_query), .ready = true,
	  .text = "Query sent on each new server connection before its first use." },
	{ DB_TEXT(datestyle), .ready = true,
	  .text = "DateStyle of its server connections." },
	{ DB_TEXT(dbname), .ready = true,
	  .text = "Name of the database on the server. Unset means the entry's name." },
	{ DB_TEXT(host), .ready = true,
	  .text = "Address, name, folder of a unix socket, or a list of these split by "
		  "commas. Unset means the socket in unix_socket_dir." },
	{ OF_DATABASE(KIND_ENUM, enum load_balance, "load_balance_hosts",
	      load_balance_hosts), .words = load_balance_words, .ready = true,
	  .text = "Which host of a list is next: each in turn, or the same until it "
		  "fails." },
	{ DB_COUNT(max_db_client_connections), .unset = UNSET_NOT_POSITIVE, .ready = true,
	  .text = "Most client connections of this database." },
	{ DB_COUNT(max_db_connections), .unset = UNSET_NOT_POSITIVE, .ready = true,
	  .text = "Most server connections of this database." },
	{ DB_COUNT(min_pool_size), .unset = UNSET_NEGATIVE, .ready = true,
	  .text = "Server connections each of its pools keeps open at least." },
	{ DB_TEXT(password), .secret = true, .ready = true,
	  .text = "Password of the user key. Unset means the one in auth_file." },
	{ OF_DATABASE(KIND_ENUM, enum pool_mode, "pool_mode", pool_mode),
	  .words = pool_mode_words, .ready = true,
	  .text = "Pool mode of this database." },
	{ DB_COUNT(pool_size), .unset = UNSET_NEGATIVE, .ready = true,
	  .text = "Most server connections of each of its pools. 0 means no limit." },
	{ DB_COUNT(port), .fallback = "5432", .least = 1, .most = 65535, .ready = true,
	  .text = "Port of the servers." },
	{ DB_SECONDS(query_wait_timeout), .unset = UNSET_NEGATIVE, .ready = true,
	  .text = "Longest time its queries wait for a server. 0 means no limit." },
	{ OF_DATABASE(KIND_COUNT, uint32_t, "reserve_pool", reserve_pool_size),
	  .unset = UNSET_NEGATIVE, .ready = true,
	  .text = "Older name of reserve_pool_size." },
	{ DB_COUNT(reserve_pool_size), .unset = UNSET_NEGATIVE, .ready = true,
	  .text = "Server connections each of its pools may open beyond its size." },
	{ DB_SECONDS(server_lifetime), .unset = UNSET_NOT_POSITIVE, .ready = true,
	  .text = "Close a free server that was connected so long ago." },
	{ OF_DATABASE(KIND_ENUM, enum session_attrs, "target_session_attrs", target_session_attrs),
	  .words = session_attrs_words, .ready = true,
	  .text = "What its servers must be, as libpq has it: any, read-write, read-only, primary, "
		  "standby or prefer-standby. Of several hosts or addresses the one that is so is found, "
		  "and found again when roles change; clients wait meanwhile." },
	{ DB_TEXT(timezone), .ready = true,
	  .text = "TimeZone of its server connections." },
	{ DB_TEXT(user), .ready = true,
	  .text = "Log in to the server as this user, whoever the client is." },
};

static const struct setting user_rows[] = {
	{ USER_SECONDS(client_idle_timeout), .unset = UNSET_NOT_POSITIVE, .ready = true,
	  .text = "Close a client of this user that is idle for so long." },
	{ USER_SECONDS(idle_transaction_timeout), .unset = UNSET_NOT_POSITIVE, .ready = true,
	  .text = "Close a client of this user that leaves its transaction idle for so "
		  "long." },
	{ USER_COUNT(max_user_client_connections), .unset = UNSET_NOT_POSITIVE,
	  .ready = true,
	  .text = "Most client connections of this user." },
	{ USER_COUNT(max_user_connections), .unset = UNSET_NOT_POSITIVE, .ready = true,
	  .text = "Most server connections of this user." },
	{ OF_USER(KIND_ENUM, enum pool_mode, pool_mode), .words = pool_mode_words,
	  .ready = true,
	  .text = "Pool mode of this user." },
	{ USER_COUNT(pool_size), .unset = UNSET_NEGATIVE, .ready = true,
	  .text = "Most server connections of each pool of this user. 0 means no limit." },
	{ USER_SECONDS(query_timeout), .unset = UNSET_NOT_POSITIVE, .ready = true,
	  .text = "Longest time a query of this user may run." },
	{ USER_SECONDS(query_wait_timeout), .unset = UNSET_NEGATIVE, .ready = true,
	  .text = "Longest time a query of this user waits. 0 means no limit." },
	{ USER_COUNT(reserve_pool_size), .unset = UNSET_NEGATIVE, .ready = true,
	  .text = "Server connections each pool of this user may open beyond its size." },
	{ USER_SECONDS(transaction_timeout), .unset = UNSET_NOT_POSITIVE, .ready = true,
	  .text = "Longest time a transaction of this user may take." },
};

static const struct setting peer_rows[] = {
	{ OF_PEER(KIND_TEXT, const char *, host), .ready = true,
	  .text = "Address, name or folder of a unix socket of the peer." },
	{ OF_PEER(KIND_COUNT, uint32_t, pool_size), .unset = UNSET_NEGATIVE, .ready = true,
	  .text = "Most connections to the peer. Unset means default_pool_size." },
	{ OF_PEER(KIND_COUNT, uint32_t, port), .fallback = "6432", .least = 1, .most = 65535,
	  .ready = true,
	  .text = "Port of the peer." },
};

const struct setting_table database_settings = { database_rows,
	ARRAY_SIZE(database_rows) };
const struct setting_table user_settings = { user_rows, ARRAY_SIZE(user_rows) };
const struct setting_table peer_settings = { peer_rows, ARRAY_SIZE(peer_rows) };
