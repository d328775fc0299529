/*
 * nullpg - a null PostgreSQL backend: speaks the backend side of protocol v3
 * from one epoll thread and does no work, so that a benchmark sees the pooler
 * and not the database.
 *
 *   cc -O2 -o nullpg nullpg.c
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
#define _GNU_SOURCE
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
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	K_SELECT,
	K_BEGIN,
	K_COMMIT,
	K_ROLLBACK,
	K_SET,
	K_RESET,
	K_DISCARD,
	K_DEALLOC,
	K_EMPTY,
	K_ERROR,
	K_BIG,
	K_BIGCOPY
};

struct stmt {
	uint64_t hash;
	int kind;
};

struct conn {
	int fd;
	int started;
	int closing;
	char tx; /* I, T, E */
	int skip; /* error in extended protocol: skip to Sync */
	int want_out;
	char *ib;
	size_t il, ic; /* kept partial input */
	char *ob;
	size_t op, ol, oc; /* unsent output */
	long big_rows;
	int big_size;
	int big_copy;
	long big_sent;
	struct stmt *st;
	unsigned nst, cst;
	int portal_kind;
	char echo[128];
	int echolen;
	uint32_t pid, key;
};

static int ep, quiet;
static uint64_t n_query, n_parse, n_bind, n_exec, n_conn, n_cancel, n_err, n_close;
static char *O;
static size_t ol, oc; /* output being built */

static void
die(const char *m)
{
	perror(m);
	exit(1);
}

static inline void
need(size_t n)
{
	if (ol + n > oc) {
		while (ol + n > oc)
			oc = oc ? oc * 2 : 65536;
		O = realloc(O, oc);
		if (!O)
			die("realloc");
	}
}
static inline void
put(const void *p, size_t n)
{
	need(n);
	memcpy(O + ol, p, n);
	ol += n;
}
static inline void
p8(int v)
{
	need(1);
	O[ol++] = (char)v;
}
static inline void
p16(int v)
{
	uint16_t x = htons((uint16_t)v);
	put(&x, 2);
}
static inline void
p32(uint32_t v)
{
	uint32_t x = htonl(v);
	put(&x, 4);
}
static inline size_t
mbegin(char t)
{
	p8(t);
	p32(0);
	return ol - 4;
}
static inline void
mend(size_t at)
{
	uint32_t x = htonl((uint32_t)(ol - at));
	memcpy(O + at, &x, 4);
}
static inline void
pstr(const char *s)
{
	put(s, strlen(s) + 1);
}
static inline uint32_t
g32(const char *p)
{
	uint32_t x;
	memcpy(&x, p, 4);
	return ntohl(x);
}
static inline int
g16(const char *p)
{
	uint16_t x;
	memcpy(&x, p, 2);
	return (int16_t)ntohs(x);
}

static void
param(const char *k, const char *v)
{
	size_t a = mbegin('S');
	pstr(k);
	pstr(v);
	mend(a);
}
static void
rfq(struct conn *c)
{
	char m[6] = { 'Z', 0, 0, 0, 5, c->tx };
	put(m, 6);
}
static void
complete(const char *tag)
{
	size_t a = mbegin('C');
	pstr(tag);
	mend(a);
}
static void
error(struct conn *c, const char *code, const char *msg)
{
	size_t a = mbegin('E');
	p8('S');
	pstr("ERROR");
	p8('V');
	pstr("ERROR");
	p8('C');
	pstr(code);
	p8('M');
	pstr(msg);
	p8(0);
	mend(a);
	if (c->tx == 'T')
		c->tx = 'E';
	n_err++;
}
static void
rowdesc(void)
{
	static const char m[] = { 'T', 0, 0, 0, 26, 0, 1, 'c', 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 25, (char)255, (char)255, (char)255, (char)255, (char)255, (char)255,
		0, 0 };
	put(m, sizeof m);
}
static void
datarow(const char *v, int n)
{
	size_t a = mbegin('D');
	p16(1);
	p32((uint32_t)n);
	put(v, (size_t)n);
	mend(a);
}

static uint64_t
fnv(const char *s, size_t n)
{
	uint64_t h = 1469598103934665603ull;
	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)s[i]) * 1099511628211ull;
	return h | 1;
}
static struct stmt *
sfind(struct conn *c, uint64_t h)
{
	for (unsigned i = 0; i < c->nst; i++)
		if (c->st[i].hash == h)
			return &c->st[i];
	return NULL;
}
static void
sput(struct conn *c, uint64_t h, int kind)
{
	struct stmt *s = sfind(c, h);
	if (!s) {
		if (c->nst == c->cst) {
			c->cst = c->cst ? c->cst * 2 : 8;
			c->st = realloc(c->st, c->cst * sizeof *c->st);
		}
		s = &c->st[c->nst++];
		/* keep the newest in front: poolers mostly use few */
		s->hash = h;
	}
	s->kind = kind;
}
static void
sdel(struct conn *c, uint64_t h)
{
	struct stmt *s = sfind(c, h);
	if (s)
		*s = c->st[--c->nst];
}

