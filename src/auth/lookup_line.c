/*
 * lookup_line.c - a connection of libpq, from settings to a login. What is asked on it is
 * lookup_row.c's business. Whatever libpq would
 * take from elsewhere (environment, ~/.pgpass, ~/.postgresql, service files) is turned
 * off, so that it does what pgweir's own connections do with the same settings.
 */
#include "auth/lookup_libpq.h"

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/clerk.h"
#include "base/mem.h"

#define APPLICATION_NAME "pgweir auth_query"
/* A file that is not there and never will be: instead of libpq's defaults in the home folder. */
#define NO_FILE "/dev/null/none"
/* How often somebody who waits looks whether the process ends. */
#define SLICE (200 * MSEC)
/* A server that restarts: logins wait for it, as they would in its pool. */
#define BETWEEN_TRIES (400 * MSEC)
#define PARAMETERS_MOST 32u

/* Parameters of one connection. NUMBERS holds the texts of those that are numbers. */
struct parameters {
	const char	*keys[PARAMETERS_MOST + 1], *values[PARAMETERS_MOST + 1];
	unsigned	 count;
	char		 numbers[8][16];
	unsigned	 numbers_count;
};

void
line_clear_environment(void)
{
	/* these go into the start-up packet or name files, and are no parameters */
	static const char *const others[] = { "PGDATESTYLE", "PGTZ", "PGGEQO",
		"PGSERVICEFILE", "PGSYSCONFDIR", "PGLOCALEDIR", "PGREQUIRESSL" };
	PQconninfoOption *options;

	/* first, as the call below would read the service file */
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		unsetenv(others[i]);
	unsetenv("PGSERVICE");
	options = PQconndefaults();
	for (PQconninfoOption *o = options; o != NULL && o->keyword != NULL; o++) {
		if (o->envvar != NULL)
			unsetenv(o->envvar);
	}
	PQconninfoFree(options);
}

/* --- parameters --- */

static void
put(struct parameters *p, const char *key, const char *value)
{
	if (!insist(p->count < PARAMETERS_MOST))
		return;
	p->keys[p->count] = key;
	p->values[p->count++] = value;
}

static void
put_number(struct parameters *p, const char *key, uint32_t value)
{
	char *text;

	if (!insist(p->numbers_count < ARRAY_SIZE(p->numbers)))
		return;
	text = p->numbers[p->numbers_count++];
	snprintf(text, sizeof(p->numbers[0]), "%u", (unsigned)value);
	put(p, key, text);
}

static bool
is_given(const char *text)
{
	return text != NULL && text[0] != '\0';
}

/* allow is prefer, as with pgweir's own connections; libpq would try without TLS first. */
static const char *
sslmode(enum sslmode mode)
{
	switch (mode) {
	case SSLMODE_DISABLE:
		return "disable";
	case SSLMODE_ALLOW:
	case SSLMODE_PREFER:
		return "prefer";
	case SSLMODE_REQUIRE:
		return "require";
	case SSLMODE_VERIFY_CA:
		return "verify-ca";
	case SSLMODE_VERIFY_FULL:
		return "verify-full";
	}
	return "verify-full";
}

/*
 * Whom to believe. Only the verifying modes may know of a CA file: with one, libpq takes
 * "require" for "verify-ca". Without one they use the system's, as tls.c does.
 */
static const char *
root_file(const struct conf *conf)
{
	static const char *const systems[] = { "/etc/ssl/certs/ca-certificates.crt",
		"/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem" };

	if (conf->server_tls_sslmode < SSLMODE_VERIFY_CA)
		return NO_FILE;
	if (is_given(conf->server_tls_ca_file))
		return conf->server_tls_ca_file;
	for (size_t i = 0; i < ARRAY_SIZE(systems); i++) {
		if (access(systems[i], R_OK) == 0)
			return systems[i];
	}
	return NO_FILE;
}

static void
put_tls(struct parameters *p, const struct conf *conf)
{
	static const char *const names[] = { "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3" };
	bool cert = is_given(conf->server_tls_cert_file) &&
	    is_given(conf->server_tls_key_file);
	const char *lowest = NULL, *highest = NULL;
	unsigned versions = 0;

	tls_versions(span_text(conf->server_tls_protocols), &versions);
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		if ((versions >> i & 1u) == 0)
			continue;
		if (lowest == NULL)
			lowest = names[i];
		highest = names[i];
	}
	put(p, "sslmode", sslmode(conf->server_tls_sslmode));
	put(p, "sslrootcert", root_file(conf));
	put(p, "sslcrl", NO_FILE);
	put(p, "sslcert", cert ? conf->server_tls_cert_file : NO_FILE);
	put(p, "sslkey", cert ? conf->server_tls_key_file : NO_FILE);
	put(p, "sslpassword", "none");		/* or OpenSSL would ask at the terminal */
	put(p, "ssl_min_protocol_version", lowest != NULL ? lowest : "TLSv1.2");
	put(p, "ssl_max_protocol_version", highest != NULL ? highest : "TLSv1.3");
	put(p, "gssencmode", "disable");
}

