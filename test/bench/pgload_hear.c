/*
 * pgload_hear.c - what clients hear: replies, errors, and what to do next.
 */
#include "pgload.h"

#include <stdio.h>
#include <stdlib.h>

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
void
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
void
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
