/*
 * talk.c - tests of wire/talk.h: a table of dialogues. Which answer is legal when is in
 * talk_matrix.c, many entries are in talk_ring.c, dialogues nobody thought of in
 * talk_random.c.
 *
 * A dialogue is words; ">" begins what is asked, "<" what is answered:
 *
 *	asked		Q F S P B Ds Dp E C, and c for CopyDone or CopyFail; behind it
 *			"~" hidden, "." local, "!" noted
 *	answered	the letter, for ReadyForQuery with its status: ZI ZT ZE;
 *			before it nothing: it passes, "-" it is swallowed, "*" nobody
 *			asked for it
 *	.1 .3		it is a local Parse's or Close's turn
 *	done:N lost:N	so many notes left just now
 *	=		server and client may part; without it they may not, after every
 *			single word
 *	doubt		there may be more answers than we know
 */
#include "unit/unit.h"

#include "wire/talk.h"

struct dialogue {
	const char	*rule;
	const char	*words;
};

static const struct dialogue dialogues[] = {
	/* simple */
	{ "a query", "> Q < T D D C ZI =" },
	{ "an empty query", "> Q < I ZI =" },
	{ "several statements", "> Q < T D C C T C ZI =" },
	{ "an error", "> Q < T D E ZI =" },
	{ "an error in the second statement", "> Q < C E ZI =" },
	{ "a transaction", "> Q < C ZT > Q < T D C ZT > Q < C ZI =" },
	{ "a failed transaction", "> Q < C ZT > Q < E ZE > Q < E ZE > Q < C ZI =" },
	{ "queries in a row", "> Q Q Q < C ZI T C ZI E ZI =" },
	{ "a begin behind a query", "> Q Q < C ZI C ZT > Q < C ZI =" },
	{ "notices, notifications, settings",
	    "> Q < N S A T N D A S C N ZI = N = A = S =" },
	{ "a function call", "> F < V ZI =" },
	{ "a failed function call", "> F < E ZI =" },
	{ "a function without a value in a transaction", "> F < V ZT > F < E ZE" },

	/* extended */
	{ "the usual five", "> P B Dp E S < 1 2 T D C ZI =" },
	{ "without rows", "> P B Dp E S < 1 2 n C ZI =" },
	{ "an empty text", "> P B Dp E S < 1 2 n I ZI =" },
	{ "a statement described", "> P Ds S < 1 t T ZI =" },
	{ "a statement without rows described", "> P Ds S < 1 t n ZI =" },
	{ "both described", "> P Ds B Dp E S < 1 t T 2 T D C ZI =" },
	{ "a statement described twice", "> Ds Ds S < t T t n ZI =" },
	{ "a portal read in pieces", "> B E E E C S < 2 D s D s D C 3 ZI =" },
	{ "a Sync alone", "> S < ZI =" },
	{ "many Syncs", "> S S S < ZI ZI ZI =" },
	{ "a pipeline", "> P B E S B E S B E S < 1 2 C ZI 2 D C ZI 2 D C ZI =" },
	{ "asked while answered", "> P B < 1 > E < 2 > S B < C > E S < ZI 2 C ZI =" },
	{ "a flush between", "> P Ds < 1 t T > B E < 2 D C > S < ZI =" },
	{ "never a Sync", "> P B E < 1 2 C > B E < 2 C" },
	{ "a query ends an open sequence", "> P B E Q < 1 2 C T D C ZI =" },
	{ "a failed query in an open sequence", "> P B E Q B E S < 1 2 C E ZI 2 C ZI =" },
	{ "a function call in an open sequence", "> P F S < 1 V ZI ZI =" },
	{ "a transaction over Syncs",
	    "> B E S B E S < 2 C ZT 2 C ZT > B E S < 2 C ZI =" },

	/* errors until Sync */
	{ "a failed Parse", "> P B E S < E ZI =" },
	{ "a failed Bind", "> P B Dp E S < 1 E ZI =" },
	{ "a failed Execute with rows", "> P B E S < 1 2 D E ZI =" },
	{ "a failed description", "> P Ds B S < 1 E ZI =" },
	{ "a description failed half way", "> Ds S Ds S < t E ZI t n ZI =" },
	{ "a failed Close", "> C S < E ZI =" },
	{ "only up to the next Sync", "> P B E S B E S < E ZI 2 C ZI =" },
	{ "each sequence for itself", "> P E S P E S P E S < E ZI 1 E ZI 1 C ZI =" },
	{ "what comes later is skipped", "> P < E > B E Ds C S < ZI =" },
	{ "a query is skipped", "> P Q S < E ZI =" },
	{ "a late query is skipped", "> P < E > Q S < ZI =" },
	{ "a function call is skipped", "> P F S Q < E ZI C ZI =" },
	{ "a late function call is skipped", "> P < E > F Q S Q < ZI C ZI =" },
	{ "Sync itself fails", "> B E S < 2 C E ZI =" },
	{ "Sync itself fails, the next ones do not",
	    "> B E S B E S < 2 C E ZI 2 C ZI =" },
	{ "an error without a Sync", "> P < E > B E > S < ZI =" },
	{ "skipping ends once", "> P < E > B S P S < ZI 1 ZI =" },
	{ "an error in a transaction", "> P B E S < 1 2 E ZE > Q < C ZI =" },
	{ "a warning is no error", "> P B < N 1 N 2 > S < ZI =" },

	/* out of the blue */
	{ "told to go while idle", "< E =" },
	{ "told to go in a transaction", "> Q < C ZT E" },
	{ "told to go between", "> P < 1 E" },
	{ "told to go while asked", "> Q Q < T D E" },
	{ "nobody asked", "< *ZI =" },
	{ "one Z too many", "> Q < C ZI = *ZI =" },
	{ "Z before its turn", "> P S < *ZI 1 ZI =" },
	{ "one answer too many", "> P S < 1 *1 ZI =" },
	{ "an answer of another", "> P B S < *2 1 *1 2 ZI =" },
	{ "T before t", "> Ds S < *T *n t *t T ZI =" },

	/* COPY */
	{ "out, simple", "> Q < H d d c C ZI =" },
	{ "out, extended", "> P B E S < 1 2 H d c C ZI =" },
	{ "out, failing", "> Q < H d E ZI =" },
	{ "in, simple", "> Q < G > c < C ZI =" },
	{ "in, extended", "> P B E < 1 2 G > c S < C ZI =" },
	{ "in, sent blindly", "> Q c < G C ZI =" },
	{ "in, extended, sent blindly", "> P B E c S < 1 2 G C ZI =" },
	{ "in, ended by CopyFail", "> Q < G > c < E ZI =" },
	{ "in, extended, ended by CopyFail", "> P B E < 1 2 G > c S < E ZI =" },
	{ "in, bad data", "> Q < G E ZI = > c =" },
	{ "in, bad data, end sent before it is known", "> Q < G > c < E ZI =" },
	{ "in, extended, bad data", "> B E < 2 G E > c S < ZI =" },
	{ "in, refused", "> Q c < E ZI =" },
	{ "in, extended, refused", "> P B E c S < E ZI =" },
	{ "in, refused at Execute", "> P B E c S < 1 2 E ZI =" },
	{ "in, twice in one query", "> Q < G > c < C G > c < C ZI =" },
	{ "in, twice, sent blindly", "> Q c c < G C G C ZI =" },
	{ "in, twice, the first fails", "> Q c c < G E ZI =" },
	{ "in, then rows", "> Q c < G C T D C ZI =" },
	{ "in, two in one sequence", "> B E c B E c S < 2 G C 2 G C ZI =" },
	{ "in, a pipeline of sequences", "> B E c S B E c S < 2 G C ZI 2 G E ZI =" },
	{ "in, a pipeline of queries", "> Q c Q c Q < E ZI G C ZI T C ZI =" },
	{ "a late end", "> c = Q < C ZI = > c = Q < T C ZI =" },
	{ "a late end while something else runs", "> Q c Q < T D C ZI C ZI =" },
	{ "a late end in a sequence", "> P c B c E c S < 1 2 C ZI =" },
	{ "a late end behind a sequence", "> P S c < 1 ZI =" },
	{ "a late end after a flush", "> P < 1 > c < > S < ZI =" },
	{ "in and out", "> Q < W d d > c < d c C ZI =" },
	{ "an early Sync", "> B E S < 2 G > c S < C ZI =" },
	{ "an early Sync, blindly", "> B E S c S < 2 G C ZI =" },
	{ "two early Syncs", "> B E S S c S < 2 G C ZI =" },
	{ "an early Sync, refused", "> B E S c S < E ZI ZI =" },
	{ "an early Sync, no COPY at all", "> B E S c S < 2 C ZI ZI =" },
	{ "an early Sync in a simple COPY", "> Q S c < G C ZI =" },
	{ "an early Sync, failing", "> B E S c S < 2 G E doubt ZI = doubt" },
	{ "an early Sync, failing before it was seen",
	    "> B E S < 2 G E doubt ZI > c S < ZI = doubt" },
	{ "an early Sync, failing, life goes on",
	    "> B E S < 2 G E doubt ZI > Q < C ZI = doubt" },
	{ "a simple early Sync, failing", "> Q S < G E doubt ZI = doubt ZI = doubt" },

	/* hidden */
	{ "a hidden query", "> Q~ < -T -D -C -ZI =" },
	{ "a hidden query fails", "> Q~ < -E -ZI =" },
	{ "a hidden notice", "> Q~ < -N S A -C -ZI =" },
	{ "a hidden sequence", "> P~ B~ E~ B~ E~ S~ < -1 -2 -D -C -2 -D -C -ZI =" },
	{ "a hidden sequence fails", "> P~ B~ E~ B~ E~ S~ < -1 -2 -E -ZI =" },
	{ "a hidden sequence before a client's", "> P~ S~ P S < -1 -ZI 1 ZI =" },
	{ "a hidden Parse first", "> P~ B E S < -1 2 C ZI =" },
	{ "a hidden Parse between", "> B E P~ B E S < 2 C -1 2 C ZI =" },
	{ "a hidden Close between", "> B C~ P~ E S < 2 -3 -1 C ZI =" },
	{ "a hidden Parse fails: the client is told", "> P~ B E S < E ZI =" },
	{ "a hidden Close fails, nothing is lost", "> C~ S < -E ZI =" },
	{ "hidden ones are skipped", "> B P~ B E S < E ZI =" },
	{ "a rescue", "> P B E < 1 > S~ < 2 D C -ZI =" },
	{ "a rescue while skipping", "> P < E > S~ < -ZI =" },
	{ "a rescue from COPY", "> B E < 2 G > c~ S~ < E -ZI =" },
	{ "a rescue with a rollback", "> Q < C ZT > Q~ < -C -ZI =" },

	/* local */
	{ "a local Parse", "> P. = < .1 =" },
	{ "a local Close", "> C. = < .3 =" },
	{ "a local Parse first", "> P. = B E S < .1 2 C ZI =" },
	{ "a local Parse between", "> B E P. B E S < 2 C .1 2 C ZI =" },
	{ "a local Parse last", "> B E P. S < 2 C .1 ZI =" },
	{ "a local Parse behind the Sync", "> S P. < ZI = .1 =" },
	{ "local ones in a row", "> P. = C. = P. = B S < .1 .3 .1 2 ZI =" },
	{ "local ones behind a Sync, then more", "> S P. B S < ZI .1 2 ZI =" },
	{ "local ones are skipped", "> B P. C. S < E ZI =" },
	{ "local ones are not skipped behind a Sync", "> B S P. S < E ZI .1 ZI =" },
	{ "late local ones are skipped", "> B < E > P. C. S < ZI =" },
	{ "a local one in a transaction", "> Q < C ZT > P. < .1" },
	{ "a local one after a flush", "> P < 1 > P. < .1 > S < ZI =" },
	{ "a local one with a late end of COPY", "> P < 1 > P. c < .1 > S < ZI =" },
	{ "a late end of COPY behind a local one", "> S P. c < ZI = .1 =" },

	/* notes */
	{ "a note stays until it is answered", "> P! S < 1 done:1 ZI =" },
	{ "notes in order", "> P! C! P~! S < 1 done:1 3 done:1 -1 done:1 ZI =" },
	{ "a note of a failed one", "> P! B E S < E lost:1 ZI =" },
	{ "notes of all that is skipped", "> P! P~! B P. C.! E S < E lost:3 ZI =" },
	{ "notes behind the Sync stay", "> P! S P! S < E lost:1 ZI 1 done:1 ZI =" },
	{ "a local note", "> P.! = B S < .1 done:1 2 ZI =" },
	{ "a local note between", "> B C.! P.! S < 2 .3 done:1 .1 done:1 ZI =" },
	{ "a lost local note", "> B P.! S < E lost:1 ZI =" },
	{ "nothing is noted while skipping", "> P! < E lost:1 > P! C! S < ZI =" },
	{ "a note before the failure", "> P! P! P! S < 1 done:1 E lost:2 ZI =" },
	{ "a note behind an early Sync that held",
	    "> B E S c P! S < 2 G C 1 done:1 ZI =" },
	{ "a note behind an early Sync that did not",
	    "> B E S c P! S < 2 C ZI 1 done:1 ZI =" },
};

