/*
 * talk_backend.h - PostgreSQL's main loop, as much of it as decides what is answered.
 */
#ifndef WIRE_TALK_BACKEND_H
#define WIRE_TALK_BACKEND_H

#include "base/port.h"

#define PARTS 4		/* most statements of a query */
#define INPUT 256	/* most messages that wait to be handled */
#define OUTPUT 2048	/* most answers that wait to be heard */

/* What a statement does: rows, only a tag, nothing, stops half way, COPY, fails. */
enum part { PART_ROWS, PART_TAG, PART_EMPTY, PART_STOP, PART_OUT, PART_IN, PART_FAIL };

/* What a message does to the transaction if it succeeds. */
enum block { BLOCK_STAY, BLOCK_BEGIN, BLOCK_END };

struct message {
	char		 kind;		/* as on the wire; 't' describes a statement */
	bool		 fail;		/* the server cannot do it */
	bool		 hidden, local;	/* for the talk to know */
	bool		 early;		/* a Sync is sent while it may be in COPY */
	uint8_t		 parts;		/* of a Query; an Execute has one */
	uint8_t		 part[PARTS];
	uint8_t		 block;
	int		 id;		/* of the client's message it is or belongs to */
	int		 note;		/* -1: none */
};

struct answer {
	char		 kind, status;
	int		 id;		/* what it answers */
};

struct backend {
	struct message	 in[INPUT];
	struct answer	 out[OUTPUT];
	unsigned	 in_first, in_count, out_first, out_count;
	bool		 ignore_till_sync, copying;
	bool		 unsure;	/* a COPY with an early Sync has failed */
	bool		 at_ready;	/* ReadyForQuery was the last thing that counts */
	char		 block;		/* 'I', 'T', 'E' */
	struct message	 now;		/* the one that copies */
	unsigned	 part;		/* of it */
	bool		*done;		/* by note; NULL: nobody asks */
	unsigned long	 skipped;
};

void backend_init(struct backend *b, bool *done);
void backend_send(struct backend *b, const struct message *m);
/* Handle the next message; false if there is none. */
bool backend_step(struct backend *b);
/* Take the next answer; false if there is none. */
bool backend_hear(struct backend *b, struct answer *out);
/* Has it answered all it will ever answer, and may another have it? Uses SCRATCH. */
bool backend_at_rest(const struct backend *b, struct backend *scratch);

#endif
