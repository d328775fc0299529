/*
 * account_world.h - pools that share accounts, each with a few lanes, without servers,
 * clients or threads: they drive the real ledgers as lane.c does, one call at a time and
 * in any order. What lanes of one pool do to each other is looked at in more detail by
 * ledger_world.h.
 */
#ifndef POOL_ACCOUNT_WORLD_H
#define POOL_ACCOUNT_WORLD_H

#include "pool/ledger.h"

#define POOLS 4u
#define PER_MOST 2u
#define LANES (POOLS * PER_MOST)
#define ACCOUNTS 2u
#define CLIENTS 8u
#define EVER UINT32_MAX

enum happening {
	GO_ON,			/* what the lane is at: cover, open a nudge, evict */
	TAKE,			/* a client comes */
	LEAVE,			/* the one that waits longest leaves */
	RELEASE,		/* a busy server is free */
	OPENED,
	NUDGED,			/* a letter is read */
	CALLED,
	ARRIVED,		/* a server from another lane of the pool */
	DIE_BUSY,
	DIE_IDLE,
	FAILED,			/* an opening */
	FILL,			/* min_pool_size */
	PAUSE,			/* the pool; from here on to all lanes of a pool, or to all */
	RESUME,
	SHRINK,			/* the limit of account 0 goes down by one, or back */
	TIME,			/* passes: everything idle has aged, lanes tick */
	HAPPENINGS
};

struct account_rules {
	unsigned	 pools, per;		/* lanes of each */
	unsigned	 size[POOLS];		/* of the pool; 0: no limit */
	unsigned	 least[POOLS];		/* min_pool_size */
	unsigned	 limit[ACCOUNTS];	/* 0: none */
	bool		 in[ACCOUNTS][POOLS];	/* who counts where */
	unsigned	 budget[HAPPENINGS];	/* how often each may happen */
};

struct account_lane {
	struct seat	 seat;
	unsigned	 idle, busy, opening;
	unsigned	 nudges, nudging;	/* letters not read; read and still to do */
	unsigned	 letters;		/* servers on their way here */
	bool		 call;			/* a call not read */
	bool		 evicting, to_cover;
	unsigned	 waiting[CLIENTS], waiting_count;	/* clients, oldest first */
};

/* Lives at one address: a copy put back there is the state it was. */
struct account_world {
	struct account_rules rules;
	struct book	 book;
	struct account	 accounts[ACCOUNTS];
	struct ledger	 ledgers[POOLS];
	struct account_lane lanes[LANES];	/* pool i has those from i * per on */
	struct want	 wants[CLIENTS];
	bool		 taken[CLIENTS];
	bool		 shrunk;
	unsigned	 allowed[ACCOUNTS];	/* most servers there may be now */
	usec_t		 now;
	unsigned long	 served, evicted, yielded, granted;
	const char	*wrong;
};

void account_world_init(struct account_world *w, const struct account_rules *rules);
void account_world_fini(struct account_world *w);
unsigned account_world_lanes(const struct account_world *w);
/* Let WHAT happen to lane I. False: it cannot. */
bool account_world_happen(struct account_world *w, enum happening what, unsigned i);
/* NULL, or what is wrong. */
const char *account_world_check(struct account_world *w);
/* Let everybody finish, without new clients or mishaps; then nobody may wait. */
void account_world_finish(struct account_world *w);
uint64_t account_world_hash(const struct account_world *w);
const char *happening_name(enum happening what);

#endif
