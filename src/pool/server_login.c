/*
 * server_login.c - from a dialed socket to a server that is ready: TLS, startup packet,
 * authentication, what it reports about itself.
 */
#include <stdio.h>
#include <string.h>

#include "auth/backend.h"
#include "base/log.h"
#include "base/mem.h"
#include "pool/budget.h"
#include "pool/credentials.h"
#include "pool/place.h"
#include "pool/server.h"
#include "pool/settle.h"
#include "wire/reply.h"
#include "wire/startup.h"

#define LOGIN_MESSAGE_MOST 65536u	/* largest message of a login */
#define PAIRS_MOST 64u			/* parameters of a startup packet */

static void send_startup(struct server *s);
static bool login_message(struct server *s, char kind, struct span body);
static void login_done(struct server *s, struct span body);

static const struct conf *
conf_of(const struct server *s)
{
	return s->setup->conf;
}

/* --- failing --- */

void
server_open_failed(struct server *s, const struct err *e, enum aim_miss miss)
{
	struct lane *lane = s->lane;
	struct log_who who;
	char text[600];

	server_leave_host(s);
	s->untold = !lane_open_failed(lane, s, e, miss);
	if (!s->untold)
		log_line(LOG_LEVEL_WARNING, server_who(s, &who), "server login failed: %s %s",
		    miss == MISS_REFUSED ? "FATAL" : "ERROR",
		    log_escape(span_text(e->text), text, sizeof(text)));
	server_close_saying(s, miss == MISS_UNFIT ? CLOSE_server_unfit :
	     strcmp(e->sqlstate, SQLSTATE_CONNECT) == 0 ? CLOSE_connect_failed :
	    CLOSE_server_login_failed, lane->pool->replication != NULL ? "login failed" : e->text);
}

static void
connect_failed(struct server *s, const char *format, const char *arg)
{
	struct err e = { 0 };

	err_set(&e, SQLSTATE_CONNECT, format, arg);
	server_open_failed(s, &e, MISS_UNREACHABLE);
}

static void
login_refused(struct server *s, const char *text)
{
	struct err e = { 0 };

	err_set(&e, SQLSTATE_PROTOCOL, "server login failed: %s", text);
	server_open_failed(s, &e, MISS_REFUSED);
}

/* --- connecting --- */

static bool
wants_tls(const struct server *s)
{
	return s->setup->server_tls != NULL && s->where.kind != ADDR_UNIX;
}

/* Connected: if there are other addresses it has a moment to say something. */
static void
await_first_word(struct server *s)
{
	const struct conf_database *db = place_database(conf_of(s), s->lane->pool);
	unsigned hosts = db != NULL ? (unsigned)db->n_hosts : 1;
	unsigned addrs = s->choices > 1 ? s->choices : 1;
	usec_t most = conf_of(s)->server_connect_timeout;

	if (hosts * addrs > 1)
		s->patience = loop_now(s->lane->worker->loop) - s->born +
		    server_patience(s, hosts * addrs, most);
}

/* It has said something: it may take its time, as when there are no others. */
static void
answers(struct server *s)
{
	s->patience = conf_of(s)->server_connect_timeout;
}

void
server_dialed(void *owner, int fd, const struct addr *where, const char *why)
{
	struct server *s = owner;
	struct buf b = { 0 };

	s->dial = NULL;
	if (fd < 0 && strcmp(why, DIAL_SKIPPED) == 0) {
		server_open_failed(s, &(struct err){ .sqlstate = SQLSTATE_CONNECT }, MISS_UNFIT);
		return;
	}
	if (fd < 0) {
		connect_failed(s, strncmp(why, DIAL_NO_NAME, strlen(DIAL_NO_NAME)) == 0 ? "%s" :
		    "connect failed: %s", why);
		return;
	}
	s->where = *where;
	s->link = link_new(s->lane->worker->loop, fd, &server_calls, s);
	if (s->link == NULL) {
		connect_failed(s, "connect failed: %s", "out of memory");
		return;
	}
	await_first_word(s);
	if (!wants_tls(s)) {
		send_startup(s);
		return;
	}
	server_become(s, &SERVER_ASKING_TLS);
	startup_write_ssl(&b);
	server_send(s, &b);
	buf_fini(&b);
}

