/*
 * lane_private.h - between lane.c and lane_letters.c.
 */
#ifndef POOL_LANE_PRIVATE_H
#define POOL_LANE_PRIVATE_H

#include "pool/lane.h"

/* The idle server whose turn it is; there must be one. */
struct server *lane_next_idle(struct lane *lane);
/* Do what the ledger has said about SERVER, which is among the busy ones. */
void lane_place(struct lane *lane, struct server *server, struct give give);
/* Bring SERVER to CLIENT, which waits here. False: it needed none after all. */
bool lane_serve(struct lane *lane, struct client *client, struct server *server);

void lane_letters_init(struct lane *lane);
/* OTHER has an idle server that is promised to somebody else. */
void lane_nudge(struct lane *other);
/* SERVER goes to lane TO of its pool, at the end of the turn. */
void lane_send(struct lane *lane, struct server *server, unsigned to);

#endif
