/*
 * client_limits.h - how many clients there may be: max_client_conn, max_db_client_connections, max_user_client_connections and
 * max_client_connections_per_address. All but the first are counted over all workers; the
 * clients are those that have said who they are, whether or not they have proven it.
 */
#ifndef POOL_CLIENT_LIMITS_H
#define POOL_CLIENT_LIMITS_H

#include "pool/client.h"

/* C has just connected. False: its address has so many connections that it is not even listened to. */
bool client_limits_accept(struct client *c);
/* C has said who it is: count it. False: it has ended, or that made one too many; client_limits_tick() decides. */
bool client_limits_enter(struct client *c);
/* At each tick: those who were one too many come in now, or are refused. */
void client_limits_tick(struct worker *w);
/* C leaves, however far it came. */
void client_limits_leave(struct client *c);

/* How many are counted for DATABASE, for USER now. */
unsigned client_limits_of_database(struct pooler *p, struct span database);
unsigned client_limits_of_user(struct pooler *p, struct span user);

#endif
