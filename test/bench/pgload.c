/*
 * pgload - load generator for PostgreSQL protocol v3, one epoll thread, many clients.
 *
 *   cc -O2 -o pgload pgload.c -lssl -lcrypto
 *
 *   pgload [-h addr] [-p port] [-u user] [-d db] [-w password] [-T]      target (-T: TLS)
 *          [-m run|connect|idle|big] [-c clients] [-t seconds] [-W warmup seconds]
 *          [-M simple|extended|prepared] [-D depth] [-N statements]      protocol
 *          [-n transactions]       stop after this many (run mode, instead of -t)
 *          [-r per-second]         offered rate over all clients (open loop; default closed loop)
 *          [-x]                    run: BEGIN; select; COMMIT as separate messages (3 round trips)
 *          [-q query]              big: query (default "BIG 100000000 100")
 *          [-S bytes/s]            big: read no faster than this (slow reader)
 *          [-R n]                  ramp: at most n connections being set up at once
 *          [-Q n]                  idle: transactions per client before idling
 *          [-s n]                  number of 127.0.0.x source addresses
 *          [-P]                    wait for a line on stdin before the timed phase and before
 *                                  closing the connections (to attach strace or callgrind)
 *
 * Each transaction carries a tag which must come back in the reply; a mismatch is an error,
 * so replies crossing between clients are detected.
 * Prints "START" when the timed phase begins, "STOP" when it ends, then one JSON line.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/md5.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
	ST_CLOSED,
	ST_CONNECTING,
	ST_SSLREQ,
	ST_TLS,
	ST_AUTH,
	ST_PREPARE,
	ST_READY,
	ST_BUSY
};
enum { M_SIMPLE, M_EXTENDED, M_PREPARED };
enum { RUN, CONNECT, IDLE, BIG };

struct conn {
	int fd, state, id;
	int events;
	SSL *ssl;
	uint64_t t0; /* start of the batch or of the connection */
	uint64_t due;
	uint32_t seq; /* next tag to send */
	uint32_t rseq; /* next tag expected */
	int outstanding; /* ReadyForQuery awaited */
	int step; /* -x */
	int done; /* transactions done by this client */
	char *ib;
	size_t il, ic;
	size_t skip; /* bytes of the current message still to pass over */
	char *ob;
	size_t op, ol, oc;
	/* SCRAM */
	char cnonce[40];
	char *cfirst_bare;
	unsigned char server_sig[32];
};

static const char *addr = "127.0.0.1", *user = "bench", *db = "bench", *pass = "",
		  *query = "BIG 100000000 100";
static int port = 6432, use_tls, mode = RUN, nclients = 16, proto = M_SIMPLE, depth = 1,
	   nstmt = 1, ramp = 64, idleq = 1, txblock, nsrc = 1, hold;
static double secs = 5, warm = 1, rate;
static long maxtx;
static double slow;
static int ep;
static SSL_CTX *ctx;
static struct conn *C;
static uint64_t tx_total, errors, tagbad, bytes_in, conns_done, connect_fail;
static int n_up, n_setup, timed, stopping;
static char first_error[300];
static uint64_t
now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}
static void
die(const char *m)
{
	perror(m);
	exit(1);
}

/* latency histogram: 64 buckets per power of two, of nanoseconds */
#define HB 6
static uint64_t hist[64 << HB], hcount, hsum, hmax;
static void
hadd(uint64_t v)
{
	int e;
	uint64_t i;
	if (v < (1u << HB))
		i = v;
	else {
		e = 63 - __builtin_clzll(v);
		i = ((uint64_t)(e - HB + 1) << HB) + ((v >> (e - HB)) & ((1u << HB) - 1));
	}
	hist[i]++;
	hcount++;
	hsum += v;
	if (v > hmax)
		hmax = v;
}
static double
hq(double q)
{
	uint64_t want = (uint64_t)(q * (double)hcount), n = 0;
	for (unsigned i = 0; i < sizeof hist / sizeof *hist; i++) {
		n += hist[i];
		if (n > want) {
			if (i < (1u << HB))
				return i / 1e3;
			int e = (int)(i >> HB) + HB - 1;
			return (double)((((uint64_t)1 << HB) + (i & ((1u << HB) - 1)))
				   << (e - HB)) /
			    1e3;
		}
	}
	return hmax / 1e3;
}