/* What the notes did, word by word. */
struct log {
	unsigned	 count;
	unsigned	 notes[8];
	bool		 done[8];
};

static void
note_left(void *owner, unsigned notes, bool done)
{
	struct log *log = owner;

	assert_true(notes > 0);
	assert_true(log->count < ARRAY_SIZE(log->notes));
	log->notes[log->count] = notes;
	log->done[log->count++] = done;
}

/* Where we are in a dialogue. */
struct play {
	const struct dialogue *dialogue;
	struct talk	 talk;
	struct log	 log;		/* of the last word */
	const char	*word;
	size_t		 len;
	bool		 asking;
};

static void
play_fails(const struct play *p, const char *what)
{
	fail_msg("%s: \"%s\" at \"%.*s\": %s", p->dialogue->rule, p->dialogue->words,
	    (int)p->len, p->word, what);
}

/* The next word; false at the end. */
static bool
next_word(struct play *p)
{
	p->word += p->len;
	p->word += strspn(p->word, " ");
	p->len = strcspn(p->word, " ");
	return p->len > 0;
}

static bool
word_is(const struct play *p, const char *text)
{
	return span_is(span_of(p->word, p->len), text);
}

static unsigned
ask_of(const struct play *p)
{
	static const struct {
		const char	*word;
		unsigned	 asked;
	} rows[] = {
		{ "Ds", ASK_DESCRIBE_STATEMENT },
		{ "Dp", ASK_DESCRIBE_PORTAL },
		{ "Q", ASK_QUERY },
		{ "F", ASK_FUNCTION },
		{ "S", ASK_SYNC },
		{ "P", ASK_PARSE },
		{ "B", ASK_BIND },
		{ "E", ASK_EXECUTE },
		{ "C", ASK_CLOSE },
		{ "c", ASK_COPY_END },
	};
	unsigned asked = 0;
	size_t at = 0, i;

	for (i = 0; i < ARRAY_SIZE(rows) && asked == 0; i++) {
		at = strlen(rows[i].word);
		if (p->len >= at && memcmp(p->word, rows[i].word, at) == 0)
			asked = rows[i].asked;
	}
	for (; asked != 0 && at < p->len; at++) {
		switch (p->word[at]) {
		case '~':
			asked |= ASK_HIDDEN;
			break;
		case '.':
			asked |= ASK_LOCAL;
			break;
		case '!':
			asked |= ASK_NOTED;
			break;
		default:
			play_fails(p, "no such mark");
		}
	}
	if (asked == 0)
		play_fails(p, "no such question");
	return asked;
}

