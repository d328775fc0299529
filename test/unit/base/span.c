/*
 * span.c - tests of base/span.h.
 */
#include "unit/unit.h"

#include "base/span.h"

static void
comparing_wants_all_bytes(void **state)
{
	(void)state;
	assert_true(span_is(SPAN_LITERAL("abc"), "abc"));
	assert_false(span_is(SPAN_LITERAL("abc"), "ab"));
	assert_false(span_is(SPAN_LITERAL("ab"), "abc"));
	assert_true(span_same(span_text(NULL), SPAN_LITERAL("")));
	assert_true(span_same(SPAN_LITERAL("a\0b"), SPAN_LITERAL("a\0b")));
	assert_false(span_same(SPAN_LITERAL("a\0b"), SPAN_LITERAL("a\0c")));
}

static void
case_is_ascii_only(void **state)
{
	(void)state;
	assert_true(span_is_nocase(SPAN_LITERAL("DateStyle"), "datestyle"));
	assert_false(span_is_nocase(SPAN_LITERAL("DateStyl"), "datestyle"));
	assert_false(span_is_nocase(SPAN_LITERAL("DateStyles"), "datestyle"));
	assert_false(span_is_nocase(SPAN_LITERAL("a\0"), "a"));
	assert_false(span_is_nocase(SPAN_LITERAL("["), "{"));
	assert_false(span_is_nocase(SPAN_LITERAL("\xc3\x84"), "\xc3\xa4"));
	assert_true(span_is_nocase(span_text(NULL), ""));
}

static void
beginnings_are_told(void **state)
{
	(void)state;
	assert_true(span_starts(SPAN_LITERAL("select 1"), "select"));
	assert_true(span_starts(SPAN_LITERAL("select"), "select"));
	assert_false(span_starts(SPAN_LITERAL("selec"), "select"));
}

static void
skipping_stops_at_the_end(void **state)
{
	(void)state;
	assert_span(span_skip(SPAN_LITERAL("abc"), 1), "bc");
	assert_span(span_skip(SPAN_LITERAL("abc"), 3), "");
	assert_span(span_skip(SPAN_LITERAL("abc"), SIZE_MAX), "");
	assert_null(span_skip(span_text(NULL), 1).at);
}

static void
trimming_takes_blanks_at_both_ends(void **state)
{
	(void)state;
	assert_span(span_trim(SPAN_LITERAL(" \t\r\n\v\fa b\n ")), "a b");
	assert_span(span_trim(SPAN_LITERAL("ab")), "ab");
	assert_span(span_trim(SPAN_LITERAL("  \n")), "");
	assert_span(span_trim(span_text(NULL)), "");
}

static void
cutting_gives_every_part_once(void **state)
{
	struct span rest = SPAN_LITERAL("a,;b,"), part;

	(void)state;
	assert_true(span_cut(&rest, ",;", &part));
	assert_span(part, "a");
	assert_true(span_cut(&rest, ",;", &part));
	assert_span(part, "");
	assert_true(span_cut(&rest, ",;", &part));
	assert_span(part, "b");
	assert_true(span_cut(&rest, ",;", &part));
	assert_span(part, "");
	assert_false(span_cut(&rest, ",;", &part));
	assert_false(span_cut(&rest, ",;", &part));

	rest = SPAN_LITERAL("");
	assert_true(span_cut(&rest, ",", &part));
	assert_false(span_cut(&rest, ",", &part));

	/* NUL is a byte like others, not the end of the separators */
	rest = SPAN_LITERAL("a\0b,c");
	assert_true(span_cut(&rest, ",", &part));
	assert_int_equal(part.len, 3);
}

static void
copying_says_if_it_fitted(void **state)
{
	char out[4];

	(void)state;
	assert_true(span_copy(SPAN_LITERAL("abc"), out, sizeof(out)));
	assert_string_equal(out, "abc");
	assert_false(span_copy(SPAN_LITERAL("abcd"), out, sizeof(out)));
	assert_string_equal(out, "abc");
	assert_true(span_copy(span_text(NULL), out, 1));
	assert_string_equal(out, "");
	assert_false(span_copy(SPAN_LITERAL(""), out, 0));
}

static void
hashes_are_siphash_1_3(void **state)
{
	/* the first from SipHash's authors, the others from Python's hash() */
	static const uint64_t counting[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
	static const uint64_t zero[2];
	static const struct {
		struct span	 text;
		uint64_t	 hash;
	} rows[] = {
		{ SPAN_LITERAL("a"), 0x407448d2b89b1813 },
		{ SPAN_LITERAL("abcdefg"), 0x6db12aae9070f506 },
		{ SPAN_LITERAL("abcdefgh"), 0x3f7b849c0b8e35ea },
		{ SPAN_LITERAL("abcdefghi"), 0xf89b34a3d11eb6e5 },
		{ SPAN_LITERAL("prepared_statement_12345"), 0x9f180fe28af3671f },
		{ SPAN_LITERAL("\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16"),
		    0xf30eb725bb91c9ea },
	};
	size_t i;

	(void)state;
	assert_true(span_hash_keyed(span_text(NULL), counting) == 0xabac0158050fc4dc);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		char *block = exact_copy(rows[i].text.at, rows[i].text.len);

		assert_true(span_hash_keyed(span_of(block, rows[i].text.len), zero) ==
		    rows[i].hash);
		free(block);
	}
}

static void
the_key_stays_the_same_in_a_process(void **state)
{
	static const uint64_t zero[2];
	uint64_t hash = span_hash(SPAN_LITERAL("bob"));

	(void)state;
	assert_true(hash == span_hash(span_of("bobby", 3)));
	assert_true(hash != span_hash(SPAN_LITERAL("bo")));
	assert_true(hash != span_hash_keyed(SPAN_LITERAL("bob"), zero));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(comparing_wants_all_bytes),
		UNIT_TEST(case_is_ascii_only),
		UNIT_TEST(beginnings_are_told),
		UNIT_TEST(skipping_stops_at_the_end),
		UNIT_TEST(trimming_takes_blanks_at_both_ends),
		UNIT_TEST(cutting_gives_every_part_once),
		UNIT_TEST(copying_says_if_it_fitted),
		UNIT_TEST(hashes_are_siphash_1_3),
		UNIT_TEST(the_key_stays_the_same_in_a_process),
	};

	return cmocka_run_group_tests_name("base/span", tests, NULL, NULL);
}
