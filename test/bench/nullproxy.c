/*
 * nullproxy - the physical limit: the least a userspace proxy on one epoll thread can do.
 *
 *   nullproxy -p LISTEN_PORT -b BACKEND_PORT [-m copy|splice|mux] [-s servers]
 *
 *   copy    every client gets its own backend connection; recv + send, no look at the bytes
 *   splice  the same through a pipe with splice(2)
 *   mux     transaction multiplexing without a parser: clients share -s backend connections;
 *           a server is given back when the last six bytes received are ReadyForQuery 'I'.
 *           Trust logins are answered with a canned reply. Only good for measuring
 *           (no TLS, no cancel, no prepared statements, replies must be small).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { COPY, SPLICE, MUX };
struct side {
	int fd, is_server, started, waiting, dead;
	struct side *peer, *next;
	int pipe[2];
	size_t inpipe;
	char *buf;
	size_t off, len, cap; /* unsent bytes for this fd */
};
static int ep, mode = COPY, bport = 55499, nserv = 20;
static struct side *idle, *wq_head, *wq_tail, *graveyard;
static char rb[65536];

static void
die(const char *m)
{
	perror(m);
	exit(1);
}
static void
add(struct side *s)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
		.data.ptr = s };
	if (epoll_ctl(ep, EPOLL_CTL_ADD, s->fd, &e))
		die("epoll_ctl");
}
static int
backend(void)
{
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)bport),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (connect(fd, (void *)&a, sizeof a)) {
		perror("backend");
		close(fd);
		return -1;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return fd;
}
static void
bury(struct side *s)
{
	if (s->dead)
		return;
	s->dead = 1;
	close(s->fd);
	if (mode == SPLICE) {
		close(s->pipe[0]);
		close(s->pipe[1]);
	}
	s->next = graveyard;
	graveyard = s;
}
static void
end(struct side *s)
{
	if (s->dead)
		return;
	if (mode == MUX) {
		if (s->is_server)
			die("server lost");
		if (s->peer) {
			s->peer->peer = NULL;
			s->peer = NULL;
		} /* measuring only: server must be idle */
		if (s->waiting) {
			struct side **p = &wq_head, *q = NULL;
			while (*p && *p != s) {
				q = *p;
				p = &(*p)->next;
			}
			if (*p) {
				*p = s->next;
				if (wq_tail == s)
					wq_tail = q;
			}
		}
		bury(s);
		return;
	}
	struct side *p = s->peer;
	bury(s);
	if (p)
		bury(p);
}
static void
keep(struct side *d, const char *b, size_t n)
{
	if (d->off + d->len + n > d->cap) {
		memmove(d->buf, d->buf + d->off, d->len);
		d->off = 0;
		if (d->len + n > d->cap) {
			d->cap = (d->len + n) * 2;
			d->buf = realloc(d->buf, d->cap);
		}
	}
	memcpy(d->buf + d->off + d->len, b, n);
	d->len += n;
}
static int
put(struct side *d, const char *b, size_t n)
{
	if (d->len) {
		keep(d, b, n);
		return 0;
	}
	ssize_t r = send(d->fd, b, n, MSG_NOSIGNAL);
	if (r < 0) {
		if (errno != EAGAIN)
			return -1;
		r = 0;
	}
	if ((size_t)r < n)
		keep(d, b + r, n - (size_t)r);
	return 0;
}
/* move bytes from s to its peer until the source is dry or the peer is full */
static void
pump(struct side *s)
{
	struct side *d = s->peer;
	while (d && !d->len && !s->dead) {
		if (mode == SPLICE) {
			ssize_t r;
			if (!s->inpipe) {
				r = splice(s->fd, NULL, s->pipe[1], NULL, 65536,
				    SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
				if (r == 0) {
					end(s);
					return;
				}
				if (r < 0) {
					if (errno != EAGAIN)
						end(s);
					return;
				}
				s->inpipe = (size_t)r;
			}
			r = splice(s->pipe[0], NULL, d->fd, NULL, s->inpipe,
			    SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
			if (r < 0) {
				if (errno != EAGAIN)
					end(s);
				return;
			}
			s->inpipe -= (size_t)r;
			continue; /* to EAGAIN: a short splice does not mean a dry source */
		}
		ssize_t r = recv(s->fd, rb, sizeof rb, 0);
		if (r == 0) {
			end(s);
			return;
		}
		if (r < 0) {
			if (errno != EAGAIN)
				end(s);
			return;
		}
		if (put(d, rb, (size_t)r)) {
			end(d);
			return;
		}
		if (r < (ssize_t)sizeof rb)
			return;
	}
}
static void
client_mux(struct side *c)
{
	if (!c->started) {
		ssize_t r = recv(c->fd, rb, sizeof rb, 0);
		if (r <= 0) {
			if (r == 0 || errno != EAGAIN)
				end(c);
			return;
		}
		static const char hello[] = "R\0\0\0\10\0\0\0\0"
					    "K\0\0\0\14\0\0\0\1\0\0\0\2"
					    "Z\0\0\0\5I";
		c->started = 1;
		if (put(c, hello, sizeof hello - 1))
			end(c);
		return;
	}
	if (c->waiting)
		return;
	if (!c->peer) {
		if (!idle) {
			c->waiting = 1;
			c->next = NULL;
			if (wq_tail)
				wq_tail->next = c;
			else
				wq_head = c;
			wq_tail = c;
			return;
		}
		ssize_t r = recv(c->fd, rb, sizeof rb, 0);
		if (r <= 0) {
			if (r == 0 || errno != EAGAIN)
				end(c);
			return;
		}
		if (rb[0] == 'X') {
			end(c);
			return;
		}
		struct side *s = idle;
		idle = s->next;
		c->peer = s;
		s->peer = c;
		put(s, rb, (size_t)r);
		return;
	}
	pump(c);
}
static void
server_mux(struct side *s)
{
	ssize_t r = recv(s->fd, rb, sizeof rb, 0);
	if (r == 0)
		die("server closed");
	if (r < 0)
		return;
	struct side *c = s->peer;
	if (c && put(c, rb, (size_t)r)) {
		end(c);
		c = NULL;
	}
	if (r >= 6 && !memcmp(rb + r - 6, "Z\0\0\0\5I", 6)) {
		if (c)
			c->peer = NULL;
		s->peer = NULL;
		while (wq_head) { /* oldest waiting client takes the server */
			struct side *w = wq_head;
			wq_head = w->next;
			if (!wq_head)
				wq_tail = NULL;
			w->waiting = 0;
			ssize_t k = recv(w->fd, rb, sizeof rb, 0);
			if (k <= 0) {
				if (k == 0 || errno != EAGAIN)
					end(w);
				continue;
			}
			if (rb[0] == 'X') {
				end(w);
				continue;
			}
			w->peer = s;
			s->peer = w;
			put(s, rb, (size_t)k);
			return;
		}
		s->next = idle;
		idle = s;
	}
}
static volatile sig_atomic_t stop;
static void
onsig(int x)
{
	(void)x;
	stop = 1;
}

/* A backend connection of our own, logged in. */
static void
own_server(void)
{
	static const char ready[] = "Z\0\0\0\5I";
	static const char hello[] = "\0\0\0\43\0\3\0\0user\0bench\0database\0bench\0";
	int fd = backend();
	struct side *s;
	size_t n = 0;
	char b[4096];

	if (fd < 0 || write(fd, hello, sizeof hello) != sizeof hello)
		die("backend");
	do {
		ssize_t r = read(fd, b + n, sizeof b - n);

		if (r <= 0)
			die("login");
		n += (size_t)r;
	} while (n < 6 || memcmp(b + n - 6, ready, 6));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	s = calloc(1, sizeof *s);
	s->fd = fd;
	s->is_server = 1;
	s->started = 1;
	add(s);
	s->next = idle;
	idle = s;
}

/* The backend connection that belongs to C. False: there is none. */
static int
pair_up(struct side *c)
{
	struct side *s;
	int fd = backend();

	if (fd < 0)
		return 0;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	s = calloc(1, sizeof *s);
	s->fd = fd;
	s->is_server = 1;
	s->peer = c;
	c->peer = s;
	if (mode == SPLICE &&
	    (pipe2(c->pipe, O_NONBLOCK | O_CLOEXEC) ||
		pipe2(s->pipe, O_NONBLOCK | O_CLOEXEC)))
		die("pipe");
	add(s);
	return 1;
}

static void
take_all(int listener)
{
	int one = 1, fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct side *c = calloc(1, sizeof *c);

		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		c->fd = fd;
		if (mode != MUX && !pair_up(c)) {
			close(fd);
			free(c);
			continue;
		}
		add(c);
	}
}

static void
on_writable(struct side *s)
{
	ssize_t r;

	if (!s->len) {
		if (mode == SPLICE && s->peer && s->peer->inpipe)
			pump(s->peer);
		return;
	}
	r = send(s->fd, s->buf + s->off, s->len, MSG_NOSIGNAL);
	if (r > 0) {
		s->off += (size_t)r;
		s->len -= (size_t)r;
		if (!s->len)
			s->off = 0;
	}
	if (r < 0 && errno != EAGAIN)
		end(s);
	else if (!s->len && s->peer && mode == COPY)
		pump(s->peer);
}

static void
on_readable(struct side *s)
{
	if (mode != MUX)
		pump(s);
	else if (s->is_server)
		server_mux(s);
	else
		client_mux(s);
}

static void
serve(int listener)
{
	struct epoll_event ev[256];
	int n = epoll_wait(ep, ev, 256, -1);

	for (int i = 0; i < n; i++) {
		struct side *s = ev[i].data.ptr;
		uint32_t e = ev[i].events;

		if (!s) {
			take_all(listener);
			continue;
		}
		if (!s->dead && (e & EPOLLOUT))
			on_writable(s);
		if (!s->dead && (e & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)))
			on_readable(s);
	}
	while (graveyard) {
		struct side *s = graveyard;

		graveyard = s->next;
		free(s->buf);
		free(s);
	}
}

int
main(int argc, char **argv)
{
	int port = 6499, o, one = 1, listener;
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct epoll_event le = { .events = EPOLLIN, .data.ptr = NULL };
	struct rlimit files;

	while ((o = getopt(argc, argv, "p:b:m:s:")) != -1) {
		switch (o) {
		case 'p':
			port = atoi(optarg);
			break;
		case 'b':
			bport = atoi(optarg);
			break;
		case 'm':
			mode = optarg[0] == 's' ? SPLICE : optarg[0] == 'm' ? MUX : COPY;
			break;
		case 's':
			nserv = atoi(optarg);
			break;
		default:
			fprintf(stderr, "see the head of nullproxy.c\n");
			return 2;
		}
	}
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, onsig);
	signal(SIGINT, onsig);
	ep = epoll_create1(EPOLL_CLOEXEC);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	a.sin_port = htons((uint16_t)port);
	if (bind(listener, (void *)&a, sizeof a) || listen(listener, 4096))
		die("listen");
	epoll_ctl(ep, EPOLL_CTL_ADD, listener, &le);
	for (int i = 0; mode == MUX && i < nserv; i++)
		own_server();
	while (!stop)
		serve(listener);
	return 0;
}
