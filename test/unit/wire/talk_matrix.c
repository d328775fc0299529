/*
 * talk_matrix.c - tests of wire/talk.h: every message a server can send, at everything
 * it can have been asked last. What stands in a cell:
 *
 *	p	passes, the entry stays
 *	d	passes, the entry is done
 *	b	nobody asked for it
 *
 * Of a hidden entry the same is swallowed, but settings and notifications pass always.
 */
#include "unit/unit.h"

#include "wire/talk.h"

#define MESSAGES "DdcHWGCIsZ123tTnVENASRKv"

static const struct row {
	const char	*front;
	const char	*steps;		/* how it came to be: questions, ":", answers */
	const char	*cells;		/* one for each of MESSAGES */
} rows[] = {
	/*                           D d c H W G C I s Z 1 2 3 t T n V E N A S R K v */
	{ "nothing, at rest", ":",  "b b b b b b b b b b b b b b b b b p p p p b b b" },
	{ "nothing, after a flush",
		"P:1",              "b b b b b b b b b b b b b b b b b p p p p b b b" },
	{ "nothing, skipping",
		"P:E",              "b b b b b b b b b b b b b b b b b p p p p b b b" },
	{ "Query", "Q:",            "p p p p p p p p b d b b b b p b b p p p p b b b" },
	{ "Query, rows begun",
		"Q:TD",             "p p p p p p p p b d b b b b p b b p p p p b b b" },
	{ "Query, COPY in",
		"Q:G",              "p p p p p p p p b d b b b b p b b p p p p b b b" },
	{ "Query, failed", "Q:E",   "p p p p p p p p b d b b b b p b b p p p p b b b" },
	{ "FunctionCall", "F:",     "b b b b b b b b b d b b b b b b p p p p p b b b" },
	{ "Sync", "S:",             "b b b b b b b b b d b b b b b b b p p p p b b b" },
	{ "Sync, failed", "S:E",    "b b b b b b b b b d b b b b b b b p p p p b b b" },
	{ "Parse", "P:",            "b b b b b b b b b b d b b b b b b d p p p b b b" },
	{ "Bind", "B:",             "b b b b b b b b b b b d b b b b b d p p p b b b" },
	{ "Describe S", "T:",       "b b b b b b b b b b b b b p b b b d p p p b b b" },
	{ "Describe S, described",
		"T:t",              "b b b b b b b b b b b b b b d d b d p p p b b b" },
	{ "Describe P", "D:",       "b b b b b b b b b b b b b b d d b d p p p b b b" },
	{ "Execute", "E:",          "p p p p p p d d d b b b b b b b b d p p p b b b" },
	{ "Execute, rows begun",
		"E:D",              "p p p p p p d d d b b b b b b b b d p p p b b b" },
	{ "Execute, COPY in",
		"E:G",              "p p p p p p d d d b b b b b b b b d p p p b b b" },
	{ "Close", "C:",            "b b b b b b b b b b b b d b b b b d p p p b b b" },
};

static void
none_leaves(void *owner, unsigned notes, bool done)
{
	(void)owner, (void)notes, (void)done;
	fail_msg("nothing was noted");
}

static unsigned
ask_of(char letter)
{
	switch (letter) {
	case 'Q':
		return ASK_QUERY;
	case 'F':
		return ASK_FUNCTION;
	case 'S':
		return ASK_SYNC;
	case 'P':
		return ASK_PARSE;
	case 'B':
		return ASK_BIND;
	case 'T':
		return ASK_DESCRIBE_STATEMENT;
	case 'D':
		return ASK_DESCRIBE_PORTAL;
	case 'E':
		return ASK_EXECUTE;
	default:
		return ASK_CLOSE;
	}
}

/* Bring T to where ROW begins. */
static void
take_steps(struct talk *t, const struct row *row, unsigned flags)
{
	const char *step = row->steps;

	talk_init(t);
	for (; *step != ':'; step++)
		assert_true(talk_ask(t, ask_of(*step) | flags));
	for (step++; *step != '\0'; step++)
		assert_int_not_equal(
		    talk_answer(t, *step, 0, none_leaves, NULL), VERDICT_BAD);
}

static void
check_cell(const struct row *row, char message, char cell, unsigned flags)
{
	enum verdict expected = cell == 'b' ? VERDICT_BAD : VERDICT_PASS, got;
	struct talk t;
	unsigned before;

	take_steps(&t, row, flags);
	before = t.count;
	if (before > 0 && flags != 0 && cell != 'b' && message != 'A' && message != 'S')
		expected = VERDICT_SWALLOW;
	got = talk_answer(&t, message, 'T', none_leaves, NULL);
	if (got != expected || t.count != before - (cell == 'd'))
		fail_msg("%s: '%c' gives %d and leaves %u of %u", row->front, message,
		    (int)got, t.count, before);
	if (message == 'Z' && cell == 'd')
		assert_int_equal(t.status, 'T');
	if (cell == 'd')
		assert_false(t.copy_in || t.described);
	talk_fini(&t);
}

static void
check_matrix(unsigned flags)
{
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(strlen(rows[i].cells), 2 * strlen(MESSAGES) - 1);
		for (k = 0; MESSAGES[k] != '\0'; k++)
			check_cell(&rows[i], MESSAGES[k], rows[i].cells[2 * k], flags);
	}
}

static void
each_message_at_each_front(void **state)
{
	(void)state;
	check_matrix(0);
}

static void
each_message_at_each_hidden_front(void **state)
{
	(void)state;
	check_matrix(ASK_HIDDEN);
}

static void
no_other_message_exists(void **state)
{
	size_t i;
	int kind;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		for (kind = 0; kind < 256; kind++)
			if (kind == 0 || strchr(MESSAGES, kind) == NULL)
				check_cell(&rows[i], (char)kind, 'b', 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(each_message_at_each_front),
		UNIT_TEST(each_message_at_each_hidden_front),
		UNIT_TEST(no_other_message_exists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