static inline uint32_t
g32(const char *p)
{
	uint32_t x;
	memcpy(&x, p, 4);
	return ntohl(x);
}

/* ---- output ---- */
static void
oput(struct conn *c, const void *p, size_t n)
{
	if (c->ol + n > c->oc) {
		c->oc = (c->ol + n) * 2;
		c->ob = realloc(c->ob, c->oc);
	}
	memcpy(c->ob + c->ol, p, n);
	c->ol += n;
}
static size_t
mb(struct conn *c, char t)
{
	char z[5] = { t, 0, 0, 0, 0 };
	if (t)
		oput(c, z, 5);
	else
		oput(c, z + 1, 4);
	return c->ol - 4;
}
static void
me(struct conn *c, size_t at)
{
	uint32_t x = htonl((uint32_t)(c->ol - at));
	memcpy(c->ob + at, &x, 4);
}
static void
ostr(struct conn *c, const char *s)
{
	oput(c, s, strlen(s) + 1);
}
static void
o16(struct conn *c, int v)
{
	uint16_t x = htons((uint16_t)v);
	oput(c, &x, 2);
}
static void
o32(struct conn *c, uint32_t v)
{
	uint32_t x = htonl(v);
	oput(c, &x, 4);
}

static void
want(struct conn *c, int ev)
{
	if (c->events == ev)
		return;
	struct epoll_event e = { .events = (uint32_t)ev, .data.ptr = c };
	epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e);
	c->events = ev;
}
static void fail(struct conn *c, const char *why);
static int
oflush(struct conn *c)
{
	while (c->op < c->ol) {
		ssize_t r;
		if (c->ssl) {
			ERR_clear_error();
			r = SSL_write(c->ssl, c->ob + c->op, (int)(c->ol - c->op));
			if (r <= 0) {
				int e = SSL_get_error(c->ssl, (int)r);
				if (e == SSL_ERROR_WANT_WRITE ||
				    e == SSL_ERROR_WANT_READ) {
					want(c, EPOLLIN | EPOLLOUT);
					return 0;
				}
				fail(c, "ssl write");
				return -1;
			}
		} else {
			r = send(c->fd, c->ob + c->op, c->ol - c->op, MSG_NOSIGNAL);
			if (r < 0) {
				if (errno == EAGAIN) {
					want(c, EPOLLIN | EPOLLOUT);
					return 0;
				}
				fail(c, strerror(errno));
				return -1;
			}
		}
		c->op += (size_t)r;
	}
	c->op = c->ol = 0;
	want(c, EPOLLIN);
	return 0;
}