static int
word(const char *q, size_t n, const char *w)
{
	size_t l = strlen(w);
	return n >= l && !strncasecmp(q, w, l) &&
	    (n == l || !((q[l] >= 'a' && q[l] <= 'z') || (q[l] >= 'A' && q[l] <= 'Z')));
}
static int
classify(const char *q, size_t n)
{
	if (n == 0)
		return K_EMPTY;
	switch (q[0] | 32) {
	case 's':
		if (word(q, n, "set"))
			return K_SET;
		if (word(q, n, "start"))
			return K_BEGIN;
		break;
	case 'b':
		if (word(q, n, "begin"))
			return K_BEGIN;
		if (word(q, n, "bigcopy"))
			return K_BIGCOPY;
		if (word(q, n, "big"))
			return K_BIG;
		break;
	case 'c':
		if (word(q, n, "commit"))
			return K_COMMIT;
		break;
	case 'e':
		if (word(q, n, "end"))
			return K_COMMIT;
		if (word(q, n, "error"))
			return K_ERROR;
		break;
	case 'r':
		if (word(q, n, "rollback"))
			return K_ROLLBACK;
		if (word(q, n, "reset"))
			return K_RESET;
		break;
	case 'a':
		if (word(q, n, "abort"))
			return K_ROLLBACK;
		break;
	case 'd':
		if (word(q, n, "discard"))
			return K_DISCARD;
		if (word(q, n, "deallocate"))
			return K_DEALLOC;
		break;
	}
	return K_SELECT;
}

static void
do_set(const char *q, size_t n)
{
	static const char *known[][2] = { { "client_encoding", "client_encoding" },
		{ "datestyle", "DateStyle" }, { "timezone", "TimeZone" },
		{ "standard_conforming_strings", "standard_conforming_strings" },
		{ "application_name", "application_name" },
		{ "intervalstyle", "IntervalStyle" } };
	char b[512], *s, *v;
	if (n >= sizeof b)
		n = sizeof b - 1;
	memcpy(b, q, n);
	b[n] = 0;
	s = b + 3;
	while (*s == ' ')
		s++;
	if (!strncasecmp(s, "session ", 8))
		s += 8;
	for (unsigned i = 0; i < sizeof known / sizeof *known; i++) {
		size_t l = strlen(known[i][0]);
		if (strncasecmp(s, known[i][0], l))
			continue;
		v = s + l;
		while (*v == ' ' || *v == '=')
			v++;
		if (!strncasecmp(v, "to ", 3))
			v += 3;
		if (*v == '\'') {
			v++;
			char *e = strchr(v, '\'');
			if (e)
				*e = 0;
		}
		param(known[i][1], v);
		return;
	}
}

/* run one statement; withdesc: simple query (send RowDescription too) */
static void
run(struct conn *c, int kind, const char *q, size_t n, int withdesc, const char *echo,
    int echolen)
{
	if (c->tx == 'E' && kind != K_COMMIT && kind != K_ROLLBACK) {
		error(c, "25P02", "current transaction is aborted");
		return;
	}
	switch (kind) {
	case K_EMPTY: {
		size_t a = mbegin('I');
		mend(a);
		break;
	}
	case K_BEGIN:
		c->tx = 'T';
		complete("BEGIN");
		break;
	case K_COMMIT:
		complete(c->tx == 'E' ? "ROLLBACK" : "COMMIT");
		c->tx = 'I';
		break;
	case K_ROLLBACK:
		c->tx = 'I';
		complete("ROLLBACK");
		break;
	case K_SET:
		if (q)
			do_set(q, n);
		complete("SET");
		break;
	case K_RESET:
		complete("RESET");
		break;
	case K_DISCARD:
		c->nst = 0;
		complete("DISCARD ALL");
		break;
	case K_DEALLOC:
		c->nst = 0;
		complete("DEALLOCATE ALL");
		break;
	case K_ERROR:
		error(c, "XX000", "asked for");
		break;
	case K_BIG:
	case K_BIGCOPY: {
		long bytes = 0;
		int rs = 100;
		if (q)
			sscanf(q, "%*s %ld %d", &bytes, &rs);
		if (rs < 1)
			rs = 1;
		if (rs > 60000)
			rs = 60000;
		if (kind == K_BIG)
			rowdesc();
		else {
			size_t a = mbegin('H');
			p8(0);
			p16(1);
			p16(0);
			mend(a);
		}
		c->big_size = rs;
		c->big_copy = kind == K_BIGCOPY;
		c->big_rows = bytes / (rs + (c->big_copy ? 5 : 11));
		c->big_sent = 0;
		break;
	}
	default:
		if (withdesc) {
			rowdesc();
			const char *s = memchr(q, '\'', n),
				   *e = s ? memchr(s + 1, '\'', (size_t)(q + n - s - 1)) :
					    NULL;
			if (e)
				datarow(s + 1, (int)(e - s - 1));
			else
				datarow("1", 1);
		} else
			datarow(echo, echolen);
		complete("SELECT 1");
	}
}

