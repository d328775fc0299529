/*
 * readiness.h - what pg_isready hears (isready_checks_server): whether servers can be reached now. It
 * sends a startup packet as a client does and leaves at the first answer, so the answer has to come before
 * any login, and says no more than PostgreSQL's own would: 57P03, or go on.
 */
#ifndef POOL_READINESS_H
#define POOL_READINESS_H

#include "base/port.h"

struct client;
struct pool;
struct pooler;
struct worker;

/* C, not logged in yet, has said who it is. True: let it log in. False: it was refused, or has to wait. */
bool readiness_check(struct client *c);
/* Did the last attempt to open a server of POOL find none? One that refuses a login is there. From any thread. */
bool readiness_failed(struct pooler *p, struct pool *pool);
/* Several times a second: those who wait. */
void readiness_tick(struct worker *w);

#endif
