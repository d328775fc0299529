/*
 * talk_model.c - see talk_model.h. A client that writes messages PostgreSQL allows,
 * something in between that behaves as client_statements.c does, and a scheduler that
 * lets messages and answers overtake each other's handling as they please.
 */
#include "unit/wire/talk_model.h"

#include <stdlib.h>
#include <string.h>

#include "unit/wire/talk_backend.h"
#include "wire/talk.h"

#define SCRIPT 128	/* most messages of one unit of a client's script */
#define NOTES 8192

struct game {
	struct dice	*dice;		/* borrowed */
	struct talk_tally *tally;	/* borrowed */
	struct talk	 talk;
	struct backend	 direct, pooled, scratch;
	struct message	 script[SCRIPT];
	unsigned	 script_at, script_count;
	int		 last_id, last_note;
	bool		 done[NOTES];	/* the server did it */
	bool		 local[NOTES];	/* nobody needed to */
	bool		 lost[NOTES];	/* the talk says it was not done */
	int		 notes_from;	/* oldest that has not left */
	int		 noted[NOTES];	/* those asked, in order */
	int		 noted_count;
	const char	*wrong;
};

static void
complain(struct game *g, const char *what)
{
	if (g->wrong == NULL)
		g->wrong = what;
}

/* --- the client's script --- */

static struct message *
write_message(struct game *g, char kind)
{
	struct message *m = &g->script[g->script_count++];

	*m = (struct message){ .kind = kind, .id = ++g->last_id, .note = -1 };
	return m;
}

static void
note(struct game *g, struct message *m)
{
	if (g->last_note < NOTES)
		m->note = g->last_note++;
}

/* What the server must have or lose first for the client's message behind it. */
static struct message *
write_hidden(struct game *g, char kind)
{
	struct message *m = write_message(g, kind);

	m->hidden = true;
	note(g, m);
	g->last_id--;
	m->id = g->last_id + 1;
	return m;
}

/* Data and an end for M, which begins COPY, perhaps with an early Sync. */
static void
write_copy(struct game *g, unsigned at)
{
	unsigned i, count = dice_roll(g->dice, 4);

	for (i = 0; i < count; i++) {
		if (dice_hit(g->dice, 8)) {
			write_message(g, 'S');
			g->script[at].early = true;
		} else if (dice_hit(g->dice, 8)) {
			write_message(g, 'H');
		} else {
			write_message(g, 'd')->fail = dice_hit(g->dice, 6);
		}
	}
	if (dice_hit(g->dice, 6))
		write_message(g, 'f');
	else
		write_message(g, 'c')->fail = dice_hit(g->dice, 8);
}

static uint8_t
some_part(struct game *g, bool alone)
{
	static const uint8_t often[] = { PART_ROWS, PART_ROWS, PART_TAG, PART_TAG,
		PART_STOP, PART_OUT, PART_IN, PART_FAIL, PART_EMPTY };

	return often[dice_roll(g->dice, alone ? 9 : 8)];
}

static void
write_statements(struct game *g, char kind, unsigned count)
{
	unsigned at = g->script_count, i;
	struct message *m = write_message(g, kind);

	m->parts = (uint8_t)count;
	m->block = BLOCK_STAY;
	if (dice_hit(g->dice, 4))
		m->block = BLOCK_END;
	else if (dice_hit(g->dice, 5))
		m->block = BLOCK_BEGIN;
	for (i = 0; i < count; i++)
		m->part[i] = some_part(g, count == 1);
	for (i = 0; i < count; i++)
		if (g->script[at].part[i] == PART_IN)
			write_copy(g, at);
}

static void
write_item(struct game *g)
{
	bool fail = dice_hit(g->dice, 12);
	struct message *m;

	switch (dice_roll(g->dice, 8)) {
	case 0:
		if (dice_hit(g->dice, 6))
			write_hidden(g, 'C');
		m = write_message(g, 'P');
		m->local = dice_hit(g->dice, 4);
		m->fail = fail && !m->local;
		if (m->local || dice_hit(g->dice, 2))
			note(g, m);
		break;
	case 1:
	case 2:
		if (dice_hit(g->dice, 4))
			write_hidden(g, 'P')->fail = fail && dice_hit(g->dice, 2);
		write_message(g, 'B')->fail = fail;
		break;
	case 3:
		write_message(g, dice_hit(g->dice, 2) ? 't' : 'D')->fail = fail;
		break;
	case 4:
		m = write_message(g, 'C');
		m->local = dice_hit(g->dice, 2);
		m->fail = fail && !m->local;
		note(g, m);
		break;
	case 5:
		write_message(g, 'H');
		break;
	default:
		write_statements(g, 'E', 1);
		break;
	}
}

