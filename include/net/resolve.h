/*
 * resolve.h - host names to addresses by c-ares on a loop, with a cache that keeps answers for their
 * TTL within bounds. A name that cannot be refreshed keeps its last answer.
 */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include "base/addr.h"
#include "base/port.h"

struct loop;
struct resolver;

struct resolver_limits {
	usec_t		 ttl_least, ttl_most;	/* bounds of a positive answer's life */
	usec_t		 ttl_negative;
	const char	*resolv_conf;		/* NULL: the system's */
	const char	*servers;		/* "192.0.2.1,[2001:db8::1]:53"; NULL: as resolv_conf says */
};

/* The resolver of LOOP; made on first use, freed with the loop. NULL: c-ares refused. */
struct resolver *resolver_of(struct loop *loop);
/* Also reads the system's files anew. Not from inside an answer. */
/* Only the lives of answers, from now on; 0 leaves one as it is. */
void resolver_set_lives(struct resolver *r, usec_t most, usec_t negative);
void resolver_set_limits(struct resolver *r, const struct resolver_limits *limits);

/* COUNT addresses (borrowed; ports are 0), or 0 and WHY. May be called from inside resolve() when the answer is cached. */
typedef void (*resolve_fn)(void *owner, const struct addr *addrs, unsigned count, const char *why);
struct lookup;
/* NULL: answered already (from inside). */
struct lookup *resolve(struct resolver *r, const char *name, resolve_fn done, void *owner);
void resolve_cancel(struct lookup *lookup);
const char *resolve_version(void);

#endif
