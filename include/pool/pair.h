/*
 * pair.h - a client and a server together: join, part, and what happens when one of
 * them leaves the other. The only file that sets or clears client->server and
 * server->client.
 */
#ifndef POOL_PAIR_H
#define POOL_PAIR_H

#include "pool/client.h"
#include "pool/server.h"

/*
 * Bring CLIENT and SERVER together. True: the client may talk now. False: the server is being settled first (settle.c); pair_settled()
 * follows, or the client is refused.
 */
bool pair_join(struct client *client, struct server *server);
/* The server fits now: let the client talk. */
void pair_settled(struct server *server);
/* Server is at rest: set both free; the server goes back to its lane. */
void pair_part(struct server *server);
/* The client is leaving or gone: save the server or close it. */
void pair_abandon(struct client *client);
/* The server is gone: the client hears E (NULL: it has heard enough) and is closed. */
void pair_bereave(struct server *server, enum reason why, const struct err *e);
/* Answer what stands first in the talk and is ours to answer. */
void pair_answer_local(struct server *server, struct buf *out);
/* Notes of entries that left the talk (talk_left_fn; OWNER is the server). */
void pair_notes_left(void *owner, unsigned notes, bool done);
/* Does an error's BODY speak of a statement by our name? FROM is what to replace, TO what by (the client's name). */
bool pair_statement_in(const struct client *client, struct span body, struct span *from,
    struct span *to);
/* The statements of both were dropped by DEALLOCATE ALL or DISCARD ALL. */
void pair_forget_statements(struct server *server);

/* Before the names of statements no client has, so that the server does not have them either. */
#define UNKNOWN_PREFIX STMT_PREFIX "unknown_"

#endif