static void
answer(struct play *p)
{
	const char *at = p->word, *end = at + p->len;
	enum verdict verdict = VERDICT_PASS;

	if (*at == '-' || *at == '*')
		verdict = *at++ == '-' ? VERDICT_SWALLOW : VERDICT_BAD;
	if (talk_front(&p->talk) & ASK_LOCAL)
		play_fails(p, "it is a local one's turn");
	if (end - at != (*at == 'Z' ? 2 : 1))
		play_fails(p, "no such answer");
	if (talk_answer(&p->talk, at[0], at[0] == 'Z' ? at[1] : 0, note_left, &p->log) !=
	    verdict)
		play_fails(p, "another verdict");
}

static void
answer_local(struct play *p)
{
	unsigned asked = talk_local(&p->talk, note_left, &p->log) & ASK_KIND;

	if (asked != (p->word[1] == '1' ? ASK_PARSE : ASK_CLOSE))
		play_fails(p, "another local one, or none");
}

/* Marks behind a word: what must be so now, and "=" for parting. */
static void
check_marks(struct play *p)
{
	struct play ahead = *p;
	bool rest = false, doubt = false;
	unsigned left = 0;

	while (next_word(&ahead)) {
		bool done = ahead.word[0] == 'd' && ahead.len > 5 && ahead.word[4] == ':';

		if (word_is(&ahead, "=")) {
			rest = true;
		} else if (word_is(&ahead, "doubt")) {
			doubt = true;
		} else if (done || (ahead.word[0] == 'l' && ahead.len > 5)) {
			if (left == p->log.count || p->log.done[left] != done ||
			    p->log.notes[left] != (unsigned)(ahead.word[5] - '0'))
				play_fails(&ahead, "other notes have left");
			left++;
		} else {
			break;
		}
		p->word = ahead.word;
		p->len = ahead.len;
	}
	if (left != p->log.count)
		play_fails(p, "more notes have left");
	if (talk_at_rest(&p->talk) != rest)
		play_fails(p, rest ? "they may not part" : "they may part");
	if (doubt && !p->talk.doubt)
		play_fails(p, "there is no doubt");
	p->log.count = 0;
}

