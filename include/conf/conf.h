/*
 * conf.h - all that the operator wished, as one immutable snapshot.
 *
 * A conf is made whole (conf_load, conf_from_url, conf_set) or not at all, counted
 * (conf_hold, conf_drop; any thread) and never changed. Texts inside are borrowed from
 * it. What a setting means is written in its row (set_*.c); fields bear its name.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include "base/addr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/port.h"
#include "base/span.h"
#include "conf/settings.h"

struct hba;

/* When a server goes back to its pool. */
enum pool_mode {
	POOL_MODE_UNSET = ENUM_UNSET,
	POOL_MODE_SESSION,
	POOL_MODE_TRANSACTION,
	POOL_MODE_STATEMENT,
};

/* What SIGTERM means. */
enum shutdown_word {
	SHUTDOWN_WORD_DRAIN,
	SHUTDOWN_WORD_PGBOUNCER,
};

/* What of statements people may see. */
enum statement_detail { STATEMENTS_OFF, STATEMENTS_FINGERPRINT, STATEMENTS_TEXT };

/* How clients prove who they are. */
enum auth_type {
	AUTH_TYPE_ANY,
	AUTH_TYPE_TRUST,
	AUTH_TYPE_PLAIN,
	AUTH_TYPE_MD5,
	AUTH_TYPE_CERT,
	AUTH_TYPE_HBA,
	AUTH_TYPE_LDAP,
	AUTH_TYPE_PAM,
	AUTH_TYPE_SCRAM_SHA_256,
};

enum sslmode {
	SSLMODE_DISABLE,
	SSLMODE_ALLOW,
	SSLMODE_PREFER,
	SSLMODE_REQUIRE,
	SSLMODE_VERIFY_CA,
	SSLMODE_VERIFY_FULL,
};

/* Whose names /metrics has. */
enum metrics_names { METRICS_NAMES_BOTH, METRICS_NAMES_PGWEIR, METRICS_NAMES_PGBOUNCER };

/* Which host of several is tried next. */
enum load_balance {
	LOAD_BALANCE_UNSET = ENUM_UNSET,
	LOAD_BALANCE_ROUND_ROBIN,
	LOAD_BALANCE_DISABLE,	/* the same, until it fails */
};

/* What role its servers must have, as libpq's parameter of that name. */
enum session_attrs {
	SESSION_ATTRS_UNSET = ENUM_UNSET,
	SESSION_ATTRS_ANY,
	SESSION_ATTRS_READ_WRITE,
	SESSION_ATTRS_READ_ONLY,
	SESSION_ATTRS_PRIMARY,
	SESSION_ATTRS_STANDBY,
	SESSION_ATTRS_PREFER_STANDBY,
};

enum dh_params { DH_PARAMS_NONE, DH_PARAMS_AUTO };

/* One place where a database's servers are found. */
enum conf_host_kind {
	HOST_UNIX,	/* text: folder of the socket */
	HOST_ABSTRACT,	/* text: folder with the leading '@' (Linux) */
	HOST_IP,	/* addr: the literal */
	HOST_NAME,	/* text: to be looked up */
};

struct conf_host {
	enum conf_host_kind kind;
	const char	*text;		/* as written: also the name TLS verifies */
	uint16_t	 port;		/* TCP port, or suffix of the socket's name */
	struct addr	 addr;		/* HOST_IP only, with the port */
};

/*
 * An entry of [databases]. Not given: texts NULL, numbers COUNT_UNSET, times
 * USEC_UNSET, enums *_UNSET; ask the conf_*() functions below for what applies.
 */
struct conf_database {
	const char	*name;		/* as clients ask for it; "*": the template */
	const char	*dbname;	/* on the server; NULL: as the client asked (template) */
	const char	*host;		/* as written; NULL: unix_socket_dir */
	struct conf_host *hosts;	/* at least one */
	size_t		 n_hosts;
	uint32_t	 port;
	enum load_balance load_balance_hosts;
	enum session_attrs target_session_attrs;
	const char	*user;		/* forced user: one pool for all clients */
	const char	*password;	/* of the forced user */
	const char	*auth_user, *auth_query, *auth_dbname;
	const char	*connect_query;	/* sent after each server login */
	enum pool_mode	 pool_mode;
	uint32_t	 pool_size, min_pool_size, reserve_pool_size;
	uint32_t	 max_db_connections, max_db_client_connections;
	usec_t		 query_wait_timeout, server_lifetime;
	/* startup parameters of its server connections */
	const char	*client_encoding, *datestyle, *timezone, *application_name;
};

