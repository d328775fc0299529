/*
 * client_limits.c - who is one client too many. The counting is crowd.c's.
 *
 * Of the console's clients those who may do everything are let in at all times; they are
 * counted all the same.
 */
#include "pool/client_limits.h"

#include "base/text.h"
#include "pool/crowd.h"

/* Connections an address may have without having said anything, for each client it may have. */
#define SILENT_MOST 2u

/* What counts as one address: a host, or with IPv6 a network of 64 bits. Nothing for unix sockets. */
static struct span
address_of(const struct client *c)
{
	switch (c->peer.kind) {
	case ADDR_IP4:
		return span_of((const char *)&c->peer.u.ip4, sizeof(c->peer.u.ip4));
	case ADDR_IP6:
		return span_of((const char *)&c->peer.u.ip6, 8);
	case ADDR_UNIX:
	case ADDR_NONE:
		break;
	}
	return span_of(NULL, 0);
}

bool
client_limits_accept(struct client *c)
{
	uint64_t most = c->worker->setup->conf->max_client_connections_per_address;
	struct span address = address_of(c);
	unsigned count = 0;

	if (most == 0 || address.len == 0)
		return true;
	c->crowds[CROWD_ADDRESS] = crowd_enter(c->worker->pooler->crowds, CROWD_ADDRESS,
	    address, &count);
	c->crowded = count > most;
	return c->crowds[CROWD_ADDRESS] != NULL && count <= SILENT_MOST * most;
}

static bool
is_exempt(const struct client *c, const struct conf *conf)
{
	return conf_is_console(span_text(c->database)) && conf->admin_users != NULL &&
	    text_list_has(span_text(conf->admin_users), span_text(c->user));
}

/* One name for the console, whatever it was called by. */
static struct span
database_of(const struct client *c)
{
	return conf_is_console(span_text(c->database)) ? SPAN_LITERAL("pgbouncer") :
	    span_text(c->database);
}

/* Count C in the crowd of NAME, of which there may be MOST (0: any number). */
static bool
count_in(struct client *c, enum crowd_kind kind, struct span name, uint32_t most,
    const char *setting)
{
	unsigned count = 0;

	c->crowds[kind] = crowd_enter(c->worker->pooler->crowds, kind, name, &count);
	if (c->crowds[kind] == NULL) {
		client_close(c, "out of memory");
		return false;
	}
	if (most == 0 || count <= most || is_exempt(c, c->worker->setup->conf))
		return true;
	client_refuse_text(c, "client connections exceeded (%s)", setting);
	return false;
}

static bool
count_in_database(struct client *c, const struct conf *conf)
{
	const struct conf_database *db = conf_database(conf, span_text(c->database));

	if (db == NULL && !conf_is_console(span_text(c->database)))
		return true;	/* nobody knows it, which is said once C has proven itself */
	return count_in(c, CROWD_DATABASE, database_of(c),
	    conf_max_db_client_connections(conf, db), "max_db_client_connections");
}

static bool
count_in_user(struct client *c, const struct conf *conf)
{
	return count_in(c, CROWD_USER, span_text(c->user),
	    conf_max_user_client_connections(conf, conf_user(conf, span_text(c->user))),
	    "max_user_client_connections");
}

bool
client_limits_enter(struct client *c)
{
	const struct conf *conf = c->worker->setup->conf;
	unsigned clients = atomic_load(&c->worker->pooler->clients);
	bool console = conf_is_console(span_text(c->database));

	if (clients > conf->max_client_conn && !console) {
		client_refuse_text(c, "no more connections allowed (max_client_conn)");
		return false;
	}
	if (clients > atomic_load(&c->worker->pooler->client_room) && !console) {
		client_refuse_text(c, "no more connections allowed (file descriptors)");
		return false;
	}
	if (c->crowded && !is_exempt(c, conf)) {
		client_refuse_text(c,
		    "client connections exceeded (max_client_connections_per_address)");
		return false;
	}
	return count_in_database(c, conf) && count_in_user(c, conf);
}

void
client_limits_leave(struct client *c)
{
	for (unsigned i = 0; i < ARRAY_SIZE(c->crowds); i++) {
		crowd_leave(c->worker->pooler->crowds, c->crowds[i]);
		c->crowds[i] = NULL;
	}
}

unsigned
client_limits_of_database(struct pooler *p, struct span database)
{
	return crowd_count(p->crowds, CROWD_DATABASE, database);
}

unsigned
client_limits_of_user(struct pooler *p, struct span user)
{
	return crowd_count(p->crowds, CROWD_USER, user);
}
