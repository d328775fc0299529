/*
 * listen.c - listening sockets: open what an address stands for, take connections, rest
 * when descriptors run out, leave no file behind. Unix sockets and those that somebody
 * else has opened are listen_local.c's part; what becomes of a connection is the owner's
 * business.
 */
#include "net/listen.h"

#include <errno.h>
#include <linux/filter.h>
#include <event2/event.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/dial.h"
#include "net/listen_private.h"
#include "net/loop_private.h"
#include "net/unix_path.h"

/* Connections taken in a turn, so that the others are not forgotten. */
#define TAKE_MOST 64u
/* After so many turns in a row with as many as we took there may be more. */
#define GROW_AFTER 2u
/* Connections of one socket taken before it is closed: the longest queue a kernel keeps. */
#define DRAIN_MOST 65536u
#define REST SECOND

static bool open_tcp(struct listener *l, const struct listen_on *on, struct err *e);
static void on_connection(evutil_socket_t fd, short what, void *arg);
static bool take_one(struct listening *s);
static void rest_over(void *owner);
static void set_accepting(struct listener *l);

struct listener *
listen_new(struct loop *loop, uint16_t port, accept_fn fn, void *owner, struct err *e)
{
	struct listener *l = mem_new(sizeof(*l));

	if (l != NULL) {
		l->fn = fn;
		l->owner = owner;
		l->loop = loop;
		l->port = port;
		l->rest = timer_new(loop, rest_over, l);
		if (l->rest != NULL)
			return l;
	}
	listen_close(l);
	err_set(e, SQLSTATE_NO_MEMORY, "cannot listen: out of memory");
	return NULL;
}

struct listener *
listen_open(struct loop *loop, const struct listen_on *on, accept_fn fn, void *owner,
    struct err *e)
{
	struct listener *l = listen_new(loop, on->port, fn, owner, e);

	if (l == NULL)
		return NULL;
	if (on->addr != NULL ? !open_tcp(l, on, e) : !listen_open_unix(l, on, e)) {
		listen_close(l);
		return NULL;
	}
	return l;
}

void
listen_close(struct listener *l)
{
	struct stat now;

	if (l == NULL)
		return;
	if (l->closed != NULL)
		*l->closed = true;
	for (unsigned i = 0; i < l->count; i++) {
		event_free(l->sockets[i].event);
		close(l->sockets[i].fd);
	}
	/* another process may have taken the place since */
	if (l->path != NULL && lstat(l->path, &now) == 0 &&
	    now.st_dev == l->file.st_dev && now.st_ino == l->file.st_ino)
		unlink(l->path);
	timer_free(l->rest);
	mem_free(l->path);
	buf_fini(&l->text);
	mem_free(l);
}

const char *
listen_text(const struct listener *l)
{
	return l->text.at != NULL ? l->text.at : "";
}

bool
listen_is_tcp(const struct listener *l)
{
	return l->sockets[0].at.kind != ADDR_UNIX;
}

void
listen_pause(struct listener *l, bool paused)
{
	l->paused = paused;
	set_accepting(l);
}

/* --- TCP --- */

static void
set_int(int fd, int level, int option, int value)
{
	setsockopt(fd, level, option, &value, sizeof(value));
}

/* What a TCP socket has of OPTION when nobody sets it. */
static int
system_value(int option)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), value = 0;
	socklen_t len = sizeof(value);

	if (fd < 0 || getsockopt(fd, IPPROTO_TCP, option, &value, &len) != 0)
		value = 0;
	if (fd >= 0)
		close(fd);
	return value;
}

/* What an earlier configuration set goes back to the system's value; but buffers once set stay fixed. */
static void
untune(int fd, const struct socket_options *o, int defer_accept)
{
	if (!o->keepalive)
		set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 0);
	if (o->keepidle == 0)
		set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, system_value(TCP_KEEPIDLE));
	if (o->keepintvl == 0)
		set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, system_value(TCP_KEEPINTVL));
	if (o->keepcnt == 0)
		set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, system_value(TCP_KEEPCNT));
	if (o->user_timeout == 0)
		set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 0);
	if (defer_accept == 0)
		set_int(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 0);
}

