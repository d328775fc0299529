/*
 * outside.c - what is refused before anybody is asked, for PAM, LDAP and lookups alike, and
 * what happens without memory. Real judges and servers are for the system tests.
 */
#include "unit/unit.h"

#include "auth/clerk.h"
#include "auth/lookup.h"
#include "auth/outside.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "net/loop.h"

#define SIMPLE "ldapserver=a ldapprefix=uid= ldapsuffix=,dc=x"
#define DOMAIN "ldapserver=a ldapprefix=CORP\\"
#define SEARCH "ldapserver=a ldapbasedn=dc=x"
#define LONG127                                                                            \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

/* A box nobody has to open: what is asked is dropped at the end. */
struct world {
	struct loop	*loop;
	struct mailbox	*home;
	struct clerks	*clerks;
	struct lookup	*lookup;
	struct conf	*conf;
};

static void
setup(struct world *w)
{
	struct err e;

	w->loop = loop_new(NULL);
	w->home = mailbox_new(w->loop, w, NULL);
	w->clerks = clerks_new(NULL);
	w->lookup = lookup_new(w->clerks, NULL);
	w->conf = conf_parse(SPAN_LITERAL(
				 "[databases]\napp = host=127.0.0.1\n[pgbouncer]\n"),
	    "t.ini", NULL, &e);
	assert_non_null(w->conf);
}

static void
teardown(struct world *w)
{
	clerks_stop(w->clerks, 20 * SECOND);
	lookup_free(w->lookup);
	clerks_free(w->clerks);
	mailbox_free(w->home);
	loop_free(w->loop);
	conf_drop(w->conf);
}

static void
never(struct letter *letter, void *receiver)
{
	(void)letter;
	(void)receiver;
	fail_msg("expected no answer, as the loop does not turn");
}

/* --- PAM and LDAP --- */

struct dialogue {
	const char	*options;	/* NULL: PAM */
	const char	*user, *password;
	const char	*refused;	/* NULL: it is asked */
};

static const struct dialogue dialogues[] = {
	{ SIMPLE, "", "x", "expected a user name of 1 to 127 bytes, got 0" },
	{ NULL, LONG127 "x", "x", "expected a user name of 1 to 127 bytes, got 128" },
	{ NULL, "bob", "", "expected a password, got none" },
	{ SIMPLE, "bob", "", "expected a password, got none" },
	{ SEARCH, "bob", "", "expected a password, got none" },
	{ "", "bob", "x", "LDAP options: expected ldapserver, or a host in ldapurl" },
	{ SEARCH, "b*", "x", "LDAP: expected a user name without any of *()\\/" },
	{ SEARCH, "b(", "x", "LDAP: expected a user name without any of *()\\/" },
	{ SEARCH, "b)", "x", "LDAP: expected a user name without any of *()\\/" },
	{ SEARCH, "b\\", "x", "LDAP: expected a user name without any of *()\\/" },
	{ SEARCH, "b/", "x", "LDAP: expected a user name without any of *()\\/" },
	{ SIMPLE, "b,c", "x", "LDAP: expected a user name without any of ,+\"\\<>;=#" },
	{ SIMPLE, "b=c", "x", "LDAP: expected a user name without any of ,+\"\\<>;=#" },
};

static void
what_cannot_be_asked_is_refused(void **state)
{
	struct world w;

	(void)state;
	if (!WITH_PAM || !WITH_LDAP)
		skip();
	setup(&w);
	for (size_t i = 0; i < ARRAY_SIZE(dialogues); i++) {
		const struct dialogue *d = &dialogues[i];
		struct outside_ask ask = {
			.kind = d->options == NULL ? OUTSIDE_PAM : OUTSIDE_LDAP,
			.options = d->options,
			.user = span_text(d->user),
			.password = span_text(d->password),
			.timeout = SECOND,
			.home = w.home,
			.open = never,
		};
		struct err e = { .text = "" };

		assert_false(outside_ask(w.clerks, &ask, &e));
		assert_string_equal(e.text, d->refused);
	}
	teardown(&w);
}

