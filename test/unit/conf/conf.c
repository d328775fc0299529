/*
 * conf.c - tests of conf/conf.h: the life of a conf: SET, RELOAD, hold and drop.
 */
#include "unit/conf/parts.h"

#include <pthread.h>

#include "base/mem.h"

static void
a_missing_file_is_named(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_null(conf_load("/nowhere/t.ini", NULL, &err));
	assert_string_equal(err.text,
	    "cannot read \"/nowhere/t.ini\": No such file or directory");
}

/* CONF with KEY = VALUE; CONF is dropped. */
static struct conf *
with(struct conf *conf, const char *key, const char *value)
{
	struct err err = { 0 };
	struct conf *changed = conf_set(conf, span_text(key), span_text(value), &err);

	if (changed == NULL)
		fail_msg("expected a conf, got %s", err.text);
	conf_drop(conf);
	return changed;
}

static void
set_changes_one_setting_of_a_copy(void **state)
{
	struct conf *before = good("[pgbouncer]\npool_mode = transaction\n[databases]\n"
				   "a = host=b\n", NULL);
	struct conf *now = with(conf_hold(before), "default_pool_size", "7");

	(void)state;
	assert_int_equal(before->default_pool_size, 20);
	assert_int_equal(now->default_pool_size, 7);
	conf_drop(before);
	assert_int_equal(now->pool_mode, POOL_MODE_TRANSACTION);
	assert_string_equal(now->databases[0].host, "b");
	now = with(now, "pool_mode", "statement");
	now = with(now, "default_pool_size", "8");
	assert_int_equal(now->default_pool_size, 8);
	assert_int_equal(now->pool_mode, POOL_MODE_STATEMENT);
	assert_int_equal(now->n_warnings, 0);
	conf_drop(now);
}

static void
set_refuses_what_the_file_would(void **state)
{
	struct conf *conf = good("[pgbouncer]\n", NULL);
	struct err err = { 0 };

	(void)state;
	assert_null(conf_set(conf, SPAN_LITERAL("pool_mod"), SPAN_LITERAL("x"), &err));
	assert_string_equal(err.text, "unknown setting \"pool_mod\", closest is \"pool_mode\"");
	assert_null(conf_set(conf, SPAN_LITERAL("log_stats"), SPAN_LITERAL("x"), &err));
	assert_string_equal(err.text, "log_stats: expected 0 or 1, got \"x\"");
	assert_null(conf_set(conf, SPAN_LITERAL("logfile"), SPAN_LITERAL("a\0b"), &err));
	assert_string_equal(err.text, "logfile: expected text without zero bytes");
	assert_null(conf_set(conf, SPAN_LITERAL("listen_port"), SPAN_LITERAL("x"), &err));
	conf_drop(conf);
}

static void
set_of_what_needs_a_restart_only_warns(void **state)
{
	struct conf *conf = good("[pgbouncer]\npkt_buf = 75\n", NULL);

	(void)state;
	conf = with(conf, "listen_port", "5");
	assert_int_equal(conf->listen_port, 6432);
	assert_int_equal(conf->n_warnings, 1);
	assert_string_equal(conf->warnings[0],
	    "listen_port stays as it is: only the file and a restart change it");
	conf = with(conf, "log_stats", "0");
	assert_int_equal(conf->n_warnings, 0);
	conf_drop(conf);
}

static void
set_does_not_read_the_auth_file_again(void **state)
{
	struct conf *conf;
	struct err err = { 0 };

	(void)state;
	write_file("users.txt", "\"bob\" \"one\"\n");
	write_file("other.txt", "\"bob\" \"two\"\n");
	conf = good("[pgbouncer]\nauth_file = users.txt\n", NULL);
	write_file("users.txt", "broken\n");
	conf = with(conf, "log_stats", "0");
	assert_string_equal(conf_user(conf, SPAN_LITERAL("bob"))->secret, "one");
	conf = with(conf, "auth_file", "other.txt");
	assert_string_equal(conf_user(conf, SPAN_LITERAL("bob"))->secret, "two");
	assert_null(conf_set(conf, SPAN_LITERAL("auth_file"), SPAN_LITERAL("users.txt"),
	    &err));
	conf_drop(conf);
}

