/*
 * nullpg - a null PostgreSQL backend: speaks the backend side of protocol v3
 * from one epoll thread and does no work, so that a benchmark sees the pooler
 * and not the database.
 *
 *   nullpg -p PORT [-a ADDR] [-U unix_socket_path] [-q]
 *
 * It answers every SELECT with one row of one text column: the first quoted
 * string of a simple query, or the first parameter of a Bind, so that a load
 * generator can check that replies reach the client that asked.
 * It keeps a set of prepared statement names per connection and raises the
 * same errors as PostgreSQL for unknown (26000) and duplicate (42P05) names,
 * so a pooler that mixes up its prepared statements is noticed.
 *
 * Special simple queries:
 *   BEGIN / COMMIT / ROLLBACK   transaction status of ReadyForQuery follows
 *   SET / RESET / DISCARD ALL / DEALLOCATE ALL
 *   BIG <bytes> [rowsize]       that many bytes of DataRow
 *   BIGCOPY <bytes> [rowsize]   the same as CopyOut / CopyData / CopyDone
 *   ERROR                       ErrorResponse
 */
#include "nullpg.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct counts counts;
static int ep;
static volatile sig_atomic_t stop;

void
die(const char *m)
{
	perror(m);
	exit(1);
}

static void
arm(struct conn *c, int out)
{
	if (c->want_out == out)
		return;
	struct epoll_event ev = { .events = out ? EPOLLOUT : EPOLLIN, .data.ptr = c };
	epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &ev);
	c->want_out = out;
}
static void
drop(struct conn *c)
{
	close(c->fd);
	free(c->ib);
	free(c->ob);
	free(c->st);
	free(c);
}
/* send O; keep the rest. returns -1 when the peer is gone */
static int
flush(struct conn *c)
{
	while (ol) {
		ssize_t r = send(c->fd, O, ol, MSG_NOSIGNAL);
		if (r < 0) {
			if (errno == EINTR)
				continue;
			if (errno != EAGAIN)
				return -1;
			r = 0;
		}
		if ((size_t)r < ol) {
			size_t rest = ol - (size_t)r;
			if (c->oc < rest) {
				c->oc = rest;
				c->ob = realloc(c->ob, rest);
			}
			memcpy(c->ob, O + r, rest);
			c->op = 0;
			c->ol = rest;
			ol = 0;
			return 1;
		}
		ol = 0;
		if (c->big_rows || c->big_sent)
			big_fill(c);
	}
	return 0;
}

/* The reply to what is kept, if anything is. Not 0: see flush(). */
static int
answer_kept(struct conn *c)
{
	size_t used;

	if (!c->il)
		return 0;
	used = process(c, c->ib, c->il);
	memmove(c->ib, c->ib + used, c->il - used);
	c->il -= used;
	return flush(c);
}

/* The socket takes more. Not 0: see flush(). */
static int
go_on(struct conn *c)
{
	int f = 0;

	while (c->ol) {
		ssize_t r = send(c->fd, c->ob + c->op, c->ol, MSG_NOSIGNAL);

		if (r < 0 && errno != EINTR)
			return errno == EAGAIN ? 1 : -1;
		if (r > 0) {
			c->op += (size_t)r;
			c->ol -= (size_t)r;
		}
	}
	ol = 0;
	if (c->big_rows || c->big_sent) {
		big_fill(c);
		f = flush(c);
	}
	if (!f)
		f = answer_kept(c);
	if (!f)
		arm(c, 0);
	return f;
}

static void
keep(struct conn *c, const char *at, size_t n)
{
	if (c->ic < n) {
		c->ic = n;
		c->ib = realloc(c->ib, n);
	}
	memcpy(c->ib, at, n);
	c->il = n;
}

