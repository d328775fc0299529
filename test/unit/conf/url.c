/*
 * url.c - tests of conf_from_url: a URL in, a snapshot or an exact error out.
 */
#include "unit/unit.h"

#include "conf/conf.h"

static struct conf *
good(const char *url)
{
	struct err err = { 0 };
	struct conf *conf = conf_from_url(url, NULL, &err);

	if (conf == NULL)
		fail_msg("%s: expected a conf, got %s", url, err.text);
	return conf;
}

/* A URL and how the server is reached then: host port user password. */
static const struct {
	const char	*url, *host;
	unsigned	 port;
	const char	*user, *password;	/* password "": none */
} urls[] = {
	{ "postgres://bob@db1", "db1", 5432, "bob", "" },
	{ "postgresql://bob:pw@db1:5433/app", "db1", 5433, "bob", "pw" },
	{ "postgres://bob@", "localhost", 5432, "bob", "" },
	{ "postgres://bob@/app", "localhost", 5432, "bob", "" },
	{ "postgres:///app?user=bob", "localhost", 5432, "bob", "" },
	{ "postgres://b%40b:p%3A%2f%20'w@db1", "db1", 5432, "b@b", "p:/ 'w" },
	{ "postgres://bob:p@w@db1", "db1", 5432, "bob", "p@w" },
	{ "postgres://bob:a:b@db1", "db1", 5432, "bob", "a:b" },
	{ "postgres://bob@[::1]:5433", "::1", 5433, "bob", "" },
	{ "postgres://bob@[::1]", "::1", 5432, "bob", "" },
	{ "postgres://bob@db1,db2", "db1,db2", 5432, "bob", "" },
	{ "postgres://bob@db1:5433,db2:5433", "db1,db2", 5433, "bob", "" },
	{ "postgres://bob@%2Fvar%2Frun", "/var/run", 5432, "bob", "" },
	{ "postgres://bob@/app?host=/var/run&port=5433", "/var/run", 5433, "bob", "" },
	{ "postgres://x:y@db1?user=bob&password=pw", "db1", 5432, "bob", "pw" },
};

static void
every_database_is_reached_as_the_url_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		struct conf *conf = good(urls[i].url);
		const struct conf_database *db = conf_database(conf, SPAN_LITERAL("any"));

		print_message("# %s\n", urls[i].url);
		assert_non_null(db);
		assert_null(db->dbname);
		assert_string_equal(db->host, urls[i].host);
		assert_int_equal(db->hosts[0].port, urls[i].port);
		assert_string_equal(db->user, urls[i].user);
		assert_string_equal(db->password != NULL ? db->password : "",
		    urls[i].password);
		conf_drop(conf);
	}
}

static void
clients_are_trusted_on_loopback_only(void **state)
{
	struct conf *conf = good("postgres://bob@db1");

	(void)state;
	assert_string_equal(conf->listen_addr, "127.0.0.1");
	assert_string_equal(conf->unix_socket_dir, "");
	assert_int_equal(conf->listen_port, 6432);
	assert_int_equal(conf->auth_type, AUTH_TYPE_ANY);
	assert_int_equal(conf->pool_mode, POOL_MODE_TRANSACTION);
	assert_null(conf->conffile);
	assert_int_equal(conf->n_warnings, 0);
	conf_drop(conf);
}

static void
another_address_is_warned_about(void **state)
{
	struct conf *conf = good("postgres://bob@db1?listen_addr=*");

	(void)state;
	assert_int_equal(conf->n_warnings, 1);
	assert_string_equal(conf->warnings[0],
	    "listen_addr *: whoever reaches it is let in without a password");
	conf_drop(conf);
}

