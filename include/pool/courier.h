/*
 * courier.h - a connection of its own that carries one cancel request to a server, a peer or a replica, and is gone when
 * the other side closes it.
 */
#ifndef POOL_COURIER_H
#define POOL_COURIER_H

#include "pool/server.h"

struct origin;
struct request;

/*
 * Cancel what SERVER runs now, for REQUEST (NULL: for ourselves), of which a hold is taken. server->cancels counts it until it is
 * through. What has ended by itself meanwhile is not canceled any more.
 */
void courier_to_server(struct server *server, struct request *request);
/* Pass REQUEST, whose key is spent one hop already, on to PEER of W's setup. */
void courier_to_peer(struct worker *w, const struct conf_peer *peer, struct request *request);
/* Pass REQUEST on to the replica ORIGIN of W, its home. Unless it says that nobody there has the key, REQUEST counts as found. */
void courier_to_replica(struct worker *w, const struct origin *origin, struct request *request);

/* Give up those under way for longer than MOST (0: no limit but for replicas), and those to peers that W's setup does not have. */
void courier_tick(struct worker *w, usec_t now, usec_t most);
/* SERVER is being freed: those to it go on without it. */
void courier_forget(struct server *server);
/* Close all (the worker ends). */
void courier_drop_all(struct worker *w);

#endif
