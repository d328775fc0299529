/*
 * limits.c - tests of which level of the conf wins: conf/conf.h, conf_pool_size and
 * others.
 */
#include "unit/unit.h"

#include "conf/conf.h"

static const char text[] =
    "[pgbouncer]\n"
    "pool_mode = transaction\ndefault_pool_size = 1\nmin_pool_size = 1\n"
    "reserve_pool_size = 1\nmax_db_connections = 1\nmax_db_client_connections = 1\n"
    "max_user_connections = 1\nmax_user_client_connections = 1\n"
    "query_wait_timeout = 1\nquery_timeout = 1\nidle_transaction_timeout = 1\n"
    "transaction_timeout = 1\nclient_idle_timeout = 1\nserver_lifetime = 1\n"
    "[databases]\n"
    "plain =\n"
    "full = pool_mode=statement pool_size=2 min_pool_size=2 reserve_pool=2 "
    "max_db_connections=2 max_db_client_connections=2 query_wait_timeout=2 "
    "server_lifetime=2\n"
    "none = pool_size=0 max_db_connections=0 query_wait_timeout=0 server_lifetime=0\n"
    "[users]\n"
    "plain =\n"
    "full = pool_mode=session pool_size=3 reserve_pool_size=3 max_user_connections=3 "
    "max_user_client_connections=3 query_timeout=3 query_wait_timeout=3 "
    "idle_transaction_timeout=3 transaction_timeout=3 client_idle_timeout=3\n"
    "none = pool_size=0 query_timeout=0 query_wait_timeout=0 client_idle_timeout=0\n";

/* What applies for a database and a user, in the order of the checks below. */
struct verdict {
	const char	*db, *user;	/* NULL: none */
	unsigned	 mode, size, min, reserve, db_most, db_clients, user_most, user_clients;
	unsigned	 wait, query, idle, transaction, client_idle, lifetime;	/* seconds */
};

static const struct verdict verdicts[] = {
	{ NULL, NULL, POOL_MODE_TRANSACTION, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 },
	{ "plain", "plain", POOL_MODE_TRANSACTION, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 },
	{ "full", NULL, POOL_MODE_STATEMENT, 2, 2, 2, 2, 2, 1, 1, 2, 1, 1, 1, 1, 2 },
	{ "full", "plain", POOL_MODE_STATEMENT, 2, 2, 2, 2, 2, 1, 1, 2, 1, 1, 1, 1, 2 },
	{ "full", "full", POOL_MODE_SESSION, 3, 2, 3, 2, 2, 3, 3, 3, 3, 3, 3, 3, 2 },
	{ "plain", "full", POOL_MODE_SESSION, 3, 1, 3, 1, 1, 3, 3, 3, 3, 3, 3, 3, 1 },
	{ "none", "plain", POOL_MODE_TRANSACTION, 0, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1 },
	{ "full", "none", POOL_MODE_STATEMENT, 0, 2, 2, 2, 2, 1, 1, 0, 1, 1, 1, 1, 2 },
};

static void
the_nearest_level_wins(void **state)
{
	struct err err = { 0 };
	struct conf *conf = conf_parse(span_text(text), "t.ini", NULL, &err);

	(void)state;
	assert_non_null(conf);
	for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++) {
		const struct verdict *v = &verdicts[i];
		const struct conf_database *db =
		    v->db != NULL ? conf_database(conf, span_text(v->db)) : NULL;
		const struct conf_user *user =
		    v->user != NULL ? conf_user(conf, span_text(v->user)) : NULL;

		assert_int_equal(db != NULL, v->db != NULL);
		assert_int_equal(user != NULL, v->user != NULL);
		assert_int_equal(conf_pool_mode(conf, db, user), v->mode);
		assert_int_equal(conf_pool_size(conf, db, user), v->size);
		assert_int_equal(conf_min_pool_size(conf, db), v->min);
		assert_int_equal(conf_reserve_pool_size(conf, db, user), v->reserve);
		assert_int_equal(conf_max_db_connections(conf, db), v->db_most);
		assert_int_equal(conf_max_db_client_connections(conf, db), v->db_clients);
		assert_int_equal(conf_max_user_connections(conf, user), v->user_most);
		assert_int_equal(conf_max_user_client_connections(conf, user),
		    v->user_clients);
		assert_int_equal(conf_query_wait_timeout(conf, db, user), v->wait * SECOND);
		assert_int_equal(conf_query_timeout(conf, user), v->query * SECOND);
		assert_int_equal(conf_idle_transaction_timeout(conf, user), v->idle * SECOND);
		assert_int_equal(conf_transaction_timeout(conf, user),
		    v->transaction * SECOND);
		assert_int_equal(conf_client_idle_timeout(conf, user),
		    v->client_idle * SECOND);
		assert_int_equal(conf_server_lifetime(conf, db), v->lifetime * SECOND);
	}
	conf_drop(conf);
}

static void
names_are_found_exactly_or_by_the_template(void **state)
{
	struct err err = { 0 };
	struct conf *conf = conf_parse(SPAN_LITERAL("[pgbouncer]\n[databases]\na =\nab =\n"
	    "b =\n* =\n[users]\na =\nab =\n"), "t.ini", NULL, &err);
	char name[64];

	(void)state;
	memset(name, 'x', sizeof(name));
	assert_string_equal(conf_database(conf, SPAN_LITERAL("a"))->name, "a");
	assert_string_equal(conf_database(conf, SPAN_LITERAL("ab"))->name, "ab");
	assert_string_equal(conf_database(conf, SPAN_LITERAL("b"))->name, "b");
	assert_string_equal(conf_database(conf, SPAN_LITERAL("abc"))->name, "*");
	assert_string_equal(conf_database(conf, SPAN_LITERAL(""))->name, "*");
	assert_string_equal(conf_database(conf, span_of(name, 63))->name, "*");
	assert_null(conf_database(conf, span_of(name, 64)));
	assert_null(conf_database(conf, SPAN_LITERAL("pgbouncer")));
	assert_null(conf_database(conf, SPAN_LITERAL("pgweir")));
	assert_string_equal(conf_user(conf, SPAN_LITERAL("ab"))->name, "ab");
	assert_null(conf_user(conf, SPAN_LITERAL("abc")));
	assert_null(conf_user(conf, SPAN_LITERAL("")));
	conf_drop(conf);
}

static void
without_a_template_names_are_unknown(void **state)
{
	struct err err = { 0 };
	struct conf *conf = conf_parse(SPAN_LITERAL("[pgbouncer]\n"), "t.ini", NULL, &err);

	(void)state;
	assert_null(conf_database(conf, SPAN_LITERAL("a")));
	assert_null(conf_user(conf, SPAN_LITERAL("a")));
	conf_drop(conf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(the_nearest_level_wins),
		UNIT_TEST(names_are_found_exactly_or_by_the_template),
		UNIT_TEST(without_a_template_names_are_unknown),
	};

	return cmocka_run_group_tests_name("conf/limits", tests, NULL, NULL);
}