static void
write_unit(struct game *g)
{
	unsigned i, count;

	g->script_at = g->script_count = 0;
	switch (dice_roll(g->dice, 8)) {
	case 0:
	case 1:
		write_statements(g, 'Q', 1 + dice_roll(g->dice, PARTS));
		break;
	case 2:
		write_message(g, 'F')->fail = dice_hit(g->dice, 4);
		break;
	case 3:
		write_message(g, "dcfHS"[dice_roll(g->dice, 5)]);
		break;
	default:
		count = dice_roll(g->dice, 8);
		for (i = 0; i < count; i++)
			write_item(g);
		if (!dice_hit(g->dice, 8))
			write_message(g, 'S')->fail = dice_hit(g->dice, 10);
		break;
	}
}

/* What settle.c says before a transaction, in one write. */
static void
write_settling(struct game *g)
{
	struct message *m;
	unsigned i;

	g->script_at = g->script_count = 0;
	if (dice_hit(g->dice, 2)) {
		m = write_message(g, 'Q');
		m->parts = 1;
		m->part[0] = dice_hit(g->dice, 4) ? PART_FAIL : PART_ROWS;
	} else {
		write_message(g, 'P');
		for (i = dice_roll(g->dice, 3); i > 0; i--) {
			write_message(g, 'B')->fail = dice_hit(g->dice, 6);
			m = write_message(g, 'E');
			m->parts = 1;
			m->part[0] = PART_ROWS;
		}
		write_message(g, 'S');
	}
	for (i = 0; i < g->script_count; i++)
		g->script[i].hidden = true;
}

/* --- in between --- */

static unsigned
ask_of(const struct message *m)
{
	static const char kinds[] = "QFSPBtDECc";

	if (m->kind == 'f')
		return ASK_COPY_END;
	return (unsigned)(strchr(kinds, m->kind) - kinds) + 1;
}

static void
notes_left(void *owner, unsigned count, bool done)
{
	struct game *g = owner;

	while (count-- > 0) {
		int id;

		if (g->notes_from == g->noted_count) {
			complain(g, "more notes left than there are");
			return;
		}
		id = g->noted[g->notes_from++];
		if (g->talk.doubt)
			continue;	/* nobody can know */
		if (done && !g->done[id] && !g->local[id])
			complain(g, "a note left as done and the server has not done it");
		if (!done && g->done[id])
			complain(g, "a note left as lost and the server has done it");
		g->lost[id] = !done;
	}
}

/* The client hears A: it is what it would have heard without us. */
static void
client_hears(struct game *g, const struct answer *a)
{
	struct answer other;

	if (!backend_hear(&g->direct, &other))
		complain(g, "the client hears more than from PostgreSQL itself");
	else if (other.kind != a->kind || other.status != a->status ||
	    (a->id != 0 && other.id != a->id))
		complain(g,
		    "the client hears something else than from PostgreSQL itself");
}

static void
answer_local(struct game *g)
{
	unsigned asked;

	while ((asked = talk_local(&g->talk, notes_left, g)) != 0) {
		struct answer a = { .kind = (asked & ASK_KIND) == ASK_PARSE ? '1' : '3' };

		g->tally->locals++;
		client_hears(g, &a);
	}
}

static void
send_message(struct game *g, struct message m)
{
	unsigned flags = (m.hidden ? ASK_HIDDEN : 0u) | (m.local ? ASK_LOCAL : 0u);

	if (!m.hidden) {
		backend_send(&g->direct, &m);
		while (backend_step(&g->direct))
			;
	}
	if (g->talk.skipping) {
		if (m.hidden)
			return;
		m.local = false;
		m.note = -1;
		flags = 0;
	}
	if (!m.local)
		backend_send(&g->pooled, &m);
	g->tally->asked++;
	g->tally->hidden += m.hidden;
	if (m.kind == 'd' || m.kind == 'H')
		return;
	if (m.note >= 0) {
		flags |= ASK_NOTED;
		g->local[m.note] = m.local;
		g->noted[g->noted_count++] = m.note;
	}
	if (!talk_ask(&g->talk, ask_of(&m) | flags))
		complain(g, "no memory");
	if (g->talk.count > g->tally->deepest)
		g->tally->deepest = g->talk.count;
	if (talk_only_local(&g->talk))
		answer_local(g);
}