static void
startup(struct conn *c, const char *p, size_t n)
{
	const char *appname = "", *enc = "UTF8", *user = "x", *e = p + n;
	uint32_t v = g32(p);
	p += 4;
	while (p < e && *p) {
		const char *k = p, *val;
		p += strlen(p) + 1;
		if (p >= e)
			break;
		val = p;
		p += strlen(p) + 1;
		if (!strcmp(k, "application_name"))
			appname = val;
		else if (!strcmp(k, "client_encoding"))
			enc = val;
		else if (!strcmp(k, "user"))
			user = val;
	}
	if (v & 0xffff) {
		size_t a = mbegin('v');
		p32(196608);
		p32(0);
		mend(a);
	}
	{
		size_t a = mbegin('R');
		p32(0);
		mend(a);
	}
	param("application_name", appname);
	param("client_encoding", enc);
	param("DateStyle", "ISO, MDY");
	param("default_transaction_read_only", "off");
	param("in_hot_standby", "off");
	param("integer_datetimes", "on");
	param("IntervalStyle", "postgres");
	param("is_superuser", "off");
	param("server_encoding", "UTF8");
	param("server_version", "15.0 (nullpg)");
	param("session_authorization", user);
	param("standard_conforming_strings", "on");
	param("TimeZone", "UTC");
	{
		size_t a = mbegin('K');
		p32(c->pid);
		p32(c->key);
		mend(a);
	}
	c->tx = 'I';
	c->started = 1;
	rfq(c);
}

