/*
 * err.c - tests of base/err.h.
 */
#include "unit/unit.h"

#include "base/err.h"
#include "base/text.h"

static void
setting_fills_and_says_false(void **state)
{
	struct err e;

	(void)state;
	memset(&e, 'x', sizeof(e));
	assert_false(err_set(&e, SQLSTATE_TOO_MANY, "expected at most %d, got %d", 1, 2));
	assert_string_equal(e.sqlstate, "53300");
	assert_string_equal(e.text, "expected at most 1, got 2");
	assert_string_equal(e.detail, "");
	assert_string_equal(e.hint, "");
	err_detail(&e, "%s", "more");
	err_hint(&e, "%s", "do");
	assert_string_equal(e.detail, "more");
	assert_string_equal(e.hint, "do");
	assert_false(err_set(&e, "08P01", "%s", "again"));
	assert_string_equal(e.detail, "");
	assert_string_equal(e.hint, "");
}

static void
nobody_need_want_to_know(void **state)
{
	(void)state;
	assert_false(err_set(NULL, SQLSTATE_CONFIG, "%s", "x"));
	err_detail(NULL, "%s", "x");
	err_hint(NULL, "%s", "x");
}

static void
an_error_may_wrap_itself(void **state)
{
	struct err e;

	(void)state;
	err_set(&e, SQLSTATE_CONFIG, "expected a number");
	err_set(&e, SQLSTATE_CONFIG, "line %d: %s", 7, e.text);
	assert_string_equal(e.text, "line 7: expected a number");
}

static void
long_texts_are_cut_between_characters(void **state)
{
	struct err e;
	char text[1000];
	size_t start, i;

	(void)state;
	for (start = 0; start < 4; start++) {
		memset(text, 'x', start);
		for (i = start; i + 4 < sizeof(text); i += 4)
			memcpy(text + i, "\xf0\x9f\x90\x98", 4);
		text[i] = '\0';
		err_set(&e, SQLSTATE_CONFIG, "%s", text);
		err_hint(&e, "%s", text);
		assert_true(strlen(e.text) >= sizeof(e.text) - 4);
		assert_true(text_is_utf8(span_text(e.text)));
		assert_true(strlen(e.hint) >= sizeof(e.hint) - 4);
		assert_true(text_is_utf8(span_text(e.hint)));
	}
	/* a text that is no UTF-8 is cut as it comes */
	memset(text, 0xbf, sizeof(text));
	text[sizeof(text) - 1] = '\0';
	err_set(&e, "08P01x", "%s", text);
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
	assert_string_equal(e.sqlstate, "08P01");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(setting_fills_and_says_false),
		UNIT_TEST(nobody_need_want_to_know),
		UNIT_TEST(an_error_may_wrap_itself),
		UNIT_TEST(long_texts_are_cut_between_characters),
	};

	return cmocka_run_group_tests_name("base/err", tests, NULL, NULL);
}
