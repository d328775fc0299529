/*
 * changes.c - tests of conf_changes and conf_database_moved: two files in, lines out.
 */
#include "unit/unit.h"

#include <stdio.h>
#include <unistd.h>

#include "conf/conf.h"

static struct conf *
good(const char *text, const struct conf *before)
{
	struct conf_override reload = { .before = before };
	struct err err = { 0 };
	struct conf *conf = conf_parse(span_text(text), "t.ini", &reload, &err);

	if (conf == NULL)
		fail_msg("expected a conf, got %s", err.text);
	return conf;
}

static const struct {
	const char	*before, *now, *lines;
} reloads[] = {
	{ "[pgbouncer]\n", "[pgbouncer]\n", "" },
	{ "[pgbouncer]\n", "[pgbouncer]\ndefault_pool_size = 20\n", "" },
	{ "[pgbouncer]\n", "[pgbouncer]\ndefault_pool_size = 30\nlog_stats = 0\n",
	  "applied: default_pool_size 20 -> 30\napplied: log_stats 1 -> 0\n" },
	{ "[pgbouncer]\nauth_user = x\n", "[pgbouncer]\n", "applied: auth_user x -> unset\n" },
	{ "[pgbouncer]\n", "[pgbouncer]\nlogfile = a b\n", "applied: logfile \"\" -> a b\n" },
	{ "[pgbouncer]\n", "[pgbouncer]\nlisten_port = 1\nlisten_addr = *\n",
	  "needs restart: listen_addr \"\" -> *\nneeds restart: listen_port 6432 -> 1\n" },
	{ "[pgbouncer]\nauth_ldap_options = ldapserver=a ldapprefix=x\n",
	  "[pgbouncer]\nauth_ldap_options = ldapserver=b ldapprefix=x\n",
	  "applied: auth_ldap_options changed\n" },
	{ "[pgbouncer]\n[databases]\na =\nb =\n", "[pgbouncer]\n[databases]\nb =\nc =\n* =\n",
	  "applied: database * added\napplied: database a removed\napplied: database c "
	  "added\n" },
	{ "[pgbouncer]\n[databases]\na = password=x port=1\n",
	  "[pgbouncer]\n[databases]\na = password=y port=2\n",
	  "applied: database a: password changed\napplied: database a: port 1 -> 2\n" },
	{ "[pgbouncer]\n[users]\na = pool_size=1\nb =\n",
	  "[pgbouncer]\n[users]\na =\nc =\nd =\n",
	  "applied: user a: pool_size 1 -> unset\n"
	  "applied: users: 2 added, 1 removed, 0 with another secret\n" },
	{ "[pgbouncer]\n[peers]\n1 = host=a\n2 = host=b\n",
	  "[pgbouncer]\n[peers]\n2 = host=c\n3 = host=d\n",
	  "applied: peer 2: host b -> c\napplied: peer 3 added\napplied: peer 1 removed\n" },
};

static void
a_reload_says_what_it_changes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(reloads); i++) {
		struct conf *before = good(reloads[i].before, NULL);
		struct conf *now = good(reloads[i].now, before);
		struct buf lines = { 0 };

		conf_changes(before, now, &lines);
		assert_string_equal(buf_text(&lines), reloads[i].lines);
		buf_fini(&lines);
		conf_drop(before);
		conf_drop(now);
	}
}

static void
what_waits_for_a_restart_is_said_again(void **state)
{
	struct conf *first = good("[pgbouncer]\n", NULL);
	struct conf *second = good("[pgbouncer]\nlisten_port = 1\n", first);
	struct conf *third = good("[pgbouncer]\nlisten_port = 1\n", second);
	struct conf *fourth = good("[pgbouncer]\n", third);
	struct buf lines = { 0 };

	(void)state;
	conf_changes(second, third, &lines);
	assert_string_equal(buf_text(&lines), "needs restart: listen_port 6432 -> 1\n");
	buf_clear(&lines);
	conf_changes(third, fourth, &lines);
	assert_int_equal(lines.len, 0);
	buf_fini(&lines);
	conf_drop(first);
	conf_drop(second);
	conf_drop(third);
	conf_drop(fourth);
}

static void
secrets_are_counted_not_shown(void **state)
{
	char name[] = "/tmp/unit-users-XXXXXX";
	int fd = mkstemp(name);
	struct conf *before, *now;
	struct buf lines = { 0 };
	char ini[128];

	(void)state;
	assert_true(fd >= 0);
	snprintf(ini, sizeof(ini), "[pgbouncer]\nauth_file = %s\n", name);
	assert_int_equal(pwrite(fd, "\"a\" \"one\"\n", 10, 0), 10);
	before = good(ini, NULL);
	assert_int_equal(pwrite(fd, "\"a\" \"two\"\n", 10, 0), 10);
	now = good(ini, before);
	conf_changes(before, now, &lines);
	assert_string_equal(buf_text(&lines),
	    "applied: users: 0 added, 0 removed, 1 with another secret\n");
	buf_fini(&lines);
	conf_drop(before);
	conf_drop(now);
	close(fd);
	unlink(name);
}

static void
a_very_long_answer_is_cut(void **state)
{
	struct buf text = { 0 }, lines = { 0 };
	struct conf *before = good("[pgbouncer]\n", NULL), *now;

	(void)state;
	buf_put_text(&text, "[pgbouncer]\n[databases]\n");
	for (int i = 0; i < 1000; i++)
		buf_printf(&text, "db%d =\n", i);
	now = good(buf_text(&text), before);
	conf_changes(before, now, &lines);
	assert_non_null(strstr(buf_text(&lines), "\nand 800 more\n"));
	buf_fini(&text);
	buf_fini(&lines);
	conf_drop(before);
	conf_drop(now);
}

/* What an entry was and is, and whether its servers must go. */
static const struct {
	const char	*before, *now;
	bool		 moved;
} entries[] = {
	{ "host=a", "host=a", false },
	{ "host=a", "host=b", true },
	{ "", "host=b", true },
	{ "port=1", "port=2", true },
	{ "dbname=x", "dbname=y", true },
	{ "dbname=a", "", false },
	{ "user=x", "", true },
	{ "connect_query=x", "connect_query=y", true },
	{ "auth_dbname=x", "auth_dbname=y", true },
	{ "auth_query=x", "auth_query=y", true },
	{ "load_balance_hosts=disable", "", true },
	{ "user=x password=y", "user=x password=z", false },
	{ "pool_size=1 timezone=x", "pool_size=2", false },
};

static void
servers_go_when_their_place_changed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		char text[2][128];
		struct conf *conf[2];

		snprintf(text[0], sizeof(text[0]), "[pgbouncer]\n[databases]\na = %s\n",
		    entries[i].before);
		snprintf(text[1], sizeof(text[1]), "[pgbouncer]\n[databases]\na = %s\n",
		    entries[i].now);
		conf[0] = good(text[0], NULL);
		conf[1] = good(text[1], NULL);
		print_message("# %s, %s\n", entries[i].before, entries[i].now);
		assert_int_equal(conf_database_moved(conf[0]->databases, conf[1]->databases),
		    entries[i].moved);
		conf_drop(conf[0]);
		conf_drop(conf[1]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(a_reload_says_what_it_changes),
		UNIT_TEST(what_waits_for_a_restart_is_said_again),
		UNIT_TEST(secrets_are_counted_not_shown),
		UNIT_TEST(a_very_long_answer_is_cut),
		UNIT_TEST(servers_go_when_their_place_changed),
	};

	return cmocka_run_group_tests_name("conf/changes", tests, NULL, NULL);
}
