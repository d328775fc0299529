/*
 * env.c - tests of conf/env.h: what the environment says wins over the file, and nothing of
 * it is overlooked.
 */
#include "unit/conf/parts.h"

static struct conf *
conf_in(const char *const *environment, struct err *err)
{
	struct conf_override overrides = { .environment = environment };

	return conf_parse(SPAN_LITERAL("[pgbouncer]\npool_mode = statement\nauth_user = eve\n"),
	    "t.ini", &overrides, err);
}

/* What is wrong with VARIABLE. */
static void
assert_refused(const char *variable, const char *error)
{
	const char *const environment[] = { "PGHOST=x", variable, NULL };
	struct err err = { 0 };

	assert_null(conf_in(environment, &err));
	assert_string_equal(err.text, error);
}

static void
variables_win_over_the_file(void **state)
{
	const char *const environment[] = { "PATH=/bin", "PGWEIR_POOL_MODE= transaction ",
		"PGWEIR_MAX_CLIENT_CONN=7", "PGWEIR_UNIX_SOCKET_DIR=", "PGUSER=nobody",
		"PGWEIR=/usr/bin/pgweir", NULL };
	struct err err = { 0 };
	struct buf source = { 0 };
	struct conf *conf = conf_in(environment, &err);

	(void)state;
	assert_non_null(conf);
	assert_int_equal(conf->pool_mode, POOL_MODE_TRANSACTION);
	assert_int_equal(conf->max_client_conn, 7);
	assert_string_equal(conf->unix_socket_dir, "");
	assert_string_equal(conf->auth_user, "eve");
	assert_null(conf->user);
	conf_setting_source(conf, conf_setting_find(SPAN_LITERAL("pool_mode")), &source);
	assert_string_equal(buf_text(&source), "environment");
	buf_fini(&source);
	conf_drop(conf);
}

static void
faults_name_the_variable(void **state)
{
	(void)state;
	assert_refused("PGWEIR_POOL_MOD=session",
	    "PGWEIR_POOL_MOD: unknown setting \"pool_mod\", closest is \"pool_mode\"");
	assert_refused("PGWEIR_POOL_SIZE=1", "PGWEIR_POOL_SIZE: unknown setting "
	    "\"pool_size\", which is a key of entries in [databases]");
	assert_refused("PGWEIR_=1", "PGWEIR_: unknown setting \"\"");
	assert_refused("PGWEIR_LISTEN_PORT=tcp://10.0.0.1:1", "PGWEIR_LISTEN_PORT: "
	    "listen_port: expected a whole number from 0 to 65535, got \"tcp://10.0.0.1:1\"");
	assert_refused("PGWEIR_SOME_PORT=1", "PGWEIR_SOME_PORT: unknown setting \"some_port\"");
}

static void
services_of_kubernetes_are_passed_over(void **state)
{
	const char *const environment[] = { "PGWEIR_SERVICE_HOST=10.0.0.1",
		"PGWEIR_SERVICE_PORT=6432", "PGWEIR_SERVICE_PORT_POSTGRES=6432",
		"PGWEIR_PORT=tcp://10.0.0.1:6432", "PGWEIR_PORT_6432_TCP=tcp://10.0.0.1:6432",
		"PGWEIR_PORT_6432_TCP_ADDR=10.0.0.1", "PGWEIR_PORT_6432_TCP_PROTO=tcp",
		"PGWEIR_RW_SERVICE_HOST=10.0.0.2", "PGWEIR_RW_PORT=tcp://10.0.0.2:6432", NULL };
	struct err err = { 0 };
	struct conf *conf = conf_in(environment, &err);

	(void)state;
	assert_non_null(conf);
	assert_int_equal(conf->listen_port, 6432);
	conf_drop(conf);
}

static void
set_wins_until_the_next_reload(void **state)
{
	const char *const environment[] = { "PGWEIR_POOL_MODE=transaction",
		"PGWEIR_AUTH_DBNAME=one", NULL };
	struct conf_override reload = { .environment = environment };
	struct err err = { 0 };
	struct conf *conf = conf_in(environment, &err), *other;

	(void)state;
	other = conf_set(conf, SPAN_LITERAL("pool_mode"), SPAN_LITERAL("session"), &err);
	assert_int_equal(other->pool_mode, POOL_MODE_SESSION);
	conf_drop(conf);
	conf = conf_set(other, SPAN_LITERAL("auth_dbname"), SPAN_LITERAL("two"), &err);
	assert_int_equal(conf->pool_mode, POOL_MODE_SESSION);
	assert_string_equal(conf->auth_dbname, "two");
	conf_drop(other);
	reload.before = conf;
	other = good("[pgbouncer]\n", &reload);
	assert_int_equal(other->pool_mode, POOL_MODE_TRANSACTION);
	assert_string_equal(other->auth_dbname, "one");
	conf_drop(conf);
	conf_drop(other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(variables_win_over_the_file),
		UNIT_TEST(faults_name_the_variable),
		UNIT_TEST(services_of_kubernetes_are_passed_over),
		UNIT_TEST(set_wins_until_the_next_reload),
	};

	return cmocka_run_group_tests_name("conf/env", tests, NULL, NULL);
}