/* One byte, alone: anything behind it was not encrypted and is not to be believed. */
size_t
server_tls_bytes(struct server *s, const char *at, size_t len)
{
	struct err e = { 0 };

	answers(s);
	if (len != 1 || (at[0] != 'S' && at[0] != 'N')) {
		connect_failed(s, "%s", len == 1 ?
		    "expected S or N in answer to SSLRequest, got something else" :
		    "received unencrypted data after SSL response");
		return len;
	}
	if (at[0] == 'S') {
		server_become(s, &SERVER_LOGIN);
		if (!link_secure(s->link, s->setup->server_tls, LINK_CONNECTS, s->host, &e))
			server_open_failed(s, &e, MISS_UNREACHABLE);
		return len;
	}
	if (conf_of(s)->server_tls_sslmode >= SSLMODE_REQUIRE)
		login_refused(s, "server refused SSL, which server_tls_sslmode requires");
	else
		send_startup(s);
	return len;
}

void
server_secured(struct server *s)
{
	send_startup(s);
}

/*
 * Whose secret logs this server in. CREDENTIAL: what the pool remembers of its clients, if anything: a
 * password that PAM or LDAP has found right, or what auth_query knew.
 */
static struct span
login_secret(const struct server *s, const struct conf_database *db,
    const struct credential *credential)
{
	const struct conf_user *user;

	if (db->user != NULL && db->password != NULL)
		return span_text(db->password);
	if (db->user == NULL && credential != NULL && credential->told)
		return credential_secret(credential);
	user = conf_user(conf_of(s), span_text(s->lane->pool->user));
	if (user != NULL && user->secret != NULL)
		return span_text(user->secret);
	return db->user == NULL && credential != NULL ? credential_secret(credential) :
	    span_of("", 0);
}

static struct backend_login *
begin_login(struct server *s, const struct conf_database *db)
{
	struct pooler *p = s->lane->worker->pooler;
	struct credential *credential = pool_credential(p, s->lane->pool);
	unsigned char binding[LINK_BINDING_MOST];
	const struct backend_rules rules = {
		.user = span_text(s->lane->pool->user), .keyring = p->keyring,
		.secret = login_secret(s, db, credential),
		.binding = link_binding(s->link, binding),
	};
	struct backend_login *login = backend_new(&rules);

	credential_drop(credential);
	return login;
}

/* What a replication client asked for: its walsender takes settings only here. */
static unsigned
add_asked(const char **pairs, unsigned n, const struct profile *asked)
{
	for (unsigned i = 0; i < profile_count(asked) && n + 2 <= PAIRS_MOST * 2; i++) {
		pairs[n++] = profile_at(asked, i)->name.at;
		pairs[n++] = profile_at(asked, i)->value.at;
	}
	return n;
}

static void
send_startup(struct server *s)
{
	const struct pool *pool = s->lane->pool;
	const struct conf_database *db = place_database(conf_of(s), pool);
	const char *pairs[PAIRS_MOST * 2 + 1];
	unsigned n = 0;
	struct buf b = { 0 };

	if (db == NULL) {
		login_refused(s, "database removed");
		return;
	}
	s->login = begin_login(s, db);
	pairs[n++] = "user";
	pairs[n++] = pool->user;
	pairs[n++] = "database";
	pairs[n++] = db->dbname != NULL ? db->dbname : pool->database;
#define ENTRY(key)                                                                  \
	if (db->key != NULL) {                                                      \
		pairs[n++] = #key;                                                  \
		pairs[n++] = db->key;                                               \
	}
	ENTRY(client_encoding)
	ENTRY(datestyle)
	ENTRY(timezone)
	ENTRY(application_name)
#undef ENTRY
	if (pool->replication != NULL) {
		pairs[n++] = "replication";
		pairs[n++] = pool->replication;
		n = add_asked(pairs, n, pool->asked);
	}
	pairs[n] = NULL;
	server_become(s, &SERVER_LOGIN);
	startup_write(&b, PROTOCOL_3_2, pairs);
	s->version = PROTOCOL_3_2;
	if (s->login == NULL)
		b.failed = true;
	server_send(s, &b);
	buf_fini(&b);
}

/* --- logging in --- */

size_t
server_login_bytes(struct server *s, const char *at, size_t len)
{
	size_t done = 0;
	struct frame_head head;

	answers(s);
	while (done < len && s->state == &SERVER_LOGIN && !s->dead) {
		enum frame_seen seen = frame_look(at + done, len - done, &head);

		if (seen == FRAME_SHORT)
			break;
		if (seen == FRAME_BAD || head.size > LOGIN_MESSAGE_MOST) {
			login_refused(s, "server sent a message of impossible length");
			return len;
		}
		if (len - done < head.size) {
			link_expect(s->link, head.size);
			break;
		}
		if (!login_message(s, head.kind,
		    span_of(at + done + FRAME_HEAD, head.size - FRAME_HEAD)))
			return len;
		done += head.size;
	}
	return s->dead ? len : done;
}

