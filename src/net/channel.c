/*
 * channel.c - c-ares on a loop: libevent watches its sockets, a timer wakes it. What is
 * asked and what becomes of answers is resolve.c's and zones.c's.
 */
#include "net/channel.h"

#include <event2/event.h>
#include <netdb.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#include "base/list.h"
#include "base/mem.h"
#include "net/loop_private.h"

/* One try with one server, and tries. */
#define TRY_MSEC 2000
#define TRIES 3

struct channel {
	struct loop	*loop;		/* borrowed */
	ares_channel	 ares;		/* owned; NULL: not open */
	struct list	 sockets;	/* struct ares_socket */
	struct timer	*timer;		/* owned; c-ares wants to be called */
};

/* A socket of c-ares's own and the event that watches it. */
struct ares_socket {
	struct node	 in_channel;
	struct channel	*channel;	/* borrowed */
	ares_channel	 ares;		/* whose it is: two are open while one follows the other */
	ares_socket_t	 fd;
	struct event	*event;		/* owned */
};

static pthread_once_t ares_once = PTHREAD_ONCE_INIT;

static void on_timer(void *owner);
static void set_timer(struct channel *c);

static void
init_ares(void)
{
	ares_library_init(ARES_LIB_INIT_ALL);
}

struct channel *
channel_new(struct loop *loop)
{
	struct channel *c = mem_new(sizeof(*c));

	if (c == NULL)
		return NULL;
	pthread_once(&ares_once, init_ares);
	c->loop = loop;
	list_init(&c->sockets);
	c->timer = timer_new(loop, on_timer, c);
	if (c->timer == NULL) {
		mem_free(c);
		return NULL;
	}
	return c;
}

void
channel_free(struct channel *c)
{
	if (c == NULL)
		return;
	if (c->ares != NULL)
		ares_destroy(c->ares);
	timer_free(c->timer);
	mem_free(c);
}

bool
channel_is_open(const struct channel *c)
{
	return c->ares != NULL;
}

/* --- its sockets and its clock --- */

static void
on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct ares_socket *s = arg;
	struct channel *c = s->channel;		/* S may go in the call */

	ares_process_fd(s->ares, (what & EV_READ) != 0 ? fd : ARES_SOCKET_BAD,
	    (what & EV_WRITE) != 0 ? fd : ARES_SOCKET_BAD);
	set_timer(c);
}

static struct ares_socket *
socket_of(struct channel *c, ares_socket_t fd)
{
	LIST_EACH(node, &c->sockets) {
		struct ares_socket *s = CONTAINER_OF(node, struct ares_socket,
		    in_channel);

		if (s->fd == fd)
			return s;
	}
	return NULL;
}

/* c-ares wants to know when FD is READABLE, WRITABLE; neither: it is about to close. */
static void
watch(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct channel *c = arg;
	struct ares_socket *s = socket_of(c, fd);
	short what = (short)((readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));

	if (s != NULL && s->event != NULL)
		event_free(s->event);
	if (what == 0) {
		if (s != NULL)
			list_remove(&s->in_channel);
		mem_free(s);
		return;
	}
	if (s == NULL) {
		s = mem_new(sizeof(*s));
		if (s == NULL)
			return;		/* the query will time out */
		s->channel = c;
		s->ares = c->ares;
		s->fd = fd;
		list_add_last(&c->sockets, &s->in_channel);
	}
	s->event = event_new(loop_base(c->loop), fd, what | EV_PERSIST, on_socket, s);
	if (s->event != NULL)
		event_add(s->event, NULL);
}

static void
on_timer(void *owner)
{
	struct channel *c = owner;

	ares_process_fd(c->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	set_timer(c);
}

static void
set_timer(struct channel *c)
{
	struct timeval space, *tv = ares_timeout(c->ares, NULL, &space);

	if (tv == NULL)
		timer_stop(c->timer);
	else
		timer_set(c->timer, (usec_t)tv->tv_sec * SECOND + (usec_t)tv->tv_usec);
}

/* --- whom to ask --- */

static ares_channel
make_ares(struct channel *c, const char *resolv_conf, const char *servers)
{
	int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
	struct ares_options options = {
		.timeout = TRY_MSEC,
		.tries = TRIES,
		.sock_state_cb = watch,
		.sock_state_cb_data = c,
	};
	ares_channel made;
	char *path = NULL;
	int status;

	if (resolv_conf != NULL && resolv_conf[0] != '\0') {
		path = mem_copy_text(resolv_conf, strlen(resolv_conf));
		if (path == NULL)
			return NULL;
		options.resolvconf_path = path;
		mask |= ARES_OPT_RESOLVCONF;
	}
	status = ares_init_options(&made, &options, mask);
	mem_free(path);
	if (status != ARES_SUCCESS)
		return NULL;
	if (servers == NULL || servers[0] == '\0' ||
	    ares_set_servers_ports_csv(made, servers) == ARES_SUCCESS)
		return made;
	ares_destroy(made);
	return NULL;
}

bool
channel_open(struct channel *c, const char *resolv_conf, const char *servers)
{
	ares_channel before = c->ares, now = make_ares(c, resolv_conf, servers);

	if (now == NULL)
		return false;
	c->ares = now;
	if (before != NULL)
		ares_destroy(before);
	return true;
}

/* --- asking --- */

void
channel_ask_addrs(struct channel *c, const char *name, ares_addrinfo_callback done,
    void *arg)
{
	struct ares_addrinfo_hints hints = {
		.ai_flags = ARES_AI_NOSORT,
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
	};

	ares_getaddrinfo(c->ares, name, NULL, &hints, done, arg);
	set_timer(c);
}

void
channel_ask_soa(struct channel *c, const char *zone, ares_callback done, void *arg)
{
	enum { CLASS_IN = 1, TYPE_SOA = 6 };	/* RFC 1035 3.2 */

	ares_query(c->ares, zone, CLASS_IN, TYPE_SOA, done, arg);
	set_timer(c);
}
