/*
 * kind.c - tests of how values are written: conf/settings.h, setting_parse and others.
 */
#include "unit/unit.h"

#include "conf/conf.h"
#include "conf/store.h"

/* A value of a setting: what it shows as, or what is expected instead. */
struct writing {
	enum setting_scope scope;
	const char	*name, *value;
	const char	*shows;		/* NULL: unset, or refused */
	const char	*expected;	/* NULL: it is good */
};

static const struct writing writings[] = {
	{ SCOPE_GLOBAL, "listen_port", "6432", "6432", NULL },
	{ SCOPE_GLOBAL, "listen_port", "0x1920", "6432", NULL },
	{ SCOPE_GLOBAL, "listen_port", "0", "0", NULL },
	{ SCOPE_GLOBAL, "listen_port", "65536", NULL, "a whole number from 0 to 65535" },
	{ SCOPE_GLOBAL, "listen_port", "-1", NULL, "a whole number from 0 to 65535" },
	{ SCOPE_GLOBAL, "listen_port", "", NULL, "a whole number from 0 to 65535" },
	{ SCOPE_GLOBAL, "listen_port", "1 2", NULL, "a whole number from 0 to 65535" },
	{ SCOPE_GLOBAL, "listen_port", "99999999999999999999", NULL,
	  "a whole number from 0 to 65535" },
	{ SCOPE_GLOBAL, "unix_socket_mode", "0777", "511", NULL },
	{ SCOPE_GLOBAL, "max_client_conn", "2147483648", NULL,
	  "a whole number of 0 or more" },
	{ SCOPE_GLOBAL, "max_packet_size", "4294967295", "4294967295", NULL },
	{ SCOPE_GLOBAL, "max_packet_size", "4294967296", NULL,
	  "a whole number of 5 or more" },
	{ SCOPE_GLOBAL, "log_stats", "0", "0", NULL },
	{ SCOPE_GLOBAL, "log_stats", "1", "1", NULL },
	{ SCOPE_GLOBAL, "log_stats", "yes", NULL, "0 or 1" },
	{ SCOPE_GLOBAL, "log_stats", "2", NULL, "0 or 1" },
	{ SCOPE_GLOBAL, "query_timeout", "1.5", "1.5", NULL },
	{ SCOPE_GLOBAL, "query_timeout", "0", "0", NULL },
	{ SCOPE_GLOBAL, "query_timeout", "10s", NULL, "seconds without a unit of 0 or more" },
	{ SCOPE_GLOBAL, "query_timeout", "-1", NULL, "seconds without a unit of 0 or more" },
	{ SCOPE_GLOBAL, "query_timeout", "9e9", NULL, "seconds without a unit of 0 or more" },
	{ SCOPE_GLOBAL, "stats_period", "7", "7", NULL },
	{ SCOPE_GLOBAL, "stats_period", "1.5", NULL, "whole seconds of 1 or more" },
	{ SCOPE_GLOBAL, "stats_period", "0", NULL, "whole seconds of 1 or more" },
	{ SCOPE_GLOBAL, "pool_mode", "Transaction", "transaction", NULL },
	{ SCOPE_GLOBAL, "pool_mode", "transactional", NULL,
	  "session, transaction or statement" },
	{ SCOPE_GLOBAL, "auth_type", "SCRAM-SHA-256", "scram-sha-256", NULL },
	{ SCOPE_GLOBAL, "client_tls_sslmode", "verify-full", "verify-full", NULL },
	{ SCOPE_GLOBAL, "client_tls_dheparams", "legacy", NULL, "none or auto" },
	{ SCOPE_GLOBAL, "client_tls_protocols", "tlsv1.2:!tlsv1.3", "tlsv1.2:!tlsv1.3",
	  NULL },
	{ SCOPE_GLOBAL, "client_tls_protocols", "sslv3", NULL,
	  "a list of tlsv1.0, tlsv1.1, tlsv1.2, tlsv1.3, all, secure that leaves at least "
	  "one" },
	{ SCOPE_GLOBAL, "auth_dbname", "app", "app", NULL },
	{ SCOPE_GLOBAL, "auth_dbname", "pgbouncer", NULL,
	  "an entry of [databases] other than the console" },
	{ SCOPE_GLOBAL, "syslog_facility", "local7", "local7", NULL },
	{ SCOPE_GLOBAL, "syslog_facility", "local8", NULL,
	  "auth, authpriv, daemon, user, or local0 to local7" },
	{ SCOPE_GLOBAL, "server_reset_query", "", "", NULL },
	{ SCOPE_GLOBAL, "auth_ldap_options", "ldapbindpasswd=x", "********", NULL },
	{ SCOPE_DATABASE, "password", "x", "********", NULL },
	{ SCOPE_DATABASE, "port", "0", NULL, "a whole number from 1 to 65535" },
	{ SCOPE_DATABASE, "port", "5432x", NULL, "a whole number from 1 to 65535" },
	{ SCOPE_DATABASE, "pool_size", "0", "0", NULL },
	{ SCOPE_DATABASE, "pool_size", "-1", NULL, NULL },
	{ SCOPE_DATABASE, "max_db_connections", "0", NULL, NULL },
	{ SCOPE_DATABASE, "server_lifetime", "0", NULL, NULL },
	{ SCOPE_DATABASE, "query_wait_timeout", "0", "0", NULL },
	{ SCOPE_DATABASE, "load_balance_hosts", "disable", "disable", NULL },
	{ SCOPE_USER, "query_timeout", "0", NULL, NULL },
	{ SCOPE_USER, "query_timeout", "3", "3", NULL },
	{ SCOPE_USER, "query_timeout", "3.5", NULL, "whole seconds of 0 or more" },
	{ SCOPE_PEER, "port", "1", "1", NULL },
};