/* ---- requests ---- */
static void
tag(char *b, struct conn *c, uint32_t seq)
{
	static const char hx[] = "0123456789abcdef";
	uint32_t a = (uint32_t)c->id;
	for (int i = 5; i >= 0; i--) {
		b[i] = hx[a & 15];
		a >>= 4;
	}
	for (int i = 11; i >= 6; i--) {
		b[i] = hx[seq & 15];
		seq >>= 4;
	}
}
static void
stext(char *b, size_t n, int i)
{
	if (nstmt == 1)
		snprintf(b, n, "select $1::text");
	else
		snprintf(b, n, "select $1::text /* %d */", i);
}
static void
bind_exec(struct conn *c, const char *stmt, const char *t)
{
	size_t a = mb(c, 'B');
	oput(c, "", 1);
	ostr(c, stmt);
	o16(c, 0);
	o16(c, 1);
	o32(c, 12);
	oput(c, t, 12);
	o16(c, 0);
	me(c, a);
	oput(c, "D\0\0\0\6P\0", 7);
	oput(c, "E\0\0\0\11\0\0\0\0\0", 10);
	oput(c, "S\0\0\0\4", 5);
}
static void
simple(struct conn *c, const char *q)
{
	size_t a = mb(c, 'Q');
	ostr(c, q);
	me(c, a);
}
static void
request(struct conn *c)
{
	char t[12], q[64], st[64];
	tag(t, c, c->seq++);
	if (txblock && c->step == 0) {
		simple(c, "BEGIN");
		return;
	}
	if (txblock && c->step == 2) {
		simple(c, "COMMIT");
		return;
	}
	switch (proto) {
	case M_SIMPLE:
		memcpy(q, "select '", 8);
		memcpy(q + 8, t, 12);
		memcpy(q + 20, "'", 2);
		simple(c, q);
		break;
	case M_EXTENDED: {
		size_t a = mb(c, 'P');
		oput(c, "", 1);
		ostr(c, "select $1::text");
		o16(c, 0);
		me(c, a);
		bind_exec(c, "", t);
		break;
	}
	case M_PREPARED:
		snprintf(st, sizeof st, "P0_%d", (int)(c->seq % (unsigned)nstmt));
		bind_exec(c, st, t);
		break;
	}
}
static void
send_batch(struct conn *c)
{
	if (mode == BIG) {
		simple(c, query);
		c->outstanding = 1;
	} else {
		for (int i = 0; i < depth; i++)
			request(c);
		c->outstanding = depth;
	}
	c->state = ST_BUSY;
	c->t0 = now_ns();
	oflush(c);
}

/* ---- connection ---- */
static void
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
static void
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
static void
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
static void ready(struct conn *c);
static void
up(struct conn *c)
{
	n_setup--;
	n_up++;
	c->state = ST_READY;
	ready(c);
}
static void
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

