/*
 * build_hba.c - tests of a conf's rules: when they are read, kept, refused.
 */
#include "unit/conf/parts.h"

#include "conf/hba.h"

static const char text[] = "[pgbouncer]\nauth_type = hba\nauth_hba_file = hba.conf\n";
static const char mapped[] = "[pgbouncer]\nauth_type = hba\nauth_hba_file = hba.conf\n"
			     "auth_ident_file = ident.conf\n";

/* The error of TEXT, which must be bad. */
static void
assert_refused(const char *ini, const struct conf_override *overrides, const char *error)
{
	struct err err = { 0 };

	assert_null(conf_parse(span_text(ini), "t.ini", overrides, &err));
	assert_string_equal(err.text, error);
}

static bool
warned(const struct conf *conf, const char *warning)
{
	for (size_t i = 0; i < conf->n_warnings; i++) {
		if (strcmp(conf->warnings[i], warning) == 0)
			return true;
	}
	return false;
}

static void
rules_come_with_auth_type_hba_only(void **state)
{
	struct conf *conf = good("[pgbouncer]\nauth_hba_file = none\n", NULL);

	(void)state;
	assert_null(conf->hba);
	conf_drop(conf);
	write_file("hba.conf", "local all all trust\n");
	conf = good(text, NULL);
	assert_int_equal(conf->hba->count, 1);
	assert_null(conf->hba->ident);
	conf_drop(conf);
}

static void
what_is_missing_is_named(void **state)
{
	(void)state;
	assert_refused("[pgbouncer]\nauth_type = hba\n", NULL,
	    "auth_type hba: expected auth_hba_file beside it");
	assert_refused(text, NULL, "cannot read \"hba.conf\": No such file or directory");
	write_file("hba.conf", "local all all trust\n");
	assert_refused(mapped, NULL, "cannot read \"ident.conf\": No such file or directory");
	write_file("ident.conf", "m root\n");
	assert_refused(mapped, NULL, "ident.conf:1: expected three columns of one word each: "
	    "map, system user, database user");
	write_file("ident.conf", "m root bob\n");
	write_file("hba.conf", "local all all peer map=n\n");
	assert_refused(mapped, NULL,
	    "hba.conf:1: map: expected one that auth_ident_file has, got \"n\"");
}

static void
a_reload_reads_again_or_changes_nothing(void **state)
{
	struct conf_override reload = { 0 };
	struct conf *before, *now;

	(void)state;
	write_file("hba.conf", "local all all peer map=m\n");
	write_file("ident.conf", "m root bob\n");
	before = good(mapped, NULL);
	reload.before = before;
	write_file("hba.conf", "local all all peer map=m\nhost all all all rejct\n");
	assert_refused(mapped, &reload, "hba.conf:2: expected a method (trust, reject, md5, "
	    "password, scram-sha-256, peer, cert, ldap or pam), got \"rejct\", closest is "
	    "reject");
	assert_int_equal(before->hba->count, 1);
	write_file("hba.conf", "local all all peer map=m\nhost all all all reject\n");
	write_file("ident.conf", "m root al\n");
	now = good(mapped, &reload);
	assert_int_equal(now->hba->count, 2);
	assert_true(ident_allows(now->hba, "m", SPAN_LITERAL("root"), SPAN_LITERAL("al")));
	assert_true(ident_allows(before->hba, "m", SPAN_LITERAL("root"),
	    SPAN_LITERAL("bob")));
	conf_drop(before);
	conf_drop(now);
}

/* CONF with KEY = VALUE; CONF is dropped. NULL: refused with ERROR. */
static struct conf *
with(struct conf *conf, const char *key, const char *value, const char *error)
{
	struct err err = { 0 };
	struct conf *changed = conf_set(conf, span_text(key), span_text(value), &err);

	assert_string_equal(err.text, error);
	if (changed == NULL)
		return conf;
	conf_drop(conf);
	return changed;
}