static void
zero_bytes_are_refused(void **state)
{
	struct world w;
	struct outside_ask ask = { .kind = OUTSIDE_PAM,
		.user = SPAN_LITERAL("bo\0b"),
		.password = SPAN_LITERAL("x"),
		.timeout = SECOND,
		.open = never };
	struct err e;

	(void)state;
	if (!WITH_PAM)
		skip();
	setup(&w);
	ask.home = w.home;
	assert_false(outside_ask(w.clerks, &ask, &e));
	assert_string_equal(e.text, "expected a user name without NUL");
	ask.user = SPAN_LITERAL("bob");
	ask.password = SPAN_LITERAL("x\0y");
	assert_false(outside_ask(w.clerks, &ask, &e));
	assert_string_equal(e.text, "expected a password without NUL");
	teardown(&w);
}

static void
without_memory_nobody_is_asked(void **state)
{
	struct world w;
	struct outside_ask ask = { .kind = OUTSIDE_LDAP,
		.options = DOMAIN,
		.user = SPAN_LITERAL("a,b"),
		.password = SPAN_LITERAL("x"),
		.timeout = 1,
		.open = never };
	struct err e;
	unsigned after = 1;

	(void)state;
	if (!WITH_LDAP)
		skip();
	setup(&w);
	ask.home = w.home;
	for (;; after++) {
		bool asked;

		mem_fail_after(after);
		asked = outside_ask(w.clerks, &ask, &e);
		mem_fail_after(0);
		if (asked)
			break;
		assert_true(strstr(e.text, "out of memory") != NULL);
	}
	assert_true(after > 4);
	teardown(&w);
}

/* --- lookups --- */

static struct lookup_ask
good_lookup(const struct world *w)
{
	return (struct lookup_ask){ .conf = w->conf,
		.db = conf_database(w->conf, SPAN_LITERAL("app")),
		.dbname = SPAN_LITERAL("app"),
		.user = SPAN_LITERAL("pooler"),
		.secret = SPAN_LITERAL("secret"),
		.query = "select $1, $1",
		.name = SPAN_LITERAL("bob"),
		.timeout = 1,
		.home = w->home,
		.open = never };
}

static void
assert_lookup_refused(struct world *w, const struct lookup_ask *ask, const char *why)
{
	struct err e = { .text = "" };

	assert_false(lookup_ask(w->lookup, ask, &e));
	assert_string_equal(e.text, why);
}

static void
bad_lookups_are_refused(void **state)
{
	struct world w;
	struct lookup_ask ask;

	(void)state;
	setup(&w);
	ask = good_lookup(&w);
	ask.name = SPAN_LITERAL("");
	assert_lookup_refused(&w, &ask, "expected a user name of 1 to 63 bytes, got 0");
	ask.name = span_of(LONG127, 64);
	assert_lookup_refused(&w, &ask, "expected a user name of 1 to 63 bytes, got 64");
	ask.name = SPAN_LITERAL("a\0b");
	assert_lookup_refused(&w, &ask, "expected a user name without NUL");
	ask = good_lookup(&w);
	ask.user = SPAN_LITERAL("");
	assert_lookup_refused(&w, &ask, "auth_query: expected auth_user and a database");
	ask = good_lookup(&w);
	ask.dbname = SPAN_LITERAL("");
	assert_lookup_refused(&w, &ask, "auth_query: expected auth_user and a database");
	ask = good_lookup(&w);
	ask.secret = SPAN_LITERAL("a\0b");
	assert_lookup_refused(&w, &ask,
	    "auth_query: expected names and a secret without NUL");
	ask = good_lookup(&w);
	ask.query = "";
	assert_lookup_refused(&w, &ask, "auth_query: expected a query, got none");
	teardown(&w);
}

static void
without_memory_nothing_is_looked_up(void **state)
{
	struct world w;
	struct lookup_ask ask;
	struct err e;
	unsigned after = 1;

	(void)state;
	setup(&w);
	ask = good_lookup(&w);
	for (;; after++) {
		bool asked;

		mem_fail_after(after);
		asked = lookup_ask(w.lookup, &ask, &e);
		mem_fail_after(0);
		if (asked)
			break;
		assert_string_equal(e.sqlstate, SQLSTATE_NO_MEMORY);
	}
	assert_true(after > 6);
	teardown(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(what_cannot_be_asked_is_refused),
		UNIT_TEST(zero_bytes_are_refused),
		UNIT_TEST(without_memory_nobody_is_asked),
		UNIT_TEST(bad_lookups_are_refused),
		UNIT_TEST(without_memory_nothing_is_looked_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
