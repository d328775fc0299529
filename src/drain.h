/*
 * drain.h - the end that clients do not suffer from (SIGTERM, SHUTDOWN DRAIN): they are let
 * in for a while, then told to leave between transactions, then canceled.
 */
#ifndef DRAIN_H
#define DRAIN_H

#include "base/err.h"
#include "conf/conf.h"
#include "doors.h"
#include "net/loop.h"

struct pooler;

enum drain_phase {
	DRAIN_NONE,
	DRAIN_ACCEPTING,	/* as ever, but not ready any more */
	DRAIN_TELLING,		/* doors are closed, but for replicas' cancel requests; clients are told to leave, evenly */
	DRAIN_LATE,		/* each is told at the end of its transaction */
	DRAIN_LAST,		/* clients are gone; servers are closed, consoles told */
	DRAIN_OVER,
};

struct drain {
	struct pooler	*pooler;	/* borrowed */
	struct doors	*doors;		/* borrowed */
	struct loop	*loop;		/* borrowed; stopped when all is over */
	struct timer	*timer;		/* owned */
	enum drain_phase phase;
	bool		 alone;		/* nobody was there when we looked last */
	usec_t		 began;		/* loop clock; the next four as well */
	usec_t		 doors_close, late, time_up;	/* time_up 0: never */
	usec_t		 last;		/* when the last phase began */
	usec_t		 told;		/* the service manager */
};

/* False: no memory. */
bool drain_init(struct drain *d, struct pooler *p, struct doors *doors, struct loop *loop);
/* Begin, as CONF says. */
void drain_begin(struct drain *d, const struct conf *conf);
void drain_fini(struct drain *d);

#endif
