/*
 * pgload_conn.c - a client's connection: open, TLS, startup, bytes in, close.
 */
#include "pgload.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void
copen(struct conn *c)
{
	int one = 1;
	struct sockaddr_storage ss;
	socklen_t sl;
	memset(&ss, 0, sizeof ss);
	if (addr[0] == '/') {
		struct sockaddr_un *u = (void *)&ss;
		u->sun_family = AF_UNIX;
		snprintf(u->sun_path, sizeof u->sun_path, "%s/.s.PGSQL.%d", addr, port);
		sl = sizeof *u;
	} else {
		struct sockaddr_in *i = (void *)&ss;
		i->sin_family = AF_INET;
		i->sin_port = htons((uint16_t)port);
		inet_pton(AF_INET, addr, &i->sin_addr);
		sl = sizeof *i;
	}
	c->t0 = now_ns();
	c->fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		die("socket");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (slow > 0) {
		int sz = 16384;
		setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &sz, sizeof sz);
	}
	if (nsrc > 1 && addr[0] != '/') {
		struct sockaddr_in b = { .sin_family = AF_INET,
			.sin_addr.s_addr = htonl(
			    0x7f000001u + (uint32_t)(c->id % nsrc)) };
		setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
		if (bind(c->fd, (void *)&b, sizeof b))
			die("bind");
	}
	c->il = c->ol = c->op = 0;
	c->skip = 0;
	c->state = ST_CONNECTING;
	n_setup++;
	if (connect(c->fd, (void *)&ss, sl) && errno != EINPROGRESS) {
		c->events = 0;
		fail(c, strerror(errno));
		return;
	}
	struct epoll_event e = { .events = EPOLLOUT, .data.ptr = c };
	c->events = EPOLLOUT;
	epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e);
}
void
cclose(struct conn *c)
{
	if (c->fd < 0)
		return;
	if (c->ssl) {
		SSL_shutdown(c->ssl);
		SSL_free(c->ssl);
		c->ssl = NULL;
		ERR_clear_error();
	}
	close(c->fd);
	c->fd = -1;
	if (c->state < ST_READY)
		n_setup--;
	else
		n_up--;
	c->state = ST_CLOSED;
}
void
fail(struct conn *c, const char *why)
{
	if (!first_error[0])
		snprintf(first_error, sizeof first_error, "client %d state %d: %s", c->id,
		    c->state, why);
	errors++;
	connect_fail++;
	cclose(c);
	if (connect_fail > 20000) {
		fprintf(stderr, "too many failures: %s\n", first_error);
		exit(1);
	}
}
static void
startup(struct conn *c)
{
	size_t a = mb(c, 0);
	o32(c, 196608);
	ostr(c, "user");
	ostr(c, user);
	ostr(c, "database");
	ostr(c, db);
	ostr(c, "client_encoding");
	ostr(c, "UTF8");
	oput(c, "", 1);
	me(c, a);
	c->state = ST_AUTH;
	oflush(c);
}
static void
established(struct conn *c)
{
	if (use_tls) {
		size_t a = mb(c, 0);
		o32(c, 80877103);
		me(c, a);
		c->state = ST_SSLREQ;
		oflush(c);
	} else
		startup(c);
}
static void
tls_step(struct conn *c)
{
	ERR_clear_error();
	int r = SSL_connect(c->ssl);
	if (r == 1) {
		startup(c);
		return;
	}
	int e = SSL_get_error(c->ssl, r);
	if (e == SSL_ERROR_WANT_READ)
		want(c, EPOLLIN);
	else if (e == SSL_ERROR_WANT_WRITE)
		want(c, EPOLLOUT);
	else
		fail(c, "tls handshake");
}
void
up(struct conn *c)
{
	n_setup--;
	n_up++;
	c->state = ST_READY;
	ready(c);
}
void
after_auth(struct conn *c)
{
	if (proto == M_PREPARED && mode != CONNECT && mode != BIG) {
		char nm[32], q[64];
		for (int i = 0; i < nstmt; i++) {
			snprintf(nm, sizeof nm, "P0_%d", i);
			stext(q, sizeof q, i);
			size_t a = mb(c, 'P');
			ostr(c, nm);
			ostr(c, q);
			o16(c, 0);
			me(c, a);
		}
		oput(c, "S\0\0\0\4", 5);
		c->state = ST_PREPARE;
		oflush(c);
	} else
		up(c);
}

/* The socket is connected, or is not. */
static void
connected(struct conn *c)
{
	int e = 0;
	socklen_t l = sizeof e;

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &e, &l);
	if (e)
		fail(c, strerror(e));
	else
		established(c);
}

/* One byte answers an SSLRequest. */
static void
tls_answer(struct conn *c)
{
	char a;
	ssize_t r = recv(c->fd, &a, 1, 0);

	if (r != 1 || a != 'S') {
		fail(c, "TLS refused");
		return;
	}
	c->ssl = SSL_new(ctx);
	SSL_set_fd(c->ssl, c->fd);
	c->state = ST_TLS;
	tls_step(c);
}

/* Up to CAP bytes at TO; 0: none now, or the connection has failed. */
static size_t
receive(struct conn *c, char *to, size_t cap)
{
	ssize_t r;

	if (c->ssl) {
		ERR_clear_error();
		r = SSL_read(c->ssl, to, (int)cap);
		if (r > 0)
			return (size_t)r;
		if (SSL_get_error(c->ssl, (int)r) != SSL_ERROR_WANT_READ)
			fail(c, "connection closed (tls)");
		return 0;
	}
	r = recv(c->fd, to, cap, 0);
	if (r > 0)
		return (size_t)r;
	if (r == 0)
		fail(c, "connection closed");
	else if (errno != EAGAIN && errno != EINTR)
		fail(c, strerror(errno));
	return 0;
}

/* A plain connection is read once, TLS until nothing is left in it. */
static void
read_replies(struct conn *c)
{
	static char rb[262144];
	size_t cap = sizeof rb, n;
	int fd = c->fd;

	if (slow > 0 && mode == BIG && timed) {
		if (slow_budget < 1)
			return;
		if (cap > slow_budget)
			cap = (size_t)slow_budget;
	}
	do {
		n = receive(c, rb, cap);
		if (n == 0)
			return;
		if (slow > 0)
			slow_budget -= (double)n;
		feed(c, rb, n);
	} while (c->fd == fd && c->ssl && !(slow > 0));
}

void
handle(struct conn *c, uint32_t events)
{
	if (c->fd < 0)
		return;
	if (c->state == ST_CONNECTING) {
		connected(c);
		return;
	}
	if (c->state == ST_TLS) {
		tls_step(c);
		return;
	}
	if (events & EPOLLOUT) {
		if (c->op == c->ol)
			want(c, EPOLLIN);
		else if (oflush(c))
			return;
	}
	if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	if (c->state == ST_SSLREQ)
		tls_answer(c);
	else
		read_replies(c);
}