/* A user of auth_file, of [users], or both. Not given: as in conf_database. */
struct conf_user {
	const char	*name;
	const char	*secret;	/* from auth_file, "" matches nothing; NULL: not in it */
	enum pool_mode	 pool_mode;
	uint32_t	 pool_size, reserve_pool_size;
	uint32_t	 max_user_connections, max_user_client_connections;
	usec_t		 query_timeout, query_wait_timeout;
	usec_t		 idle_transaction_timeout, transaction_timeout;
	usec_t		 client_idle_timeout;
};

#define PEER_SECRETS_MOST 4u	/* secrets that replicas share at a time */
#define PEER_SECRET_LEAST 16u	/* bytes: not to be guessed by who has seen a proof */

/* Another pgweir or PgBouncer that cancel requests may be passed to. */
struct conf_peer {
	uint16_t	 id;
	const char	*host;
	uint32_t	 port, pool_size;
};

struct conf {
	/* set_pool.c: pools and their limits */
	uint32_t	 workers;	/* event loops; 0: one a core */
	enum pool_mode	 pool_mode;
	uint32_t	 default_pool_size;
	uint32_t	 min_pool_size;
	uint32_t	 reserve_pool_size;
	usec_t		 reserve_pool_timeout;
	uint32_t	 max_client_conn;
	uint32_t	 max_client_connections_per_address;
	uint32_t	 max_db_client_connections;
	uint32_t	 max_db_connections;
	uint32_t	 max_user_client_connections;
	uint32_t	 max_user_connections;
	usec_t		 autodb_idle_timeout;
	usec_t		 pool_idle_timeout;
	usec_t		 cancel_wait_timeout;
	usec_t		 client_idle_timeout;
	usec_t		 client_login_timeout;
	usec_t		 idle_transaction_timeout;
	usec_t		 transaction_timeout;
	usec_t		 query_timeout;
	usec_t		 query_wait_timeout;
	usec_t		 failover_hold_time;
	usec_t		 query_wait_notify;
	usec_t		 suspend_timeout;
	usec_t		 server_check_delay;
	const char	*server_check_query;	/* "<empty>": an empty query; "": no check */
	usec_t		 server_connect_timeout;
	bool		 server_fast_close;
	usec_t		 server_idle_timeout;
	usec_t		 server_lifetime;
	usec_t		 server_login_retry;
	const char	*server_reset_query;	/* "": none */
	bool		 server_reset_query_always;
	bool		 server_round_robin;
	bool		 disable_pqexec;
	uint32_t	 max_packet_size;
	uint32_t	 max_prepared_statements;
	const char	*track_extra_parameters;
	const char	*ignore_startup_parameters;
	bool		 application_name_add_host;
	const char	*login_notify_message;
	uint32_t	 peer_id;
	const char	*peer_secret;
	const char	*peer_secret_file;

	/* set_budget.c: how much of a PostgreSQL server is ours (conf/budget.h) */
	const char	*max_server_connections;
	uint32_t	 server_connection_headroom;
	uint32_t	 server_connect_parallel;
	const char	*budget_peers;
	usec_t		 budget_probe_interval;
	const char	*budget_share;

	/* set_auth.c: who may enter */
	const char	*admin_users;
	const char	*stats_users;
	enum auth_type	 auth_type;
	const char	*auth_file;
	const char	*auth_hba_file;
	const char	*auth_ident_file;
	const char	*auth_ldap_options;
	const char	*auth_dbname;
	const char	*auth_user;
	const char	*auth_query;
	usec_t		 auth_query_cache_time;
	uint32_t	 scram_iterations;
	struct hba	*hba;		/* rules and maps, held (hba.h); NULL: not auth_type hba */

	/* set_tls.c: TLS with clients, TLS with servers ("" and NULL: not given) */
	enum sslmode	 client_tls_sslmode;
	const char	*client_tls_ca_file;
	const char	*client_tls_cert_file;
	const char	*client_tls_key_file;
	const char	*client_tls_ciphers;
	const char	*client_tls13_ciphers;
	const char	*client_tls_protocols;	/* see tls_versions() */
	enum dh_params	 client_tls_dheparams;
	const char	*client_tls_ecdhcurve;
	enum sslmode	 server_tls_sslmode;
	const char	*server_tls_ca_file;
	const char	*server_tls_cert_file;
	const char	*server_tls_key_file;
	const char	*server_tls_ciphers;
	const char	*server_tls13_ciphers;
	const char	*server_tls_protocols;

