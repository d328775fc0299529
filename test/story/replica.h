/*
 * replica.h - a story's other replica, of which nothing is there but its door, and strangers who say by hand what
 * a replica would say.
 */
#ifndef STORY_REPLICA_H
#define STORY_REPLICA_H

#include "story/story.h"

#include "net/link.h"
#include "pool/fleet.h"

#define REPLICA_SECRET "this is the secret of the story"
#define CALLS_MOST 32u

/* How the other replica takes a request. */
enum mood { ANSWERS, HOLDS, KNOWS_NOBODY, REFUSES, BABBLES, IS_MUTE };

/* One connection to the replica, or of a stranger. */
struct call {
	struct replica	*replica;	/* NULL: a stranger's */
	struct link	*link;
	struct buf	 heard;
	bool		 closed;
};

/* Another one, of which nothing is there but its door. */
struct replica {
	struct sim_host	 host;
	enum mood	 mood;
	uint8_t		 secret[PROOF_SECRET], challenge[PROOF_CHALLENGE];
	struct call	 calls[CALLS_MOST];
	unsigned	 count;		/* of calls */
	unsigned	 proofs;	/* requests whose proof was ours */
	struct span	 key;		/* what they must be about */
};

struct world {
	struct story	*s;
	struct replica	 other;
	struct addr	 own;
	struct call	 stranger;
};

/* We are at 10.0.0.7, the other at the address that the world gives. */
struct world *world_begin(const char *settings);
void world_end(struct world *w);

/* A request with KEY of the other replica's, by way of WORKER. */
struct actor *cancel_other(struct world *w, unsigned worker, struct span key);
/* A stranger, or a replica, calls us: w->stranger, in place of the one before. */
void call_us(struct world *w, unsigned worker);
void ask_for_challenge(struct world *w);
/* Prove, by SECRET, to know the key of A; CHALLENGE: what was asked. */
void prove(struct world *w, const uint8_t *secret, const uint8_t *challenge, const struct actor *a);
/* All of that: what the stranger hears behind the challenge. */
const char *replica_asks(struct world *w, unsigned worker, const uint8_t *secret,
    const struct actor *a);
/* The other end of CALL hears LEN bytes; hang up. */
void call_say(struct call *call, const void *at, size_t len);
void call_end(struct call *call);

#endif
