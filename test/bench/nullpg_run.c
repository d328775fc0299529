/*
 * nullpg_run.c - statements: which ones a connection has, what each of them does.
 */
#include "nullpg.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

uint64_t
name_hash(const char *name)
{
	uint64_t h = 1469598103934665603ull;

	if (!*name)
		return 0;
	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 1099511628211ull;
	return h | 1;
}
struct stmt *
sfind(struct conn *c, uint64_t h)
{
	for (unsigned i = 0; i < c->nst; i++)
		if (c->st[i].hash == h)
			return &c->st[i];
	return NULL;
}
void
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
void
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
int
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
void
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
