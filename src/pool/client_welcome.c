/*
 * client_welcome.c - the greeting: which settings a client begins with, and telling it.
 *
 * What a client asks for in its startup packet is tried on a server the first time anybody of the
 * pool asks for just that: PostgreSQL itself refuses what is wrong and says how it spells what is right.
 * Then it is known, and logins need no server.
 */
#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "pool/client.h"
#include "pool/fleet.h"
#include "pool/pair.h"
#include "pool/peers.h"
#include "pool/place.h"
#include "pool/server.h"
#include "wire/reply.h"
#include "wire/startup.h"

#define PID_LEAST 0x00400001u		/* above Linux's process ids: no tool hits a server's by chance */
#define TRIED_MOST 1000u		/* remembered for each pool */

static const struct span APPLICATION_NAME = { "application_name", 16 };

/* --- what servers said --- */

struct tried {
	struct map_node	 in_pool;
	const struct profile *asked, *taken;	/* held */
};

static bool
same_asked(const struct map_node *node, const void *key)
{
	return CONTAINER_OF(node, struct tried, in_pool)->asked == key;
}

static uint64_t
hash_asked(const struct profile *asked)
{
	return (uint64_t)(uintptr_t)asked * 0x9e3779b97f4a7c15u;
}

void
tried_forget(struct pool *pool)
{
	struct map_node *node;

	while ((node = map_next(&pool->tried, NULL)) != NULL) {
		struct tried *t = CONTAINER_OF(node, struct tried, in_pool);

		map_remove(&pool->tried, node);
		profile_drop(t->asked);
		profile_drop(t->taken);
		mem_free(t);
	}
	map_fini(&pool->tried);
}

/* How servers spell ASKED; a hold is taken. NULL: not known. Under the pooler's mutex. */
static const struct profile *
tried_find(struct pool *pool, const struct profile *asked)
{
	struct map_node *node = map_find(&pool->tried, hash_asked(asked), same_asked, asked);

	return node != NULL ?
	    profile_hold(CONTAINER_OF(node, struct tried, in_pool)->taken) : NULL;
}

/* Remember that servers take ASKED as TAKEN (holds are taken). Under the pooler's mutex. */
static void
tried_add(struct pool *pool, const struct profile *asked, const struct profile *taken)
{
	struct tried *t;

	if (map_find(&pool->tried, hash_asked(asked), same_asked, asked) != NULL)
		return;
	if (pool->tried.count >= TRIED_MOST)
		tried_forget(pool);
	t = mem_new(sizeof(*t));
	if (t == NULL || !map_add(&pool->tried, &t->in_pool, hash_asked(asked))) {
		mem_free(t);
		return;
	}
	t->asked = profile_hold(asked);
	t->taken = profile_hold(taken);
}

/* --- what it begins with --- */

/* Both what fresh servers report and what the client asked for. */
static const struct profile *
blend_asked(struct client *c, const struct profile *welcome)
{
	const struct profile *all = profile_hold(welcome);

	for (unsigned i = 0; all != NULL && i < profile_count(c->profile); i++) {
		const struct setting_value *v = profile_at(c->profile, i);
		const struct profile *with = profile_with(all, v->name, v->value, false);

		profile_drop(all);
		all = with;
	}
	return all;
}

/* P with FROM's application_name: the one setting of which any text will do. */
static const struct profile *
with_name_of(const struct profile *p, const struct profile *from)
{
	const struct setting_value *v = profile_get(from, APPLICATION_NAME);

	return v != NULL ? profile_with(p, v->name, v->value, v->reported) : profile_hold(p);
}

static bool
plain_name(const struct profile *p)
{
	const struct setting_value *v = profile_get(p, APPLICATION_NAME);

	for (size_t i = 0; v != NULL && i < v->value.len; i++)
		if (v->value.at[i] < 32 || v->value.at[i] > 126 || i >= 63)
			return false;
	return true;
}

/* What stands in the table for ASKED: the same, whatever the application calls itself. */
static const struct profile *
table_key(const struct profile *asked, const struct profile *welcome)
{
	return plain_name(asked) ? with_name_of(asked, welcome) : profile_hold(asked);
}

static const struct profile *
pool_welcome(struct client *c)
{
	struct pooler *p = c->worker->pooler;
	const struct profile *welcome;

	pthread_mutex_lock(&p->mutex);
	welcome = c->lane->pool->welcome;
	if (welcome != NULL)
		profile_hold(welcome);
	pthread_mutex_unlock(&p->mutex);
	return welcome;
}

/* The settings to greet C with, if they are known to be good; a hold. *ASKED: what it wants (a hold, or NULL without memory). */
static const struct profile *
known_good(struct client *c, const struct profile *welcome, const struct profile **asked)
{
	struct pooler *p = c->worker->pooler;
	const struct profile *key, *taken, *mine = NULL;

	*asked = blend_asked(c, welcome);
	if (c->replication != NULL)
		return profile_hold(welcome);	/* its own servers were started with it */
	key = *asked != NULL ? table_key(*asked, welcome) : NULL;
	if (key == NULL)
		return NULL;
	if (key == welcome) {
		mine = profile_hold(*asked);
	} else {
		pthread_mutex_lock(&p->mutex);
		taken = tried_find(c->lane->pool, key);
		pthread_mutex_unlock(&p->mutex);
		if (taken != NULL)
			mine = plain_name(*asked) ? with_name_of(taken, *asked) : profile_hold(taken);
		profile_drop(taken);
	}
	profile_drop(key);
	return mine;
}

