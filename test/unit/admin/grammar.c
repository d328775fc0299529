/*
 * grammar.c - tests of admin/grammar.h.
 */
#include "unit/unit.h"

#include "admin/grammar.h"

static enum grammar
read_text(const char *text, struct words *words)
{
	char *copy = exact_copy(text, strlen(text));
	enum grammar result = grammar_read(span_of(copy, strlen(text)), words);

	free(copy);
	return result;
}

/* TEXT reads as the words of EXPECTED, joined by '|'. */
static void
reads_as(const char *text, const char *expected)
{
	struct words words;
	char joined[WORDS_BYTES] = "";

	assert_int_equal(read_text(text, &words), GRAMMAR_OK);
	for (unsigned i = 0; i < words.count; i++) {
		strcat(joined, i > 0 ? "|" : "");
		strcat(joined, words_at(&words, i).at);
	}
	assert_string_equal(joined, expected);
}

static void
blanks_and_signs_part_words(void **state)
{
	(void)state;
	reads_as("SHOW pools", "SHOW|pools");
	reads_as("\t SHOW \r\n pools \f;  ", "SHOW|pools");
	reads_as("show pools;;", "show|pools");
	reads_as("set a=1", "set|a|=|1");
	reads_as("set a = 1.5", "set|a|=|1.5");
	reads_as("set a=scram-sha-256", "set|a|=|scram-sha-256");
	reads_as("pause my-db", "pause|my-db");
	reads_as("select version()", "select|version|(|)");
}

static void
quotes_keep_what_is_in_them(void **state)
{
	struct words words;

	(void)state;
	reads_as("pause \"my db\"", "pause|my db");
	reads_as("pause \"a\"\"b\"", "pause|a\"b");
	reads_as("set a='it''s; fine -- so'", "set|a|=|it's; fine -- so");
	reads_as("set a=''", "set|a|=|");
	assert_int_equal(read_text("a \"b\" 'c' =", &words), GRAMMAR_OK);
	assert_int_equal(words.list[0].kind, WORD_BARE);
	assert_int_equal(words.list[1].kind, WORD_QUOTED);
	assert_int_equal(words.list[2].kind, WORD_STRING);
	assert_int_equal(words.list[3].kind, WORD_SIGN);
}

static void
comments_are_blanks(void **state)
{
	(void)state;
	reads_as("show -- what\n pools", "show|pools");
	reads_as("show pools -- all", "show|pools");
	reads_as("/* a /* b */ c */show/**/pools", "show|pools");
	reads_as("show pools /* open", "show|pools");
	reads_as("show a-b", "show|a-b");
}

static void
nothing_is_empty(void **state)
{
	static const char *const texts[] = { "", " ", ";", " ; ;", "-- x", "/* x */",
		"/*" };
	struct words words;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(read_text(texts[i], &words), GRAMMAR_EMPTY);
}

static void
second_commands_and_open_quotes_are_refused(void **state)
{
	static const char *const texts[] = { "show pools; show pools", "a;b", "pause \"x",
		"set a='x", "pause \"x\"\"", "set a='it''" };
	struct words words;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(read_text(texts[i], &words), GRAMMAR_BAD);
	assert_int_equal(grammar_read(span_of("a \0 b", 5), &words), GRAMMAR_BAD);
}

static void
length_has_an_end(void **state)
{
	char text[WORDS_BYTES + 10];
	struct words words;

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_int_equal(grammar_read(span_of(text, WORDS_BYTES - 1), &words),
	    GRAMMAR_OK);
	assert_int_equal(grammar_read(span_of(text, WORDS_BYTES), &words), GRAMMAR_LONG);
	assert_int_equal(grammar_read(span_of(text, sizeof(text)), &words), GRAMMAR_LONG);
	for (size_t i = 1; i < sizeof(text); i += 2)
		text[i] = ' ';
	assert_int_equal(grammar_read(span_of(text, sizeof(text)), &words), GRAMMAR_OK);
	assert_int_equal(words.count, WORDS_MOST);
}

static void
copies_stand_alone(void **state)
{
	struct words words, copy;

	(void)state;
	assert_int_equal(read_text("show pools", &words), GRAMMAR_OK);
	words_copy(&copy, &words);
	memset(&words, 'x', sizeof(words));
	assert_span(words_at(&copy, 1), "pools");
	assert_true(words_is(&copy, 0, "SHOW"));
	assert_false(words_is(&copy, 2, ""));
	assert_span(words_at(&copy, 7), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(blanks_and_signs_part_words),
		UNIT_TEST(quotes_keep_what_is_in_them),
		UNIT_TEST(comments_are_blanks),
		UNIT_TEST(nothing_is_empty),
		UNIT_TEST(second_commands_and_open_quotes_are_refused),
		UNIT_TEST(length_has_an_end),
		UNIT_TEST(copies_stand_alone),
	};

	return cmocka_run_group_tests_name("grammar", tests, NULL, NULL);
}
