/*
 * pgload_ask.c - what clients send: messages, and batches of transactions.
 */
#include "pgload.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

void
oput(struct conn *c, const void *p, size_t n)
{
	if (c->ol + n > c->oc) {
		c->oc = (c->ol + n) * 2;
		c->ob = realloc(c->ob, c->oc);
	}
	memcpy(c->ob + c->ol, p, n);
	c->ol += n;
}
size_t
mb(struct conn *c, char t)
{
	char z[5] = { t, 0, 0, 0, 0 };
	if (t)
		oput(c, z, 5);
	else
		oput(c, z + 1, 4);
	return c->ol - 4;
}
void
me(struct conn *c, size_t at)
{
	uint32_t x = htonl((uint32_t)(c->ol - at));
	memcpy(c->ob + at, &x, 4);
}
void
ostr(struct conn *c, const char *s)
{
	oput(c, s, strlen(s) + 1);
}
void
o16(struct conn *c, int v)
{
	uint16_t x = htons((uint16_t)v);
	oput(c, &x, 2);
}
void
o32(struct conn *c, uint32_t v)
{
	uint32_t x = htonl(v);
	oput(c, &x, 4);
}

void
want(struct conn *c, int ev)
{
	if (c->events == ev)
		return;
	struct epoll_event e = { .events = (uint32_t)ev, .data.ptr = c };
	epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e);
	c->events = ev;
}
int
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
void
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
void
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
void
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
