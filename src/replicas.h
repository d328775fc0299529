/*
 * replicas.h - who else pools before the same servers: budget_peers is a name whose
 * addresses are all of us (a headless Service); our share of each server's connections
 * follows from how many there are, and where cancel requests with keys of others go (fleet.h).
 */
#ifndef REPLICAS_H
#define REPLICAS_H

#include "net/resolve.h"
#include "pool/share.h"

struct conf;
struct pooler;
struct timer;

struct replicas {
	struct pooler	*pooler;	/* borrowed */
	struct loop	*loop;		/* borrowed */
	struct timer	*timer;		/* owned */
	struct lookup	*lookup;	/* under way */
	struct share	 share;
	char		*name;		/* owned: budget_peers; NULL: we are alone */
	bool		 known;		/* there was an answer */
	bool		 told;		/* the log knows that it leads nowhere */
	bool		 told_secret;	/* the log knows that there is no secret */
};

/* False: no memory. */
bool replicas_begin(struct replicas *r, struct pooler *pooler, struct loop *loop);
/* The configuration may have changed. */
void replicas_follow(struct replicas *r, const struct conf *conf);
void replicas_end(struct replicas *r);

#endif
