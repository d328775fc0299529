/*
 * resolve.h - host names to addresses by c-ares on a loop, with a cache that keeps answers for their
 * TTL within bounds. A name that cannot be refreshed keeps its last answer, and one that is in use is refreshed before anybody
 * has to wait for it.
 */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include "base/addr.h"
#include "base/port.h"

struct loop;
struct resolver;

struct resolver_limits {
	usec_t		 ttl_least, ttl_most;	/* bounds of a positive answer's life; the second one wins */
	usec_t		 ttl_negative;
	usec_t		 refresh_least;		/* a name in use is not asked for more often than this by itself */
	usec_t		 zone_period;		/* between two looks at a zone's serial number (SOA, RFC 1035 3.3.13); 0: never */
	const char	*resolv_conf;		/* NULL or "": the system's; copied */
	const char	*servers;		/* "192.0.2.1,[2001:db8::1]:53"; NULL: as resolv_conf says; copied */
};

/* The resolver of LOOP; made on first use, freed with the loop. NULL: no memory. */
struct resolver *resolver_of(struct loop *loop);
/* From now on; also reads the system's files anew. Not from inside an answer. */
void resolver_set_limits(struct resolver *r, const struct resolver_limits *limits);

/* Who holds on to addresses: asked before NAME is refreshed for nobody, told when its addresses are others than before. */
struct resolver_user {
	bool	(*uses)(void *owner, const char *name);
	void	(*changed)(void *owner, const char *name, const struct addr *addrs, unsigned count);
};
/* One a resolver. CALLS and OWNER last as long as the loop. */
void resolver_set_user(struct resolver *r, const struct resolver_user *calls, void *owner);

/* COUNT addresses (borrowed; ports are 0), or 0 and WHY. May be called from inside resolve() when the answer is cached. */
typedef void (*resolve_fn)(void *owner, const struct addr *addrs, unsigned count, const char *why);
struct lookup;
/* NULL: answered already (from inside). */
struct lookup *resolve(struct resolver *r, const char *name, resolve_fn done, void *owner);
void resolve_cancel(struct lookup *lookup);

/* What is remembered, for people. LEFT: of the answer's life. Texts last until the call ends. */
struct resolver_name {
	const char	*name;
	usec_t		 left;
	const struct addr *addrs;
	unsigned	 count;
	bool		 asking;
};
struct resolver_zone {
	const char	*zone;
	uint32_t	 serial;	/* 0: not known */
	unsigned	 names;
	bool		 asking;
};
void resolver_each_name(struct resolver *r,
    void (*fn)(void *owner, const struct resolver_name *name), void *owner);
void resolver_each_zone(struct resolver *r,
    void (*fn)(void *owner, const struct resolver_zone *zone), void *owner);

/* "c-ares 1.18.1", for -V and the log. */
const char *resolve_version(void);

#endif
