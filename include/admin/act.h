/*
 * act.h - what an operator's order does to the clients and servers of one worker. Each
 * runs on that worker's thread, sent there by worker_ask_all().
 */
#ifndef ADMIN_ACT_H
#define ADMIN_ACT_H

#include "pool/worker.h"

/* Whom it is about: one database, or (all) every one; never the console. */
struct scope {
	bool		 all;
	char		 database[256];	/* as clients ask for it */
};

/* Does POOL belong to SCOPE? The console's own never does. */
bool scope_has(const struct scope *scope, const struct pool *pool);

/* PAUSE: close what is idle or still logging in. */
void act_close_idle(struct worker *w, const struct scope *scope);
/* SUSPEND: read from nobody but consoles and who is still logging in. */
void act_hold(struct worker *w);
/* Connections that have not taken all that was sent to them. With LATE they end. */
unsigned act_count_unsent(struct worker *w, bool late);
/* RESUME: whoever waits may be served, and everybody is read from again. */
void act_cover(struct worker *w, const struct scope *scope);
/* RECONNECT: servers born before NOW are not used again; idle ones end at once. */
void act_retire(struct worker *w, const struct scope *scope, usec_t now);
/* KILL: no client and no server is left. */
void act_kill(struct worker *w, const struct scope *scope);
/* SHUTDOWN WAIT_FOR_SERVERS: nobody waits for a server any more. */
void act_send_away(struct worker *w);
/* KILL_CLIENT: was it here? */
bool act_kill_client(struct worker *w, uint64_t id);
/* Servers that are not to be used again and still there. */
unsigned act_count_doomed(struct worker *w, const struct scope *scope);

/* Servers of SCOPE, also those being opened or between two workers. From any thread. */
unsigned scope_servers(struct pooler *p, const struct scope *scope);
/* Let what a database's servers said at their login be asked anew. From any thread. */
void scope_forget_welcome(struct pooler *p, const struct scope *scope);

#endif
