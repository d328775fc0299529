/*
 * gate.c - the listening sockets of metrics_listen: open what is wished for, close what is
 * not any more, try again what could not be had. Who comes in is guest.c's business.
 */
#include "web/gate.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "conf/web.h"

#define BACKLOG 64

/* --- one gate --- */

/* There are no descriptors to accept with: turning for nothing would not help. */
static void
on_accept_error(struct evconnlistener *listener, void *http)
{
	(void)http;
	log_line(LOG_LEVEL_ERROR, NULL,
	    "cannot accept connections for metrics: %s, trying again in 1 s", strerror(errno));
	evconnlistener_disable(listener);
}

/* A listening socket at AT; below 0: errno says why not. */
static int
listen_at(const struct addr *at)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(at, &ss);
	int on = 1, saved;
	int fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (at->kind == ADDR_IP6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&ss, len) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static void
announce(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct addr at;
	char text[80];

	if (getsockname(fd, (struct sockaddr *)&ss, &len) != 0)
		return;
	addr_from_sockaddr(&at, (struct sockaddr *)&ss, len);
	log_line(LOG_LEVEL_LOG, NULL, "metrics at %s", addr_text(&at, text));
}

/* False: E says why not. */
static bool
gate_open(struct gates *g, struct gate *gate, struct err *e)
{
	char text[80];
	int fd = listen_at(&gate->wish);

	if (fd < 0)
		return err_set(e, SQLSTATE_CONFIG, "metrics_listen: cannot listen on %s: %s",
		    addr_text(&gate->wish, text), strerror(errno));
	gate->bound = evhttp_accept_socket_with_handle(g->http, fd);
	if (gate->bound == NULL) {
		close(fd);
		return err_set(e, SQLSTATE_NO_MEMORY, "out of memory");
	}
	evconnlistener_set_error_cb(evhttp_bound_socket_get_listener(gate->bound),
	    on_accept_error);
	announce(fd);
	return true;
}

/* --- all --- */

/* See to it that AT is among the gates. */
static bool
want(struct gates *g, const struct addr *at, struct err *e)
{
	struct gate *gate;

	for (unsigned i = 0; i < g->count; i++) {
		if (addr_same(&g->each[i].wish, at)) {
			g->each[i].wanted = true;
			return true;
		}
	}
	if (g->count == GATES_MOST)
		return err_set(e, SQLSTATE_CONFIG, "metrics_listen: expected at most %u addresses",
		    GATES_MOST);
	gate = &g->each[g->count];
	*gate = (struct gate){ .wish = *at, .wanted = true };
	if (!gate_open(g, gate, e))
		return false;
	g->count++;
	return true;
}

/* The same for every address NAME has. */
static bool
want_name(struct gates *g, const char *name, uint16_t port, struct err *e)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
	struct addrinfo *found;
	int error = getaddrinfo(name, NULL, &hints, &found);
	bool all = true;

	if (error != 0)
		return err_set(e, SQLSTATE_CONFIG, "metrics_listen: cannot listen on \"%s\": %s",
		    name, error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
	for (struct addrinfo *f = found; f != NULL; f = f->ai_next) {
		struct addr at;

		addr_from_sockaddr(&at, f->ai_addr, f->ai_addrlen);
		at.port = port;
		all &= want(g, &at, e);
	}
	freeaddrinfo(found);
	return all;
}

/* Every address of this machine: one socket a protocol; it may have but one of them. */
static bool
want_every(struct gates *g, uint16_t port, struct err *e)
{
	struct addr four = { .kind = ADDR_IP4, .port = port, .u.ip4.s_addr = INADDR_ANY };
	struct addr six = { .kind = ADDR_IP6, .port = port, .u.ip6 = IN6ADDR_ANY_INIT };
	bool have_four = want(g, &four, e);

	if (want(g, &six, e))
		return have_four || errno == EAFNOSUPPORT;
	return have_four && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL);
}

static bool
want_address(struct gates *g, const struct web_address *a, struct err *e)
{
	char name[256];
	struct addr at;

	if (span_is(a->host, "*"))
		return want_every(g, a->port, e);
	if (addr_parse_ip(&at, a->host, a->port)) {
		at.port = a->port;
		return want(g, &at, e);
	}
	if (!span_copy(a->host, name, sizeof(name)))
		return err_set(e, SQLSTATE_CONFIG, "metrics_listen: name too long");
	return want_name(g, name, a->port, e);
}

static void
close_unwanted(struct gates *g)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < g->count; i++) {
		if (g->each[i].wanted)
			g->each[kept++] = g->each[i];
		else
			evhttp_del_accept_socket(g->http, g->each[i].bound);
	}
	g->count = kept;
}

/* Open what of the list is not open yet. */
static bool
open_wanted(struct gates *g, struct err *e)
{
	struct span rest = span_text(g->list);
	struct web_address address;

	g->missing = false;
	while (web_address_next(&rest, &address)) {
		if (!want_address(g, &address, e))
			g->missing = true;
	}
	return !g->missing;
}

bool
gates_follow(struct gates *g, const char *list, struct err *e)
{
	struct gates before = *g;
	char *copy;

	if (g->list != NULL && strcmp(g->list, list) == 0)
		return true;
	copy = mem_copy_text(list, strlen(list));
	if (copy == NULL)
		return err_set(e, SQLSTATE_NO_MEMORY, "out of memory");
	mem_free(g->list);
	g->list = copy;
	for (unsigned i = 0; i < g->count; i++)
		g->each[i].wanted = false;
	open_wanted(g, e);
	close_unwanted(g);
	/* what went may have been in the way of what came */
	return !g->missing || (before.count > 0 && open_wanted(g, e));
}

void
gates_tick(struct gates *g)
{
	struct err e;

	if (g->missing)
		open_wanted(g, &e);
	/* those that rested for want of descriptors */
	if (!g->crowded)
		gates_open(g, true);
}

void
gates_open(struct gates *g, bool open)
{
	g->crowded = !open;
	for (unsigned i = 0; i < g->count; i++) {
		struct evconnlistener *l = evhttp_bound_socket_get_listener(g->each[i].bound);

		if (open)
			evconnlistener_enable(l);
		else
			evconnlistener_disable(l);
	}
}

void
gates_fini(struct gates *g)
{
	for (unsigned i = 0; i < g->count; i++)
		g->each[i].wanted = false;
	close_unwanted(g);
	mem_free(g->list);
	g->list = NULL;
}