/* --- greeting --- */

static void
draw_key(struct client *c)
{
	struct worker *w = c->worker;

	c->key_len = c->version >= PROTOCOL_3_2 ? CLIENT_KEY_MOST : 4;
	rand_bytes(c->key, c->key_len);
	do {
		c->pid = rand_u32() & 0x7fffffff;
	} while (c->pid < PID_LEAST);
	if (w->setup->conf->peer_id > 0)
		peer_mark_key((uint16_t)w->setup->conf->peer_id, &c->pid, c->key);
	else
		fleet_mark_key(w->pooler->fleet, &c->pid);
	c->keyed = map_add(&w->keys, &c->in_keys, c->pid);
}

void
client_say_last_word(struct client *c)
{
	struct buf *word = c->last_word;

	c->last_word = NULL;
	if (word != NULL && word->len > 0)
		link_send(c->link, word->at, word->len);
}

/* What login had to say last, AuthenticationOk, settings, key, ReadyForQuery: one write. */
static void
send_greeting(struct client *c)
{
	const char *notice = c->worker->setup->conf->login_notify_message;
	struct buf b = { 0 };

	if (c->last_word != NULL)
		buf_put_span(&b, buf_span(c->last_word));
	c->last_word = NULL;
	reply_write_auth(&b, AUTH_OK, span_of(NULL, 0));
	for (unsigned i = 0; i < profile_count(c->profile); i++) {
		const struct setting_value *v = profile_at(c->profile, i);

		if (v->reported)
			reply_write_parameter(&b, v->name, v->value);
	}
	reply_write_key(&b, c->pid, span_of(c->key, c->key_len));
	if (notice != NULL && notice[0] != '\0')
		reply_write_notice(&b, "00000", notice, NULL);
	reply_write_ready(&b, 'I');
	if (b.failed || !link_send(c->link, b.at, b.len))
		client_close(c, CLOSE_client_unexpected_eof);
	buf_fini(&b);
}

static void
greet(struct client *c)
{
	draw_key(c);
	c->base = profile_hold(c->profile);
	c->welcomed = true;
	list_remove(&c->in_newcomers);
	count_one(c->lane, client_logins);
	latency_add(c->lane, login, loop_now(c->worker->loop) - c->asked_at);
	client_become(c, &CLIENT_IDLE);
	send_greeting(c);
	if (!c->dead && link_kept(c->link) > 0)
		link_kick_later(c->link);
}

/* What the client before got, if C asks for the same; a hold. Sets are interned: equal is identical. */
static const struct profile *
as_before(const struct client *c, const struct profile *welcome)
{
	const struct greeting *g = &c->lane->greeted;

	return g->asked == c->profile && g->welcome == welcome ? profile_hold(g->given) : NULL;
}

static void
remember_greeting(struct client *c, const struct profile *welcome, const struct profile *given)
{
	struct greeting *g = &c->lane->greeted;

	profile_drop(g->asked);
	profile_drop(g->welcome);
	profile_drop(g->given);
	g->asked = profile_hold(c->profile);
	g->welcome = profile_hold(welcome);
	g->given = profile_hold(given);
}

bool
client_welcome(struct client *c)
{
	const struct profile *welcome = pool_welcome(c), *asked = NULL, *mine;

	if (welcome == NULL)
		return false;
	mine = as_before(c, welcome);
	if (mine == NULL) {
		mine = known_good(c, welcome, &asked);
		if (mine != NULL)
			remember_greeting(c, welcome, mine);
	}
	profile_drop(welcome);
	if (mine == NULL && asked == NULL) {
		client_close(c, CLOSE_out_of_memory);
		return false;
	}
	client_take_profile(c, mine != NULL ? mine : profile_hold(asked));
	profile_drop(asked);
	if (mine == NULL)
		return false;
	greet(c);
	return !c->dead;
}

void
client_tried(struct client *c)
{
	struct pooler *p = c->worker->pooler;
	struct server *s = c->server;
	const struct profile *welcome = pool_welcome(c);
	const struct profile *asked = welcome != NULL ? table_key(c->profile, welcome) : NULL;
	const struct profile *taken = asked != NULL && plain_name(c->profile) ?
	    with_name_of(s->profile, welcome) : profile_hold(s->profile);

	if (asked != NULL && taken != NULL) {
		pthread_mutex_lock(&p->mutex);
		tried_add(c->lane->pool, asked, taken);
		pthread_mutex_unlock(&p->mutex);
	}
	profile_drop(welcome);
	profile_drop(asked);
	profile_drop(taken);
	client_take_profile(c, profile_hold(s->profile));
	pair_part(s);
	if (!c->dead)
		greet(c);
}

/* --- the console --- */

void
client_enter_console(struct client *c, bool own)
{
	struct err e = { 0 };
	struct pool *pool = place_console(c->worker->pooler);

	c->lane = pool != NULL ? worker_lane(c->worker, pool) : NULL;
	if (c->lane == NULL) {
		if (pool != NULL)
			place_leave(pool);
		client_close(c, CLOSE_out_of_memory);
		return;
	}
	c->lane->client_count++;
	atomic_fetch_add(&c->worker->pooler->consoles, 1);
	client_say_last_word(c);
	draw_key(c);
	c->admin = own;
	client_become(c, &CLIENT_CONSOLE);
	c->welcomed = true;
	list_remove(&c->in_newcomers);
	if (!c->worker->pooler->console->enter(c, &e))
		client_refuse(c, CLOSE_login_failed, &e);
	else
		count_one(c->lane, client_logins);
}
