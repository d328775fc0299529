/*
 * proof.h - how a replica asks another to cancel without saying the key: it proves that it knows a secret they share,
 * and that it was shown the key. Pure. What goes over the wire, from the one that was asked by a client:
 *
 *	asks	a start-up packet STARTUP_PEER		-->
 *	<--	'R' and PROOF_CHALLENGE random bytes	or 'E': not with you
 *	asks	a CancelRequest whose key is PROOF_SIZE bytes: HMAC-SHA-256 (RFC 2104) under the secret,
 *		of the challenge and all behind it	-->
 *	<--	'N' if nobody here has that key, 'E' if the secret is another one; then, when the request
 *		is through, the end
 *
 * The challenge is the receiver's: what somebody has listened to is good for nothing, and no clock is needed.
 */
#ifndef POOL_PROOF_H
#define POOL_PROOF_H

#include "base/addr.h"
#include "base/port.h"
#include "base/span.h"

#define PROOF_SECRET 32u	/* bytes of what is made of peer_secret */
#define PROOF_CHALLENGE 32u
#define PROOF_SIZE 64u		/* of the key, and of who asks */

/* The answers. */
#define PROOF_ASKED 'R'		/* the challenge follows */
#define PROOF_UNKNOWN 'N'
#define PROOF_REFUSED 'E'	/* also what an ErrorResponse begins with, of whoever knows nothing of this */

/* The functions are false when the library refuses or has no memory; then OUT is void. */

/* What all replicas make of TEXT, a peer_secret, into OUT. */
bool proof_secret(struct span text, uint8_t out[PROOF_SECRET]) MUST_USE;
/* The 16 bits in the keys that the replica at ADDR gives. Its port does not matter. */
bool proof_tag(const uint8_t secret[PROOF_SECRET], const struct addr *addr, uint16_t *out) MUST_USE;
/* For who has been asked CHALLENGE and was shown the key (PID, KEY). */
bool proof_make(const uint8_t secret[PROOF_SECRET], const uint8_t challenge[PROOF_CHALLENGE],
    uint32_t pid, struct span key, uint8_t out[PROOF_SIZE]) MUST_USE;
/* Was PROOF made by somebody who knows SECRET? (Whatever the key.) */
bool proof_is_ours(const uint8_t secret[PROOF_SECRET], const uint8_t challenge[PROOF_CHALLENGE],
    uint32_t pid, const uint8_t proof[PROOF_SIZE]) MUST_USE;
/* Was it made for the key (PID, KEY)? */
bool proof_fits(const uint8_t secret[PROOF_SECRET], const uint8_t challenge[PROOF_CHALLENGE],
    uint32_t pid, struct span key, const uint8_t proof[PROOF_SIZE]) MUST_USE;

#endif