/* ---- authentication ---- */
static void
b64(char *o, const unsigned char *i, int n)
{
	EVP_EncodeBlock((unsigned char *)o, i, n);
}
static int
unb64(unsigned char *o, const char *i, int n)
{
	char t[256];
	if (n > 255)
		return -1;
	memcpy(t, i, (size_t)n);
	t[n] = 0;
	int r = EVP_DecodeBlock(o, (unsigned char *)t, n), pad = 0;
	while (n && t[n - 1] == '=') {
		n--;
		pad++;
	}
	return r - pad;
}
static void
hm(const unsigned char *k, int kl, const void *d, size_t n, unsigned char *o)
{
	unsigned l = 32;
	HMAC(EVP_sha256(), k, kl, d, n, o, &l);
}
static void
salted(const char *salt64, int sl, int iter, unsigned char out[32])
{
	static char cs[64];
	static int ci;
	static unsigned char co[32]; /* one-entry cache */
	if (ci == iter && (int)strlen(cs) == sl && !memcmp(cs, salt64, (size_t)sl)) {
		memcpy(out, co, 32);
		return;
	}
	unsigned char s[128];
	int n = unb64(s, salt64, sl);
	PKCS5_PBKDF2_HMAC(pass, (int)strlen(pass), s, n, iter, EVP_sha256(), 32, out);
	if (sl < 64) {
		memcpy(cs, salt64, (size_t)sl);
		cs[sl] = 0;
		ci = iter;
		memcpy(co, out, 32);
	}
}
static void
auth(struct conn *c, const char *m, size_t n)
{
	uint32_t t = g32(m);
	if (t == 0 || t == 12)
		return;
	if (t == 3) {
		size_t a = mb(c, 'p');
		ostr(c, pass);
		me(c, a);
		oflush(c);
		return;
	}
	if (t == 5) {
		unsigned char d[16];
		char h[40], b[256];
		snprintf(b, sizeof b, "%s%s", pass, user);
		EVP_Digest(b, strlen(b), d, NULL, EVP_md5(), NULL);
		for (int i = 0; i < 16; i++)
			sprintf(h + 2 * i, "%02x", d[i]);
		memcpy(h + 32, m + 4, 4);
		EVP_Digest(h, 36, d, NULL, EVP_md5(), NULL);
		strcpy(b, "md5");
		for (int i = 0; i < 16; i++)
			sprintf(b + 3 + 2 * i, "%02x", d[i]);
		size_t a = mb(c, 'p');
		ostr(c, b);
		me(c, a);
		oflush(c);
		return;
	}
	if (t == 10) {
		unsigned char r[18];
		char first[80];
		RAND_bytes(r, 18);
		b64(c->cnonce, r, 18);
		snprintf(first, sizeof first, "n,,n=,r=%s", c->cnonce);
		size_t a = mb(c, 'p');
		ostr(c, "SCRAM-SHA-256");
		o32(c, (uint32_t)strlen(first));
		oput(c, first, strlen(first));
		me(c, a);
		oflush(c);
		return;
	}
	if (t == 11) {
		char sf[300], am[700], fin[400], np[300];
		const char *r, *s, *i;
		unsigned char sp[32], ck[32], sk[32], sig[32], pr[32];
		char p64[64];
		size_t l = n - 4 < sizeof sf - 1 ? n - 4 : sizeof sf - 1;
		memcpy(sf, m + 4, l);
		sf[l] = 0;
		r = strstr(sf, "r=");
		s = strstr(sf, ",s=");
		i = strstr(sf, ",i=");
		if (!r || !s || !i) {
			fail(c, "scram");
			return;
		}
		salted(s + 3, (int)(i - s - 3), atoi(i + 3), sp);
		snprintf(np, sizeof np, "c=biws,r=%.*s", (int)(s - r - 2), r + 2);
		snprintf(am, sizeof am, "n=,r=%s,%s,%s", c->cnonce, sf, np);
		hm(sp, 32, "Client Key", 10, ck);
		SHA256(ck, 32, sk);
		hm(sk, 32, am, strlen(am), sig);
		for (int k = 0; k < 32; k++)
			pr[k] = ck[k] ^ sig[k];
		b64(p64, pr, 32);
		snprintf(fin, sizeof fin, "%s,p=%s", np, p64);
		size_t a = mb(c, 'p');
		oput(c, fin, strlen(fin));
		me(c, a);
		oflush(c);
		return;
	}
	fail(c, "unknown authentication request");
}

