/*
 * resolve.c - host names to addresses. c-ares asks; libevent watches its sockets; answers
 * live here for their time to live. One query a name is under way at most, and a name
 * that cannot be refreshed keeps its last answer.
 */
#include "net/resolve.h"

#include <ares.h>
#include <event2/event.h>
#include <netdb.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "net/loop_private.h"

/* Names remembered; beyond that those asked longest ago are forgotten. */
#define NAMES_MOST 1000
/* Addresses of one name; the rest of an answer is ignored. */
#define ADDRS_MOST 64
#define NAME_MOST 255
/* One try with one server, and tries. */
#define TRY_MSEC 2000
#define TRIES 3
/* Who has an old answer waits no longer than this for a new one. */
#define REFRESH_MOST SECOND

struct resolver {
	struct loop	*loop;		/* borrowed */
	ares_channel	 channel;	/* owned */
	bool		 ending;	/* no new queries: the loop is going */
	usec_t		 ttl_least, ttl_most, ttl_negative;
	struct map	 names;		/* struct name */
	struct list	 by_use;	/* the same, asked longest ago first */
	struct list	 sockets;	/* struct ares_socket */
	struct timer	*timer;		/* owned; c-ares wants to be called */
};

/* What is known of a host name. */
struct name {
	struct map_node	 in_names;
	struct node	 in_use;
	struct resolver	*resolver;	/* borrowed */
	struct list	 waiting;	/* struct lookup */
	struct timer	*patience;	/* owned; while a query is to refresh an answer */
	bool		 asking;	/* a query is under way */
	bool		 spent;		/* patience is: the old answer will do */
	unsigned	 telling;	/* callbacks that are running */
	usec_t		 fresh_until;
	struct addr	*addrs;		/* owned; the last good answer */
	unsigned	 count;
	const char	*why;		/* constant; of the last failure */
	char		 text[];
};

struct lookup {
	struct node	 in_name;
	resolve_fn	 done;
	void		*owner;		/* borrowed */
};

/* A socket of c-ares's own and the event that watches it. */
struct ares_socket {
	struct node	 in_resolver;
	struct resolver	*resolver;	/* borrowed */
	ares_socket_t	 fd;
	struct event	*event;		/* owned */
};

static pthread_once_t ares_once = PTHREAD_ONCE_INIT;

static bool open_channel(struct resolver *r, const char *resolv_conf,
    const char *servers);
static void resolver_free(void *ptr);
static void on_timer(void *owner);
static void set_timer(struct resolver *r);
static void name_free(struct name *name);
static void ask(struct name *name);
static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *info);
static void on_spent(void *owner);
static void tell(struct name *name, resolve_fn done, void *owner);
static void tell_all(struct name *name);

/* --- the resolver of a loop --- */

static void
init_ares(void)
{
	ares_library_init(ARES_LIB_INIT_ALL);
}

struct resolver *
resolver_of(struct loop *loop)
{
	struct loop_slot *slot = loop_resolver_slot(loop);
	struct resolver *r;

	if (slot->ptr != NULL)
		return slot->ptr;
	pthread_once(&ares_once, init_ares);
	r = mem_new(sizeof(*r));
	if (r == NULL)
		return NULL;
	r->loop = loop;
	r->ttl_least = SECOND;
	r->ttl_most = r->ttl_negative = 15 * SECOND;
	list_init(&r->by_use);
	list_init(&r->sockets);
	r->timer = timer_new(loop, on_timer, r);
	if (r->timer == NULL || !open_channel(r, NULL, NULL)) {
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
	if (r->channel != NULL)
		ares_destroy(r->channel);
	LIST_EACH(node, &r->by_use)
		name_free(CONTAINER_OF(node, struct name, in_use));
	map_fini(&r->names);
	timer_free(r->timer);
	mem_free(r);
}

void
resolver_set_lives(struct resolver *r, usec_t most, usec_t negative)
{
	if (most > 0)
		r->ttl_most = most;
	if (negative > 0)
		r->ttl_negative = negative;
}

void
resolver_set_limits(struct resolver *r, const struct resolver_limits *limits)
{
	ares_channel old = r->channel;

	r->ttl_least = limits->ttl_least;
	r->ttl_most = limits->ttl_most;
	r->ttl_negative = limits->ttl_negative;
	/* reads the system's files anew; open questions are asked again there */
	if (open_channel(r, limits->resolv_conf, limits->servers))
		ares_destroy(old);
}

const char *
resolve_version(void)
{
	return "c-ares " ARES_VERSION_STR;
}

/* --- c-ares on libevent --- */

static void
on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct ares_socket *s = arg;
	struct resolver *r = s->resolver;	/* S may go in the call */

	ares_process_fd(r->channel, (what & EV_READ) != 0 ? fd : ARES_SOCKET_BAD,
	    (what & EV_WRITE) != 0 ? fd : ARES_SOCKET_BAD);
	set_timer(r);
}

static struct ares_socket *
socket_of(struct resolver *r, ares_socket_t fd)
{
	LIST_EACH(node, &r->sockets) {
		struct ares_socket *s = CONTAINER_OF(node, struct ares_socket,
		    in_resolver);

		if (s->fd == fd)
			return s;
	}
	return NULL;
}

