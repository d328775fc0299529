/*
 * talk_model.h - made-up dialogues that PostgreSQL would answer, and what comes of them.
 *
 * Two models of PostgreSQL's own loop (postgres.c: PostgresMain, ignore_till_sync,
 * doing_extended_query_message; copyfromparse.c: CopyGetData) are asked the same. One
 * is asked directly. The other is asked through a talk, which adds hidden questions,
 * answers some itself and keeps notes. The client must not see a difference.
 */
#ifndef WIRE_TALK_MODEL_H
#define WIRE_TALK_MODEL_H

#include "unit/dice.h"

/* What has been played, added up. */
struct talk_tally {
	unsigned long	 dialogues, asked, answered;
	unsigned long	 skipped;	/* messages that were asked and ignored */
	unsigned long	 copies, hidden, locals;
	unsigned long	 doubts;	/* dialogues that ended in doubt */
	unsigned	 deepest;	/* most entries owed at once */
};

/* Play one dialogue of up to LENGTH questions. NULL, or what went wrong. */
const char *talk_model_play(struct dice *dice, unsigned length, struct talk_tally *tally);

#endif
