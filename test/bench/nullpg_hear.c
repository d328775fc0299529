/*
 * nullpg_hear.c - what clients say: startup packets and messages.
 */
#include "nullpg.h"

#include <stdio.h>

#define SSL_REQUEST 80877103u
#define GSS_REQUEST 80877104u
#define CANCEL_REQUEST 80877102u

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

/* The packet a connection begins with; returns its length, 0: not whole. */
static size_t
first_packet(struct conn *c, const char *p, size_t left)
{
	uint32_t l, v;

	if (left < 4)
		return 0;
	l = g32(p);
	if (l < 8 || l > 10000) {
		c->closing = 1;
		return 0;
	}
	if (left < l)
		return 0;
	v = g32(p + 4);
	if (v == SSL_REQUEST || v == GSS_REQUEST) {
		p8('N');
	} else if (v == CANCEL_REQUEST) {
		counts.cancel++;
		c->closing = 1;
	} else {
		startup(c, p + 4, l - 4);
	}
	return l;
}

/* The end of the statement at Q: a semicolon outside of quotes, or the end of all. */
static size_t
statement_end(const char *q, size_t n)
{
	size_t i;
	int quoted = 0;

	for (i = 0; i < n && (quoted || q[i] != ';'); i++)
		if (q[i] == '\'')
			quoted = !quoted;
	return i;
}

static void
hear_query(struct conn *c, const char *q, size_t n)
{
	uint64_t errors = counts.err;
	int any = 0;

	counts.query++;
	n = strnlen(q, n);
	for (;;) {
		size_t i = strspn(q, " ;\n\t");

		q += i;
		n -= i;
		if (!n)
			break;
		i = statement_end(q, n);
		any = 1;
		run(c, classify(q, i), q, i, 1, NULL, 0);
		if (counts.err != errors || c->big_rows)
			break;
		q += i;
		n -= i;
	}
	if (!any)
		run(c, K_EMPTY, NULL, 0, 0, NULL, 0);
	if (!c->big_rows)
		rfq(c);
}

static void
refuse(struct conn *c, const char *code, const char *why)
{
	error(c, code, why);
	c->skip = 1;
}

static void
hear_parse(struct conn *c, const char *m, size_t n)
{
	const char *q = m + strnlen(m, n) + 1;
	uint64_t h = name_hash(m);

	counts.parse++;
	if (h && sfind(c, h)) {
		refuse(c, "42P05", "prepared statement already exists");
		return;
	}
	while (*q == ' ')
		q++;
	sput(c, h, classify(q, strlen(q)));
	p8('1');
	p32(4);
}

/* The first parameter is what the row will be. */
static void
hear_bind(struct conn *c, const char *m, size_t n)
{
	const char *name = m + strnlen(m, n) + 1, *r = name + strlen(name) + 1;
	struct stmt *st = sfind(c, name_hash(name));
	int count, len;

	counts.bind++;
	if (!st) {
		refuse(c, "26000", "prepared statement does not exist");
		return;
	}
	c->portal_kind = st->kind;
	r += 2 + 2 * g16(r);
	count = g16(r);
	r += 2;
	c->echo[0] = '1';
	c->echolen = 1;
	len = count > 0 ? (int)g32(r) : -1;
	if (len >= 0) {
		if (len > (int)sizeof c->echo)
			len = sizeof c->echo;
		memcpy(c->echo, r + 4, (size_t)len);
		c->echolen = len;
	}
	p8('2');
	p32(4);
}

static void
describe_rows(int kind)
{
	if (kind == K_SELECT) {
		rowdesc();
	} else {
		p8('n');
		p32(4);
	}
}

static void
hear_describe(struct conn *c, const char *m)
{
	struct stmt *st;

	if (*m != 'S') {
		describe_rows(c->portal_kind);
		return;
	}
	st = sfind(c, name_hash(m + 1));
	if (!st) {
		refuse(c, "26000", "prepared statement does not exist");
		return;
	}
	p8('t');
	p32(10);
	p16(1);
	p32(25);
	describe_rows(st->kind);
}

static void
hear_execute(struct conn *c)
{
	uint64_t errors = counts.err;

	counts.exec++;
	run(c, c->portal_kind, NULL, 0, 0, c->echo, c->echolen);
	if (counts.err != errors)
		c->skip = 1;
}

static void
hear_close(struct conn *c, const char *m)
{
	counts.close++;
	if (*m == 'S' && m[1])
		sdel(c, name_hash(m + 1));
	p8('3');
	p32(4);
}

static void
message(struct conn *c, char kind, const char *m, size_t n)
{
	if (c->skip && kind != 'S' && kind != 'X')
		return;
	switch (kind) {
	case 'Q':
		hear_query(c, m, n);
		break;
	case 'P':
		hear_parse(c, m, n);
		break;
	case 'B':
		hear_bind(c, m, n);
		break;
	case 'D':
		hear_describe(c, m);
		break;
	case 'E':
		hear_execute(c);
		break;
	case 'C':
		hear_close(c, m);
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

size_t
process(struct conn *c, const char *b, size_t len)
{
	size_t pos = 0, size;
	uint32_t l;

	/* nothing is heard while a big result is sent */
	while (!c->closing && !c->big_rows && !c->big_sent) {
		if (!c->started) {
			size = first_packet(c, b + pos, len - pos);
			if (!size)
				break;
			pos += size;
			continue;
		}
		if (len - pos < 5)
			break;
		l = g32(b + pos + 1);
		if (l < 4 || l > (1u << 30)) {
			c->closing = 1;
			break;
		}
		if (len - pos - 1 < l)
			break;
		message(c, b[pos], b + pos + 5, l - 4);
		pos += 1 + (size_t)l;
	}
	return pos;
}