static void
set_reads_what_it_needs(void **state)
{
	struct conf *conf = good("[pgbouncer]\n", NULL);
	const struct hba *kept;

	(void)state;
	conf = with(conf, "auth_type", "hba",
	    "auth_type hba: expected auth_hba_file beside it");
	conf = with(conf, "auth_hba_file", "hba.conf", "");
	conf = with(conf, "auth_type", "hba",
	    "cannot read \"hba.conf\": No such file or directory");
	assert_int_equal(conf->auth_type, AUTH_TYPE_MD5);
	write_file("hba.conf", "local all all md5\nhost a all none.invalid@ md5\n");
	conf = with(conf, "auth_type", "hba", "hba.conf:2: address: expected an address, "
	    "all, samehost, samenet or a host's name, got \"none.invalid@\"");
	write_file("hba.conf", "local all all md5\nhostssl all all all md5\n");
	conf = with(conf, "auth_type", "hba", "");
	assert_int_equal(conf->hba->count, 2);
	assert_int_equal(conf->n_warnings, 1);
	assert_string_equal(conf->warnings[0], "hba.conf:2: hostssl matches nobody, as "
	    "client_tls_sslmode is disable");
	kept = conf->hba;
	unlink("hba.conf");
	conf = with(conf, "default_pool_size", "7", "");
	assert_ptr_equal(conf->hba, kept);
	assert_int_equal(conf->n_warnings, 0);
	write_file("other.txt", "local all all trust\n");
	conf = with(conf, "auth_hba_file", "other.txt", "");
	assert_int_equal(conf->hba->count, 1);
	conf = with(conf, "auth_ident_file", "ident.conf",
	    "cannot read \"ident.conf\": No such file or directory");
	conf = with(conf, "auth_type", "md5", "");
	assert_null(conf->hba);
	conf_drop(conf);
}

/* What a reload of "mapped" says when the files hold RULES and MAPS; *CONF is replaced. */
static void
assert_reload_says(struct conf **conf, const char *rules, const char *maps,
    const char *says)
{
	struct conf_override reload = { .before = *conf };
	struct buf notes = { 0 };
	struct conf *now;

	write_file("hba.conf", rules);
	write_file("ident.conf", maps);
	now = good(mapped, &reload);
	conf_changes(*conf, now, &notes);
	assert_string_equal(buf_text(&notes), says);
	buf_fini(&notes);
	conf_drop(*conf);
	*conf = now;
}

static void
a_reload_says_whether_rules_changed(void **state)
{
	static const char both[] = "applied: rules or maps of auth_type hba: 2 rules before, "
				   "2 now\n";
	struct conf *conf;

	(void)state;
	write_file("hba.conf", "local all all peer map=m\n");
	write_file("ident.conf", "m root bob\n");
	conf = good(mapped, NULL);
	assert_reload_says(&conf, "# new\nlocal  all all peer map=m\n", "m root bob\n", "");
	assert_reload_says(&conf, "local all all peer map=m\nhost a b ::1/128 md5\n",
	    "m root bob\n", "applied: rules or maps of auth_type hba: 1 rules before, 2 now\n");
	assert_reload_says(&conf, "local all all peer map=m\nhost a b ::2/128 md5\n",
	    "m root bob\n", both);
	assert_reload_says(&conf, "local all all peer map=m\nhost a b ::2/127 md5\n",
	    "m root bob\n", both);
	assert_reload_says(&conf, "local all all peer map=m\nhost a b,c ::2/127 md5\n",
	    "m root bob\n", both);
	assert_reload_says(&conf, "local all all peer map=m\nhost a b,d ::2/127 md5\n",
	    "m root bob\n", both);
	assert_reload_says(&conf, "local all all peer map=m\nhost \"all\" b,d ::2/127 md5\n",
	    "m root bob\n", both);
	assert_reload_says(&conf, "local all all peer map=m\nhost all b,d ::2/127 md5\n",
	    "m root bob\n", both);
	assert_reload_says(&conf, "local all all peer\nhost all b,d ::2/127 md5\n",
	    "m root bob\n", both);
	assert_reload_says(&conf, "local all all peer\nhost all b,d ::2/127 md5\n",
	    "m root \"all\"\n", both);
	assert_reload_says(&conf, "local all all peer\nhost all b,d ::2/127 md5\n",
	    "m root all\n", both);
	assert_reload_says(&conf, "local all all peer\nhost all b,d ::2/127 md5\n",
	    "# x\nm root all\n", "");
	conf_drop(conf);
}

static void
what_nobody_can_pass_is_said(void **state)
{
	struct conf *conf;

	(void)state;
	write_file("hba.conf", "hostssl all all all md5\nhost all all all cert\n"
			       "hostgssenc all all all gss\n");
	conf = good(text, NULL);
	assert_true(warned(conf,
	    "hba.conf:1: hostssl matches nobody, as client_tls_sslmode is disable"));
	assert_true(warned(conf, "hba.conf:2: nobody can pass it: expected client_tls_ca_file "
	    "and a client_tls_sslmode beside it"));
	assert_true(warned(conf, "hba.conf:3: hostgssenc never matches, as connections are "
	    "never encrypted by GSSAPI: the line is left out"));
	conf_drop(conf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(rules_come_with_auth_type_hba_only),
		IN_FOLDER(what_is_missing_is_named),
		IN_FOLDER(a_reload_reads_again_or_changes_nothing),
		IN_FOLDER(set_reads_what_it_needs),
		IN_FOLDER(a_reload_says_whether_rules_changed),
		IN_FOLDER(what_nobody_can_pass_is_said),
	};

	return cmocka_run_group_tests_name("conf/build_hba", tests, NULL, NULL);
}
