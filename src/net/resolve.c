/*
 * resolve.c - host names to addresses. Answers live here for their time to live. One query
 * a name is under way at most, and a name that cannot be refreshed keeps its last answer.
 *
 *	asked --> fresh --> refreshed in the background while somebody uses it
 *	            |
 *	            +-----> expired: the next who asks waits, a second at most
 */
#include "net/resolve.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/loop_private.h"
#include "net/resolve_private.h"

/* Names remembered; beyond that those asked longest ago are forgotten. */
#define NAMES_MOST 1000
#define NAME_MOST 255
/* Who has an old answer waits no longer than this for a new one. */
#define REFRESH_MOST SECOND
#define UPKEEP_PERIOD SECOND
/* Names at a time: whether one is used takes a look at all servers. */
#define UPKEEP_MOST 100u

struct lookup {
	struct node	 in_name;
	resolve_fn	 done;
	void		*owner;		/* borrowed */
};

static void resolver_free(void *ptr);
static void on_upkeep(void *owner);
static void name_free(struct name *name);
static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *info);
static void on_spent(void *owner);
static void tell(struct name *name, resolve_fn done, void *owner);
static void tell_all(struct name *name);

/* --- the resolver of a loop --- */

struct resolver *
resolver_of(struct loop *loop)
{
	struct loop_slot *slot = loop_resolver_slot(loop);
	struct resolver *r;

	if (slot->ptr != NULL)
		return slot->ptr;
	r = mem_new(sizeof(*r));
	if (r == NULL)
		return NULL;
	r->loop = loop;
	r->limits.ttl_least = SECOND;
	r->limits.ttl_most = r->limits.ttl_negative = 15 * SECOND;
	list_init(&r->by_use);
	list_init(&r->zones);
	r->upkeep = timer_new(loop, on_upkeep, r);
	r->channel = channel_new(loop);
	if (r->upkeep == NULL || r->channel == NULL) {
		resolver_free(r);
		return NULL;
	}
	slot->ptr = r;
	slot->release = resolver_free;
	return r;
}

static void
resolver_free(void *ptr)
{
	struct resolver *r = ptr;

	r->ending = true;
	channel_free(r->channel);
	LIST_EACH(node, &r->by_use)
		name_free(CONTAINER_OF(node, struct name, in_use));
	map_fini(&r->names);
	timer_free(r->upkeep);
	mem_free((char *)r->limits.resolv_conf);
	mem_free((char *)r->limits.servers);
	mem_free(r);
}

static char *
copy_of(const char *text)
{
	return text != NULL && text[0] != '\0' ? mem_copy_text(text, strlen(text)) : NULL;
}

void
resolver_set_limits(struct resolver *r, const struct resolver_limits *limits)
{
	char *resolv_conf = copy_of(limits->resolv_conf), *servers = copy_of(limits->servers);

	mem_free((char *)r->limits.resolv_conf);
	mem_free((char *)r->limits.servers);
	r->limits = *limits;
	r->limits.resolv_conf = resolv_conf;
	r->limits.servers = servers;
	/* reads the system's files anew; open questions are asked again there */
	if (channel_is_open(r->channel))
		channel_open(r->channel, resolv_conf, servers);
}

void
resolver_set_user(struct resolver *r, const struct resolver_user *calls, void *owner)
{
	r->user = calls;
	r->user_owner = owner;
}

struct channel *
resolver_channel(struct resolver *r)
{
	if (!channel_is_open(r->channel) &&
	    !channel_open(r->channel, r->limits.resolv_conf, r->limits.servers))
		return NULL;
	return r->channel;
}

const char *
resolve_version(void)
{
	return "c-ares " ARES_VERSION_STR;
}

/* --- names --- */

static bool
same_name(const struct map_node *node, const void *key)
{
	return strcmp(CONTAINER_OF(node, struct name, in_names)->text, key) == 0;
}

static void
name_free(struct name *name)
{
	map_remove(&name->resolver->names, &name->in_names);
	list_remove(&name->in_use);
	timer_free(name->patience);
	while (!list_empty(&name->waiting))
		resolve_cancel(
		    CONTAINER_OF(name->waiting.head.next, struct lookup, in_name));
	zone_leave(name->zone);
	answer_free(&name->answer);
	mem_free(name);
}