/* returns bytes consumed */
static size_t
process(struct conn *c, const char *b, size_t len)
{
	size_t pos = 0;
	while (!c->closing) {
		const char *p = b + pos;
		size_t left = len - pos;
		if (c->big_rows || c->big_sent)
			break; /* busy with a big result */
		if (!c->started) {
			if (left < 4)
				break;
			uint32_t l = g32(p);
			if (l < 8 || l > 10000) {
				c->closing = 1;
				break;
			}
			if (left < l)
				break;
			uint32_t v = g32(p + 4);
			if (v == 80877103 || v == 80877104)
				p8('N');
			else if (v == 80877102) {
				n_cancel++;
				c->closing = 1;
			} else
				startup(c, p + 4, l - 4);
			pos += l;
			continue;
		}
		if (left < 5)
			break;
		uint32_t l = g32(p + 1);
		if (l < 4 || l > (1u << 30)) {
			c->closing = 1;
			break;
		}
		if (left < 1 + (size_t)l)
			break;
		char t = p[0];
		const char *m = p + 5;
		size_t n = l - 4;
		pos += 1 + (size_t)l;
		if (c->skip && t != 'S' && t != 'X')
			continue;
		switch (t) {
		case 'Q': {
			n_query++;
			const char *q = m;
			size_t ql = strnlen(m, n);
			int any = 0;
			uint64_t e0 = n_err;
			for (;;) {
				while (ql &&
				    (*q == ' ' || *q == ';' || *q == '\n' ||
					*q == '\t')) {
					q++;
					ql--;
				}
				if (!ql)
					break;
				size_t i = 0;
				int inq = 0;
				while (i < ql && (inq || q[i] != ';')) {
					if (q[i] == '\'')
						inq = !inq;
					i++;
				}
				any = 1;
				run(c, classify(q, i), q, i, 1, NULL, 0);
				if (n_err != e0 || c->big_rows)
					break;
				q += i;
				ql -= i;
			}
			if (!any)
				run(c, K_EMPTY, NULL, 0, 0, NULL, 0);
			if (!c->big_rows)
				rfq(c);
			break;
		}
		case 'P': {
			n_parse++;
			const char *q = m + strnlen(m, n) + 1;
			uint64_t h = *m ? fnv(m, strlen(m)) : 0;
			if (h && sfind(c, h)) {
				error(c, "42P05", "prepared statement already exists");
				c->skip = 1;
				break;
			}
			while (*q == ' ')
				q++;
			sput(c, h, classify(q, strlen(q)));
			p8('1');
			p32(4);
			break;
		}
		case 'B': {
			n_bind++;
			const char *s = m + strnlen(m, n) + 1, *r = s + strlen(s) + 1;
			struct stmt *st = sfind(c, *s ? fnv(s, strlen(s)) : 0);
			if (!st) {
				error(c, "26000", "prepared statement does not exist");
				c->skip = 1;
				break;
			}
			c->portal_kind = st->kind;
			r += 2 + 2 * g16(r);
			int np = g16(r);
			r += 2;
			c->echo[0] = '1';
			c->echolen = 1;
			if (np > 0) {
				int pl = (int)g32(r);
				r += 4;
				if (pl >= 0) {
					if (pl > (int)sizeof c->echo)
						pl = sizeof c->echo;
					memcpy(c->echo, r, (size_t)pl);
					c->echolen = pl;
				}
			}
			p8('2');
			p32(4);
			break;
		}
		case 'D':
			if (*m == 'S') {
				struct stmt *st = sfind(c,
				    m[1] ? fnv(m + 1, strlen(m + 1)) : 0);
				if (!st) {
					error(c, "26000",
					    "prepared statement does not exist");
					c->skip = 1;
					break;
				}
				p8('t');
				p32(10);
				p16(1);
				p32(25);
				if (st->kind == K_SELECT)
					rowdesc();
				else {
					p8('n');
					p32(4);
				}
			} else if (c->portal_kind == K_SELECT)
				rowdesc();
			else {
				p8('n');
				p32(4);
			}
			break;
		case 'E':
			n_exec++;
			{
				uint64_t e0 = n_err;
				run(c, c->portal_kind, NULL, 0, 0, c->echo, c->echolen);
				if (n_err != e0)
					c->skip = 1;
			}
			break;
		case 'C':
			n_close++;
			if (*m == 'S' && m[1])
				sdel(c, fnv(m + 1, strlen(m + 1)));
			p8('3');
			p32(4);
			break;
		case 'S':
			c->skip = 0;
			rfq(c);
			break;
		case 'H':
			break;
		case 'X':
			c->closing = 1;
			break;
		default:
			error(c, "08P01", "unknown message");
			break;
		}
	}
	return pos;
}

