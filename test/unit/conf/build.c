/*
 * build.c - tests of conf/build.h: texts in, a conf, its warnings or an exact error out.
 */
#include "unit/conf/parts.h"

/* The text of what is wrong with TEXT. */
static void
assert_refused(const char *text, const char *error)
{
	struct err err = { 0 };

	assert_null(conf_parse(span_text(text), "t.ini", NULL, &err));
	assert_string_equal(err.text, error);
	assert_string_equal(err.sqlstate, SQLSTATE_CONFIG);
}

static bool
warned(const struct conf *conf, const char *text)
{
	for (size_t i = 0; i < conf->n_warnings; i++) {
		if (strcmp(conf->warnings[i], text) == 0)
			return true;
		print_message("# warning: %s\n", conf->warnings[i]);
	}
	return false;
}

static void
an_empty_main_section_gives_the_defaults(void **state)
{
	struct conf *conf = good("[pgbouncer]\n", NULL);

	(void)state;
	assert_int_equal(conf->listen_port, 6432);
	assert_int_equal(conf->pool_mode, POOL_MODE_SESSION);
	assert_int_equal(conf->auth_type, AUTH_TYPE_MD5);
	assert_int_equal(conf->default_pool_size, 20);
	assert_int_equal(conf->server_tls_sslmode, SSLMODE_PREFER);
	assert_int_equal(conf->server_lifetime, 3600 * SECOND);
	assert_int_equal(conf->query_wait_notify, 5 * SECOND);
	assert_int_equal(conf->unix_socket_mode, 0777);
	assert_string_equal(conf->unix_socket_dir, "/tmp");
	assert_string_equal(conf->conffile, "t.ini");
	assert_null(conf->auth_file);
	assert_int_equal(conf->n_databases, 0);
	assert_null(conf->template_database);
	assert_int_equal(conf->n_warnings, 0);
	conf_drop(conf);
}