	/* set_net.c: sockets and names */
	bool		 isready_checks_server;
	const char	*listen_addr;
	uint32_t	 listen_port;
	uint32_t	 listen_backlog;
	const char	*unix_socket_dir;
	uint32_t	 unix_socket_mode;
	const char	*unix_socket_group;
	bool		 so_reuseport;
	uint32_t	 tcp_defer_accept;
	usec_t		 tcp_dead_timeout;
	bool		 tcp_keepalive;
	uint32_t	 tcp_keepcnt;
	uint32_t	 tcp_keepidle;		/* seconds */
	uint32_t	 tcp_keepintvl;		/* seconds */
	uint32_t	 tcp_socket_buffer;	/* bytes */
	uint32_t	 tcp_user_timeout;	/* milliseconds */
	usec_t		 dns_max_ttl;
	usec_t		 dns_nxdomain_ttl;
	usec_t		 dns_zone_check_period;
	const char	*resolv_conf;
	uint32_t	 pkt_buf;
	uint32_t	 sbuf_loopcnt;

	/* set_log.c: the process and what it tells */
	const char	*conffile;		/* what the next reload reads; NULL: from a URL */
	const char	*pidfile;
	const char	*user;			/* unix user to become; NULL: stay */
	const char	*job_name;
	const char	*logfile;
	bool		 syslog;
	const char	*syslog_ident;
	const char	*syslog_facility;
	bool		 log_connections;
	enum log_format	 log_format;
	bool		 log_disconnections;
	bool		 log_pooler_errors;
	enum statement_detail log_statements;
	bool		 log_stats;
	usec_t		 stats_period;
	uint32_t	 verbose;
	bool		 reload_on_change;

	/* set_web.c: metrics, probes, status page (conf/web.h) */
	const char	*metrics_listen;
	const char	*metrics_tls_cert_file;
	const char	*metrics_tls_key_file;
	const char	*metrics_bearer_token_file;
	enum metrics_names metrics_exporter_names;
	uint32_t	 metrics_max_pools;
	const char	*readiness_databases;

	/* set_drain.c */
	usec_t		 drain_accept_time;
	usec_t		 drain_time;
	usec_t		 drain_timeout;
	usec_t		 pause_time;
	usec_t		 pause_timeout;
	enum shutdown_word shutdown_mode;

	/* the other sections, each sorted by name (id) */
	struct conf_database *databases;	/* without the template */
	size_t		 n_databases;
	struct conf_database *template_database; /* entry "*"; NULL: none */
	struct conf_user *users;
	size_t		 n_users;
	struct conf_peer *peers;
	size_t		 n_peers;
	const char	**peer_secrets;	/* peer_secret and the lines of peer_secret_file */
	size_t		 n_peer_secrets;

	/* what somebody should know though it loaded: one line of text each */
	const char	**warnings;
	size_t		 n_warnings;

	struct conf_inside *inside;		/* conf.c's own */
};

/* What the command line says beside the file. */
struct conf_override {
	const char	*user;		/* -u: wins over user=; NULL: not given */
	uint32_t	 verbose;	/* number of -v; the file's verbose= wins */
	/* "NAME=value", NULL-terminated, lasts as long as any conf; NULL: none. Variables
	 * PGWEIR_<SETTING> win over the file. */
	const char *const *environment;
	/*
	 * On a reload: the conf in force (borrowed). Settings that need a restart keep its
	 * values; settings without a default that were SET on the console keep those.
	 */
	const struct conf *before;
};

/*
 * Read FILE and what it includes, and auth_file. OVERRIDES may be NULL. NULL: nothing was
 * changed and ERR says file, line, key, what was expected and the closest known name.
 */
struct conf *conf_load(const char *file, const struct conf_override *overrides,
    struct err *err);
/* The same for the file's TEXT; NAME is its name in messages. */
struct conf *conf_parse(struct span text, const char *name,
    const struct conf_override *overrides, struct err *err);
