/*
 * connstr.c - tests of conf/connstr.h.
 */
#include "unit/unit.h"

#include "base/port.h"
#include "conf/connstr.h"

struct dialogue {
	const char	*text;
	const char	*pairs;		/* key=value| of each */
	const char	*bad;		/* what is expected; NULL: it ends well */
};

static const struct dialogue dialogues[] = {
	{ "", "", NULL },
	{ "   ", "", NULL },
	{ "a=1", "a=1|", NULL },
	{ "  a=1   b=2  ", "a=1|b=2|", NULL },
	{ "a='x y' b=2", "a=x y|b=2|", NULL },
	{ "a='it''s'", "a=it's|", NULL },
	{ "a=''''", "a='|", NULL },
	{ "a=x'y", "a=x'y|", NULL },
	{ "a=b=c", "a=b=c|", NULL },
	{ "a=\\n", "a=\\n|", NULL },
	{ "a='\t'", "a=\t|", NULL },
	{ "a=\xc3\xa4", "a=\xc3\xa4|", NULL },
	{ "a", "", "key=value pairs split by spaces" },
	{ "=1", "", "key=value pairs split by spaces" },
	{ "a =1", "", "key=value pairs split by spaces" },
	{ "a=1\tb=2", "", "a space between pairs, not a tab" },
	{ "a= b=2", "", "a value behind the =" },
	{ "a=1 b=", "a=1|", "a value behind the =" },
	{ "a=''", "", "a value between the quotes" },
	{ "a='x", "", "a closing quote and then a space" },
	{ "a='x''", "", "a closing quote and then a space" },
	{ "a='x'b=1", "", "a closing quote and then a space" },
};

static void
texts_give_their_pairs(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(dialogues); i++) {
		const struct dialogue *d = &dialogues[i];
		size_t len = strlen(d->text);
		char *text = exact_copy(d->text, len);
		struct span rest = span_of(text, len), key;
		struct buf value = { 0 }, pairs = { 0 };
		const char *what = NULL;
		enum connstr_step step;

		print_message("# %s\n", d->text);
		while ((step = connstr_next(&rest, &key, &value, &what)) == CONNSTR_PAIR)
			buf_printf(&pairs, "%.*s=%s|", (int)key.len, key.at, buf_text(&value));
		assert_int_equal(step, d->bad != NULL ? CONNSTR_BAD : CONNSTR_END);
		if (d->bad != NULL)
			assert_string_equal(what, d->bad);
		assert_string_equal(buf_text(&pairs), d->pairs);
		buf_fini(&value);
		buf_fini(&pairs);
		free(text);
	}
}

static void
what_is_put_reads_the_same(void **state)
{
	static const char *const values[] = { "x", "it's", "'", "a b", "\\", "=", "\t" };
	struct buf text = { 0 }, value = { 0 };
	struct span rest, key;
	const char *what;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		connstr_put(&text, "key", span_text(values[i]));
	rest = buf_span(&text);
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		assert_int_equal(connstr_next(&rest, &key, &value, &what), CONNSTR_PAIR);
		assert_span(key, "key");
		assert_string_equal(buf_text(&value), values[i]);
	}
	assert_int_equal(connstr_next(&rest, &key, &value, &what), CONNSTR_END);
	buf_fini(&text);
	buf_fini(&value);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(texts_give_their_pairs),
		UNIT_TEST(what_is_put_reads_the_same),
	};

	return cmocka_run_group_tests_name("conf/connstr", tests, NULL, NULL);
}
