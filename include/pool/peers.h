/*
 * peers.h - other processes that share an address with us (peer_id, [peers]): whose a cancel key is, and how many
 * requests are on their way to each of them.
 *
 * A key says who gave it, byte for byte as PgBouncer's: of the process id and the secret behind it, bytes 1 and 2 are the peer's id
 * (the lower byte first), and the lowest two bits of byte 7 say how often the request may be passed on.
 */
#ifndef POOL_PEERS_H
#define POOL_PEERS_H

#include "base/port.h"

#define PEER_HOPS 3u		/* most: what a key begins with */

struct peers;
struct peer_pool;

/* NULL: no memory. */
struct peers *peers_new(void);
/* Only when nothing is on its way any more. NULL is fine. */
void peers_free(struct peers *peers);

/* Make PID, just drawn, begin a key of peer ID. It is above all process ids of a machine. */
void peer_mark_pid(uint16_t id, uint32_t *pid);
/* Make PID and SECRET (at least 4 bytes), just drawn, a key of peer ID. */
void peer_mark_key(uint16_t id, uint32_t *pid, uint8_t *secret);
/* The peer whose key begins with PID. */
uint16_t peer_of_key(uint32_t pid);
/* SECRET (at least 4 bytes) as it was given, however often it was passed on. */
void peer_unwind_key(uint8_t *secret);
/* SECRET is passed on once more. False: often enough. */
bool peer_spend_hop(uint8_t *secret);

/*
 * Whom one goes to: a peer by its id, or the replicas with a TAG (fleet.h), which are beyond all ids.
 */
#define PEER_REPLICA(tag) ((uint32_t)0x10000 | (tag))

/* How far a request to a peer has come. */
enum peer_step { PEER_WAITING, PEER_DIALING, PEER_SENT };

/* One more request to ID, from any thread: it waits. NULL: no memory. */
struct peer_pool *peer_enter(struct peers *peers, uint32_t id);
/* A waiting one may begin to connect, if fewer than MOST are connected or connecting (0: no limit). */
bool peer_begin(struct peers *peers, struct peer_pool *pool, uint32_t most);
/* A connecting one is connected. */
void peer_sent(struct peers *peers, struct peer_pool *pool);
/* One has ended, having come as far as STEP. POOL is not to be used any more. */
void peer_leave(struct peers *peers, struct peer_pool *pool, enum peer_step step);

/* For SHOW PEER_POOLS: requests that wait, that connect, that are passed on and not yet done; 0 for an ID nobody goes to. */
struct peer_load {
	unsigned	 waiting, dialing, sent;
};
void peer_look(struct peers *peers, uint32_t id, struct peer_load *out);

#endif
