/*
 * answer.h - the addresses of a name as one answer gives them, for resolve.c.
 */
#ifndef NET_ANSWER_H
#define NET_ANSWER_H

#include <ares.h>

#include "base/addr.h"
#include "base/port.h"

struct answer {
	struct addr	*addrs;		/* owned; ports are 0, none is there twice */
	unsigned	 count;
	usec_t		 life;		/* the shortest of theirs */
};

/* What INFO says. False: no address, or no memory. */
bool answer_read(struct answer *a, const struct ares_addrinfo *info);
void answer_free(struct answer *a);

/* The same addresses, in whatever order? */
bool answer_same(const struct answer *a, const struct answer *b);
/* If A has no address of a kind (A, AAAA) of which BEFORE has some, take over those. False: none was. */
bool answer_keep_kinds(struct answer *a, const struct answer *before);

#endif