static void
put_socket(struct parameters *p, const struct conf *conf)
{
	put(p, "keepalives", conf->tcp_keepalive ? "1" : "0");
	if (conf->tcp_keepidle > 0)
		put_number(p, "keepalives_idle", conf->tcp_keepidle);
	if (conf->tcp_keepintvl > 0)
		put_number(p, "keepalives_interval", conf->tcp_keepintvl);
	if (conf->tcp_keepcnt > 0)
		put_number(p, "keepalives_count", conf->tcp_keepcnt);
	if (conf->tcp_user_timeout > 0)
		put_number(p, "tcp_user_timeout", conf->tcp_user_timeout);
}

static void
put_all(struct parameters *p, const struct line_to *to, const struct conf_host *host)
{
	put(p, "host", host->text);
	put_number(p, "port", host->port);
	put(p, "dbname", to->dbname);
	put(p, "user", to->user);
	if (is_given(to->secret))
		put(p, "password", to->secret);
	put(p, "passfile", NO_FILE);
	put(p, "application_name", APPLICATION_NAME);
	/* bytes as the server has them, as its own logins compare names */
	put(p, "client_encoding", "SQL_ASCII");
	put_tls(p, to->conf);
	put_socket(p, to->conf);
}

/* --- waiting --- */

void
line_words(const char *text, char *out, size_t cap)
{
	struct span rest = span_text(text), line;
	size_t len = 0;

	while (span_cut(&rest, "\n", &line)) {
		if (line.len == 0 || span_starts(line, "LOCATION:"))
			continue;
		if (len > 0 && len + 3 < cap) {
			memcpy(out + len, "; ", 2);
			len += 2;
		}
		if (line.len > cap - 1 - len)
			line.len = cap - 1 - len;
		memcpy(out + len, line.at, line.len);
		len += line.len;
	}
	out[len] = '\0';
}

bool
line_wait(PGconn *conn, short events, struct clerks *clerks, usec_t deadline,
    struct err *e)
{
	for (;;) {
		struct pollfd p = { PQsocket(conn), events, 0 };
		usec_t now = clerk_now(), left = deadline > now ? deadline - now : 0;
		int n;

		if (clerks_stopping(clerks))
			return err_set(e, SQLSTATE_SHUTDOWN, "shutting down");
		if (left == 0)
			return err_set(e, SQLSTATE_CONNECT, "timed out");
		left = left < SLICE ? left : SLICE;
		n = poll(&p, 1, (int)((left + MSEC - 1) / MSEC));
		if (n > 0)
			return true;
		if (n < 0 && errno != EINTR)
			return err_set(e, SQLSTATE_CONNECT, "poll: %s", strerror(errno));
	}
}

/* --- opening --- */

static void
hear_nothing(void *arg, const PGresult *result)
{
	(void)arg;
	(void)result;
}

/*
 * The last SQLSTATE in libpq's TEXT about a login, which is all that it tells: "FATAL:  28P01:
 * ..." as PQERRORS_VERBOSE has it. "" if the server has said none.
 */
