/*
 * client_login.c - from an accepted connection to a client that may ask: TLS, authentication,
 * welcome. Until it has authenticated a client costs one socket and no server, whatever it
 * sends. What stands in its startup packet is client_startup.c's.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "auth/login.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "pool/cancel.h"
#include "pool/client.h"
#include "pool/client_limits.h"
#include "pool/place.h"
#include "pool/server.h"
#include "wire/reply.h"
#include "wire/startup.h"

#define TLS_FIRST_BYTE 0x16		/* a handshake record: direct TLS */

static size_t answer_encryption(struct client *c, const struct startup *s, size_t len,
    enum startup_kind kind);
static void hello(struct client *c, const struct startup *s);
static void login_over(struct client *c, enum login_verdict verdict, struct buf *reply,
    const struct err *e);

static const struct conf *
conf_of(const struct client *c)
{
	return c->worker->setup->conf;
}

static bool
may_use_tls(const struct client *c)
{
	return c->worker->setup->client_tls != NULL && c->peer.kind != ADDR_UNIX;
}

/* --- first bytes --- */

static size_t
start_tls(struct client *c)
{
	struct err e = { 0 };

	if (!link_secure(c->link, c->worker->setup->client_tls, LINK_ACCEPTS, NULL, &e))
		client_close(c, e.text);
	return 0;
}

/* Does a packet, broken otherwise, claim to be a CancelRequest? */
static bool
is_cancel(const char *at, size_t len)
{
	static const char code[] = { 0x04, (char)0xd2, 0x16, 0x2e };

	return len >= 8 && memcmp(at + 4, code, sizeof(code)) == 0;
}

size_t
client_start_bytes(struct client *c, const char *at, size_t len)
{
	struct startup s;
	enum startup_kind kind;

	if (at[0] == TLS_FIRST_BYTE && may_use_tls(c) && !link_is_secure(c->link) && !c->tls_asked) {
		c->tls_asked = true;
		return start_tls(c);
	}
	kind = startup_read(span_of(at, len), &s);
	switch (kind) {
	case STARTUP_MORE:
		return 0;
	case STARTUP_BAD:
		if (is_cancel(at, len)) {
			client_close(c, "broken cancel request");	/* never an answer */
			return len;
		}
		client_refuse_text(c, "bad packet header: %s", s.why);
		return len;
	case STARTUP_OLD:
		client_refuse_text(c, "old V2 protocol not supported");
		return len;
	case STARTUP_NEW:
		client_refuse_text(c, "unsupported frontend protocol %u.%u: server supports 3.0 to 3.2",
		    s.version >> 16, s.version & 0xffff);
		return len;
	case STARTUP_SSL:
	case STARTUP_GSS:
		return answer_encryption(c, &s, len, kind);
	case STARTUP_CANCEL:
		cancel_request(c, s.pid, s.key);
		return len;
	case STARTUP_HELLO:
		hello(c, &s);
		return c->dead ? len : s.size;
	}
	return len;
}

/* SSLRequest, GSSENCRequest: one byte, and nothing may stand behind the question. */
static size_t
answer_encryption(struct client *c, const struct startup *s, size_t len, enum startup_kind kind)
{
	bool tls = kind == STARTUP_SSL;
	bool *asked = tls ? &c->tls_asked : &c->gss_asked;

	if (len != s->size) {
		client_refuse_text(c, "received unencrypted data after %s request",
		    tls ? "SSL" : "GSSAPI encryption");
		return len;
	}
	if (*asked || link_is_secure(c->link)) {
		client_close(c, "encryption requested twice");
		return len;
	}
	*asked = true;
	if (!tls || !may_use_tls(c)) {
		link_send(c->link, "N", 1);
	} else {
		link_send(c->link, "S", 1);
		start_tls(c);
	}
	return len;
}

void
client_secured(struct client *c)
{
	(void)c;	/* the startup packet follows, encrypted */
}

/* The console's own: user pgbouncer or pgweir over the unix socket, with our uid, needs no password. */
static bool
is_our_own(const struct client *c)
{
	return conf_is_console(span_text(c->database)) && c->peer.kind == ADDR_UNIX &&
	    (strcmp(c->user, "pgbouncer") == 0 || strcmp(c->user, "pgweir") == 0) &&
	    c->peer.u.unix_peer.uid == geteuid();
}

static enum login_method
method_of(const struct client *c)
{
	if (is_our_own(c))
		return LOGIN_ANY;
	switch (conf_of(c)->auth_type) {
	case AUTH_TYPE_ANY:
		return LOGIN_ANY;
	case AUTH_TYPE_TRUST:
		return LOGIN_TRUST;
	case AUTH_TYPE_PLAIN:
		return LOGIN_PLAIN;
	case AUTH_TYPE_MD5:
		return LOGIN_MD5;
	default:
		return LOGIN_SCRAM;
	}
}

/* Methods that the configuration knows and we do not: nobody gets in by them. */
static bool
method_missing(const struct client *c)
{
	switch (conf_of(c)->auth_type) {
	case AUTH_TYPE_CERT:
	case AUTH_TYPE_HBA:
	case AUTH_TYPE_LDAP:
	case AUTH_TYPE_PAM:
		return !is_our_own(c);
	default:
		return false;
	}
}

