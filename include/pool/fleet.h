/*
 * fleet.h - who the other replicas are (the addresses of budget_peers), which of them may have given a cancel key, and the
 * secrets that they and we share (peer_secret). From any thread.
 *
 * A key says who gave it by 16 bits in its process id (where peers.h has a peer's number): the tag of an
 * address, a digest of it under the secret. Who is gone from the answers is remembered for a while, as it
 * may be draining.
 */
#ifndef POOL_FLEET_H
#define POOL_FLEET_H

#include "base/addr.h"
#include "base/port.h"
#include "base/span.h"
#include "pool/proof.h"

#define FLEET_MOST 256u			/* replicas known at a time */
#define FLEET_REMEMBERS (3600 * SECOND)	/* those that no answer names any more */
#define ORIGINS_MOST 4u			/* replicas that share a tag; more are not asked */

struct fleet;

/* NULL: no memory. */
struct fleet *fleet_new(void);
/* NULL is fine. */
void fleet_free(struct fleet *fleet);

/* The secrets are COUNT TEXTS, of which the first one marks new keys. None: nothing is passed on, or taken. */
void fleet_use_secrets(struct fleet *fleet, const char *const *texts, size_t count);
/* Nobody has said yet who there is; we are at one of OWN_COUNT OWN addresses. */
void fleet_begin(struct fleet *fleet, const struct addr *own, unsigned own_count);
/* An answer, at NOW: there are COUNT ADDRS (with ports); those among OWN are we. */
void fleet_meet(struct fleet *fleet, const struct addr *addrs, unsigned count,
    const struct addr *own, unsigned own_count, usec_t now);
/* There is nobody but us. */
void fleet_end(struct fleet *fleet);

/* Has it a secret? */
bool fleet_has_secret(struct fleet *fleet);
/* Make PID, just drawn, begin a key of ours; false (nothing changes): there is no need. */
bool fleet_mark_key(struct fleet *fleet, uint32_t *pid);

/* Another replica that may have given a key. */
struct origin {
	struct addr	 addr;
	uint16_t	 tag;
	uint8_t		 secret[PROOF_SECRET];	/* by which it made the tag; to be wiped */
};
/* Those for a key that begins with PID, at most ORIGINS_MOST, into OUT; how many? */
unsigned fleet_origins(struct fleet *fleet, uint32_t pid, struct origin *out);
/* Which of our secrets PROOF was made with, into SECRET (to be wiped). False: with none. */
bool fleet_find_secret(struct fleet *fleet, const uint8_t challenge[PROOF_CHALLENGE], uint32_t pid,
    const uint8_t proof[PROOF_SIZE], uint8_t secret[PROOF_SECRET]);

/* How a request that was passed on has ended. */
enum passed { PASSED_DONE, PASSED_UNKNOWN, PASSED_REFUSED, PASSED_FAILED };
/* Count that for the replica at ADDR, at NOW; the log is told of trouble, once a minute. */
void fleet_note(struct fleet *fleet, const struct addr *addr, enum passed how, usec_t now);

/* For SHOW REPLICAS. */
struct fleet_member {
	struct addr	 addr;
	bool		 own;		/* it is we */
	bool		 listed;	/* the last answer names it */
	usec_t		 seen;		/* when an answer last did */
	bool		 tagged;	/* tags[0] is there: our keys would say so */
	uint16_t	 tag;
	uint64_t	 passed[PASSED_FAILED + 1];
};
/* A copy of all into OUT (FLEET_MOST); how many? */
unsigned fleet_look(struct fleet *fleet, struct fleet_member *out);

#endif