static void
play(const struct dialogue *d)
{
	struct play p = { .dialogue = d, .word = d->words };

	talk_init(&p.talk);
	while (next_word(&p)) {
		if (word_is(&p, ">") || word_is(&p, "<")) {
			p.asking = p.word[0] == '>';
			continue;
		}
		if (p.asking) {
			assert_true(talk_ask(&p.talk, ask_of(&p)));
		} else if (p.word[0] == '.') {
			answer_local(&p);
		} else {
			answer(&p);
		}
		check_marks(&p);
	}
	if (talk_at_rest(&p.talk))
		assert_int_equal(p.talk.count, 0);
	if (strstr(d->words, "doubt") == NULL)
		assert_false(p.talk.doubt);
	talk_fini(&p.talk);
}

static void
every_dialogue_is_followed(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(dialogues); i++)
		play(&dialogues[i]);
}

static void
a_talk_begins_at_rest(void **state)
{
	struct talk t;

	(void)state;
	talk_init(&t);
	assert_true(talk_at_rest(&t));
	assert_true(talk_quiet(&t));
	assert_int_equal(talk_front(&t), 0);
	assert_false(talk_only_local(&t));
	assert_false(talk_ends_ready(&t));
	assert_int_equal(talk_owes_ready(&t), 0);
	assert_int_equal(talk_local(&t, note_left, NULL), 0);
	talk_fini(&t);
}

static void
what_is_owed_is_counted(void **state)
{
	struct talk t;

	(void)state;
	talk_init(&t);
	assert_true(talk_ask(&t, ASK_PARSE | ASK_LOCAL));
	assert_true(talk_only_local(&t));
	/* too late for any COPY: nothing will answer it */
	assert_true(talk_ask(&t, ASK_COPY_END));
	assert_true(talk_only_local(&t));
	assert_true(talk_ask(&t, ASK_QUERY));
	assert_false(talk_only_local(&t));
	assert_true(talk_ends_ready(&t));
	assert_true(talk_ask(&t, ASK_SYNC));
	assert_true(talk_ask(&t, ASK_FUNCTION));
	assert_int_equal(talk_owes_ready(&t), 3);
	assert_true(talk_ask(&t, ASK_EXECUTE));
	assert_false(talk_ends_ready(&t));
	assert_int_equal(talk_owes_ready(&t), 3);
	assert_false(talk_quiet(&t));
	assert_int_equal(talk_front(&t), ASK_PARSE | ASK_LOCAL);
	talk_fini(&t);
	assert_true(talk_quiet(&t));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(a_talk_begins_at_rest),
		UNIT_TEST(every_dialogue_is_followed),
		UNIT_TEST(what_is_owed_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