static const struct {
	const char	*text, *error;
} refusals[] = {
	{ "", "t.ini: expected a section [pgbouncer], found none" },
	{ "[databases]\n", "t.ini: expected a section [pgbouncer], found none" },
	{ "a = 1\n", "t.ini:1: expected [pgbouncer] or another section before \"a\"" },
	{ "[pgbouncr]\n", "t.ini:1: unknown section \"pgbouncr\", closest is \"pgbouncer\"" },
	{ "[Databases]\n", "t.ini:1: unknown section \"Databases\", closest is \"databases\"" },
	{ "[x]\n", "t.ini:1: unknown section \"x\", known are pgbouncer, databases, users and "
		   "peers" },
	{ "[pgbouncer]\n\nlisten_prt = 1\n",
	  "t.ini:3: unknown setting \"listen_prt\", closest is \"listen_port\"" },
	{ "[pgbouncer]\nxyz = 1\n", "t.ini:2: unknown setting \"xyz\"" },
	{ "[pgbouncer]\npool_size = 1\n",
	  "t.ini:2: unknown setting \"pool_size\", which is a key of entries in [databases]" },
	{ "[pgbouncer]\nlisten_port = many\n",
	  "t.ini:2: listen_port: expected a whole number from 0 to 65535, got \"many\"" },
	{ "[pgbouncer]\npool_mode = transction\n",
	  "t.ini:2: pool_mode: expected session, transaction or statement, got "
	  "\"transction\", closest is \"transaction\"" },
	{ "[pgbouncer]\npool_mode = \"session\"\n",
	  "t.ini:2: pool_mode: expected session, transaction or statement, got "
	  "\"\"session\"\", closest is \"session\"" },
	{ "[pgbouncer]\nauth_dbname = pgbouncer\n",
	  "t.ini:2: auth_dbname: expected an entry of [databases] other than the console, "
	  "got \"pgbouncer\"" },
	{ "[pgbouncer]\nclient_tls_sslmode = require\n",
	  "client_tls_sslmode: expected client_tls_key_file and client_tls_cert_file beside "
	  "it" },
	{ "[pgbouncer]\nclient_tls_sslmode = verify-ca\nclient_tls_key_file = k\n"
	  "client_tls_cert_file = c\n",
	  "client_tls_sslmode verify-*: expected client_tls_ca_file beside it" },
	{ "[pgbouncer]\nauth_type = cert\n",
	  "auth_type cert: expected client_tls_sslmode verify-full beside it" },
	{ "[pgbouncer]\nauth_type = ldap\n",
	  "auth_type ldap: expected auth_ldap_options beside it" },
	{ "[pgbouncer]\nauth_ldap_options = ldapserver=a ldapbindpasswd=top secret\n",
	  "auth_ldap_options: expected NAME=VALUE, and values with blanks in double quotes, in "
	  "character 33" },
	{ "[databases]\napp = prt=1\n[pgbouncer]\n",
	  "t.ini:2: database app: unknown key \"prt\", closest is \"port\"" },
	{ "[databases]\napp = port=0\n[pgbouncer]\n",
	  "t.ini:2: database app: port: expected a whole number from 1 to 65535, got \"0\"" },
	{ "[databases]\napp = port=1 listen_port=2\n[pgbouncer]\n",
	  "t.ini:2: database app: unknown key \"listen_port\", which is a setting of "
	  "[pgbouncer]" },
	{ "[databases]\napp = port=1 host= user=x\n[pgbouncer]\n",
	  "t.ini:2: database app: expected a value behind the =, in character 13" },
	{ "[databases]\napp = password='geheim\n[pgbouncer]\n",
	  "t.ini:2: database app: expected a closing quote and then a space, in character "
	  "10" },
	{ "[databases]\napp = host=a,,b\n[pgbouncer]\n",
	  "t.ini:2: database app: host: expected a name between commas, got none" },
	{ "[databases]\napp = host=db1:5432\n[pgbouncer]\n",
	  "t.ini:2: database app: host: expected a name or an address, with the port in "
	  "port=, got \"db1:5432\"" },
	{ "[databases]\npgbouncer =\n[pgbouncer]\n",
	  "t.ini:2: database pgbouncer: expected another name, this one is the console's" },
	{ "[databases]\npgweir =\n[pgbouncer]\n",
	  "t.ini:2: database pgweir: expected another name, this one is the console's" },
	{ "[databases]\n"
	  "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff1234 =\n[pgbouncer]\n",
	  "t.ini:2: database aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff..."
	  ": expected a name of at most 63 bytes, got 64" },
	{ "[users]\nbob = pool_mod=session\n[pgbouncer]\n",
	  "t.ini:2: user bob: unknown key \"pool_mod\", closest is \"pool_mode\"" },
	{ "[users]\nbob = query_timeout=1.5\n[pgbouncer]\n",
	  "t.ini:2: user bob: query_timeout: expected whole seconds of 0 or more, got "
	  "\"1.5\"" },
	{ "[peers]\n0 = host=a\n[pgbouncer]\n",
	  "t.ini:2: peer 0: expected a number from 1 to 65535" },
	{ "[peers]\n1 = port=1\n[pgbouncer]\n", "t.ini:2: peer 1: expected host=" },
	{ "[pgbouncer]\nauth_file = /dev/null/users\n",
	  "cannot read \"/dev/null/users\": Not a directory" },
	{ "[pgbouncer]\n%include /nowhere/x.ini\n",
	  "t.ini:2: cannot read \"/nowhere/x.ini\": No such file or directory" },
};

static void
faults_name_file_line_and_what_was_expected(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
		assert_refused(refusals[i].text, refusals[i].error);
}

static void
the_first_fault_of_the_file_is_told(void **state)
{
	(void)state;
	assert_refused("[databases]\nz = prt=1\na = prt=1\n[pgbouncer]\n",
	    "t.ini:2: database z: unknown key \"prt\", closest is \"port\"");
}