static void
a_reload_forgets_set_but_for_settings_without_default(void **state)
{
	struct conf *before = good("[pgbouncer]\n", NULL);
	struct conf_override reload = { 0 };
	struct conf *now;

	(void)state;
	before = with(before, "default_pool_size", "7");
	before = with(before, "auth_dbname", "app");
	before = with(before, "auth_user", "eve");
	reload.before = before;
	now = good("[pgbouncer]\nauth_user = bob\n", &reload);
	assert_int_equal(now->default_pool_size, 20);
	assert_string_equal(now->auth_dbname, "app");
	assert_string_equal(now->auth_user, "bob");
	conf_drop(before);

	reload.before = before = now;
	now = good("[pgbouncer]\n", &reload);
	assert_string_equal(now->auth_dbname, "app");
	assert_null(now->auth_user);
	conf_drop(before);
	conf_drop(now);
}

static void
a_reload_keeps_what_needs_a_restart(void **state)
{
	struct conf *before = good("[pgbouncer]\nlisten_port = 1\nunix_socket_dir = /a\n"
				   "[databases]\na =\n", NULL);
	struct conf_override reload = { .before = before };
	struct conf *now = good("[pgbouncer]\nlisten_port = 2\nunix_socket_dir = /b\n"
				"[databases]\na =\n", &reload);

	(void)state;
	conf_drop(before);
	assert_int_equal(now->listen_port, 1);
	assert_string_equal(now->unix_socket_dir, "/a");
	assert_string_equal(now->databases[0].hosts[0].text, "/a");
	conf_drop(now);
}

static void
a_long_row_of_sets_and_reloads_leaks_nothing(void **state)
{
	struct conf *conf = good("[pgbouncer]\n", NULL);
	char value[16];

	(void)state;
	for (int i = 1; i <= 200; i++) {
		struct conf_override reload = { .before = conf };
		struct conf *now;

		snprintf(value, sizeof(value), "%d", i);
		conf = with(conf, "default_pool_size", value);
		conf = with(conf, "auth_user", value);
		assert_int_equal(conf->default_pool_size, i);
		if (i % 10 != 0)
			continue;
		reload.before = conf;
		now = good("[pgbouncer]\n", &reload);
		conf_drop(conf);
		conf = now;
		assert_string_equal(conf->auth_user, value);
	}
	conf_drop(conf);
}

static void
no_memory_is_survived_anywhere(void **state)
{
	struct conf *conf = NULL, *changed = NULL;
	struct err err = { 0 };
	unsigned n;

	(void)state;
	write_file("users.txt", "\"bob\" \"one\"\n");
	for (n = 1; conf == NULL && n < 500; n++) {
		mem_fail_after(n);
		conf = conf_parse(SPAN_LITERAL("[databases]\na = host=b,c\n[users]\nx =\n"
		    "[peers]\n1 = host=a\n[pgbouncer]\nauth_file = users.txt\nlogfile = x\n"),
		    "t.ini", NULL, &err);
	}
	mem_fail_after(0);
	assert_non_null(conf);
	assert_true(n > 15);
	for (n = 1; changed == NULL && n < 500; n++) {
		mem_fail_after(n);
		changed = conf_set(conf, SPAN_LITERAL("logfile"), SPAN_LITERAL("y"), &err);
	}
	mem_fail_after(0);
	assert_string_equal(changed->logfile, "y");
	conf_drop(changed);
	conf_drop(conf);
	conf_drop(NULL);
}

static void *
hold_and_drop(void *arg)
{
	for (int i = 0; i < 20000; i++)
		conf_drop(conf_hold(arg));
	conf_drop(arg);
	return NULL;
}

static void
any_thread_may_hold_and_drop(void **state)
{
	struct conf *conf = good("[pgbouncer]\n", NULL);
	pthread_t threads[2];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hold_and_drop,
				     conf_hold(conf)), 0);
	conf_drop(conf);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(a_missing_file_is_named),
		UNIT_TEST(set_changes_one_setting_of_a_copy),
		UNIT_TEST(set_refuses_what_the_file_would),
		UNIT_TEST(set_of_what_needs_a_restart_only_warns),
		IN_FOLDER(set_does_not_read_the_auth_file_again),
		UNIT_TEST(a_reload_forgets_set_but_for_settings_without_default),
		UNIT_TEST(a_reload_keeps_what_needs_a_restart),
		UNIT_TEST(a_long_row_of_sets_and_reloads_leaks_nothing),
		IN_FOLDER(no_memory_is_survived_anywhere),
		UNIT_TEST(any_thread_may_hold_and_drop),
	};

	return cmocka_run_group_tests_name("conf/conf", tests, NULL, NULL);
}
