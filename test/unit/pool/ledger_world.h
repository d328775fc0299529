/*
 * ledger_world.h - lanes without servers, clients or threads, which drive the real ledger
 * as lane.c does, one call at a time and in any order.
 *
 * A lane that still has to cover or to open nudges does only that, but between any two
 * of its calls other lanes may do theirs. Letters arrive when they like. After every
 * event everything is counted anew.
 */
#ifndef POOL_LEDGER_WORLD_H
#define POOL_LEDGER_WORLD_H

#include "pool/ledger.h"

#define WORLD_LANES 4u
#define WORLD_CLIENTS 12u
#define WORLD_EVER UINT32_MAX
#define WORLD_WAIT (10 * MSEC)	/* how far EVENT_WAIT moves the clock */

#define WORLD_LATE (1 * MSEC)	/* how far a lane's clock may be behind */

/* What may happen to a lane; from PAUSE on, to all. */
enum world_event {
	EVENT_GO_ON,		/* cover, or open a nudge: what the lane is at */
	EVENT_TAKE,		/* a client comes */
	EVENT_LEAVE_OLDEST,	/* one that waits leaves */
	EVENT_LEAVE_NEWEST,
	EVENT_RELEASE,		/* a busy server is free */
	EVENT_DIE_BUSY,
	EVENT_DIE_IDLE,
	EVENT_OPENED,
	EVENT_FAILED,		/* an opening */
	EVENT_REFUSED,		/* an opening, and clients are to be told */
	EVENT_NUDGED,		/* the letter is read */
	EVENT_ARRIVED,		/* a server from another lane */
	EVENT_BROKEN,		/* the same, but it has died on the way */
	EVENT_FILL,		/* min_pool_size */
	EVENT_CLOSE_IDLE,	/* as PAUSE and retire_idle do */
	EVENT_LATE,		/* this lane has not read its clock for a while */
	EVENT_PAUSE,
	EVENT_RESUME,
	EVENT_LIMIT,		/* the other limits */
	EVENT_DOUBT,		/* RECONNECT */
	EVENT_WAIT,		/* time passes, lanes tick */
	EVENTS
};

struct world_rules {
	unsigned	 lanes;
	struct ledger_limits limits[2];
	unsigned	 least;		/* for EVENT_FILL */
	usec_t		 patience;
	unsigned	 budget[EVENTS];	/* how often each may happen */
};

struct world_lane {
	struct seat	 seat;
	unsigned	 idle, busy, opening;
	unsigned	 nudges;	/* promised to others, letter not read */
	unsigned	 nudging;	/* read, still to do */
	unsigned	 letters;	/* servers on their way here */
	bool		 to_cover;
	usec_t		 late;		/* how far its clock is behind */
	unsigned	 waiting[WORLD_CLIENTS];	/* clients, oldest first */
	unsigned	 waiting_count;
};

/* Lives at one address: a copy put back there is the state it was. */
struct world {
	struct world_rules rules;
	struct book	 book;
	struct ledger	 ledger;
	struct world_lane lanes[WORLD_LANES];
	struct want	 wants[WORLD_CLIENTS];
	bool		 taken[WORLD_CLIENTS];
	unsigned	 limits;	/* which of the two */
	unsigned	 allowed;	/* most servers there may be now */
	usec_t		 now;
	unsigned long	 served, moved, opened;
	const char	*wrong;
};

/* Let what needs no mishap and no client happen as often as it likes. */
static inline void
world_rules_free(struct world_rules *rules)
{
	rules->budget[EVENT_GO_ON] = rules->budget[EVENT_RELEASE] = WORLD_EVER;
	rules->budget[EVENT_OPENED] = rules->budget[EVENT_NUDGED] = WORLD_EVER;
	rules->budget[EVENT_ARRIVED] = rules->budget[EVENT_RESUME] = WORLD_EVER;
	rules->budget[EVENT_CLOSE_IDLE] = WORLD_EVER;
}

void world_init(struct world *w, const struct world_rules *rules);
/* Let EVENT happen to LANE. False: it cannot. */
bool world_happen(struct world *w, enum world_event event, unsigned lane);
/* NULL, or what is wrong. */
const char *world_check(struct world *w);
/* Let everybody finish, without new clients or mishaps; then nobody may wait. */
void world_finish(struct world *w);
/* What distinguishes this state from others, hashed. */
uint64_t world_hash(const struct world *w);
const char *world_event_name(enum world_event event);

#endif