static void
files_include_files_and_users(void **state)
{
	struct err err = { 0 };
	struct buf source = { 0 };
	struct conf *conf;

	(void)state;
	write_file("users.txt", "\"bob\" \"one\"\n\"eve\" \"\"\n\"bob\" \"two\"\n");
	write_file("more.ini", "listen_port = 7000\n[users]\nbob = pool_size=3\nann =\n");
	write_file("t.ini", "[pgbouncer]\nauth_file = users.txt\n%include more.ini\n");
	conf = conf_load("t.ini", NULL, &err);
	assert_non_null(conf);
	assert_int_equal(conf->listen_port, 7000);
	conf_setting_source(conf, conf_setting_find(SPAN_LITERAL("listen_port")), &source);
	assert_string_equal(buf_text(&source), "more.ini:1");
	assert_int_equal(conf->n_users, 3);
	assert_string_equal(conf_user(conf, SPAN_LITERAL("bob"))->secret, "two");
	assert_int_equal(conf_user(conf, SPAN_LITERAL("bob"))->pool_size, 3);
	assert_string_equal(conf_user(conf, SPAN_LITERAL("eve"))->secret, "");
	assert_int_equal(conf_user(conf, SPAN_LITERAL("eve"))->pool_size, COUNT_UNSET);
	assert_null(conf_user(conf, SPAN_LITERAL("ann"))->secret);
	assert_null(conf_user(conf, SPAN_LITERAL("bo")));
	assert_true(warned(conf, "users.txt:3: a user is given once more, the last line "
	    "counts (1 such lines)"));
	buf_fini(&source);
	conf_drop(conf);

	write_file("users.txt", "\"bob\" \"one\"\neve\n");
	assert_null(conf_load("t.ini", NULL, &err));
	assert_string_equal(err.text, "users.txt:2: expected a user name in double quotes");
}

static void
the_auth_file_is_not_read_where_nobody_asks_it(void **state)
{
	(void)state;
	conf_drop(good("[pgbouncer]\nauth_type = any\nauth_file = /nowhere\n", NULL));
	conf_drop(good("[pgbouncer]\nauth_type = pam\nauth_file = /nowhere\n", NULL));
}

static void
databases_are_sorted_and_have_their_hosts(void **state)
{
	struct conf *conf = good(
	    "[pgbouncer]\nunix_socket_dir = /run\n[databases]\n"
	    "z = host=db1,10.0.0.1,::1,/var/run,@abs port=5433\n"
	    "a = dbname=other password='it''s' user=bob\n"
	    "* = host=db9\n"
	    "'we ird' =\n", NULL);
	const struct conf_database *db = conf_database(conf, SPAN_LITERAL("z"));
	static const enum conf_host_kind kinds[] = { HOST_NAME, HOST_IP, HOST_IP, HOST_UNIX,
		HOST_ABSTRACT };

	(void)state;
	assert_int_equal(conf->n_databases, 3);
	assert_string_equal(conf->databases[0].name, "a");
	assert_string_equal(conf->databases[1].name, "we ird");
	assert_string_equal(conf->databases[2].name, "z");
	assert_int_equal(db->n_hosts, 5);
	for (size_t i = 0; i < db->n_hosts; i++) {
		assert_int_equal(db->hosts[i].kind, kinds[i]);
		assert_int_equal(db->hosts[i].port, 5433);
	}
	assert_string_equal(db->hosts[4].text, "@abs");
	assert_int_equal(db->hosts[1].addr.port, 5433);
	assert_string_equal(db->dbname, "z");

	db = conf_database(conf, SPAN_LITERAL("a"));
	assert_string_equal(db->dbname, "other");
	assert_string_equal(db->password, "it's");
	assert_null(db->host);
	assert_int_equal(db->n_hosts, 1);
	assert_int_equal(db->hosts[0].kind, HOST_UNIX);
	assert_string_equal(db->hosts[0].text, "/run");
	assert_int_equal(db->hosts[0].port, 5432);

	db = conf_database(conf, SPAN_LITERAL("anything"));
	assert_ptr_equal(db, conf->template_database);
	assert_null(db->dbname);
	conf_drop(conf);
}

