/*
 * client_login.c - from an accepted connection to a client that may ask: TLS, startup packet,
 * and where it goes when it has proved who it is. What stands in the packet is
 * client_startup.c's, the proof client_auth.c's. Until then a client costs one socket and no
 * server, whatever it sends.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "pool/cancel.h"
#include "pool/client.h"
#include "pool/client_limits.h"
#include "pool/credentials.h"
#include "pool/place.h"
#include "pool/readiness.h"
#include "pool/server.h"
#include "wire/startup.h"

#define TLS_FIRST_BYTE 0x16		/* a handshake record: direct TLS */

static size_t answer_encryption(struct client *c, const struct startup *s, size_t len,
    enum startup_kind kind);
static void hello(struct client *c, const struct startup *s);

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
		client_close_saying(c, CLOSE_tls_failed, e.text);
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
	if (c->challenged && kind != STARTUP_CANCEL && kind != STARTUP_MORE) {
		client_close(c, CLOSE_broken_cancel_request);
		return len;
	}
	switch (kind) {
	case STARTUP_MORE:
		return 0;
	case STARTUP_BAD:
		if (is_cancel(at, len)) {
			client_close(c, CLOSE_broken_cancel_request);	/* never an answer */
			return len;
		}
		client_refuse_text(c, CLOSE_protocol_violation, "bad packet header: %s", s.why);
		return len;
	case STARTUP_OLD:
		client_dismiss(c, CLOSE_unsupported_protocol);
		return len;
	case STARTUP_NEW:
		client_refuse_text(c, CLOSE_unsupported_protocol,
		    "unsupported frontend protocol %u.%u: server supports 3.0 to 3.2",
		    s.version >> 16, s.version & 0xffff);
		return len;
	case STARTUP_SSL:
	case STARTUP_GSS:
		return answer_encryption(c, &s, len, kind);
	case STARTUP_PEER:
		if (len != s.size)
			client_close(c, CLOSE_broken_cancel_request);
		else
			cancel_challenge(c);
		return len;
	case STARTUP_CANCEL:
		if (c->challenged)
			cancel_proven(c, s.pid, s.key);
		else
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
		client_refuse_text(c, CLOSE_protocol_violation, "received unencrypted data after %s request",
		    tls ? "SSL" : "GSSAPI encryption");
		return len;
	}
	if (*asked || link_is_secure(c->link)) {
		client_close_saying(c, CLOSE_protocol_violation, "encryption requested twice");
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

/* Of a pooler that shuts down: has C come before its doors were closed? */
static bool
came_in_time(const struct client *c)
{
	usec_t closed_at = atomic_load(&c->worker->pooler->closed_at);

	return c->peer.kind != ADDR_UNIX && (closed_at == 0 || c->connected < closed_at);
}

static void
hello(struct client *c, const struct startup *s)
{
	const struct conf *conf = conf_of(c);

	if (conf->client_tls_sslmode >= SSLMODE_REQUIRE && c->peer.kind != ADDR_UNIX &&
	    !link_is_secure(c->link)) {
		client_dismiss(c, CLOSE_tls_required);
		return;
	}
	if (client_take_startup(c, s) && client_limits_enter(c) && readiness_check(c))
		client_authenticate(c);
}

/* --- who is in --- */

static void
enter_console(struct client *c)
{
	bool own = client_is_our_own(c);
	struct log_who who;

	if (own && conf_of(c)->log_connections)
		log_line(LOG_LEVEL_LOG, client_who(c, &who),
		    "console access from the unix socket by our own user id");
	client_enter_console(c, own);
}

void
client_enter(struct client *c, struct credential *credential)
{
	struct pooler *p = c->worker->pooler;
	struct span database = span_text(c->database);
	const struct conf_database *db = conf_database(conf_of(c), database);
	struct pool *pool;

	if (conf_is_console(database)) {
		enter_console(c);
		return;
	}
	if (db == NULL) {
		client_refuse_text(c, CLOSE_no_such_database, "no such database: %s", c->database);
		return;
	}
	if (place_disabled(p, database)) {
		client_refuse_text(c, CLOSE_database_disabled, "database \"%s\" is disabled", c->database);
		return;
	}
	if (atomic_load(&p->shutting) &&
	    (atomic_load(&p->no_servers) || !came_in_time(c))) {
		client_dismiss(c, CLOSE_pooler_shutting_down);
		return;
	}
	if (conf_of(c)->auth_type == AUTH_TYPE_ANY && db->user == NULL) {
		client_dismiss(c, CLOSE_config_error);
		return;
	}
	pool = place_find(p, conf_of(c), database, span_text(c->user), c->replication, c->profile);
	c->lane = pool != NULL ? worker_lane(c->worker, pool) : NULL;
	if (c->lane == NULL) {
		if (pool != NULL)
			place_leave(pool);
		client_close(c, CLOSE_out_of_memory);
		return;
	}
	if (credential != NULL && db->user == NULL)
		pool_remember(p, pool, credential);
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