bool
name_is_used(const struct name *name)
{
	const struct resolver *r = name->resolver;

	return r->user != NULL && r->user->uses(r->user_owner, name->text);
}

/* Forget names that nobody waits for until there is room for another. */
static void
make_room(struct resolver *r)
{
	LIST_EACH(node, &r->by_use) {
		struct name *name = CONTAINER_OF(node, struct name, in_use);

		if (r->names.count < NAMES_MOST)
			return;
		if (!name->asking && name->telling == 0)
			name_free(name);
	}
}

static struct name *
name_of(struct resolver *r, const char *text)
{
	uint64_t hash = span_hash(span_text(text));
	struct map_node *node = map_find(&r->names, hash, same_name, text);
	struct name *name;

	if (node != NULL) {
		name = CONTAINER_OF(node, struct name, in_names);
		list_remove(&name->in_use);
		list_add_last(&r->by_use, &name->in_use);
		return name;
	}
	make_room(r);
	name = mem_new(sizeof(*name) + strlen(text) + 1);
	if (name == NULL)
		return NULL;
	memcpy(name->text, text, strlen(text) + 1);
	name->resolver = r;
	list_init(&name->waiting);
	if (!map_add(&r->names, &name->in_names, hash)) {
		mem_free(name);
		return NULL;
	}
	list_add_last(&r->by_use, &name->in_use);
	name->zone = zone_enter(r, text);
	if (r->names.count == 1)
		timer_set(r->upkeep, UPKEEP_PERIOD);
	return name;
}

struct lookup *
resolve(struct resolver *r, const char *text, resolve_fn done, void *owner)
{
	struct lookup *lookup;
	struct name *name;

	if (text[0] == '\0' || strlen(text) > NAME_MOST) {
		done(owner, NULL, 0, "not a host name");
		return NULL;
	}
	name = name_of(r, text);
	if (name == NULL) {
		done(owner, NULL, 0, "out of memory");
		return NULL;
	}
	/* an answer that is being told must not be replaced */
	if (name->telling == 0 && name->fresh_until <= loop_now(r->loop))
		name_ask(name);
	/* what the hosts file says comes at once; what is not expired will do */
	if (!name->asking ||
	    (name->answer.count > 0 && (name->spent || name->fresh_until > loop_now(r->loop)))) {
		tell(name, done, owner);
		return NULL;
	}
	lookup = mem_new(sizeof(*lookup));
	if (lookup == NULL) {
		done(owner, NULL, 0, "out of memory");
		return NULL;
	}
	lookup->done = done;
	lookup->owner = owner;
	list_add_last(&name->waiting, &lookup->in_name);
	return lookup;
}

void
resolve_cancel(struct lookup *lookup)
{
	list_remove(&lookup->in_name);
	mem_free(lookup);
}

/* --- questions --- */

void
name_ask(struct name *name)
{
	struct resolver *r = name->resolver;
	struct channel *channel;

	if (name->asking)
		return;
	channel = resolver_channel(r);
	if (channel == NULL) {
		name->why = "c-ares refused to begin";
		return;
	}
	name->asking = true;
	name->spent = false;
	if (name->answer.count > 0 && name->patience == NULL)
		name->patience = timer_new(r->loop, on_spent, name);
	if (name->answer.count > 0 && name->patience != NULL)
		timer_set(name->patience, REFRESH_MOST);
	channel_ask_addrs(channel, name->text, on_answer, name);
}

/* The refresh takes long: the old answer is better than none. */
static void
on_spent(void *owner)
{
	struct name *name = owner;

	name->spent = true;
	tell_all(name);
}

/* Ask for what is about to expire and still used. */
static void
refresh_names(struct resolver *r, usec_t now)
{
	unsigned looked_at = 0;

	LIST_EACH(node, &r->by_use) {
		struct name *name = CONTAINER_OF(node, struct name, in_use);

		if (name->answer.count == 0 || name->asking || name->telling > 0 ||
		    now < name->refresh_at)
			continue;
		if (name_is_used(name))
			name_ask(name);
		else
			name->refresh_at = now + r->limits.refresh_least;
		/* others are due in a second still */
		if (++looked_at == UPKEEP_MOST)
			return;
	}
}

static void
on_upkeep(void *owner)
{
	struct resolver *r = owner;
	usec_t now = loop_now(r->loop);

	refresh_names(r, now);
	if (r->limits.zone_period > 0)
		zones_upkeep(r, now);
	if (r->names.count > 0)
		timer_set(r->upkeep, UPKEEP_PERIOD);
}

