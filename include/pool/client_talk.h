/*
 * client_talk.h - the parts of a client's message on its way to a server, for the files
 * that share that way: client_talk.c, client_statements.c, client_wait.c.
 */
#ifndef POOL_CLIENT_TALK_H
#define POOL_CLIENT_TALK_H

#include "pool/client.h"
#include "pool/flow.h"
#include "pool/server.h"
#include "wire/frame.h"

/* A message of a client, all of it or its beginning. */
struct piece {
	struct flow	*flow;		/* where it goes on */
	const char	*at;		/* its kind byte */
	size_t		 len;		/* bytes that are here, later messages included */
	struct frame_head head;
	size_t		 used;		/* bytes of it that are dealt with */
};

/* ON: .used bytes are dealt with; WAIT: more of it must come first; OVER: the client or its server is gone. */
enum step { STEP_ON, STEP_WAIT, STEP_OVER };

static inline bool
piece_whole(const struct piece *p)
{
	return p->len >= p->head.size;
}

/* Its body, as far as it is here. */
static inline struct span
piece_body(const struct piece *p)
{
	size_t here = p->len < p->head.size ? p->len : p->head.size;

	return span_of(p->at + FRAME_HEAD, here - FRAME_HEAD);
}

/* Forward what stands behind its first SKIP bytes, for which something else was put in the flow; what is
 * still to come of it follows by itself. */
enum step client_pass_rest(struct client *c, struct piece *p, size_t skip);

/* Forward it as it is. */
static inline enum step
client_pass(struct client *c, struct piece *p)
{
	if (unlikely(p->len < p->head.size))
		return client_pass_rest(c, p, 0);
	flow_pass(p->flow, p->at, p->head.size);
	p->used = p->head.size;
	return STEP_ON;
}

/* End the client: WHAT was wrong. */
enum step client_broke(struct client *c, const char *what);
/* The same for another reason than a broken protocol. */
enum step client_over(struct client *c, enum reason why);

/* Parse, Bind, Describe, Close with a server (client_statements.c). */
enum step client_statement(struct client *c, struct piece *p);
/* Close without one. */
enum step client_close_alone(struct client *c, struct piece *p);

#endif
