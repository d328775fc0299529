/*
 * fuzz_talk.c - conversations. The first byte chooses: even ones are made up after
 * PostgreSQL's own rules, so everything must come out right; in odd ones client and
 * server say what they like, and the books must balance all the same.
 */
#include "fuzz/fuzz.h"

#include "unit/wire/talk_model.h"
#include "wire/talk.h"

#define LENGTH_MOST 300u

/* What is known of a talk from outside. */
struct books {
	struct talk	 talk;
	unsigned long	 entries, notes;
};

static void
notes_left(void *owner, unsigned notes, bool done)
{
	struct books *b = owner;

	must(notes > 0 && notes <= b->notes);
	must(!done || notes == 1);
	b->notes -= notes;
}

static void
ask(struct books *b, unsigned asked)
{
	unsigned kind = asked & ASK_KIND;
	uint32_t before = b->talk.count;

	if (kind < ASK_QUERY || kind > ASK_COPY_END)
		return;
	if ((asked & ASK_LOCAL) && kind != ASK_PARSE && kind != ASK_CLOSE)
		return;
	if (kind == ASK_COPY_END)
		asked &= ~(unsigned)ASK_NOTED;
	must(talk_ask(&b->talk, asked));
	must(b->talk.count == before || b->talk.count == before + 1);
	if (b->talk.count > before) {
		b->entries++;
		b->notes += (asked & ASK_NOTED) != 0;
	}
}

static void
answer(struct books *b, char kind, char status)
{
	bool hidden = talk_front(&b->talk) & ASK_HIDDEN;
	enum verdict v;

	while (talk_local(&b->talk, notes_left, b) != 0)
		;
	hidden = talk_front(&b->talk) & ASK_HIDDEN;
	v = talk_answer(&b->talk, kind, status, notes_left, b);
	if (kind == 'A' || kind == 'S')
		must(v == VERDICT_PASS);
	if (v == VERDICT_SWALLOW)
		must(hidden);
	must((talk_front(&b->talk) & ASK_KIND) != ASK_COPY_END || b->talk.copy_in);
}

static void
check(const struct books *b)
{
	const struct talk *t = &b->talk;

	must(t->count <= b->entries && b->notes <= t->count);
	must(t->count <= t->mask + 1);
	must((t->ring == t->few) == (t->mask + 1 == TALK_INLINE));
	must(talk_owes_ready(t) <= t->count);
	must(!talk_at_rest(t) || t->count == 0 || talk_only_local(t));
	must(!t->skipping || t->count == 0);
}

static void
say_anything(const uint8_t *bytes, size_t len)
{
	static const char kinds[] = "DdcHWGCIsZ123tTnVENAS";
	struct books b = { .entries = 0 };
	size_t i;

	talk_init(&b.talk);
	for (i = 0; i < len; i++) {
		uint8_t byte = bytes[i];

		if (byte < 0x80)
			ask(&b, byte);
		else if (byte < 0x80 + 3 * (sizeof(kinds) - 1))
			answer(&b, kinds[(byte - 0x80) / 3], "ITE"[(byte - 0x80) % 3]);
		else
			answer(&b, (char)byte, 0);
		check(&b);
	}
	talk_fini(&b.talk);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct talk_tally tally = { 0 };
	struct dice dice;
	const char *wrong;

	if (len == 0)
		return 0;
	if (bytes[0] % 2 == 1) {
		say_anything(bytes + 1, len - 1);
		return 0;
	}
	dice = dice_of_bytes(bytes + 1, len - 1);
	wrong = talk_model_play(&dice, LENGTH_MOST, &tally);
	if (wrong != NULL)
		fprintf(stderr, "%s\n", wrong);
	must(wrong == NULL);
	return 0;
}