/* Something that may come at any time. */
static void
hear_strange(struct game *g)
{
	static const char kinds[] = "NAS";
	char kind = kinds[dice_roll(g->dice, 3)];
	enum verdict v = talk_answer(&g->talk, kind, 0, notes_left, g);

	if (v == VERDICT_BAD || (kind != 'N' && v != VERDICT_PASS))
		complain(g, "something that may come at any time may not");
}

static void
hear(struct game *g)
{
	struct answer a;

	answer_local(g);
	if (dice_hit(g->dice, 8))
		hear_strange(g);
	if (!backend_hear(&g->pooled, &a))
		return;
	g->tally->answered++;
	g->tally->copies += a.kind == 'G';
	switch (talk_answer(&g->talk, a.kind, a.status, notes_left, g)) {
	case VERDICT_PASS:
		if (!g->talk.doubt)
			client_hears(g, &a);
		break;
	case VERDICT_SWALLOW:
		break;
	case VERDICT_BAD:
		complain(g, "PostgreSQL answers what it was not asked");
		break;
	}
	answer_local(g);
}

/* --- the game --- */

/* False when it is over. */
static bool
check(struct game *g)
{
	bool rest;

	if (g->wrong != NULL)
		return false;
	if (g->talk.doubt) {
		g->tally->doubts++;
		if (!g->pooled.unsure)
			complain(g, "there is doubt, and no reason for it");
		return false;
	}
	rest = backend_at_rest(&g->pooled, &g->scratch);
	if (talk_at_rest(&g->talk) != rest)
		complain(g,
		    rest ? "they may part and the talk does not know" :
		    "they may not part and the talk lets them");
	if (rest && !talk_quiet(&g->talk))
		complain(g, "something is owed at rest");
	return g->wrong == NULL;
}

/* The client writes on, if there is room. True if it did. */
static bool
write_on(struct game *g, unsigned *length)
{
	if (g->script_at == g->script_count) {
		if (*length == 0)
			return false;
		if (talk_at_rest(&g->talk) && dice_hit(g->dice, 6))
			write_settling(g);
		else
			write_unit(g);
		*length -= g->script_count < *length ? g->script_count : *length;
		if (g->script_count == 0)
			return true;
	}
	if (g->pooled.in_count + 16 > INPUT || g->direct.out_count + 64 > OUTPUT)
		return false;
	/* hidden ones and what they are for are one write */
	do
		send_message(g, g->script[g->script_at]);
	while (g->script[g->script_at++].hidden && g->script_at < g->script_count);
	return true;
}

static void
turn(struct game *g, unsigned *length, unsigned eager)
{
	unsigned choice = dice_roll(g->dice, eager + 2);

	if ((choice >= 2 || dice_over(g->dice)) && write_on(g, length))
		return;
	if (choice != 1 && g->pooled.out_count + 64 < OUTPUT && backend_step(&g->pooled))
		return;
	hear(g);
}

static bool
more_to_come(const struct game *g)
{
	return g->script_at < g->script_count || g->pooled.in_count > 0 ||
	    g->pooled.out_count > 0;
}

static void
check_end(struct game *g)
{
	struct answer a;
	int i;

	if (backend_hear(&g->direct, &a))
		complain(g, "the client hears less than from PostgreSQL itself");
	for (i = 0; i < g->last_note; i++)
		if (g->lost[i] && g->done[i])
			complain(g, "a lost note was done after all");
}

const char *
talk_model_play(struct dice *dice, unsigned length, struct talk_tally *tally)
{
	struct game *g = calloc(1, sizeof(*g));
	unsigned eager = 1 + dice_roll(dice, 8) * dice_roll(dice, 8);
	const char *wrong;
	bool on = true;

	if (g == NULL)
		return "no memory";
	g->dice = dice;
	g->tally = tally;
	talk_init(&g->talk);
	backend_init(&g->direct, NULL);
	backend_init(&g->pooled, g->done);
	while (on && (length > 0 || more_to_come(g))) {
		if (dice_over(dice))
			length = 0;
		turn(g, &length, eager);
		on = check(g);
	}
	if (on)
		check_end(g);
	tally->dialogues++;
	tally->skipped += g->pooled.skipped;
	wrong = g->wrong;
	talk_fini(&g->talk);
	free(g);
	return wrong;
}
