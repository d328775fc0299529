/*
 * text.c - tests of base/text.h.
 */
#include "unit/unit.h"

#include "base/text.h"

static void
integers_are_c_literals(void **state)
{
	static const struct {
		const char	*text;
		bool		 ok;
		int64_t		 value;
	} rows[] = {
		{ "0", true, 0 },
		{ "42", true, 42 },
		{ "-42", true, -42 },
		{ "+7", true, 7 },
		{ "0x1F", true, 31 },
		{ "-0Xff", true, -255 },
		{ "0700", true, 448 },
		{ "00", true, 0 },
		{ "9223372036854775807", true, INT64_MAX },
		{ "-9223372036854775808", true, INT64_MIN },
		{ "0x7fffffffffffffff", true, INT64_MAX },
		{ "9223372036854775808", false, 0 },
		{ "-9223372036854775809", false, 0 },
		{ "99999999999999999999999", false, 0 },
		{ "", false, 0 },
		{ "-", false, 0 },
		{ "+-1", false, 0 },
		{ "0x", false, 0 },
		{ "08", false, 0 },
		{ "1 ", false, 0 },
		{ " 1", false, 0 },
		{ "1a", false, 0 },
		{ "1.0", false, 0 },
		{ "yes", false, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		int64_t value = 0;

		if (text_int(span_text(rows[i].text), &value) != rows[i].ok ||
		    value != rows[i].value)
			fail_msg("\"%s\" gave %lld", rows[i].text, (long long)value);
	}
	assert_false(text_int(SPAN_LITERAL("1\0"), &(int64_t){ 0 }));
}

static void
seconds_may_have_a_fraction(void **state)
{
	static const struct {
		const char	*text;
		bool		 ok;
		usec_t		 value;
	} rows[] = {
		{ "0", true, 0 },
		{ "15", true, 15 * SECOND },
		{ "0.5", true, SECOND / 2 },
		{ ".25", true, SECOND / 4 },
		{ "3.", true, 3 * SECOND },
		{ "1.000001", true, SECOND + 1 },
		{ "1.0000019", true, SECOND + 1 },
		{ "0.12345678901234567890123", true, 123456 },
		{ "18446744073708", true, 18446744073708 * SECOND },
		{ "18446744073709551615", false, 0 },
		{ "99999999999999999999999999", false, 0 },
		{ "", false, 0 },
		{ ".", false, 0 },
		{ "1.2.3", false, 0 },
		{ "-1", false, 0 },
		{ "5s", false, 0 },
		{ "1e3", false, 0 },
		{ " 1", false, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		usec_t value = 0;

		if (text_seconds(span_text(rows[i].text), &value) != rows[i].ok ||
		    value != rows[i].value)
			fail_msg("\"%s\" gave %llu", rows[i].text,
			    (unsigned long long)value);
	}
}

static void
lists_hold_whole_words(void **state)
{
	struct span list = SPAN_LITERAL("extra_float_digits, search_path\toptions\n,x");

	(void)state;
	assert_true(text_list_has(list, SPAN_LITERAL("extra_float_digits")));
	assert_true(text_list_has(list, SPAN_LITERAL("search_path")));
	assert_true(text_list_has(list, SPAN_LITERAL("options")));
	assert_true(text_list_has(list, SPAN_LITERAL("x")));
	assert_false(text_list_has(list, SPAN_LITERAL("extra")));
	assert_false(text_list_has(list, SPAN_LITERAL("Options")));
	assert_false(text_list_has(list, SPAN_LITERAL("")));
	assert_false(text_list_has(span_text(NULL), SPAN_LITERAL("x")));
}

static void
durations_print_as_seconds(void **state)
{
	char out[32];

	(void)state;
	assert_string_equal(text_from_usec(12500000, out), "12.5");
	assert_string_equal(text_from_usec(0, out), "0");
	assert_string_equal(text_from_usec(120 * SECOND, out), "120");
	assert_string_equal(text_from_usec(1, out), "1e-06");
	assert_true(strlen(text_from_usec(UINT64_MAX, out)) < 32);
}

static void
the_nearest_word_is_near(void **state)
{
	static const char *const words[] = { "pool_size", "pool_mode", "max_client_conn",
		"dns", NULL };
	char longer[100];

	(void)state;
	assert_string_equal(text_nearest(SPAN_LITERAL("pool_sise"), words), "pool_size");
	assert_string_equal(text_nearest(SPAN_LITERAL("Pool_Mode"), words), "pool_mode");
	assert_string_equal(text_nearest(SPAN_LITERAL("max_clients_conn"), words),
	    "max_client_conn");
	assert_string_equal(text_nearest(SPAN_LITERAL("dnss"), words), "dns");
	assert_null(text_nearest(SPAN_LITERAL("ddnss"), words));
	assert_string_equal(text_nearest(SPAN_LITERAL("pxxl_mxde"), words), "pool_mode");
	assert_null(text_nearest(SPAN_LITERAL("pxxx_mxde"), words));
	assert_null(text_nearest(SPAN_LITERAL("zebra"), words));
	assert_null(text_nearest(span_text(NULL), words));
	memset(longer, 'x', sizeof(longer));
	assert_null(text_nearest(span_of(longer, sizeof(longer)), words));
}

static void
timestamps_are_utc(void **state)
{
	char out[32];

	(void)state;
	assert_string_equal(text_timestamp(0, out), "1970-01-01 00:00:00 UTC");
	assert_string_equal(text_timestamp(1709251199999999, out),
	    "2024-02-29 23:59:59 UTC");
	assert_true(strlen(text_timestamp(UINT64_MAX, out)) < 32);
}

static void
utf8_is_rfc_3629(void **state)
{
	static const struct {
		struct span	 text;
		bool		 ok;
	} rows[] = {
		{ SPAN_LITERAL(""), true },
		{ SPAN_LITERAL("plain"), true },
		{ SPAN_LITERAL("\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\x98"), true },
		{ SPAN_LITERAL("\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf"), true },
		{ SPAN_LITERAL("a\0b"), false },
		{ SPAN_LITERAL("\x80"), false },
		{ SPAN_LITERAL("\xc3"), false },
		{ SPAN_LITERAL("\xc0\x80"), false },
		{ SPAN_LITERAL("\xc1\xbf"), false },
		{ SPAN_LITERAL("\xe0\x9f\xbf"), false },
		{ SPAN_LITERAL("\xe2\x82"), false },
		{ SPAN_LITERAL("\xe2\x82z"), false },
		{ SPAN_LITERAL("\xed\xa0\x80"), false },
		{ SPAN_LITERAL("\xf0\x8f\xbf\xbf"), false },
		{ SPAN_LITERAL("\xf0\x9f\x90"), false },
		{ SPAN_LITERAL("\xf4\x90\x80\x80"), false },
		{ SPAN_LITERAL("\xf5\x80\x80\x80"), false },
		{ SPAN_LITERAL("\xff"), false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		char *block = exact_copy(rows[i].text.at, rows[i].text.len);

		if (text_is_utf8(span_of(block, rows[i].text.len)) != rows[i].ok)
			fail_msg("row %zu", i);
		free(block);
	}
}

static void
cutting_keeps_characters_whole(void **state)
{
	struct span s = SPAN_LITERAL("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\x98z");
	static const size_t kept[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11, 11 };
	size_t most;

	(void)state;
	for (most = 0; most < ARRAY_SIZE(kept); most++)
		assert_int_equal(text_utf8_cut(s, most), kept[most]);
	assert_int_equal(text_utf8_cut(SPAN_LITERAL("\xbf\xbf\xbf\xbf\xbf"), 4), 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(integers_are_c_literals),
		UNIT_TEST(seconds_may_have_a_fraction),
		UNIT_TEST(lists_hold_whole_words),
		UNIT_TEST(durations_print_as_seconds),
		UNIT_TEST(the_nearest_word_is_near),
		UNIT_TEST(timestamps_are_utc),
		UNIT_TEST(utf8_is_rfc_3629),
		UNIT_TEST(cutting_keeps_characters_whole),
	};

	return cmocka_run_group_tests_name("base/text", tests, NULL, NULL);
}