/*
 * No file at all: postgres://user[:password]@host[,host][:port][/db][?key=value&...], or
 * postgresql://, with percent-encoding. Every database of that server, transaction mode,
 * on 127.0.0.1:6432 only; clients are trusted and reach the server as the URL's user.
 * Keys are those of libpq that pgweir can follow, and the names of settings; /db is
 * allowed and ignored, as the client names its database. Admin users: pgweir, pgbouncer.
 */
struct conf *conf_from_url(const char *url, const struct conf_override *overrides,
    struct err *err);
/*
 * CONF with one setting changed (console SET); its warnings are about this SET only. A
 * setting that needs a restart stays and gets a warning. What does not fit together (a
 * TLS mode without files) is found by who uses it. NULL: unknown key, bad value or
 * unreadable auth_file.
 */
struct conf *conf_set(const struct conf *conf, struct span key, struct span value,
    struct err *err);

/* One more who keeps CONF; returns it. */
struct conf *conf_hold(struct conf *conf);
/* One fewer; the last frees it and wipes its texts. NULL does nothing. */
void conf_drop(struct conf *conf);

/* The entry for NAME: its own, else the template, else NULL (also for the console's names
 * and names longer than PostgreSQL's 63 bytes). */
const struct conf_database *conf_database(const struct conf *conf, struct span name);
/* What is known of user NAME, or NULL. */
const struct conf_user *conf_user(const struct conf *conf, struct span name);
const struct conf_peer *conf_peer(const struct conf *conf, uint16_t id);
/* Is NAME the console's: pgbouncer or pgweir? */
bool conf_is_console(struct span name);

/*
 * What applies (USER, CLIENT_USER and DB may be NULL): USER is the pool's, that is the
 * forced one if there is one; CLIENT_USER the one who logged in. 0 means no limit.
 */
enum pool_mode conf_pool_mode(const struct conf *conf, const struct conf_database *db,
    const struct conf_user *user);
uint32_t conf_pool_size(const struct conf *conf, const struct conf_database *db,
    const struct conf_user *user);
uint32_t conf_min_pool_size(const struct conf *conf, const struct conf_database *db);
uint32_t conf_reserve_pool_size(const struct conf *conf, const struct conf_database *db,
    const struct conf_user *user);
uint32_t conf_max_db_connections(const struct conf *conf, const struct conf_database *db);
uint32_t conf_max_db_client_connections(const struct conf *conf,
    const struct conf_database *db);
uint32_t conf_max_user_connections(const struct conf *conf, const struct conf_user *user);
uint32_t conf_max_user_client_connections(const struct conf *conf,
    const struct conf_user *user);
usec_t conf_query_wait_timeout(const struct conf *conf, const struct conf_database *db,
    const struct conf_user *client_user);
usec_t conf_query_timeout(const struct conf *conf, const struct conf_user *user);
usec_t conf_idle_transaction_timeout(const struct conf *conf,
    const struct conf_user *user);
usec_t conf_transaction_timeout(const struct conf *conf, const struct conf_user *user);
usec_t conf_client_idle_timeout(const struct conf *conf,
    const struct conf_user *client_user);
usec_t conf_server_lifetime(const struct conf *conf, const struct conf_database *db);

/* Must servers of A be closed when B takes its place? Other dbname, hosts, user, ... */
bool conf_database_moved(const struct conf_database *a, const struct conf_database *b);

/*
 * Append what NOW changes against BEFORE, one line each: "applied: NAME OLD -> NEW",
 * "needs restart: ...", "applied: database app added". Nothing when nothing changed.
 * Secrets are not shown.
 */
void conf_changes(const struct conf *before, const struct conf *now, struct buf *out);

/*
 * Call EACH with the name of each file (and folder of included rules) that a reload of CONF
 * would read: the file itself and what it includes, those of users, rules and maps, TLS. Some
 * may come twice, and some may not be there.
 */
void conf_sources(const struct conf *conf, void (*each)(void *arg, const char *file),
    void *arg);

/* Append ROW's value as SHOW CONFIG prints it; false (nothing appended) when unset. */
bool conf_setting_show(const struct conf *conf, const struct setting *row,
    struct buf *out);
/* Append where ROW's value comes from: "default", "environment", "console", "command line",
 * or "FILE:LINE". */
void conf_setting_source(const struct conf *conf, const struct setting *row,
    struct buf *out);

#endif
