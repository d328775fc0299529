/*
 * users.c - tests of conf/users.h.
 */
#include "unit/unit.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/port.h"
#include "conf/users.h"

struct dialogue {
	const char	*text;
	const char	*users;		/* name=secret| of each, by name */
	const char	*error;		/* NULL: it is good */
};

static const struct dialogue dialogues[] = {
	{ "", "", NULL },
	{ "\n; nobody\n  ; here\n", "", NULL },
	{ "\"bob\" \"secret\"\n", "bob=secret|", NULL },
	{ "\"bob\" \"secret\"", "bob=secret|", NULL },
	{ "  \"bob\"\t\"secret\" and more \"text\"\r\n", "bob=secret|", NULL },
	{ "\"bob\"\"secret\"\n", "", "u:1: expected a secret in double quotes behind the user "
				     "name" },
	{ "\"bob\" \"\"\n", "bob=|", NULL },
	{ "\"b\"\"o\" \"s\"\"\"\n", "b\"o=s\"|", NULL },
	{ "\"b\" \"1\"\n\"a\" \"2\"\n", "a=2|b=1|", NULL },
	{ "\"a\" \"1\"\n\"b\" \"2\"\n\"a\" \"3\"\n", "a=3|b=2|", NULL },
	{ "\"a\" \"1\"\nbob \"2\"\n", "", "u:2: expected a user name in double quotes" },
	{ "# comment\n", "", "u:1: expected a user name in double quotes" },
	{ "\"bob\n", "", "u:1: expected a user name in double quotes" },
	{ "\"\" \"x\"\n", "", "u:1: expected a user name of 1 to 127 bytes" },
	{ "\"bob\"\n", "", "u:1: expected a secret in double quotes behind the user name" },
	{ "\"bob\" secret\n", "",
	  "u:1: expected a secret in double quotes behind the user name" },
	{ "\"bob\"\n\"secret\"\n", "",
	  "u:1: expected a secret in double quotes behind the user name" },
	{ "\"bob\" \"secret\n", "",
	  "u:1: expected a secret in double quotes behind the user name" },
};

static void
texts_give_their_users(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(dialogues); i++) {
		const struct dialogue *d = &dialogues[i];
		size_t len = strlen(d->text);
		char *text = exact_copy(d->text, len);
		struct err err = { 0 };
		struct users *users = users_read(span_of(text, len), "u", &err);
		struct buf got = { 0 };

		print_message("# %s\n", d->text);
		assert_string_equal(users != NULL ? "" : err.text,
		    d->error != NULL ? d->error : "");
		for (size_t n = 0; users != NULL && n < users->count; n++)
			buf_printf(&got, "%s=%s|", users->entries[n].name,
			    users->entries[n].secret);
		assert_string_equal(buf_text(&got), d->users);
		buf_fini(&got);
		users_drop(users);
		free(text);
	}
}

/* One line whose name and secret have these lengths. */
static bool
reads_lengths(size_t name, size_t secret)
{
	struct buf text = { 0 };
	struct err err = { 0 };
	struct users *users;
	bool good;

	buf_put_byte(&text, '"');
	for (size_t i = 0; i < name; i++)
		buf_put_byte(&text, 'n');
	buf_put_text(&text, "\" \"");
	for (size_t i = 0; i < secret; i++)
		buf_put_byte(&text, 's');
	buf_put_text(&text, "\"\n");
	users = users_read(buf_span(&text), "u", &err);
	good = users != NULL && strlen(users->entries[0].name) == name &&
	    strlen(users->entries[0].secret) == secret;
	users_drop(users);
	buf_fini(&text);
	return good;
}

static void
lengths_have_their_limits(void **state)
{
	(void)state;
	assert_true(reads_lengths(127, 65530));
	assert_false(reads_lengths(128, 1));
	assert_false(reads_lengths(1, 65531));
}

static void
repeats_are_counted(void **state)
{
	struct err err = { 0 };
	struct users *users = users_read(
	    SPAN_LITERAL("\"a\" \"1\"\n\"a\" \"2\"\n\"b\" \"1\"\n\"a\" \"3\"\n"), "u", &err);

	(void)state;
	assert_non_null(users);
	assert_int_equal(users->count, 2);
	assert_int_equal(users->repeats, 2);
	assert_int_equal(users->repeat_line, 2);
	assert_ptr_equal(users_hold(users), users);
	users_drop(users);
	assert_string_equal(users->entries[0].secret, "3");
	users_drop(users);
	users_drop(NULL);
}

static void
zero_bytes_are_refused(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_null(users_read(SPAN_LITERAL("\"a\0b\" \"1\"\n"), "u", &err));
	assert_string_equal(err.text, "u:1: expected text without zero bytes");
}

static void
a_missing_file_is_named(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_null(users_load("/nowhere/users.txt", &err));
	assert_string_equal(err.text,
	    "cannot read \"/nowhere/users.txt\": No such file or directory");
	assert_null(users_load("/", &err));
	assert_string_equal(err.text, "cannot read \"/\": Is a directory");
}

static void
no_memory_is_survived_anywhere(void **state)
{
	struct users *users = NULL;
	struct err err = { 0 };
	unsigned n = 0;

	(void)state;
	while (users == NULL && n < 100) {
		mem_fail_after(++n);
		users = users_read(SPAN_LITERAL("\"a\" \"1\"\n\"b\" \"2\"\n"), "u", &err);
	}
	mem_fail_after(0);
	assert_true(n > 3);
	assert_non_null(users);
	users_drop(users);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(texts_give_their_users),
		UNIT_TEST(lengths_have_their_limits),
		UNIT_TEST(repeats_are_counted),
		UNIT_TEST(zero_bytes_are_refused),
		UNIT_TEST(a_missing_file_is_named),
		UNIT_TEST(no_memory_is_survived_anywhere),
	};

	return cmocka_run_group_tests_name("conf/users", tests, NULL, NULL);
}
