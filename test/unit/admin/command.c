/*
 * command.c - tests of admin/command.h: the table, and what is understood.
 */
#include "unit/unit.h"

#include <ctype.h>

#include "admin/command.h"

static bool
understands(const char *text, bool admin, struct request *r, struct err *e)
{
	memset(e, 0, sizeof(*e));
	return request_read(r, span_text(text), admin, e);
}

static void
refuses(const char *text, bool admin, const char *expected)
{
	struct request r;
	struct err e;

	assert_false(understands(text, admin, &r, &e));
	assert_string_equal(e.text, expected);
	assert_string_equal(e.sqlstate, "08P01");
}

static void
every_row_is_whole(void **state)
{
	(void)state;
	assert_true(command_count > 10);
	for (size_t i = 0; i < command_count; i++) {
		const struct command *c = &commands[i];
		size_t len = strlen(c->text);

		assert_true(c->role == ROLE_STATS || c->role == ROLE_ADMIN);
		assert_non_null(c->run);
		assert_true(len > 0 && c->text[len - 1] == '.');
		for (const char *at = c->word; *at != '\0'; at++)
			assert_true(islower((unsigned char)*at) || *at == '_');
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(c->word, commands[j].word);
		if (c->usage != NULL)
			assert_int_equal(strncasecmp(c->usage, c->word, strlen(c->word)),
			    0);
	}
}

/* Whatever changes something: written down here again, so that a slip of the table is seen. */
static void
changing_needs_admin(void **state)
{
	static const char *const texts[] = { "reload", "pause", "pause x", "suspend", "resume",
		"resume x", "disable x", "enable x", "reconnect", "reconnect x",
		"wait_close", "wait_close x", "kill", "kill x", "kill_client 1",
		"shutdown", "shutdown wait_for_clients", "shutdown drain", "pause within 5",
		"pause x within 0.5", "pause for 10", "pause x for 10 within 5",
		"pause within within 5 for 10" };
	struct request r;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		refuses(texts[i], false, "admin access needed");
		assert_true(understands(texts[i], true, &r, &e));
	}
}

static void
all_others_are_harmless(void **state)
{
	static const char *const admin_words[] = { "reload", "pause", "suspend", "resume", "disable",
		"enable", "reconnect", "wait_close", "kill", "kill_client", "shutdown" };
	size_t found = 0;

	(void)state;
	for (size_t i = 0; i < command_count; i++) {
		for (size_t j = 0; j < ARRAY_SIZE(admin_words); j++) {
			if (strcmp(commands[i].word, admin_words[j]) != 0)
				continue;
			assert_int_equal(commands[i].role, ROLE_ADMIN);
			found++;
		}
	}
	assert_int_equal(found, ARRAY_SIZE(admin_words));
}

static void
topics_are_found_in_any_case(void **state)
{
	struct request r;
	struct err e;

	(void)state;
	assert_true(understands("SHOW pools", false, &r, &e));
	assert_string_equal(r.view->topic, "pools");
	assert_true(understands("select Pools;", false, &r, &e));
	assert_string_equal(r.view->topic, "pools");
	assert_true(understands("show \"stats_totals\"", false, &r, &e));
	assert_string_equal(r.view->topic, "stats_totals");
	assert_true(understands("show client_encoding", false, &r, &e));
	assert_true(r.view->pretended);
	assert_true(understands("show transaction isolation level", false, &r, &e));
	assert_string_equal(r.view->topic, "transaction_isolation");
	assert_true(understands("show help", false, &r, &e));
	assert_null(r.view);
	assert_true(understands(" ; ", false, &r, &e));
	assert_null(r.command);
}

static void
what_is_not_understood_is_repeated(void **state)
{
	(void)state;
	refuses("bogus", true, "invalid command 'bogus', use SHOW HELP;");
	refuses("show", true, "invalid command 'show', use SHOW HELP;");
	refuses("show nothing", true, "invalid command 'show nothing', use SHOW HELP;");
	refuses("show 'pools'", true, "invalid command 'show 'pools'', use SHOW HELP;");
	refuses("reload x", true, "invalid command 'reload x', use SHOW HELP;");
	refuses("pause a b", true, "invalid command 'pause a b', use SHOW HELP;");
	refuses("pause a within", true, "invalid command 'pause a within', use SHOW HELP;");
	refuses("pause for 1000000001", true,
	    "invalid command 'pause for 1000000001', use SHOW HELP;");
	refuses("pause for -1", true, "invalid command 'pause for -1', use SHOW HELP;");
	refuses("pause for 1 for 2", true, "invalid command 'pause for 1 for 2', use SHOW HELP;");
	refuses("pause 'a' for 1", true, "invalid command 'pause 'a' for 1', use SHOW HELP;");
	refuses("set x", true, "invalid command 'set x', use SHOW HELP;");
	refuses("select 1", true, "invalid command 'select 1', use SHOW HELP;");
	refuses(" show pools; show pools ", true,
	    "invalid command 'show pools; show pools', use SHOW HELP;");
	/* arguments are looked at before rights, as PgBouncer does */
	refuses("reload x", false, "invalid command 'reload x', use SHOW HELP;");
}

static void
long_words_are_bad_arguments(void **state)
{
	char text[400];
	struct request r;
	struct err e;

	(void)state;
	refuses("abcdefghijklmnop", true, "bad arguments");
	memset(text, 0, sizeof(text));
	memcpy(text, "pause ", 6);
	memset(text + 6, 'x', 63);
	assert_true(understands(text, true, &r, &e));
	text[69] = 'x';
	refuses(text, true, "bad arguments");
	memcpy(text, "set a=", 6);
	memset(text + 6, 'x', 255);
	assert_true(understands(text, true, &r, &e));
	text[261] = 'x';
	refuses(text, true, "bad arguments");
}

static void
drivers_may_chatter(void **state)
{
	static const char *const texts[] = { "BEGIN",
		"begin isolation level serializable", "BEGIN;", "START TRANSACTION",
		"COMMIT", "ROLLBACK", "SET extra_float_digits = 3",
		"set client_min_messages to warning", "RESET ALL", "DISCARD ALL",
		"set session characteristics as transaction read only",
		"set search_path = a, b, c" };
	struct request r;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_true(understands(texts[i], false, &r, &e));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(every_row_is_whole),
		UNIT_TEST(changing_needs_admin),
		UNIT_TEST(all_others_are_harmless),
		UNIT_TEST(topics_are_found_in_any_case),
		UNIT_TEST(what_is_not_understood_is_repeated),
		UNIT_TEST(long_words_are_bad_arguments),
		UNIT_TEST(drivers_may_chatter),
	};

	return cmocka_run_group_tests_name("command", tests, NULL, NULL);
}