static void
check_writing(const struct writing *w)
{
	const struct setting *row = setting_find(w->scope, span_text(w->name));
	char *value = exact_copy(w->value, strlen(w->value));
	struct store store = { 0 };
	struct buf shown = { 0 };
	union {
		struct conf conf;
		struct conf_database database;
		struct conf_user user;
		struct conf_peer peer;
	} object, untouched;
	char expected[160];

	assert_non_null(row);
	memset(&object, 0x5a, sizeof(object));
	untouched = object;
	if (!setting_parse(row, span_of(value, strlen(w->value)), &object, &store,
		expected)) {
		print_message("# %s = %s\n", w->name, w->value);
		assert_non_null(w->expected);
		assert_string_equal(expected, w->expected);
		assert_memory_equal(&object, &untouched, sizeof(object));
	} else {
		print_message("# %s = %s\n", w->name, w->value);
		assert_null(w->expected);
		assert_int_equal(setting_show(row, &object, &shown), w->shows != NULL);
		if (w->shows != NULL)
			assert_string_equal(buf_text(&shown), w->shows);
	}
	buf_fini(&shown);
	store_fini(&store);
	free(value);
}

static void
values_are_read_as_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(writings); i++)
		check_writing(&writings[i]);
}

static void
protocol_lists_name_versions(void **state)
{
	static const struct {
		const char	*text;
		unsigned	 versions;
	} lists[] = {
		{ "", TLS_1_2 | TLS_1_3 },
		{ "secure", TLS_1_2 | TLS_1_3 },
		{ "default", TLS_1_2 | TLS_1_3 },
		{ "all", TLS_1_0 | TLS_1_1 | TLS_1_2 | TLS_1_3 },
		{ "TLSv1", TLS_1_0 | TLS_1_1 | TLS_1_2 | TLS_1_3 },
		{ "tlsv1.2", TLS_1_2 },
		{ "tlsv1.1, tlsv1.3", TLS_1_1 | TLS_1_3 },
		{ "all:!tlsv1.0:!tlsv1.1", TLS_1_2 | TLS_1_3 },
	};
	unsigned versions;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		assert_true(tls_versions(span_text(lists[i].text), &versions));
		assert_int_equal(versions, lists[i].versions);
	}
	assert_false(tls_versions(SPAN_LITERAL("tlsv1.4"), &versions));
	assert_false(tls_versions(SPAN_LITERAL("tlsv1.2,"), &versions));
	assert_false(tls_versions(SPAN_LITERAL("tlsv1.2,!tlsv1.2"), &versions));
	assert_false(tls_versions(SPAN_LITERAL("!"), &versions));
}

static void
copies_of_texts_live_by_themselves(void **state)
{
	const struct setting *row = conf_setting_find(SPAN_LITERAL("logfile"));
	struct store first = { 0 }, second = { 0 };
	struct conf a = { 0 }, b = { 0 };
	char expected[160];

	(void)state;
	assert_true(setting_copy(row, &a, &b, &second));
	assert_null(b.logfile);
	assert_true(setting_parse(row, SPAN_LITERAL("/x"), &a, &first, expected));
	assert_false(setting_same(row, &a, &b));
	assert_true(setting_copy(row, &a, &b, &second));
	assert_true(setting_same(row, &a, &b));
	store_fini(&first);
	assert_string_equal(b.logfile, "/x");
	store_fini(&second);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(values_are_read_as_the_table_says),
		UNIT_TEST(protocol_lists_name_versions),
		UNIT_TEST(copies_of_texts_live_by_themselves),
	};

	return cmocka_run_group_tests_name("conf/kind", tests, NULL, NULL);
}
