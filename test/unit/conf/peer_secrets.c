/*
 * peer_secrets.c - the secrets that replicas share: from the setting, from a file, and what is none.
 */
#include "unit/conf/parts.h"

#define FILE_LINE "peer_secret_file = other.txt\n"

static const char *const sixteen = "0123456789abcdef";

static void
are(const struct conf *conf, size_t count, const char *first, const char *last)
{
	assert_int_equal(conf->n_peer_secrets, count);
	assert_string_equal(conf->peer_secrets[0], first);
	assert_string_equal(conf->peer_secrets[count - 1], last);
}

static void
none_is_given(void **state)
{
	struct conf *conf = good("[pgbouncer]\npeer_secret =\npeer_secret_file =\n", NULL);

	(void)state;
	assert_int_equal(conf->n_peer_secrets, 0);
	conf_drop(conf);
}

static void
setting_stands_before_the_lines_of_the_file(void **state)
{
	struct conf *conf;

	(void)state;
	write_file("other.txt", "# new\n  first of the file, with blanks  \r\n\n\nsecond of the file");
	conf = good("[pgbouncer]\n" FILE_LINE, NULL);
	are(conf, 2, "first of the file, with blanks", "second of the file");
	conf_drop(conf);
	conf = good("[pgbouncer]\npeer_secret = 0123456789abcdef\n" FILE_LINE, NULL);
	are(conf, 3, sixteen, "second of the file");
	conf_drop(conf);
}

static void
bad_ones_are_refused(void **state)
{
	static const struct {
		const char *file, *ini, *error;
	} rows[] = {
		{ "0123456789abcdef", "peer_secret = 0123456789abcde\n",
		    "t.ini:2: peer_secret: expected at least 16 bytes" },
		{ "\n0123456789abcde\n", FILE_LINE, "other.txt:2: expected a secret of at least 16 bytes, "
		    "without zero bytes" },
		{ "# nothing\n", FILE_LINE,
		    "other.txt: expected a secret of at least 16 bytes a line, got none" },
		{ "0123456789abcdef\n0123456789abcdef\n0123456789abcdef\n0123456789abcdef\n",
		    "peer_secret = 0123456789abcdef\n" FILE_LINE,
		    "other.txt:4: expected at most 4 secrets, peer_secret included" },
	};
	char text[200];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct err err = { 0 };

		write_file("other.txt", rows[i].file);
		snprintf(text, sizeof(text), "[pgbouncer]\n%s", rows[i].ini);
		assert_null(conf_parse(span_text(text), "t.ini", NULL, &err));
		assert_string_equal(err.text, rows[i].error);
	}
}

static void
file_that_is_not_there_is_refused(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_null(conf_parse(SPAN_LITERAL("[pgbouncer]\n" FILE_LINE), "t.ini", NULL, &err));
	assert_string_equal(err.text, "cannot read \"other.txt\": No such file or directory");
}

/* A RELOAD reads the file; SET of something else does not, so that it cannot fail because of it. */
static void
set_keeps_those_at_hand(void **state)
{
	struct conf *conf, *changed, *again;
	struct buf shown = { 0 };
	struct err err = { 0 };

	(void)state;
	write_file("other.txt", sixteen);
	conf = good("[pgbouncer]\n" FILE_LINE, NULL);
	unlink("other.txt");
	changed = conf_set(conf, SPAN_LITERAL("server_lifetime"), SPAN_LITERAL("7"), &err);
	assert_non_null(changed);
	are(changed, 1, sixteen, sixteen);
	again = conf_set(changed, SPAN_LITERAL("peer_secret"), SPAN_LITERAL("another secret of that kind"),
	    &err);
	assert_null(again);	/* now the file would be read */
	write_file("other.txt", sixteen);
	again = conf_set(changed, SPAN_LITERAL("peer_secret"), SPAN_LITERAL("another secret of that kind"),
	    &err);
	assert_non_null(again);
	are(again, 2, "another secret of that kind", sixteen);
	assert_true(conf_setting_show(again, conf_setting_find(SPAN_LITERAL("peer_secret")), &shown));
	assert_null(strstr(buf_text(&shown), "another"));
	buf_fini(&shown);
	conf_drop(again);
	conf_drop(changed);
	conf_drop(conf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(none_is_given),
		IN_FOLDER(setting_stands_before_the_lines_of_the_file),
		IN_FOLDER(bad_ones_are_refused),
		IN_FOLDER(file_that_is_not_there_is_refused),
		IN_FOLDER(set_keeps_those_at_hand),
	};

	return cmocka_run_group_tests_name("peer_secrets", tests, NULL, NULL);
}
