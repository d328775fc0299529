/*
 * settle.h - what is said to a server that no client hears: before a transaction the batch that makes
 * it fit, after a session the reset, after a client left the clean-up, after long idleness a check.
 */
#ifndef POOL_SETTLE_H
#define POOL_SETTLE_H

#include "pool/client.h"
#include "pool/server.h"

/* Does SERVER fit CLIENT at NOW as it is? The common case: equal settings are one pointer. */
static inline bool
settle_fits(const struct server *server, const struct client *client, usec_t now)
{
	const struct rules *r = &server->lane->rules;

	return client->profile == server->profile &&
	    (now - server->used < r->check_delay || r->check_query == NULL);
}

enum settle { SETTLE_FITS, SETTLE_SENT, SETTLE_LOST };
/* Make SERVER fit its client. SENT: settle_done() follows; LOST: the server was closed. */
enum settle settle_begin(struct server *server);
/* connect_query after login. False: none to send. */
bool settle_setup(struct server *server);
/* Send SQL as a simple query and swallow its answer; settle_done() follows. False: SERVER was closed. */
bool settle_ask(struct server *server, const char *sql);
/* server_reset_query after a session. False: none to send. */
bool settle_reset(struct server *server);
/* The client has left SERVER in the middle of something. False: it cannot be saved. */
bool settle_rescue(struct server *server);
/* SERVER waits for rows to copy that will not come. */
void settle_end_copy(struct server *server);
/* Everything hidden that was asked is answered: what is next? */
void settle_done(struct server *server);
/* The reset query is done: give SERVER to whoever is next. */
void settle_was_reset(struct server *server);
/* Settings the server does not report are back at their defaults (DISCARD ALL). True: there were some. */
bool settle_forget_extras(struct server *server);
/* Some of them may be (RESET says not which): nobody relies on any, whoever comes next sets them. True: there are some. */
bool settle_doubt_extras(struct server *server);

#endif
