/*
 * cancel.h - cancel requests (protocol 3, 55.2.8): whose key it is, and passing it on to
 * the very server that runs the query, over TLS if that server's connection is. A server is not reused before the
 * request's connection has been closed by the other side.
 */
#ifndef POOL_CANCEL_H
#define POOL_CANCEL_H

#include "pool/client.h"
#include "pool/server.h"

/*
 * A stranger, CLIENT, asks to cancel what the owner of (PID, KEY) does. There is never an answer; its connection is
 * closed when the request is through or leads nowhere, so that who waits for that may go on (as in PostgreSQL).
 */
void cancel_request(struct client *client, uint32_t pid, struct span key);
/* Cancel what SERVER runs now, for REQUEST (NULL: for ourselves). Its server->cancels is counted up until it is through. */
struct request;
void cancel_server(struct server *server, struct request *request);
/* Give up requests that take longer than MOST. */
void cancel_tick(struct worker *w, usec_t now, usec_t most);
/* Close all requests under way (the worker ends). */
void cancel_drop_all(struct worker *w);
/* SERVER is being freed: requests for it go on without it. */
void cancel_forget(struct server *server);

#endif
