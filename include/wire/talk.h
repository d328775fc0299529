/*
 * talk.h - the conversation with one server: what it still owes, in what order, and
 * whether it may be parted from its client. The heart of transaction pooling.
 *
 * Everything sent to the server that it answers is noted with talk_ask(), in order; every
 * message it sends is shown to talk_answer(), which says what becomes of it. Two more kinds of
 * entries stand in the same queue: hidden ones (asked by us, their answers are swallowed)
 * and local ones (never sent; answered by us when their turn has come, so that the client gets
 * its answers in order).
 *
 *	asked:    P  B  E  S        P  S
 *	owed:    [P][B][E][S]      [P][S]        front is answered first
 *	answers:  1  2  D..C  Z     1  Z
 *
 * Rules followed (protocol 3, 55.2.3, 55.2.6, 55.2.7): an error while answering the
 * extended protocol makes the server skip everything up to the next Sync, simple queries
 * included; in COPY-in Sync and Flush are swallowed until CopyDone or CopyFail; late CopyData,
 * CopyDone, CopyFail are ignored; ReadyForQuery ends exactly one Query, FunctionCall
 * or Sync.
 */
#ifndef WIRE_TALK_H
#define WIRE_TALK_H

#include "base/port.h"

/* What was asked. The order matters to a table in talk.c. */
enum ask {
	ASK_QUERY = 1,		/* Q: answered up to Z */
	ASK_FUNCTION,		/* F: answered up to Z */
	ASK_SYNC,		/* S: Z */
	ASK_PARSE,		/* P: 1 */
	ASK_BIND,		/* B: 2 */
	ASK_DESCRIBE_STATEMENT,	/* D 'S': t, then T or n */
	ASK_DESCRIBE_PORTAL,	/* D 'P': T or n */
	ASK_EXECUTE,		/* E: C, I or s */
	ASK_CLOSE,		/* C: 3 */
	ASK_COPY_END,		/* c or f: ends COPY-in, else ignored; no answer of its own */
};

/* Flags beside the kind. */
enum {
	ASK_KIND = 0x0f,
	ASK_HIDDEN = 0x10,	/* asked by us: swallow the answer */
	ASK_LOCAL = 0x20,	/* never sent: answered by us in its turn (ASK_PARSE, ASK_CLOSE) */
	ASK_NOTED = 0x40,	/* the owner keeps a note about it, in the same order */
};

#define TALK_INLINE 32u		/* entries without memory of their own; a power of two */

struct talk {
	uint8_t		*ring;		/* owed entries; points to few until it grows */
	uint32_t	 mask, first, count;
	uint8_t		 few[TALK_INLINE];
	char		 status;	/* of the last ReadyForQuery: 'I', 'T', 'E' */
	bool		 open;		/* something was asked since the last final ReadyForQuery */
	bool		 skipping;	/* the server skips to the next Sync */
	bool		 copy_in;	/* the front entry is in COPY FROM STDIN */
	bool		 doubt;		/* more ReadyForQuery may come than we know: never share it again */
	bool		 described;	/* front is a statement description whose 't' has come */
};

/* A fresh conversation right after the server's first ReadyForQuery. */
void talk_init(struct talk *t);
void talk_fini(struct talk *t);

/*
 * Note that ASKED (a kind and flags) has been, or with ASK_LOCAL would have been, sent. False: no memory; close the
 * server. Notes nothing while skipping unless it is a Sync: the server ignores it.
 */
bool talk_ask_slowly(struct talk *t, unsigned asked) MUST_USE;
static inline bool
talk_ask(struct talk *t, unsigned asked)
{
	if (unlikely(t->skipping || t->count > t->mask || (asked & ASK_KIND) == ASK_COPY_END))
		return talk_ask_slowly(t, asked);
	if (!(asked & ASK_LOCAL))
		t->open = true;
	t->ring[(t->first + t->count++) & t->mask] = (uint8_t)asked;
	return true;
}

/* What becomes of a message from the server. */
enum verdict {
	VERDICT_PASS,		/* to the client */
	VERDICT_SWALLOW,	/* answers something of ours */
	VERDICT_BAD,		/* nobody asked for it: the server is not to be trusted */
};

/*
 * Entries with ASK_NOTED have left the queue: the NOTES oldest ones. DONE: the one was answered (or its
 * local turn came); else they were skipped because of an error, and the server never did them.
 */
typedef void (*talk_left_fn)(void *owner, unsigned notes, bool done);

/*
 * The server has sent a message of KIND (STATUS is ReadyForQuery's, else ignored). After this, call talk_local()
 * until it says 0: local answers may now be due. Asynchronous kinds ('N', 'A', 'S') always pass.
 */
enum verdict talk_answer(struct talk *t, char kind, char status, talk_left_fn left, void *owner);

/* Is the front entry local? Take it out and return it (kind and flags), so that the owner
 * writes its answer; 0: the front is not local, or there is none. */
unsigned talk_local(struct talk *t, talk_left_fn left, void *owner);

/* May server and client part? All answered, ReadyForQuery was last, and it said idle. */
static inline bool
talk_at_rest(const struct talk *t)
{
	return !t->open && t->status == 'I';
}

/* Is nothing owed (though a transaction may be open)? */
static inline bool
talk_quiet(const struct talk *t)
{
	return t->count == 0;
}

/* Kind and flags of the oldest owed entry, 0 if none. */
static inline unsigned
talk_front(const struct talk *t)
{
	return t->count ? t->ring[t->first & t->mask] : 0;
}

/* Is the newest owed entry one that ends with ReadyForQuery? */
bool talk_ends_ready(const struct talk *t);
/* Are there entries, and all of them local? */
bool talk_only_local(const struct talk *t);
/* Has something that ends with ReadyForQuery been asked behind the entry of the INDEXth oldest note? */
bool talk_synced_after(const struct talk *t, uint32_t index);
/* How many ReadyForQuery are still owed for sure. */
unsigned talk_owes_ready(const struct talk *t);

#endif