static void
find_sqlstate(const char *text, char *out)
{
	out[0] = '\0';
	for (const char *at = text; (at = strstr(at, ":  ")) != NULL; at += 3) {
		if (strspn(at + 3, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5 &&
		    at[8] == ':') {
			memcpy(out, at + 3, 5);
			out[5] = '\0';
		}
	}
}

/* Is it a server that is starting, ending or full? That passes. */
static bool
passes_by(const char *sqlstate)
{
	return strncmp(sqlstate, "57P0", 4) == 0 ||
	    strcmp(sqlstate, SQLSTATE_TOO_MANY) == 0;
}

/* What libpq says of CONN, which REACHED somebody or did not. *AGAIN: that may pass. */
static bool
explain(PGconn *conn, bool reached, bool *again, struct err *e)
{
	char text[sizeof(e->text) - 64], sqlstate[6];

	find_sqlstate(PQerrorMessage(conn), sqlstate);
	line_words(PQerrorMessage(conn), text, sizeof(text));
	*again = !reached || passes_by(sqlstate);
	return err_set(e, sqlstate[0] != '\0' ? sqlstate : SQLSTATE_CONNECT, "%s", text);
}

/* Drive CONN until it is logged in. False: E says why, *AGAIN whether it is worth another try. */
static bool
finish_connecting(PGconn *conn, struct clerks *clerks, usec_t deadline, bool *again,
    struct err *e)
{
	PostgresPollingStatusType next = PGRES_POLLING_WRITING;
	bool reached = false;

	if (PQstatus(conn) == CONNECTION_BAD)
		next = PGRES_POLLING_FAILED;
	while (next != PGRES_POLLING_OK) {
		if (next == PGRES_POLLING_FAILED)
			return explain(conn, reached, again, e);
		*again = false;
		if (!line_wait(conn, next == PGRES_POLLING_READING ? POLLIN : POLLOUT,
			clerks, deadline, e))
			return false;
		reached = PQstatus(conn) != CONNECTION_STARTED;
		next = PQconnectPoll(conn);
	}
	return true;
}

/* Log in to HOST by DEADLINE, or NULL. */
static PGconn *
connect_to(const struct line_to *to, const struct conf_host *host, usec_t deadline,
    bool *again, struct err *e)
{
	struct parameters p = { .count = 0 };
	struct err why;
	PGconn *conn;

	*again = false;
	put_all(&p, to, host);
	conn = PQconnectStartParams(p.keys, p.values, 0);
	if (conn == NULL) {
		err_set(e, SQLSTATE_NO_MEMORY, "out of memory");
		return NULL;
	}
	PQsetNoticeReceiver(conn, hear_nothing, NULL);
	PQsetErrorVerbosity(conn, PQERRORS_VERBOSE);
	if (finish_connecting(conn, to->clerks, deadline, again, &why))
		return conn;
	if (PQconnectionNeedsPassword(conn))
		err_set(e, SQLSTATE_BAD_PASSWORD,
		    "%s:%u asks user %s for a password: "
		    "expected it in plain in auth_file, got %s",
		    host->text, (unsigned)host->port, to->user, to->secret_kind);
	else
		err_set(e, why.sqlstate, "cannot log in to %s:%u as %s: %s", host->text,
		    (unsigned)host->port, to->user, why.text);
	PQfinish(conn);
	return NULL;
}

/* The first host that lets us in, each with its share of the time. */
static PGconn *
try_hosts(const struct line_to *to, usec_t deadline, bool *again, struct err *e)
{
	const struct conf_database *db = to->db;
	PGconn *conn = NULL;

	*again = false;
	for (size_t i = 0; i < db->n_hosts && conn == NULL; i++) {
		usec_t now = clerk_now(), limit = to->conf->server_connect_timeout;
		usec_t share = deadline > now ? (deadline - now) / (db->n_hosts - i) : 0;
		bool passes;

		if (limit > 0 && share > limit)
			share = limit;
		conn = connect_to(to, &db->hosts[i], now + share, &passes, e);
		*again = *again || passes;
	}
	return conn;
}

/* A rest before the next try; false: there is no time for one. */
static bool
rest(struct clerks *clerks, usec_t deadline)
{
	usec_t until = clerk_now() + BETWEEN_TRIES;

	if (until >= deadline)
		return false;
	while (clerk_now() < until) {
		if (clerks_stopping(clerks))
			return false;
		poll(NULL, 0, (int)(SLICE / MSEC));
	}
	return true;
}

struct line *
line_open(const struct line_to *to, usec_t deadline, struct err *e)
{
	struct line *line = mem_new(sizeof(*line));
	bool again = true;

	if (line == NULL) {
		err_set(e, SQLSTATE_NO_MEMORY, "out of memory");
		return NULL;
	}
	do
		line->conn = try_hosts(to, deadline, &again, e);
	while (line->conn == NULL && again && rest(to->clerks, deadline));
	if (line->conn != NULL)
		return line;
	mem_free(line);
	return NULL;
}

void
line_close(struct line *line)
{
	if (line == NULL)
		return;
	PQfinish(line->conn);
	mem_free(line);
}

bool
line_usable(struct line *line)
{
	struct pollfd p = { PQsocket(line->conn), POLLIN, 0 };

	return PQstatus(line->conn) == CONNECTION_OK &&
	    PQtransactionStatus(line->conn) == PQTRANS_IDLE && poll(&p, 1, 0) == 0;
}
