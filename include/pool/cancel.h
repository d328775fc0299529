/*
 * cancel.h - cancel requests (protocol 3, 55.2.8): whose key it is, and passing it on to the very server that runs the
 * query, over TLS if that server's connection is, or to the peer or the replica who gave the key. A server is not reused before
 * the request's connection has been closed by the other side.
 */
#ifndef POOL_CANCEL_H
#define POOL_CANCEL_H

#include <stdatomic.h>

#include "pool/client.h"
#include "pool/proof.h"
#include "pool/server.h"
#include "wire/startup.h"

/* A request from a client. Held by the asking of all workers and by the couriers that come of it. */
struct request {
	atomic_uint	 refs;
	atomic_bool	 found;		/* it was somebody's key, or a peer's, or may have been a replica's */
	struct worker	*home;		/* borrowed; the requester's */
	uint64_t	 requester;	/* id of its client */
	struct addr	 from;		/* where the requester is */
	struct letter	 letter;	/* its courier, on another thread, is through; there is one at most */
	uint32_t	 pid;
	size_t		 key_len;
	uint8_t		 key[CANCEL_KEY_MOST];	/* or, of a replica, the proof */
	bool		 proven;	/* it is a replica that asks: */
	uint8_t		 secret[PROOF_SECRET], challenge[PROOF_CHALLENGE];
};

/*
 * A stranger, CLIENT, asks to cancel what the owner of (PID, KEY) does. There is never an answer; its connection is
 * closed when the request is through or leads nowhere, so that who waits for that may go on (as in PostgreSQL).
 */
void cancel_request(struct client *client, uint32_t pid, struct span key);
/* CLIENT, a stranger yet, wants to pass a request on as a replica (proof.h): ask it for a proof, or refuse. */
void cancel_challenge(struct client *client);
/* The PROOF of what CLIENT was asked, of the key that begins with PID. Never passed on again. */
void cancel_proven(struct client *client, uint32_t pid, struct span proof);
/* A courier of R is through, from any thread of a worker; its hold ends. */
void cancel_through(struct worker *w, struct request *r);

#endif
