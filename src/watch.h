/*
 * watch.h - looks after the files that the configuration was read from (reload_on_change):
 * Kubernetes and others put new ones in their place and tell nobody. On the keeper's thread
 * only.
 */
#ifndef WATCH_H
#define WATCH_H

#include "base/err.h"
#include "conf/conf.h"
#include "net/loop.h"

struct pooler;

/* What was seen of some files: two that are equal are of files that have not changed. */
struct watch_look {
	uint64_t	 names;
	uint64_t	 state;
};

struct watch {
	struct pooler	*pooler;	/* borrowed */
	const struct conf_override *override; /* borrowed: what a reload has beside the files */
	struct timer	*timer;		/* owned */
	bool		 on;		/* it is set */
	struct watch_look read;		/* as they were when they were read last */
	struct watch_look last;		/* as they were when we looked last */
	bool		 failed;	/* what was read last cannot be used */
	unsigned	 quiet;		/* times that we have looked since and did not try */
	/* they have changed and rest: reload */
	void		(*changed)(void *owner);
	void		*owner;
};

/* Begin on LOOP, with .pooler, .override, .changed and .owner set. False: no memory. */
bool watch_begin(struct watch *w, struct loop *loop, struct err *e);
/* CONF may have another wish about it. */
void watch_follow(struct watch *w, const struct conf *conf);
/* The files of the conf in force are going to be read anew. */
void watch_before(struct watch *w);
/* They have been, and are in force if DONE. */
void watch_after(struct watch *w, bool done);
void watch_end(struct watch *w);

#endif
