/*
 * resolve_private.h - a resolver, for the files that make it up: resolve.c (names and their answers), zones.c (when whole zones
 * have changed). How questions travel is channel.c's business.
 */
#ifndef NET_RESOLVE_PRIVATE_H
#define NET_RESOLVE_PRIVATE_H

#include "base/list.h"
#include "base/map.h"
#include "net/answer.h"
#include "net/channel.h"
#include "net/loop.h"
#include "net/resolve.h"

struct resolver {
	struct loop	*loop;		/* borrowed */
	struct channel	*channel;	/* owned; opened with the first question */
	bool		 ending;	/* no new queries: the loop is going */
	struct resolver_limits limits;	/* its texts are owned */
	const struct resolver_user *user;	/* borrowed; NULL: nobody */
	void		*user_owner;	/* borrowed */
	struct map	 names;		/* struct name */
	struct list	 by_use;	/* the same, asked longest ago first */
	struct list	 zones;		/* struct zone */
	struct timer	*upkeep;	/* owned; runs while there are names */
};

/* What is known of a host name. */
struct name {
	struct map_node	 in_names;
	struct node	 in_use;
	struct resolver	*resolver;	/* borrowed */
	struct zone	*zone;		/* borrowed; NULL: it is in none */
	struct list	 waiting;	/* struct lookup */
	struct timer	*patience;	/* owned; while a query is to refresh an answer */
	bool		 asking;	/* a query is under way */
	bool		 spent;		/* patience is: the old answer will do */
	bool		 failing;	/* so it was said in the log */
	unsigned	 telling;	/* callbacks that are running */
	usec_t		 fresh_until;
	usec_t		 refresh_at;	/* asked by itself then, if it is used */
	struct answer	 answer;	/* the last good one */
	bool		 doubted;	/* it holds addresses that the answer before it had */
	const char	*why;		/* constant; of the last failure */
	char		 text[];
};

/* What names have in common behind their first dot. */
struct zone {
	struct node	 in_resolver;
	struct resolver	*resolver;	/* borrowed */
	unsigned	 names;		/* that are in it; the last one frees it */
	bool		 asking;
	bool		 known;		/* the serial number is */
	uint32_t	 serial;
	usec_t		 due;		/* asked then */
	char		 text[];
};

/* --- resolve.c --- */

/* Does anybody hold on to addresses of NAME? */
bool name_is_used(const struct name *name);
/* Ask for NAME now, unless somebody does already. */
void name_ask(struct name *name);
/* The channel, open; NULL: it cannot be. */
struct channel *resolver_channel(struct resolver *r);

/* --- zones.c --- */

/* The zone of host name TEXT, with one name more; NULL: none, or no memory. */
struct zone *zone_enter(struct resolver *r, const char *text);
/* One name less. NULL is fine. */
void zone_leave(struct zone *zone);
/* Ask for the serial numbers that are due. */
void zones_upkeep(struct resolver *r, usec_t now);

#endif