static void
of_equal_entries_the_last_counts(void **state)
{
	struct conf *conf = good("[pgbouncer]\n[databases]\na = port=1\nb = port=2\n"
				 "a = port=3\n", NULL);

	(void)state;
	assert_int_equal(conf->n_databases, 2);
	assert_int_equal(conf->databases[0].port, 3);
	assert_true(warned(conf, "[databases]: 1 entries are given again further down, the "
	    "last ones count"));
	conf_drop(conf);
}

static void
one_more_main_section_goes_on_with_a_warning(void **state)
{
	struct conf *conf = good("[pgbouncer]\nlisten_port = 1\npool_mode = statement\n"
				 "auth_user = x\n[pgbouncer]\nverbose = 1\n", NULL);

	(void)state;
	assert_int_equal(conf->pool_mode, POOL_MODE_STATEMENT);
	assert_int_equal(conf->listen_port, 1);
	assert_string_equal(conf->auth_user, "x");
	assert_true(warned(conf, "t.ini:5: one more [pgbouncer]: what is set above it holds, "
	    "unlike in PgBouncer: pool_mode"));
	conf_drop(conf);
}

static void
one_more_main_section_below_an_empty_one_is_no_news(void **state)
{
	struct conf *conf = good("[pgbouncer]\n; an empty file was included here\n"
				 "[pgbouncer]\npool_mode = transaction\n", NULL);

	(void)state;
	assert_int_equal(conf->pool_mode, POOL_MODE_TRANSACTION);
	assert_int_equal(conf->n_warnings, 0);
	conf_drop(conf);
}

static void
names_without_effect_are_taken_with_a_word_why(void **state)
{
	struct conf *conf = good("[pgbouncer]\nservice_name = x\njob_name = y\n"
				 "pkt_buf = 75\n", NULL);

	(void)state;
	assert_true(warned(conf, "t.ini:2: service_name has no effect: it is for services of "
	    "Windows"));
	assert_true(warned(conf, "t.ini:3: job_name has no effect: pgweir does not run on "
	    "Windows"));
	assert_true(warned(conf, "t.ini:4: pkt_buf has no effect: buffers take the size they "
	    "need"));
	assert_int_equal(conf->n_warnings, 3);
	conf_drop(conf);
}

static void
a_hash_for_auth_user_is_said(void **state)
{
	struct conf *conf;

	(void)state;
	write_file("users.txt",
	    "\"a\" \"md50123456789abcdef0123456789abcdef\"\n"
				"\"b\" \"SCRAM-SHA-256$4096:c2FsdA==$x:y\"\n"
				"\"c\" \"md5 is old\"\n");
	conf = good("[databases]\none = auth_user=b\n* = auth_user=c\n"
		    "[pgbouncer]\nauth_file = users.txt\nauth_user = a\n",
	    NULL);
	assert_true(warned(conf,
	    "auth_user a: auth_file has an MD5 hash, expected the password "
		"in plain: auth_query works only if the server asks for none"));
	assert_true(warned(conf,
	    "database one: auth_user b: auth_file has a SCRAM verifier, "
		"expected the password in plain: auth_query works only if the server asks for "
		"none"));
	assert_int_equal(conf->n_warnings, 2);
	conf_drop(conf);
	conf = good("[pgbouncer]\nauth_file = users.txt\nauth_user = a\n"
		    "server_tls_cert_file = c\nserver_tls_key_file = k\n",
	    NULL);
	assert_int_equal(conf->n_warnings, 0);
	conf_drop(conf);
}