/* --- answers --- */

/* Copy INFO's addresses into NAME. False, and nothing changes, if there is none. CHANGED: they are others than before. */
static bool
take_addrs(struct name *name, const struct ares_addrinfo *info, usec_t *ttl, bool *changed)
{
	const struct resolver_limits *limits = &name->resolver->limits;
	struct answer answer;

	if (!answer_read(&answer, info))
		return false;
	*ttl = answer.life;
	if (*ttl < limits->ttl_least)
		*ttl = limits->ttl_least;
	/* one kind of address has gone: perhaps only its part of the answer is missing, so ask again */
	name->doubted = !name->doubted && answer_keep_kinds(&answer, &name->answer);
	if (name->doubted)
		*ttl = limits->ttl_least;
	if (*ttl > limits->ttl_most)
		*ttl = limits->ttl_most;
	*changed = !answer_same(&answer, &name->answer);
	answer_free(&name->answer);
	name->answer = answer;
	return true;
}

/* Say so in the log when trouble with NAME begins, and when it ends. */
static void
note_trouble(struct name *name, bool failing)
{
	char text[NAME_MOST * 4 + 1];

	if (name->failing == failing)
		return;
	name->failing = failing;
	log_escape(span_text(name->text), text, sizeof(text));
	if (!failing)
		log_line(LOG_LEVEL_LOG, NULL, "DNS lookup works again: %s", text);
	else
		log_line(LOG_LEVEL_WARNING, NULL, "DNS lookup failed: %s: %s%s", text, name->why,
		    name->answer.count > 0 ? "; its last addresses stay in use" : "");
}

static void
set_life(struct name *name, usec_t ttl)
{
	usec_t now = loop_now(name->resolver->loop);
	usec_t least = name->resolver->limits.refresh_least;

	name->fresh_until = now + ttl;
	name->refresh_at = now + (ttl > least + UPKEEP_PERIOD ? ttl - UPKEEP_PERIOD : least);
}

static void
on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
	struct name *name = arg;
	struct resolver *r = name->resolver;
	bool well = false, changed = false;
	usec_t ttl = 0;

	(void)timeouts;
	name->asking = false;
	if (status == ARES_EDESTRUCTION && !r->ending) {
		name_ask(name);
		return;
	}
	name->why = ares_strerror(status);
	if (name->patience != NULL)
		timer_stop(name->patience);
	if (status == ARES_SUCCESS) {
		well = take_addrs(name, info, &ttl, &changed);
		name->why = "it has no address";
	}
	if (info != NULL)
		ares_freeaddrinfo(info);
	if (r->ending)
		return;
	set_life(name, well ? ttl : r->limits.ttl_negative);
	note_trouble(name, !well);
	tell_all(name);
	if (!changed || r->user == NULL)
		return;
	name->telling++;
	r->user->changed(r->user_owner, name->text, name->answer.addrs, name->answer.count);
	name->telling--;
}

static void
tell(struct name *name, resolve_fn done, void *owner)
{
	name->telling++;
	done(owner, name->answer.addrs, name->answer.count, name->answer.count == 0 ? name->why : NULL);
	name->telling--;
}

/* Answer who waits now; who comes in a callback is answered by resolve() or waits. */
static void
tell_all(struct name *name)
{
	struct list due;

	list_init(&due);
	list_join(&due, &name->waiting);
	name->telling++;
	while (!list_empty(&due)) {
		struct lookup *lookup = CONTAINER_OF(due.head.next, struct lookup,
		    in_name);
		resolve_fn done = lookup->done;
		void *owner = lookup->owner;

		resolve_cancel(lookup);
		tell(name, done, owner);
	}
	name->telling--;
}

/* --- for people --- */

void
resolver_each_name(struct resolver *r,
    void (*fn)(void *owner, const struct resolver_name *name), void *owner)
{
	usec_t now = loop_now(r->loop);

	LIST_EACH(node, &r->by_use) {
		const struct name *name = CONTAINER_OF(node, struct name, in_use);

		fn(owner, &(struct resolver_name){ .name = name->text,
		    .left = name->fresh_until > now ? name->fresh_until - now : 0,
		    .addrs = name->answer.addrs, .count = name->answer.count,
		     .asking = name->asking });
	}
}
