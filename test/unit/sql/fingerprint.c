/*
 * fingerprint.c - tests of sql/fingerprint.h: what PostgreSQL's scanner takes for a value is never shown, and
 * statements that differ in values only are one.
 */
#include "unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "sql/fingerprint.h"

static const struct {
	const char	*sql, *text;
} rows[] = {
	{ "", "" },
	{ "  \t\r\n\v\f ", "" },
	{ "select 1", "select ?" },
	{ "SELECT  Name\n\tFROM \"People\" ;", "select name from \"People\"" },
	{ "select 'bob'", "select ?" },
	{ "select 'it''s', ''", "select ?, ..." },
	{ "select ''''", "select ?" },
	{ "select 'no end", "select ?" },
	/* lists */
	{ "where id in (1)", "where id in (?)" },
	{ "where id in (1,2)", "where id in (?, ...)" },
	{ "where id in (1 , 'b' ,\n3, 4.5)", "where id in (?, ...)" },
	{ "f(1, x, 2, 3)", "f(?, x, ?, ...)" },
	{ "f(1,x)", "f(?,x)" },
	{ "f(1,)", "f(?,)" },
	{ "1,", "?," },
	{ "1,;2", "?,;?" },
	{ "values (1, 2), (3, 4)", "values (?, ...), (?, ...)" },
	{ "in ($1, $2, $3)", "in ($1, $2, $3)" },
	{ "a, b", "a, b" },
	/* numbers */
	{ "x=5", "x=?" },
	{ "x = -5", "x = -?" },
	{ "1.5 .5 5. 1e10 1.5e-3 2E+7", "? ? ? ? ? ?" },
	{ "0x1F 0b101 0o17 1_000", "? ? ? ?" },
	{ "0x1e-5", "?-?" },
	{ "1e-x", "?-x" },
	{ "4711abc", "?" },
	{ "t1.c2_3", "t1.c2_3" },
	/* strings with a letter before them */
	{ "E'a\\'b' e'\\\\' x", "? ? x" },
	{ "E'it''s' x", "? x" },
	{ "E'no end\\", "?" },
	{ "E'no end\\'", "?" },
	{ "B'101' x'1F' N'bob' y", "? ? ? y" },
	{ "U&'d\\0061t' uescape '!' y", "? uescape ? y" },
	{ "U&\"d\\0061t\" y", "U&\"d\\0061t\" y" },
	{ "u & 'x'", "u & ?" },
	{ "date'2026-01-01'", "date?" },
	{ "the'x'", "the?" },
	/* standard_conforming_strings decides where these end: nobody shall see */
	{ "select '\\', secret", "select ?" },
	{ "select 'a\\\\', name", "select ?, name" },
	{ "select 'a\\''secret', name", "select ?" },
	{ "select 'a\\b', name", "select ?, name" },
	/* dollars */
	{ "do $$begin perform 'x'; end$$ language plpgsql", "do ? language plpgsql" },
	{ "$a$ $$ $b$ $a$ x", "? x" },
	{ "$a$ no end $A$", "?" },
	{ "$\xc3\xa4$x$\xc3\xa4$ y", "? y" },
	{ "$1 $23", "$1 $23" },
	{ "a$$b", "a$$b" },
	{ "$ 5", "$ ?" },
	{ "$a 5", "$a ?" },
	/* comments */
	{ "select/* secret */a", "select a" },
	{ "select a -- secret\n, b", "select a , b" },
	{ "select a -- secret", "select a" },
	{ "/* a /* b */ secret */ x", "x" },
	{ "x /* no end", "x" },
	{ "x /* a /* b */ secret", "x" },
	{ "/**/x/*/*/**/*/*/y", "x y" },
	{ "a - - b", "a - - b" },
	{ "a --", "a" },
	{ "a /", "a /" },
	/* names */
	{ "\"a\"\"B\" c", "\"a\"\"B\" c" },
	{ "\"no end", "?" },
	{ "\"no end\"\"", "?" },
	{ "\"a\"/**/\"b\"", "\"a\" \"b\"" },
	{ "\"it's\" 'x'", "\"it's\" ?" },
	{ "\xc3\x84pfel \xc3\xa4", "\xc3\x84pfel \xc3\xa4" },
	/* several */
	{ "begin; select 1;; commit;", "begin; select ?; commit" },
	{ ";a", "a" },
	{ "a ? b ?| c", "a ? b ?| c" },
	{ "create user x password 'secret'", "create user x password ?" },
};

/* As the heap's tools see it: no byte behind the end is read. */
static void
take(struct fingerprint *f, const char *sql, size_t len)
{
	char *copy = exact_copy(sql, len);

	fingerprint_take(f, span_of(copy, len));
	free(copy);
}

static void
values_are_left_out(void **state)
{
	struct fingerprint f, again;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		take(&f, rows[i].sql, strlen(rows[i].sql));
		if (strcmp(f.text, rows[i].text) != 0)
			fail_msg("row %zu, '%s': expected '%s', got '%s'", i, rows[i].sql, rows[i].text, f.text);
		take(&again, f.text, strlen(f.text));
		if (again.number != f.number || strcmp(again.text, f.text) != 0)
			fail_msg("row %zu, '%s': taken again it is '%s'", i, rows[i].sql, again.text);
	}
}

static void
numbers_are_of_all_of_it(void **state)
{
	struct fingerprint one, two, other;
	char sql[2000];

	(void)state;
	take(&one, "Select 1 from t where x='a'", 27);
	take(&two, "SELECT\n2 from t where x='bcd'", 29);
	take(&other, "select 1 from t where y='a'", 27);
	assert_int_equal(one.number, two.number);
	assert_int_not_equal(one.number, other.number);
	/* written down: it is the same tomorrow, and in another process */
	take(&one, "a", 1);
	assert_int_equal(one.number, 0xaf63dc4c8601ec8cu);
	/* what is too long to be shown counts all the same */
	memset(sql, 'x', sizeof(sql));
	take(&one, sql, sizeof(sql));
	sql[sizeof(sql) - 1] = 'y';
	take(&two, sql, sizeof(sql));
	assert_string_equal(one.text, two.text);
	assert_int_equal(strlen(one.text), FINGERPRINT_TEXT - 1);
	assert_int_not_equal(one.number, two.number);
}

static void
texts_are_cut_between_characters(void **state)
{
	struct fingerprint f;
	char sql[600];

	(void)state;
	for (size_t i = 0; i < sizeof(sql); i += 3)
		memcpy(sql + i, "\xe2\x82\xac", 3);
	for (size_t from = 0; from < 3; from++) {
		memset(sql, 'x', from);
		for (size_t i = from; i + 3 <= sizeof(sql); i += 3)
			memcpy(sql + i, "\xe2\x82\xac", 3);
		take(&f, sql, sizeof(sql) - 3);
		assert_int_equal(strlen(f.text), from + (FINGERPRINT_TEXT - 1 - from) / 3 * 3);
	}
}

static void
a_nul_ends_it(void **state)
{
	struct fingerprint f;

	(void)state;
	take(&f, "a\0b", 3);
	assert_string_equal(f.text, "a");
	fingerprint_take(&f, span_of(NULL, 0));
	assert_string_equal(f.text, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_left_out),
		cmocka_unit_test(numbers_are_of_all_of_it),
		cmocka_unit_test(texts_are_cut_between_characters),
		cmocka_unit_test(a_nul_ends_it),
	};

	return cmocka_run_group_tests_name("sql/fingerprint", tests, NULL, NULL);
}