static void
hello(struct client *c, const struct startup *s)
{
	const struct conf *conf = conf_of(c);
	const struct conf_user *user;
	struct login_rules rules;
	struct buf reply = { 0 };
	struct err e = { 0 };
	enum login_verdict verdict;

	if (conf->client_tls_sslmode >= SSLMODE_REQUIRE && c->peer.kind != ADDR_UNIX &&
	    !link_is_secure(c->link)) {
		client_refuse_text(c, "SSL required");
		return;
	}
	if (!client_take_startup(c, s))
		return;
	if (!client_limits_enter(c))
		return;
	if (method_missing(c)) {
		client_refuse_text(c, "no authentication method is found");
		return;
	}
	user = conf_user(conf, span_text(c->user));
	rules = (struct login_rules){
		.method = method_of(c), .scram_iterations = conf->scram_iterations,
		.keyring = c->worker->pooler->keyring,
	};
	client_become(c, &CLIENT_AUTH);
	verdict = login_begin(&c->login, &rules, span_text(c->user),
	    user != NULL ? span_text(user->secret) : span_of("", 0),
	    user != NULL && user->secret != NULL, &reply, &e);
	login_over(c, verdict, &reply, &e);
	buf_fini(&reply);
}

/* --- authentication --- */

size_t
client_auth_bytes(struct client *c, const char *at, size_t len)
{
	struct frame_head head;
	struct buf reply = { 0 };
	struct err e = { 0 };
	enum login_verdict verdict;

	switch (frame_look(at, len, &head)) {
	case FRAME_SHORT:
		return 0;
	case FRAME_BAD:
		client_refuse_text(c, "bad packet header: the length cannot be");
		return len;
	case FRAME_HEADER:
		break;
	}
	if (head.kind == 'X') {
		client_close(c, "client close request");
		return len;
	}
	if (head.kind != 'p' || head.size - FRAME_HEAD > LOGIN_BODY_MOST) {
		client_refuse_text(c, head.kind != 'p' ?
		    "expected a password message, got something else" : "password too long");
		return len;
	}
	if (len < head.size) {
		link_expect(c->link, head.size);
		return 0;
	}
	verdict = login_step(c->login, head.kind,
	    span_of(at + FRAME_HEAD, head.size - FRAME_HEAD), &reply, &e);
	login_over(c, verdict, &reply, &e);
	if (reply.at != NULL)
		mem_wipe(reply.at, reply.cap);
	buf_fini(&reply);
	return c->dead ? len : head.size;
}

static void
log_attempt(struct client *c)
{
	char who[256], tls[64], database[160], user[160];

	if (!conf_of(c)->log_connections)
		return;
	link_tls_text(c->link, tls);
	log_line(LOG_LEVEL_LOG, client_who(c, who),
	    "login attempt: db=%s user=%s tls=%s replication=%s",
	    log_escape(span_text(c->database), database, sizeof(database)),
	    log_escape(span_text(c->user), user, sizeof(user)), tls[0] ? tls : "no",
	    c->replication == NULL ? "no" : strcmp(c->replication, "true") == 0 ? "yes" : "database");
}

/* The last word of the login goes with the greeting, if that can follow at once. */
static void
enter_with(struct client *c, struct buf *last_word)
{
	c->last_word = last_word;
	client_enter(c);
	if (!c->dead)
		client_say_last_word(c);
	c->last_word = NULL;
}

static void
login_over(struct client *c, enum login_verdict verdict, struct buf *reply,
    const struct err *e)
{
	if (reply->failed) {
		client_close(c, "out of memory");
		return;
	}
	switch (verdict) {
	case LOGIN_MORE:
		link_send(c->link, reply->at, reply->len);
		return;
	case LOGIN_ASK:
	case LOGIN_NO:
		if (reply->len > 0)
			link_send(c->link, reply->at, reply->len);
		log_attempt(c);
		client_refuse(c, e);
		return;
	case LOGIN_YES:
		log_attempt(c);
		login_free(c->login);
		c->login = NULL;
		enter_with(c, reply);
		return;
	}
}

/* --- who is in --- */

void
client_enter(struct client *c)
{
	struct pooler *p = c->worker->pooler;
	struct span database = span_text(c->database);
	const struct conf_database *db = conf_database(conf_of(c), database);
	struct pool *pool;

	if (conf_is_console(database)) {
		client_enter_console(c, is_our_own(c));
		return;
	}
	if (db == NULL) {
		client_refuse_text(c, "no such database: %s", c->database);
		return;
	}
	if (place_disabled(p, database)) {
		client_refuse_text(c, "database \"%s\" is disabled", c->database);
		return;
	}
	/* who came by TCP was let in before the doors were closed */
	if (atomic_load(&p->shutting) &&
	    (atomic_load(&p->no_servers) || c->peer.kind == ADDR_UNIX)) {
		client_refuse_text(c, "pooler is shutting down");
		return;
	}
	if (conf_of(c)->auth_type == AUTH_TYPE_ANY && db->user == NULL) {
		client_refuse_text(c, "bouncer config error");
		return;
	}
	pool = place_find(p, conf_of(c), database, span_text(c->user), c->replication, c->profile);
	c->lane = pool != NULL ? worker_lane(c->worker, pool) : NULL;
	if (c->lane == NULL) {
		client_close(c, "out of memory");
		return;
	}
	c->lane->client_count++;
	client_refresh(c);
	/* A server says what to greet with, and whether it takes the client's settings. */
	if (!client_welcome(c) && !c->dead && lane_take(c->lane, c))
		client_tried(c);
}

void
client_refresh(struct client *c)
{
	const struct conf *conf = conf_of(c);
	const struct conf_database *db = conf_database(conf, span_text(c->database));
	const struct conf_user *user = conf_user(conf, span_text(c->user));

	c->wait_timeout = conf_query_wait_timeout(conf, db, user);
	c->idle_timeout = conf_client_idle_timeout(conf, user);
}