/* c-ares wants to know when FD is READABLE, WRITABLE; neither: it is about to close. */
static void
watch(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct resolver *r = arg;
	struct ares_socket *s = socket_of(r, fd);
	short what = (short)((readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));

	if (s != NULL && s->event != NULL)
		event_free(s->event);
	if (what == 0) {
		if (s != NULL)
			list_remove(&s->in_resolver);
		mem_free(s);
		return;
	}
	if (s == NULL) {
		s = mem_new(sizeof(*s));
		if (s == NULL)
			return;		/* the query will time out */
		s->resolver = r;
		s->fd = fd;
		list_add_last(&r->sockets, &s->in_resolver);
	}
	s->event = event_new(loop_base(r->loop), fd, what | EV_PERSIST, on_socket, s);
	if (s->event != NULL)
		event_add(s->event, NULL);
}

static void
on_timer(void *owner)
{
	struct resolver *r = owner;

	ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	set_timer(r);
}

static void
set_timer(struct resolver *r)
{
	struct timeval space, *tv = ares_timeout(r->channel, NULL, &space);

	if (tv == NULL)
		timer_stop(r->timer);
	else
		timer_set(r->timer, (usec_t)tv->tv_sec * SECOND + (usec_t)tv->tv_usec);
}

/* Make the channel that asks from now on. False: the present one stays. */
static bool
open_channel(struct resolver *r, const char *resolv_conf, const char *servers)
{
	int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
	struct ares_options options = {
		.timeout = TRY_MSEC,
		.tries = TRIES,
		.sock_state_cb = watch,
		.sock_state_cb_data = r,
	};
	ares_channel channel;
	char *path = NULL;

	if (resolv_conf != NULL && resolv_conf[0] != '\0') {
		path = mem_copy_text(resolv_conf, strlen(resolv_conf));
		if (path == NULL)
			return false;
		options.resolvconf_path = path;
		mask |= ARES_OPT_RESOLVCONF;
	}
	if (ares_init_options(&channel, &options, mask) != ARES_SUCCESS) {
		mem_free(path);
		return false;
	}
	mem_free(path);
	if (servers != NULL && servers[0] != '\0' &&
	    ares_set_servers_ports_csv(channel, servers) != ARES_SUCCESS) {
		ares_destroy(channel);
		return false;
	}
	r->channel = channel;
	return true;
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
	mem_free(name->addrs);
	mem_free(name);
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
	if (!name->asking && name->telling == 0 && name->fresh_until <= loop_now(r->loop))
		ask(name);
	/* what the hosts file says comes at once */
	if (!name->asking || (name->spent && name->count > 0)) {
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

/* --- questions and answers --- */

static void
ask(struct name *name)
{
	struct resolver *r = name->resolver;
	struct ares_addrinfo_hints hints = {
		.ai_flags = ARES_AI_NOSORT,
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
	};

	name->asking = true;
	name->spent = false;
	if (name->count > 0 && name->patience == NULL)
		name->patience = timer_new(r->loop, on_spent, name);
	if (name->count > 0 && name->patience != NULL)
		timer_set(name->patience, REFRESH_MOST);
	ares_getaddrinfo(r->channel, name->text, NULL, &hints, on_answer, name);
	set_timer(r);
}

/* Copy INFO's addresses into NAME. False, and nothing changes, if there is none. */
static bool
take_addrs(struct name *name, const struct ares_addrinfo *info, usec_t *ttl)
{
	struct addr *addrs = mem_new(ADDRS_MOST * sizeof(*addrs));
	unsigned count = 0;

	*ttl = name->resolver->ttl_most;
	if (addrs == NULL)
		return false;
	for (struct ares_addrinfo_node *n = info->nodes; n != NULL; n = n->ai_next) {
		usec_t life = n->ai_ttl > 0 ? (usec_t)n->ai_ttl * SECOND : 0;

		if (count == ADDRS_MOST)
			break;
		addr_from_sockaddr(&addrs[count], n->ai_addr, n->ai_addrlen);
		if (addrs[count].kind == ADDR_NONE)
			continue;
		addrs[count++].port = 0;
		if (life < *ttl)
			*ttl = life;
	}
	if (count == 0) {
		mem_free(addrs);
		return false;
	}
	mem_free(name->addrs);
	name->addrs = mem_resize(addrs, count * sizeof(*addrs));
	if (name->addrs == NULL)
		name->addrs = addrs;
	name->count = count;
	return true;
}

static void
on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
	struct name *name = arg;
	struct resolver *r = name->resolver;
	usec_t ttl = r->ttl_negative;

	(void)timeouts;
	if (status == ARES_EDESTRUCTION && !r->ending) {
		ask(name);
		return;
	}
	name->asking = false;
	name->why = ares_strerror(status);
	if (name->patience != NULL)
		timer_stop(name->patience);
	if (status == ARES_SUCCESS) {
		if (!take_addrs(name, info, &ttl)) {
			name->why = "it has no address";
			ttl = r->ttl_negative;
		} else if (ttl < r->ttl_least) {
			ttl = r->ttl_least;
		}
	}
	if (info != NULL)
		ares_freeaddrinfo(info);
	name->fresh_until = loop_now(r->loop) + ttl;
	if (!r->ending)
		tell_all(name);
}

/* The refresh takes long: the old answer is better than none. */
static void
on_spent(void *owner)
{
	struct name *name = owner;

	name->spent = true;
	tell_all(name);
}

static void
tell(struct name *name, resolve_fn done, void *owner)
{
	name->telling++;
	done(owner, name->addrs, name->count, name->count == 0 ? name->why : NULL);
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