/* ---- replies ---- */
static void
server_error(struct conn *c, const char *m, size_t n)
{
	errors++;
	if (!first_error[0]) {
		const char *p = m, *e = m + n;
		while (p < e && *p) {
			if (*p == 'M') {
				snprintf(first_error, sizeof first_error, "client %d: %s",
				    c->id, p + 1);
				break;
			}
			p += strlen(p) + 1;
		}
	}
}
static void
batch_done(struct conn *c)
{
	uint64_t t = now_ns();
	if (txblock) {
		c->step = (c->step + 1) % 3;
		if (c->step) {
			send_batch(c);
			return;
		}
	}
	int k = mode == BIG ? 1 : depth;
	tx_total += (uint64_t)k;
	c->done += k;
	if (timed)
		hadd(t - (c->due ? c->due : c->t0));
	c->state = ST_READY;
	ready(c);
}
static void
ready(struct conn *c)
{
	if (mode == CONNECT) {
		if (c->done == 0) {
			uint64_t t = c->t0;
			send_batch(c);
			c->t0 = t;
			return;
		}
		size_t a = mb(c, 'X');
		me(c, a);
		oflush(c);
		if (c->fd >= 0)
			cclose(c);
		conns_done++;
		c->done = 0;
		return;
	}
	if (mode == IDLE) {
		if (c->done < idleq)
			send_batch(c);
		return;
	}
	if (stopping)
		return;
	if (!timed && n_up < nclients)
		return; /* barrier: started by main */
	if (rate > 0)
		return; /* scheduled by main */
	send_batch(c);
}
static void
message(struct conn *c, char t, const char *m, size_t n)
{
	switch (t) {
	case 'R':
		auth(c, m, n);
		break;
	case 'E':
		server_error(c, m, n);
		if (c->state < ST_READY) {
			c->state = ST_AUTH;
			fail(c, first_error);
		}
		break;
	case 'D':
		if (mode != BIG && c->state == ST_BUSY) {
			char e[12];
			tag(e, c, c->rseq);
			if (txblock)
				tag(e, c, c->rseq + 1);
			if (n != 18 || memcmp(m + 6, e, 12)) {
				tagbad++;
				if (!first_error[0])
					snprintf(first_error, sizeof first_error,
					    "client %d: wrong reply %.*s wanted %.12s",
					    c->id, (int)(n > 6 ? n - 6 : 0), m + 6, e);
			}
		}
		break;
	case 'Z':
		if (c->state == ST_AUTH) {
			after_auth(c);
			break;
		}
		if (c->state == ST_PREPARE) {
			up(c);
			break;
		}
		if (!txblock)
			c->rseq++;
		else if (c->step == 2)
			c->rseq += 3;
		if (--c->outstanding == 0)
			batch_done(c);
		break;
	}
}
static void
feed(struct conn *c, const char *b, size_t n)
{
	int fd = c->fd;
	bytes_in += n;
	for (;;) {
		if (c->skip) {
			size_t k = c->skip < n ? c->skip : n;
			b += k;
			n -= k;
			c->skip -= k;
		}
		if (!n)
			return;
		if (c->il) { /* complete the partial message */
			size_t need = c->il < 5 ? 5 - c->il : 0, k;
			if (!need) {
				size_t l = 1 + (size_t)g32(c->ib + 1);
				need = l - c->il;
			}
			k = need < n ? need : n;
			if (c->il + k > c->ic) {
				c->ic = (c->il + k) * 2;
				c->ib = realloc(c->ib, c->ic);
			}
			memcpy(c->ib + c->il, b, k);
			c->il += k;
			b += k;
			n -= k;
			if (c->il < 5)
				return;
			size_t l = 1 + (size_t)g32(c->ib + 1);
			if (mode == BIG && (c->ib[0] == 'D' || c->ib[0] == 'd') &&
			    c->il < l) {
				c->skip = l - c->il;
				c->il = 0;
				continue;
			}
			if (c->il < l) {
				if (n)
					continue;
				return;
			}
			c->il = 0;
			message(c, c->ib[0], c->ib + 5, l - 5);
		} else {
			if (n < 5)
				goto keep;
			size_t l = 1 + (size_t)g32(b + 1);
			if (mode == BIG && (b[0] == 'D' || b[0] == 'd')) {
				if (n < l) {
					c->skip = l - n;
					return;
				}
				b += l;
				n -= l;
				continue;
			}
			if (n < l)
				goto keep;
			char t = b[0];
			const char *m = b + 5;
			b += l;
			n -= l;
			message(c, t, m, l - 5);
		}
		if (c->fd != fd || c->fd < 0)
			return;
		continue;
keep:
		if (n > c->ic) {
			c->ic = n * 2 > 64 ? n * 2 : 64;
			c->ib = realloc(c->ib, c->ic);
		}
		memcpy(c->ib, b, n);
		c->il = n;
		return;
	}
}
static double slow_budget;
static void
handle(struct conn *c, uint32_t ev)
{
	static char rb[262144];
	if (c->fd < 0)
		return;
	if (c->state == ST_CONNECTING) {
		int e = 0;
		socklen_t l = sizeof e;
		getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &e, &l);
		if (e) {
			fail(c, strerror(e));
			return;
		}
		established(c);
		return;
	}
	if (c->state == ST_TLS) {
		tls_step(c);
		return;
	}
	if (ev & EPOLLOUT) {
		if (c->op < c->ol) {
			if (oflush(c))
				return;
		} else
			want(c, EPOLLIN);
	}
	if (!(ev & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	if (c->state == ST_SSLREQ) {
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
		return;
	}
	size_t cap = sizeof rb;
	if (slow > 0 && mode == BIG && timed) {
		if (slow_budget < 1)
			return;
		if (cap > slow_budget)
			cap = (size_t)slow_budget;
	}
	int fd = c->fd;
	for (;;) {
		ssize_t r;
		if (c->ssl) {
			ERR_clear_error();
			r = SSL_read(c->ssl, rb, (int)cap);
			if (r <= 0) {
				int e = SSL_get_error(c->ssl, (int)r);
				if (e == SSL_ERROR_WANT_READ)
					return;
				fail(c, "connection closed (tls)");
				return;
			}
		} else {
			r = recv(c->fd, rb, cap, 0);
			if (r < 0) {
				if (errno == EAGAIN || errno == EINTR)
					return;
				fail(c, strerror(errno));
				return;
			}
			if (r == 0) {
				fail(c, "connection closed");
				return;
			}
		}
		if (slow > 0)
			slow_budget -= (double)r;
		feed(c, rb, (size_t)r);
		if (c->fd != fd)
			return;
		if (!c->ssl)
			return;
		if (slow > 0)
			return;
	}
}

static volatile sig_atomic_t quit;
static void
onsig(int s)
{
	(void)s;
	quit = 1;
}

int
main(int argc, char **argv)
{
	int o;
	while (
	    (o = getopt(argc, argv, "h:p:u:d:w:Tm:c:t:W:M:D:N:n:r:xq:S:R:Q:s:P")) != -1)
		switch (o) {
		case 'h':
			addr = optarg;
			break;
		case 'p':
			port = atoi(optarg);
			break;
		case 'u':
			user = optarg;
			break;
		case 'd':
			db = optarg;
			break;
		case 'w':
			pass = optarg;
			break;
		case 'T':
			use_tls = 1;
			break;
		case 'm':
			mode = !strcmp(optarg, "connect") ? CONNECT :
			    !strcmp(optarg, "idle")	  ? IDLE :
			    !strcmp(optarg, "big")	  ? BIG :
							    RUN;
			break;
		case 'c':
			nclients = atoi(optarg);
			break;
		case 't':
			secs = atof(optarg);
			break;
		case 'W':
			warm = atof(optarg);
			break;
		case 'M':
			proto = optarg[0] == 's' ? M_SIMPLE :
			    optarg[0] == 'e'	 ? M_EXTENDED :
						   M_PREPARED;
			break;
		case 'D':
			depth = atoi(optarg);
			break;
		case 'N':
			nstmt = atoi(optarg);
			break;
		case 'n':
			maxtx = atol(optarg);
			break;
		case 'r':
			rate = atof(optarg);
			break;
		case 'x':
			txblock = 1;
			break;
		case 'q':
			query = optarg;
			break;
		case 'S':
			slow = atof(optarg);
			break;
		case 'R':
			ramp = atoi(optarg);
			break;
		case 'Q':
			idleq = atoi(optarg);
			break;
		case 's':
			nsrc = atoi(optarg);
			break;
		case 'P':
			hold = 1;
			break;
		default:
			fprintf(stderr, "see the head of pgload.c\n");
			return 2;
		}
	struct rlimit rl;
	getrlimit(RLIMIT_NOFILE, &rl);
	rl.rlim_cur = rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, onsig);
	signal(SIGINT, onsig);
	setvbuf(stdout, NULL, _IOLBF, 0);
	prctl(PR_SET_TIMERSLACK, 1);
	ep = epoll_create1(EPOLL_CLOEXEC);
	if (use_tls) {
		ctx = SSL_CTX_new(TLS_client_method());
		SSL_CTX_set_mode(ctx,
		    SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
			SSL_MODE_RELEASE_BUFFERS);
		SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	}
	C = calloc((size_t)nclients, sizeof *C);
	for (int i = 0; i < nclients; i++) {
		C[i].id = i;
		C[i].fd = -1;
	}
	int next = 0;
	uint64_t tbegin = now_ns(), tup = 0, tstart = 0, tstop = 0, last = tbegin,
		 next_due = 0;
	uint64_t tx0 = 0, b0 = 0, c0 = 0, e0 = 0, tx1 = 0, b1 = 0, c1 = 0;
	int rr = 0;
	struct rusage ru0, ru1;
	memset(&ru0, 0, sizeof ru0);
	for (;;) {
		if (quit)
			break;
		/* keep connections coming up */
		if (mode == CONNECT) {
			if (!stopping)
				for (int i = 0; i < nclients; i++)
					if (C[i].fd < 0)
						copen(&C[i]);
		} else
			while (next < nclients && n_setup < ramp)
				copen(&C[next++]);
		uint64_t t = now_ns();
		if (!tup && (mode == CONNECT || n_up == nclients)) {
			tup = t;
			if (hold && mode == RUN) {
				printf("HOLD\n");
				fflush(stdout);
				int ch;
				while ((ch = getchar()) != '\n' && ch != EOF)
					;
				t = tup = now_ns();
				warm = 0;
			}
			if (mode == IDLE) {
				int ok = 1;
				for (int i = 0; i < nclients; i++)
					if (C[i].done < idleq) {
						ok = 0;
						break;
					}
				if (!ok)
					tup = 0;
			}
			if (tup && mode != CONNECT && mode != IDLE) {
				if (rate > 0)
					next_due = t;
				else
					for (int i = 0; i < nclients; i++)
						if (C[i].state == ST_READY)
							send_batch(&C[i]);
			}
		}
		if (!tup && t - tbegin > 120000000000ull) {
			fprintf(stderr,
			    "ramp-up timed out: %d of %d up, %lu errors, %s\n", n_up,
			    nclients, (unsigned long)errors, first_error);
			return 1;
		}
		if (tup && !tstart &&
		    (double)(t - tup) >= (mode == BIG ? 0 : warm) * 1e9) {
			tstart = t;
			timed = 1;
			tx0 = tx_total;
			b0 = bytes_in;
			c0 = conns_done;
			e0 = errors;
			getrusage(RUSAGE_SELF, &ru0);
			printf("START %.3f\n", (double)(tup - tbegin) / 1e9);
			fflush(stdout);
		}
		if (tstart && !tstop &&
		    ((maxtx && (long)(tx_total - tx0) >= maxtx) ||
			(!maxtx && (double)(t - tstart) >= secs * 1e9))) {
			tstop = t;
			tx1 = tx_total;
			b1 = bytes_in;
			c1 = conns_done;
			stopping = 1;
			getrusage(RUSAGE_SELF, &ru1);
			printf("STOP\n");
			fflush(stdout);
			if (hold &&
			    mode !=
				CONNECT) { /* let the transactions under way finish, then wait */
				uint64_t end = now_ns() + 20000000000ull;
				int busy = 1;
				while (busy && now_ns() < end) {
					struct epoll_event ev[512];
					int n = epoll_wait(ep, ev, 512, 10);
					for (int i = 0; i < n; i++)
						handle(ev[i].data.ptr, ev[i].events);
					busy = 0;
					for (int i = 0; i < nclients; i++)
						if (C[i].state == ST_BUSY)
							busy = 1;
				}
				tx1 = tx_total;
				printf("DRAINED\n");
				fflush(stdout);
				int ch;
				while ((ch = getchar()) != '\n' && ch != EOF)
					;
			}
			break;
		}
		if (rate > 0 && next_due && !stopping) {
			while (next_due <= t) {
				int k;
				for (k = 0; k < nclients; k++) {
					struct conn *c = &C[rr];
					rr = (rr + 1) % nclients;
					if (c->state == ST_READY) {
						c->due = next_due;
						send_batch(c);
						break;
					}
				}
				if (k == nclients)
					break; /* all busy: stay late */
				next_due += (uint64_t)(1e9 / rate);
			}
		}
		if (slow > 0) {
			slow_budget += (double)(t - last) / 1e9 * slow;
			if (slow_budget > slow / 10 + 1)
				slow_budget = slow / 10 + 1;
		}
		last = t;
		struct epoll_event ev[512];
		if (slow > 0 && slow_budget < 1024) {
			struct timespec ts = { 0, 5000000 };
			nanosleep(&ts, NULL);
			continue;
		}
		struct timespec nap = { 0, 10000000 };
		if (rate > 0 &&
		    next_due) { /* until the next one is due, to the microsecond: do not spin */
			uint64_t n1 = now_ns(),
				 left = next_due > n1 ? next_due - n1 :
			    next_due > t	      ? 0 :
							10000000;
			nap.tv_nsec = (long)(left < 10000000 ? left : 10000000);
		}
		int n = epoll_pwait2(ep, ev, 512, &nap, NULL);
		for (int i = 0; i < n; i++)
			handle(ev[i].data.ptr, ev[i].events);
		if (mode != CONNECT && !tup && connect_fail && n_setup == 0 &&
		    next == nclients && n_up < nclients) {
			fprintf(stderr, "%d of %d clients up: %s\n", n_up, nclients,
			    first_error);
			return 1;
		}
		if (mode != CONNECT && connect_fail && n_up + n_setup == 0 &&
		    next == nclients) {
			fprintf(stderr, "all clients failed: %s\n", first_error);
			return 1;
		}
	}
	if (!tstop) {
		tstop = now_ns();
		tx1 = tx_total;
		b1 = bytes_in;
		c1 = conns_done;
		getrusage(RUSAGE_SELF, &ru1);
		if (!tstart)
			tstart = tstop - 1;
		printf("STOP\n");
	}
	double el = (double)(tstop - tstart) / 1e9;
	double cpu = (double)(ru1.ru_utime.tv_sec - ru0.ru_utime.tv_sec +
			 ru1.ru_stime.tv_sec - ru0.ru_stime.tv_sec) +
	    (double)(ru1.ru_utime.tv_usec - ru0.ru_utime.tv_usec + ru1.ru_stime.tv_usec -
		ru0.ru_stime.tv_usec) /
		1e6;
	printf(
	    "{\"clients\":%d,\"up\":%d,\"ramp_s\":%.3f,\"elapsed\":%.3f,\"tx\":%lu,\"tps\":%.1f,\"conns\":%lu,\"conn_per_s\":%.1f,"
	    "\"bytes\":%lu,\"mb_per_s\":%.1f,\"avg_us\":%.1f,\"p50_us\":%.1f,\"p95_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,\"max_us\":%.1f,"
	    "\"load_cpu_s\":%.3f,\"errors\":%lu,\"errors_before\":%lu,\"tagbad\":%lu,\"first_error\":\"%s\"}\n",
	    nclients, n_up, (double)(tup - tbegin) / 1e9, el, (unsigned long)(tx1 - tx0),
	    (double)(tx1 - tx0) / el, (unsigned long)(c1 - c0), (double)(c1 - c0) / el,
	    (unsigned long)(b1 - b0), (double)(b1 - b0) / el / 1e6,
	    hcount ? (double)hsum / (double)hcount / 1e3 : 0.0, hq(.5), hq(.95), hq(.99),
	    hq(.999), (double)hmax / 1e3, cpu, (unsigned long)(errors - e0),
	    (unsigned long)e0, (unsigned long)tagbad, first_error);
	return 0;
}