static void
big_fill(struct conn *c)
{
	static char z[65536];
	if (!z[0])
		memset(z, 'x', sizeof z);
	while (c->big_rows && ol < 256 * 1024) {
		if (c->big_copy) {
			p8('d');
			p32((uint32_t)(4 + c->big_size));
			put(z, (size_t)c->big_size - 1);
			p8('\n');
		} else {
			p8('D');
			p32((uint32_t)(10 + c->big_size));
			p16(1);
			p32((uint32_t)c->big_size);
			put(z, (size_t)c->big_size);
		}
		c->big_rows--;
		c->big_sent++;
	}
	if (!c->big_rows) {
		char tag[64];
		if (c->big_copy) {
			p8('c');
			p32(4);
			snprintf(tag, sizeof tag, "COPY %ld", c->big_sent);
		} else
			snprintf(tag, sizeof tag, "SELECT %ld", c->big_sent);
		complete(tag);
		rfq(c);
		c->big_sent = 0;
	}
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

static void
handle(struct conn *c, uint32_t evs)
{
	static char rb[262144];
	if (evs & EPOLLOUT) {
		while (c->ol) {
			ssize_t r = send(c->fd, c->ob + c->op, c->ol, MSG_NOSIGNAL);
			if (r < 0) {
				if (errno == EINTR)
					continue;
				if (errno == EAGAIN)
					return;
				drop(c);
				return;
			}
			c->op += (size_t)r;
			c->ol -= (size_t)r;
		}
		ol = 0;
		if (c->big_rows || c->big_sent) {
			big_fill(c);
			int f = flush(c);
			if (f < 0) {
				drop(c);
				return;
			}
			if (f)
				return;
		}
		if (c->il) { /* input waiting behind the output */
			size_t u = process(c, c->ib, c->il);
			memmove(c->ib, c->ib + u, c->il - u);
			c->il -= u;
			int f = flush(c);
			if (f < 0) {
				drop(c);
				return;
			}
			if (f)
				return;
		}
		arm(c, 0);
		return;
	}
	const char *b;
	size_t n;
	ssize_t r;
	if (c->il) {
		if (c->ic - c->il < 65536) {
			c->ic = c->il + 65536;
			c->ib = realloc(c->ib, c->ic);
		}
		r = recv(c->fd, c->ib + c->il, c->ic - c->il, 0);
		if (r > 0)
			c->il += (size_t)r;
		b = c->ib;
		n = c->il;
	} else {
		r = recv(c->fd, rb, sizeof rb, 0);
		b = rb;
		n = r > 0 ? (size_t)r : 0;
	}
	if (r == 0) {
		drop(c);
		return;
	}
	if (r < 0) {
		if (errno == EAGAIN || errno == EINTR)
			return;
		drop(c);
		return;
	}
	ol = 0;
	size_t u = process(c, b, n);
	if ((c->big_rows || c->big_sent) && ol < 200000)
		big_fill(c);
	size_t rest = n - u;
	if (b == rb) {
		if (rest) {
			if (c->ic < rest) {
				c->ic = rest;
				c->ib = realloc(c->ib, rest);
			}
			memcpy(c->ib, b + u, rest);
		}
	} else if (u)
		memmove(c->ib, c->ib + u, rest);
	c->il = rest;
	int f = flush(c);
	if (f < 0 || c->closing) {
		drop(c);
		return;
	}
	if (f)
		arm(c, 1);
}

static volatile sig_atomic_t stop;
static void
onsig(int s)
{
	(void)s;
	stop = 1;
}

int
main(int argc, char **argv)
{
	int port = 55499, o, one = 1;
	const char *addr = "127.0.0.1", *us = NULL;
	while ((o = getopt(argc, argv, "p:a:U:q")) != -1)
		switch (o) {
		case 'p':
			port = atoi(optarg);
			break;
		case 'a':
			addr = optarg;
			break;
		case 'U':
			us = optarg;
			break;
		case 'q':
			quiet = 1;
			break;
		default:
			fprintf(stderr,
			    "usage: nullpg -p port [-a addr] [-U socket] [-q]\n");
			return 2;
		}
	struct rlimit rl;
	getrlimit(RLIMIT_NOFILE, &rl);
	rl.rlim_cur = rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, onsig);
	signal(SIGINT, onsig);
	ep = epoll_create1(EPOLL_CLOEXEC);
	int ls[2] = { -1, -1 };
	ls[0] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(ls[0], SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port) };
	inet_pton(AF_INET, addr, &sa.sin_addr);
	if (bind(ls[0], (void *)&sa, sizeof sa) || listen(ls[0], 4096))
		die("listen");
	if (us) {
		struct sockaddr_un un = { .sun_family = AF_UNIX };
		strncpy(un.sun_path, us, sizeof un.sun_path - 1);
		unlink(us);
		ls[1] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (bind(ls[1], (void *)&un, sizeof un) || listen(ls[1], 4096))
			die("unix listen");
	}
	for (int i = 0; i < 2; i++)
		if (ls[i] >= 0) {
			struct epoll_event ev = { .events = EPOLLIN, .data.ptr = &ls[i] };
			epoll_ctl(ep, EPOLL_CTL_ADD, ls[i], &ev);
		}
	uint32_t pid = 1000;
	while (!stop) {
		struct epoll_event ev[256];
		int n = epoll_wait(ep, ev, 256, -1);
		for (int i = 0; i < n; i++) {
			if (ev[i].data.ptr == &ls[0] || ev[i].data.ptr == &ls[1]) {
				int l = *(int *)ev[i].data.ptr;
				for (;;) {
					int fd = accept4(l, NULL, NULL,
					    SOCK_NONBLOCK | SOCK_CLOEXEC);
					if (fd < 0)
						break;
					setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one,
					    sizeof one);
					struct conn *c = calloc(1, sizeof *c);
					c->fd = fd;
					c->pid = ++pid;
					c->key = pid * 2654435761u;
					n_conn++;
					struct epoll_event e = { .events = EPOLLIN,
						.data.ptr = c };
					epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
				}
			} else
				handle(ev[i].data.ptr, ev[i].events);
		}
	}
	if (!quiet)
		fprintf(stderr,
		    "nullpg: conns %lu query %lu parse %lu bind %lu exec %lu close %lu cancel %lu errors %lu\n",
		    (unsigned long)n_conn, (unsigned long)n_query, (unsigned long)n_parse,
		    (unsigned long)n_bind, (unsigned long)n_exec, (unsigned long)n_close,
		    (unsigned long)n_cancel, (unsigned long)n_err);
	return 0;
}
