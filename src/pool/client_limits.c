/*
 * client_limits.c - who is one client too many. The counting is crowd.c's.
 *
 * Of the console's clients those who may do everything are let in at all times; they are
 * counted all the same.
 */
#include "pool/client_limits.h"

#include "base/text.h"
#include "pool/crowd.h"
#include "pool/readiness.h"

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

/* C is one of the crowd of NAME from now on. False: no memory. */
static bool
join(struct client *c, enum crowd_kind kind, struct span name)
{
	unsigned count;

	c->crowds[kind] = crowd_enter(c->worker->pooler->crowds, kind, name, &count);
	return c->crowds[kind] != NULL;
}

/* Are there more than MOST (0: any number) in the crowd of KIND that C is in, if it is in one? */
static bool
too_many(const struct client *c, enum crowd_kind kind, struct span name, uint32_t most)
{
	return most > 0 && c->crowds[kind] != NULL &&
	    crowd_count(c->worker->pooler->crowds, kind, name) > most;
}

/* Which limit C is beyond, as it is said to it; NULL: none. */
static const char *
limit_reached(const struct client *c)
{
	const struct conf *conf = c->worker->setup->conf;
	unsigned clients = atomic_load(&c->worker->pooler->clients);
	const struct conf_database *db = conf_database(conf, span_text(c->database));
	const struct conf_user *user = conf_user(conf, span_text(c->user));
	bool console = conf_is_console(span_text(c->database));

	if (clients > conf->max_client_conn && !console)
		return "no more connections allowed (max_client_conn)";
	if (clients > atomic_load(&c->worker->pooler->client_room) && !console)
		return "no more connections allowed (file descriptors)";
	if (is_exempt(c, conf))
		return NULL;
	if (c->crowded)
		return "client connections exceeded (max_client_connections_per_address)";
	if (too_many(c, CROWD_DATABASE, database_of(c), conf_max_db_client_connections(conf, db)))
		return "client connections exceeded (max_db_client_connections)";
	if (too_many(c, CROWD_USER, span_text(c->user),
	    conf_max_user_client_connections(conf, user)))
		return "client connections exceeded (max_user_client_connections)";
	return NULL;
}

/*
 * One who comes right after another has left may be counted before that one is counted out,
 * on another worker: it is looked at once more at the next tick before it is sent away.
 */
bool
client_limits_enter(struct client *c)
{
	const struct conf *conf = c->worker->setup->conf;
	/* one that nobody knows is told so once it has proven itself */
	bool known = conf_database(conf, span_text(c->database)) != NULL ||
	    conf_is_console(span_text(c->database));

	if ((known && !join(c, CROWD_DATABASE, database_of(c))) ||
	    !join(c, CROWD_USER, span_text(c->user))) {
		client_close(c, CLOSE_out_of_memory);
		return false;
	}
	if (limit_reached(c) == NULL)
		return true;
	c->one_too_many = true;
	c->worker->one_too_many = true;
	client_become(c, &CLIENT_ASKING);
	return false;
}

void
client_limits_tick(struct worker *w)
{
	if (likely(!w->one_too_many))
		return;
	w->one_too_many = false;
	LIST_EACH(n, &w->newcomers) {
		struct client *c = CONTAINER_OF(n, struct client, in_newcomers);
		const char *why;

		if (!c->one_too_many)
			continue;
		c->one_too_many = false;
		why = limit_reached(c);
		if (why != NULL)
			client_refuse_text(c, CLOSE_too_many_clients, "%s", why);
		else if (readiness_check(c))
			client_authenticate(c);
	}
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
