/*
 * sources.c - tests of what a conf is made from.
 */
#include "unit/conf/parts.h"

static void
put_name(void *arg, const char *file)
{
	buf_printf(arg, "%s ", file);
}

static void
assert_sources(const struct conf *conf, const char *expected)
{
	struct buf names = { 0 };

	conf_sources(conf, put_name, &names);
	assert_string_equal(buf_text(&names), expected);
	buf_fini(&names);
}

static void
all_files_are_named(void **state)
{
	struct err err = { 0 };
	struct conf *conf;

	(void)state;
	write_file("t.ini", "[pgbouncer]\n%include more.ini\nauth_type = hba\n"
			    "auth_hba_file = hba.conf\nauth_ident_file = ident.conf\n"
			    "auth_file = users.txt\nlogfile = log\npidfile = pid\n"
			    "client_tls_ca_file = ca.crt\n");
	write_file("more.ini", "");
	write_file("users.txt", "");
	write_file("other.txt", "bob\n");
	write_file("ident.conf", "m root bob\n");
	write_file("hba.conf", "local all @other.txt trust\ninclude_if_exists none\n");
	conf = conf_load("t.ini", NULL, &err);
	assert_non_null(conf);
	assert_sources(conf, "t.ini more.ini other.txt none users.txt hba.conf ident.conf "
	    "ca.crt ");
	conf_drop(conf);
}

static void
a_folder_of_rules_is_named_with_its_files(void **state)
{
	struct err err = { 0 };
	struct conf *conf;

	(void)state;
	write_file("t.ini", "[pgbouncer]\nauth_type = hba\nauth_hba_file = other.txt\n");
	write_file("other.txt", "include_dir .\n");
	write_file("hba.conf", "local all all trust\n");
	conf = conf_load("t.ini", NULL, &err);
	assert_non_null(conf);
	assert_sources(conf, "t.ini . ./hba.conf other.txt ");
	conf_drop(conf);
}

static void
a_text_has_no_files_of_its_own(void **state)
{
	struct conf *conf = good("[pgbouncer]\nauth_type = any\n", NULL);

	(void)state;
	assert_sources(conf, "");
	conf_drop(conf);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		IN_FOLDER(all_files_are_named),
		IN_FOLDER(a_folder_of_rules_is_named_with_its_files),
		IN_FOLDER(a_text_has_no_files_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
