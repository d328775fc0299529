/*
 * nullpg_say.c - making replies.
 */
#include "nullpg.h"

#include <stdio.h>
#include <stdlib.h>

char *O;
size_t ol;
static size_t oc; /* room in O */

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
void
put(const void *p, size_t n)
{
	need(n);
	memcpy(O + ol, p, n);
	ol += n;
}
void
p8(int v)
{
	need(1);
	O[ol++] = (char)v;
}
void
p16(int v)
{
	uint16_t x = htons((uint16_t)v);
	put(&x, 2);
}
void
p32(uint32_t v)
{
	uint32_t x = htonl(v);
	put(&x, 4);
}
size_t
mbegin(char t)
{
	p8(t);
	p32(0);
	return ol - 4;
}
void
mend(size_t at)
{
	uint32_t x = htonl((uint32_t)(ol - at));
	memcpy(O + at, &x, 4);
}
void
pstr(const char *s)
{
	put(s, strlen(s) + 1);
}
void
param(const char *k, const char *v)
{
	size_t a = mbegin('S');
	pstr(k);
	pstr(v);
	mend(a);
}
void
rfq(struct conn *c)
{
	char m[6] = { 'Z', 0, 0, 0, 5, c->tx };
	put(m, 6);
}
void
complete(const char *tag)
{
	size_t a = mbegin('C');
	pstr(tag);
	mend(a);
}
void
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
	counts.err++;
}
void
rowdesc(void)
{
	static const char m[] = { 'T', 0, 0, 0, 26, 0, 1, 'c', 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 25, (char)255, (char)255, (char)255, (char)255, (char)255, (char)255,
		0, 0 };
	put(m, sizeof m);
}
void
datarow(const char *v, int n)
{
	size_t a = mbegin('D');
	p16(1);
	p32((uint32_t)n);
	put(v, (size_t)n);
	mend(a);
}

void
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