static bool
authenticate(struct server *s, struct span body)
{
	struct buf reply = { 0 };
	struct err e = { 0 };
	bool going = true;

	switch (backend_step(s->login, body, &reply, &e)) {
	case BACKEND_FAIL:
		server_open_failed(s, &e, MISS_REFUSED);
		going = false;
		break;
	case BACKEND_OK:
		s->proven = true;
		break;
	case BACKEND_MORE:
		if (reply.len > 0)
			going = server_send(s, &reply);
		break;
	}
	if (reply.at != NULL)
		mem_wipe(reply.at, reply.cap);
	buf_fini(&reply);
	return going;
}

/* The server's own words, for the log and for whoever waits. */
static void
refused(struct server *s, struct span body)
{
	struct error_view v;
	struct err e = { 0 };
	enum aim_miss miss = MISS_REFUSED;

	reply_error(body, &v);
	if (v.text.len == 0)
		v.text = SPAN_LITERAL("server refused the login without a reason");
	err_set(&e, SQLSTATE_PROTOCOL, "%.*s", (int)(v.text.len > 500 ? 500 : v.text.len),
	    v.text.at);
	if (v.sqlstate.len == 5)
		span_copy(v.sqlstate, e.sqlstate, sizeof(e.sqlstate));
	/* Starting up, shutting down, full: who waits may well be served soon. */
	if (strncmp(e.sqlstate, "57P", 3) == 0 || strncmp(e.sqlstate, "53", 2) == 0)
		miss = MISS_STARTING;
	if (strcmp(e.sqlstate, SQLSTATE_TOO_MANY) == 0 && budget_full(s->lane->worker->pooler,
	    s->lane->pool, v.routine, loop_now(s->lane->worker->loop)))
		miss = MISS_FULL;
	server_open_failed(s, &e, miss);
}

static void
keep_key(struct server *s, struct span body)
{
	struct span key;

	if (!reply_key(body, &s->pid, &key))
		return;
	mem_free(s->key);
	s->key = mem_copy_text(key.at, key.len);
	s->key_len = s->key != NULL ? (uint32_t)key.len : 0;
}

/* False: the login is over, one way or the other, and S is not to be looked at. */
static bool
login_message(struct server *s, char kind, struct span body)
{
	struct span name, value;
	uint32_t newest, options;

	switch (kind) {
	case 'R':
		return authenticate(s, body);
	case 'E':
		refused(s, body);
		return false;
	case 'S':
		if (reply_parameter(body, &name, &value))
			server_parameter(s, name, value);
		return true;
	case 'K':
		keep_key(s, body);
		return true;
	case 'v':
		if (reply_negotiate(body, &newest, &options) && newest < s->version)
			s->version = newest;
		return true;
	case 'N':
		return true;
	case 'Z':
		login_done(s, body);
		return !s->dead && s->state == &SERVER_LOGIN;
	default:
		login_refused(s, "server sent an unexpected message during login");
		return false;
	}
}

/* The settings of a fresh server are what new clients begin with. */
static void
keep_welcome(struct server *s)
{
	struct pooler *p = s->lane->worker->pooler;
	const struct profile *before = NULL;

	pthread_mutex_lock(&p->mutex);
	if (s->lane->pool->welcome != s->profile) {
		before = s->lane->pool->welcome;
		s->lane->pool->welcome = profile_hold(s->profile);
	}
	s->lane->pool->last_error.text[0] = '\0';
	pthread_mutex_unlock(&p->mutex);
	profile_drop(before);
}

void
server_admit(struct server *s)
{
	keep_welcome(s);
	if (!settle_setup(s) && !s->dead)
		lane_opened(s->lane, s);
}

static void
login_done(struct server *s, struct span body)
{
	struct log_who who;
	char local[80], tls[64];
	struct addr from;

	if (reply_ready(body) != 'I' || !s->proven) {
		login_refused(s, "server was ready before it had authenticated us");
		return;
	}
	backend_free(s->login);
	s->login = NULL;
	if (conf_of(s)->log_connections) {
		link_local(s->link, &from);
		link_tls_text(s->link, tls);
		log_line(LOG_LEVEL_LOG, server_who(s, &who), "new connection to server%s%s%s%s%s",
		    from.kind == ADDR_UNIX ? "" : " (from ",
		    from.kind == ADDR_UNIX ? "" : addr_text(&from, local),
		    from.kind == ADDR_UNIX ? "" : ")", tls[0] ? ", SSL established: " : "", tls);
	}
	if (server_role_good(s))
		server_admit(s);
}