static void
an_auth_file_may_come_later_but_not_go(void **state)
{
	const char *text = "[pgbouncer]\nauth_file = users.txt\n";
	struct conf_override reload = { 0 };
	struct err err = { 0 };
	struct conf *conf;

	(void)state;
	reload.before = good(text, NULL);
	assert_true(warned(reload.before, "auth_file users.txt: there is no such file, so it "
	    "knows no users"));
	conf = good(text, &reload);
	assert_int_equal(conf->n_users, 0);
	conf_drop((struct conf *)reload.before);
	reload.before = conf;
	write_file("users.txt", "\"bob\" \"one\"\n");
	conf = good(text, &reload);
	assert_int_equal(conf->n_users, 1);
	conf_drop((struct conf *)reload.before);
	reload.before = conf;
	unlink("users.txt");
	assert_null(conf_parse(span_text(text), "t.ini", &reload, &err));
	assert_string_equal(err.text, "cannot read \"users.txt\": No such file or directory");
	conf_drop((struct conf *)reload.before);
}

/* Each setting, given its default: is it warned about just when it is not honoured? */
static void
what_is_not_honoured_is_said_and_only_that(void **state)
{
	const struct setting *row = NULL;
	char text[1024], warning[256];

	(void)state;
	while ((row = conf_setting_next(row)) != NULL) {
		struct conf *conf;
		bool expected = !row->ready && row->moot == NULL;

		if (row->fallback == NULL)
			continue;
		snprintf(text, sizeof(text), "[pgbouncer]\n%s = %s\n", row->name, row->fallback);
		snprintf(warning, sizeof(warning), "t.ini:2: %s is accepted but not honoured yet",
		    row->name);
		conf = good(text, NULL);
		assert_int_equal(warned(conf, warning), expected);
		conf_drop(conf);
	}
}

static void
an_entry_that_leads_nowhere_is_warned_about(void **state)
{
	struct conf *conf = good("[databases]\napp =\n[pgbouncer]\nunix_socket_dir =\n", NULL);

	(void)state;
	assert_true(warned(conf, "t.ini:2: database app: expected host=, as unix_socket_dir is "
	    "empty: its servers cannot be found"));
	assert_int_equal(conf_database(conf, SPAN_LITERAL("app"))->n_hosts, 1);
	conf_drop(conf);
}

static void
peers_have_their_port(void **state)
{
	struct conf *conf = good("[pgbouncer]\n[peers]\n1 = host=a\n", NULL);

	(void)state;
	assert_int_equal(conf_peer(conf, 1)->port, 6432);
	assert_null(conf_peer(conf, 2));
	conf_drop(conf);
}

static void
the_command_line_wins_or_not(void **state)
{
	struct conf_override overrides = { .user = "postgres", .verbose = 2 };
	struct conf *conf = good("[pgbouncer]\nuser = nobody\n", &overrides);

	(void)state;
	assert_string_equal(conf->user, "postgres");
	assert_int_equal(conf->verbose, 2);
	conf_drop(conf);
	conf = good("[pgbouncer]\nverbose = 1\n", &overrides);
	assert_int_equal(conf->verbose, 1);
	conf_drop(conf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(an_empty_main_section_gives_the_defaults),
		UNIT_TEST(faults_name_file_line_and_what_was_expected),
		UNIT_TEST(the_first_fault_of_the_file_is_told),
		IN_FOLDER(files_include_files_and_users),
		UNIT_TEST(the_auth_file_is_not_read_where_nobody_asks_it),
		UNIT_TEST(databases_are_sorted_and_have_their_hosts),
		UNIT_TEST(of_equal_entries_the_last_counts),
		UNIT_TEST(one_more_main_section_goes_on_with_a_warning),
		UNIT_TEST(one_more_main_section_below_an_empty_one_is_no_news),
		UNIT_TEST(names_without_effect_are_taken_with_a_word_why),
		IN_FOLDER(a_hash_for_auth_user_is_said),
		IN_FOLDER(an_auth_file_may_come_later_but_not_go),
		UNIT_TEST(what_is_not_honoured_is_said_and_only_that),
		UNIT_TEST(an_entry_that_leads_nowhere_is_warned_about),
		UNIT_TEST(peers_have_their_port),
		UNIT_TEST(the_command_line_wins_or_not),
	};

	return cmocka_run_group_tests_name("conf/build", tests, NULL, NULL);
}
