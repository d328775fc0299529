/*
 * json.c - tests of base/json.h.
 */
#include "unit/unit.h"

#include "base/json.h"
#include "base/text.h"

static void
texts_are_escaped(void **state)
{
	static const struct {
		struct span	 from;
		const char	*to;
	} rows[] = {
		{ SPAN_LITERAL(""), "\"\"" },
		{ SPAN_LITERAL("app"), "\"app\"" },
		{ SPAN_LITERAL("a\"b\\c/d"), "\"a\\\"b\\\\c/d\"" },
		{ SPAN_LITERAL("\b\f\n\r\t"), "\"\\b\\f\\n\\r\\t\"" },
		{ SPAN_LITERAL("a\0b\x1f\x7f"), "\"a\\u0000b\\u001f\\u007f\"" },
		{ SPAN_LITERAL("</script>"), "\"\\u003c/script>\"" },
		{ SPAN_LITERAL("na\xc3\xafve \xf0\x9f\x90\x98"), "\"na\xc3\xafve \xf0\x9f\x90\x98\"" },
		{ SPAN_LITERAL("\xff"), "\"\\\\xff\"" },
		{ SPAN_LITERAL("a\xc3"), "\"a\\\\xc3\"" },
		{ SPAN_LITERAL("\xc3(z"), "\"\\\\xc3(z\"" },
		{ SPAN_LITERAL("\xed\xa0\x80"), "\"\\\\xed\\\\xa0\\\\x80\"" },
		{ SPAN_LITERAL("\xc0\x80"), "\"\\\\xc0\\\\x80\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct buf b = { 0 };

		json_put_text(&b, rows[i].from);
		assert_string_equal(buf_text(&b), rows[i].to);
		buf_fini(&b);
	}
}

/* Whatever comes, what is put is one string of printable UTF-8. */
static void
every_pair_of_bytes_gives_a_string(void **state)
{
	struct buf b = { 0 };

	(void)state;
	for (unsigned pair = 0; pair < 0x10000; pair++) {
		char bytes[2] = { (char)(pair >> 8), (char)pair };
		bool escaped = false;

		buf_clear(&b);
		json_put_text(&b, span_of(bytes, 2));
		assert_true(text_is_utf8(buf_span(&b)));
		assert_true(b.len >= 3 && b.at[0] == '"' && b.at[b.len - 1] == '"');
		for (size_t i = 1; i < b.len - 1; i++) {
			assert_true((unsigned char)b.at[i] >= ' ');
			assert_true(b.at[i] != '<' && (escaped || b.at[i] != '"'));
			escaped = !escaped && b.at[i] == '\\';
		}
		assert_false(escaped);
	}
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_escaped),
		cmocka_unit_test(every_pair_of_bytes_gives_a_string),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
