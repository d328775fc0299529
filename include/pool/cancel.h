/*
 * cancel.h - cancel requests (protocol 3, 55.2.8): whose key it is, and passing it on to the very server that runs the
 * query, over TLS if that server's connection is, or to the peer who gave the key. A server is not reused before the request's
 * connection has been closed by the other side.
 */
#ifndef POOL_CANCEL_H
#define POOL_CANCEL_H

#include <stdatomic.h>

#include "pool/client.h"
#include "pool/server.h"
#include "wire/startup.h"

/* A request from a client. Held by the asking of all workers and by the courier, if one comes of it. */
struct request {
	atomic_uint	 refs;
	atomic_bool	 found;		/* it was somebody's key, or a peer's */
	struct worker	*home;		/* borrowed; the requester's */
	uint64_t	 requester;	/* id of its client */
	struct addr	 from;		/* where the requester is */
	struct letter	 letter;	/* its courier is through */
	uint32_t	 pid;
	size_t		 key_len;
	uint8_t		 key[CANCEL_KEY_MOST];
};

/*
 * A stranger, CLIENT, asks to cancel what the owner of (PID, KEY) does. There is never an answer; its connection is
 * closed when the request is through or leads nowhere, so that who waits for that may go on (as in PostgreSQL).
 */
void cancel_request(struct client *client, uint32_t pid, struct span key);
/* R's courier is through, from any thread of a worker; its hold ends. */
void cancel_through(struct worker *w, struct request *r);

/* Who asked with wrong keys lately, on one worker; NULL: nobody yet. */
struct strikes;
void strikes_free(struct strikes *strikes);

#endif