static void
tune(int fd, const struct socket_options *options, int defer_accept)
{
	untune(fd, options, defer_accept);
	socket_tune(fd, options);
	if (defer_accept > 0)
		set_int(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, defer_accept);
}

void
listen_tune(struct listener *l, const struct socket_options *options, int defer_accept)
{
	for (unsigned i = 0; i < l->count; i++)
		if (l->sockets[i].at.kind != ADDR_UNIX)
			tune(l->sockets[i].fd, options, defer_accept);
}

/* Listen at AT (port 0: any; the next socket takes the same). False: errno says why. */
static bool
listen_at(struct listener *l, const struct listen_on *on, struct addr *at)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int fd, saved;

	at->port = l->port;
	len = addr_to_sockaddr(at, &ss);
	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (at->kind == ADDR_IP6)
		set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (on->reuse_port)
		set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (on->options != NULL)
		tune(fd, on->options, on->defer_accept);
	if (bind(fd, (struct sockaddr *)&ss, len) != 0 || listen(fd, on->backlog) != 0)
		goto fail;
	len = sizeof(ss);
	if (getsockname(fd, (struct sockaddr *)&ss, &len) != 0)
		goto fail;
	addr_from_sockaddr(at, (struct sockaddr *)&ss, len);
	if (!listen_add(l, fd, at)) {
		errno = ENOMEM;
		goto fail;
	}
	l->port = at->port;
	return true;
fail:
	saved = errno;
	close(fd);
	errno = saved;
	return false;
}

/* Is this machine without the protocol of that address? */
static bool
is_not_here(int error)
{
	return error == EAFNOSUPPORT || error == EADDRNOTAVAIL;
}

/* Listen at all COUNT addresses of ADDRS; those that cannot be had are warned about. */
static bool
listen_at_all(struct listener *l, const struct listen_on *on, struct addr *addrs,
    unsigned count, struct err *e)
{
	bool every = strcmp(on->addr, "*") == 0;
	char text[80];

	for (unsigned i = 0; i < count; i++) {
		int error = listen_at(l, on, &addrs[i]) ? 0 : errno;

		if (error == 0)
			continue;
		err_set(e, SQLSTATE_CONFIG, "cannot listen on %s: %s",
		    addr_text(&addrs[i], text), strerror(error));
		if (!every || !is_not_here(error))
			log_line(LOG_LEVEL_WARNING, NULL, "cannot listen on %s: %s", text,
			    strerror(error));
	}
	return l->count > 0;
}

/* The addresses that NAME stands for, once each, into ADDRS; how many. */
static unsigned
look_up(const char *name, struct addr *addrs, struct err *e)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
	struct addrinfo *found;
	int error = getaddrinfo(name, NULL, &hints, &found);
	unsigned count = 0;

	if (error != 0) {
		err_set(e, SQLSTATE_CONFIG, "cannot listen on \"%s\": %s", name,
		    error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
		return 0;
	}
	for (struct addrinfo *f = found; f != NULL && count < SOCKETS_MOST;
	     f = f->ai_next) {
		unsigned i = 0;

		addr_from_sockaddr(&addrs[count], f->ai_addr, f->ai_addrlen);
		while (i < count && !addr_same(&addrs[i], &addrs[count]))
			i++;
		if (i == count && addrs[count].kind != ADDR_NONE)
			count++;
	}
	freeaddrinfo(found);
	if (count == 0)
		err_set(e, SQLSTATE_CONFIG, "cannot listen on \"%s\": it has no address",
		    name);
	return count;
}

static bool
open_tcp(struct listener *l, const struct listen_on *on, struct err *e)
{
	struct addr addrs[SOCKETS_MOST];
	unsigned count;

	if (strcmp(on->addr, "*") == 0) {
		addrs[0] = (struct addr){ .kind = ADDR_IP4, .u.ip4.s_addr = INADDR_ANY };
		addrs[1] = (struct addr){ .kind = ADDR_IP6, .u.ip6 = IN6ADDR_ANY_INIT };
		count = 2;
	} else if (addr_parse_ip(&addrs[0], span_text(on->addr), on->port)) {
		count = 1;
	} else {
		count = look_up(on->addr, addrs, e);
	}
	return count > 0 && listen_at_all(l, on, addrs, count, e);
}