/* Bytes have come. Not 0: see flush(). */
static int
hear(struct conn *c)
{
	static char rb[262144];
	size_t used;
	ssize_t r;
	int f;

	if (c->il && c->ic - c->il < 65536) {
		c->ic = c->il + 65536;
		c->ib = realloc(c->ib, c->ic);
	}
	if (c->il)
		r = recv(c->fd, c->ib + c->il, c->ic - c->il, 0);
	else
		r = recv(c->fd, rb, sizeof rb, 0);
	if (r <= 0)
		return r < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
	ol = 0;
	if (c->il) {
		c->il += (size_t)r;
		used = process(c, c->ib, c->il);
		memmove(c->ib, c->ib + used, c->il - used);
		c->il -= used;
	} else {
		used = process(c, rb, (size_t)r);
		if (used < (size_t)r)
			keep(c, rb + used, (size_t)r - used);
	}
	if ((c->big_rows || c->big_sent) && ol < 200000)
		big_fill(c);
	f = flush(c);
	if (f > 0)
		arm(c, 1);
	return c->closing ? -1 : f;
}

static void
on_signal(int signo)
{
	(void)signo;
	stop = 1;
}

static void
add(int fd, void *what)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = what };

	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
}

static int
listen_tcp(const char *addr, int port)
{
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port) };

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	inet_pton(AF_INET, addr, &sa.sin_addr);
	if (bind(fd, (void *)&sa, sizeof sa) || listen(fd, 4096))
		die("listen");
	return fd;
}

static int
listen_unix(const char *path)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	strncpy(sa.sun_path, path, sizeof sa.sun_path - 1);
	unlink(path);
	if (bind(fd, (void *)&sa, sizeof sa) || listen(fd, 4096))
		die("unix listen");
	return fd;
}

static void
take_all(int listener)
{
	static uint32_t pid = 1000;
	int one = 1, fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct conn *c = calloc(1, sizeof *c);

		if (!c)
			die("calloc");
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		c->fd = fd;
		c->pid = ++pid;
		c->key = pid * 2654435761u;
		counts.conn++;
		add(fd, c);
	}
}

static void
serve(int listeners[2])
{
	struct epoll_event ev[256];
	int n = epoll_wait(ep, ev, 256, -1);

	for (int i = 0; i < n; i++) {
		struct conn *c = ev[i].data.ptr;

		if (ev[i].data.ptr == &listeners[0] || ev[i].data.ptr == &listeners[1])
			take_all(*(int *)ev[i].data.ptr);
		else if ((ev[i].events & EPOLLOUT ? go_on(c) : hear(c)) < 0)
			drop(c);
	}
}

int
main(int argc, char **argv)
{
	int listeners[2] = { -1, -1 }, port = 55499, o, quiet = 0;
	const char *addr = "127.0.0.1", *path = NULL;
	struct rlimit files;

	while ((o = getopt(argc, argv, "p:a:U:q")) != -1) {
		switch (o) {
		case 'p':
			port = atoi(optarg);
			break;
		case 'a':
			addr = optarg;
			break;
		case 'U':
			path = optarg;
			break;
		case 'q':
			quiet = 1;
			break;
		default:
			fprintf(stderr,
			    "usage: nullpg -p port [-a addr] [-U socket] [-q]\n");
			return 2;
		}
	}
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	ep = epoll_create1(EPOLL_CLOEXEC);
	listeners[0] = listen_tcp(addr, port);
	add(listeners[0], &listeners[0]);
	if (path) {
		listeners[1] = listen_unix(path);
		add(listeners[1], &listeners[1]);
	}
	while (!stop)
		serve(listeners);
	if (!quiet) {
		fprintf(stderr,
		    "nullpg: conns %lu query %lu parse %lu bind %lu exec %lu ",
		    (unsigned long)counts.conn, (unsigned long)counts.query,
		    (unsigned long)counts.parse, (unsigned long)counts.bind,
		    (unsigned long)counts.exec);
		fprintf(stderr, "close %lu cancel %lu errors %lu\n",
		    (unsigned long)counts.close, (unsigned long)counts.cancel,
		    (unsigned long)counts.err);
	}
	return 0;
}