static void
parameters_are_libpqs_or_settings(void **state)
{
	struct conf *conf = good("postgres://bob@db1?sslmode=verify-full&sslrootcert=%2Fca"
				 "&connect_timeout=3&default_pool_size=10&listen_port=0");
	struct buf source = { 0 };

	(void)state;
	assert_int_equal(conf->server_tls_sslmode, SSLMODE_VERIFY_FULL);
	assert_string_equal(conf->server_tls_ca_file, "/ca");
	assert_int_equal(conf->server_connect_timeout, 3 * SECOND);
	assert_int_equal(conf->default_pool_size, 10);
	assert_int_equal(conf->listen_port, 0);
	conf_setting_source(conf, conf_setting_find(SPAN_LITERAL("listen_port")), &source);
	assert_string_equal(buf_text(&source), "URL");
	buf_fini(&source);
	conf_drop(conf);
}

static const struct {
	const char	*url, *error;
} refusals[] = {
	{ "", "URL: expected postgres:// or postgresql://" },
	{ "http://bob@db1", "URL: expected postgres:// or postgresql://" },
	{ "postgres://db1", "URL: expected a user, as in postgres://user@host" },
	{ "postgres://", "URL: expected a user, as in postgres://user@host" },
	{ "postgres://b%4@db1", "URL: expected two hex digits behind each %" },
	{ "postgres://b%zz@db1", "URL: expected two hex digits behind each %" },
	{ "postgres://b%00@db1", "URL: expected no control characters" },
	{ "postgres://bob@a:1,b:2", "URL: expected the same port for all hosts" },
	{ "postgres://bob@[::1]5432", "URL: expected host:port, or [address]:port" },
	{ "postgres://bob@a:x", "URL: database *: port: expected a whole number from 1 to "
				"65535, got \"x\"" },
	{ "postgres://bob@a,,b", "URL: database *: host: expected a name between commas, got "
				 "none" },
	{ "postgres://bob@a?sslmode", "URL: expected parameters of the form name=value" },
	{ "postgres://bob@a?sslmod=x", "URL: unknown parameter \"sslmod\", closest is "
				       "\"sslmode\"" },
	{ "postgres://bob@a?listen_prt=1", "URL: unknown parameter \"listen_prt\", closest "
					   "is \"listen_port\"" },
	{ "postgres://bob@a?zzzzzz=1", "URL: unknown parameter \"zzzzzz\", known are libpq's "
				       "and the names of settings" },
	{ "postgres://bob@a?sslmode=always", "URL: server_tls_sslmode: expected disable, "
	  "allow, prefer, require, verify-ca or verify-full, got \"always\"" },
};

static void
faults_say_what_was_expected(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		struct err err = { 0 };

		assert_null(conf_from_url(refusals[i].url, NULL, &err));
		assert_string_equal(err.text, refusals[i].error);
	}
}

static void
set_and_reload_work_without_a_file(void **state)
{
	struct conf *before = good("postgres://bob@db1"), *now, *again;
	struct conf_override reload;
	struct err err = { 0 };

	(void)state;
	now = conf_set(before, SPAN_LITERAL("default_pool_size"), SPAN_LITERAL("3"), &err);
	assert_non_null(now);
	assert_int_equal(now->default_pool_size, 3);
	assert_null(now->conffile);
	assert_string_equal(conf_database(now, SPAN_LITERAL("x"))->user, "bob");
	reload = (struct conf_override){ .before = now };
	again = conf_from_url("postgres://bob@db1", &reload, &err);
	assert_int_equal(again->default_pool_size, 20);
	conf_drop(before);
	conf_drop(now);
	conf_drop(again);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(every_database_is_reached_as_the_url_says),
		UNIT_TEST(clients_are_trusted_on_loopback_only),
		UNIT_TEST(another_address_is_warned_about),
		UNIT_TEST(parameters_are_libpqs_or_settings),
		UNIT_TEST(faults_say_what_was_expected),
		UNIT_TEST(set_and_reload_work_without_a_file),
	};

	return cmocka_run_group_tests_name("conf/url", tests, NULL, NULL);
}