/* --- taking connections --- */

bool
listen_add(struct listener *l, int fd, const struct addr *at)
{
	struct listening *s = &l->sockets[l->count];
	char text[80];

	s->event = event_new(loop_base(l->loop), fd, EV_READ | EV_PERSIST, on_connection,
	    s);
	if (s->event == NULL)
		return false;
	if (event_add(s->event, NULL) != 0) {
		event_free(s->event);
		return false;
	}
	s->listener = l;
	s->fd = fd;
	s->most = 1;
	s->at = *at;
	buf_printf(&l->text, "%s%s", l->count > 0 ? ", " : "", addr_text(at, text));
	buf_text(&l->text);
	l->count++;
	return true;
}

/* Accept costs most where there is nobody: one at a time while they come singly, many while they come in crowds. */
static void
pace(struct listening *s, unsigned taken)
{
	if (taken < s->most) {
		s->most = taken > 0 ? taken : 1;
		s->full = 0;
	} else if (++s->full >= GROW_AFTER) {
		s->most = 2 * s->most < TAKE_MOST ? 2 * s->most : TAKE_MOST;
		s->full = 0;
	}
}

static void
on_connection(evutil_socket_t fd, short what, void *arg)
{
	struct listening *s = arg;
	struct listener *l = s->listener;
	unsigned taken = 0;
	bool closed = false;

	(void)fd;
	(void)what;
	l->closed = &closed;
	while (taken < s->most && !l->paused && take_one(s)) {
		if (closed)
			return;
		taken++;
	}
	l->closed = NULL;
	pace(s, taken);
}

/* Stop accepting for a while: there is nothing to accept with. */
static void
take_rest(struct listening *s, int error)
{
	struct listener *l = s->listener;

	log_line(LOG_LEVEL_ERROR, NULL,
	    "cannot accept connections on %s: %s, trying again in 1 s", listen_text(l),
	    strerror(error));
	l->resting = true;
	timer_set(l->rest, REST);
	set_accepting(l);
}

/* Take a connection and hand it over. False: there is none, or a rest has begun. */
static bool
take_one(struct listening *s)
{
	struct listener *l = s->listener;
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct addr peer;
	int fd = accept4(s->fd, (struct sockaddr *)&ss, &len,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0) {
		if (errno == EAGAIN)
			return false;
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		    errno == ENOMEM) {
			take_rest(s, errno);
			return false;
		}
		return true;	/* that one has gone already */
	}
	if (s->at.kind == ADDR_UNIX) {
		unix_path_peer(fd, &peer);
		peer.port = s->at.port;
	} else {
		addr_from_sockaddr(&peer, (struct sockaddr *)&ss, len);
	}
	l->fn(l->owner, fd, &peer);
	return true;
}

/* A filter on the listener sees what is sent to it, from the TCP header on. */
bool
listen_ebb(struct listener *l)
{
	static struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),		/* the flags */
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, TH_SYN | TH_ACK),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TH_SYN, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),			/* a new one: drop */
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),		/* all of it passes */
	};
	struct sock_fprog filter = { ARRAY_SIZE(program), program };
	bool done = true;

	for (unsigned i = 0; i < l->count; i++) {
		if (l->sockets[i].at.kind == ADDR_UNIX)
			continue;
		set_int(l->sockets[i].fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 0);
		if (setsockopt(l->sockets[i].fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter,
			sizeof(filter)) != 0)
			done = false;
	}
	return done;
}

/* Between the last accept and the close nothing else is done. */
void
listen_close_drained(struct listener *l)
{
	while (l->count > 0) {
		struct listening *s = &l->sockets[l->count - 1];
		unsigned left = DRAIN_MOST;

		event_del(s->event);
		while (left-- > 0 && take_one(s))
			;
		close(s->fd);
		event_free(s->event);
		l->count--;
	}
	listen_close(l);
}

static void
rest_over(void *owner)
{
	struct listener *l = owner;

	l->resting = false;
	set_accepting(l);
}

static void
set_accepting(struct listener *l)
{
	for (unsigned i = 0; i < l->count; i++) {
		if (l->paused || l->resting)
			event_del(l->sockets[i].event);
		else
			event_add(l->sockets[i].event, NULL);
	}
}
