/*
 * ldap_options.c - tests of conf/ldap_options.h: a table of texts and what they mean or
 * lack.
 */
#include "unit/unit.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/mem.h"
#include "conf/ldap_options.h"

/* GOOD as show() writes it; NULL: BAD is what is said. */
struct dialogue {
	const char	*text, *good, *bad;
};

static const struct dialogue dialogues[] = {
	/* bind as a name made of it */
	{ "ldapserver=a ldapprefix=uid= ldapsuffix=,dc=x", "ldap://a:389 [uid=][,dc=x]",
	    NULL },
	{ "  ldapserver=a\tldapprefix=\"cn=\"  ", "ldap://a:389 [cn=][-]", NULL },
	{ "ldapserver=a ldapprefix=\"\" ldapsuffix=\"@x.net\"", "ldap://a:389 [][@x.net]",
	  NULL },
	{ "ldapserver=a ldapprefix=\"CORP\\\"", "ldap://a:389 [CORP\\][-]", NULL },
	{ "ldapserver=a \"ldapsuffix=, dc=x y\"", "ldap://a:389 [-][, dc=x y]", NULL },
	{ "ldapserver=a ldapsuffix=\",o=\"\"x\"\"\"", "ldap://a:389 [-][,o=\"x\"]",
	    NULL },
	{ "ldapserver=a ldapprefix=p ldapport=1389", "ldap://a:1389 [p][-]", NULL },
	{ "ldapserver=\"a b:1 [::1]:2\" ldapprefix=p", "ldap://a b:1 [::1]:2:389 [p][-]",
	  NULL },
	{ "ldapserver=a ldapprefix=p ldapscheme=ldaps", "ldaps://a:636 [p][-]", NULL },
	{ "ldapserver=a ldapprefix=p ldapscheme=ldap ldaptls=1",
	    "ldap://a:389+tls [p][-]", NULL },
	{ "ldapserver=a ldapprefix=p ldaptls=0", "ldap://a:389 [p][-]", NULL },
	{ "ldapserver=a ldapprefix=p ldapserver=b", "ldap://b:389 [p][-]", NULL },
	{ "ldapurl=ldap://a ldapprefix=p", "ldap://a:389 [p][-]", NULL },

	/* search */
	{ "ldapserver=a ldapbasedn=dc=x", "ldap://a:389 dc=x sub (uid) as - -", NULL },
	{ "ldapserver=a ldapbasedn=\"\"", "ldap://a:389  sub (uid) as - -", NULL },
	{ "ldapserver=a ldapbasedn=b ldapsearchattribute=cn ldapbinddn=\"cn=q\" "
	  "ldapbindpasswd=\"a \"\"b\"",
	  "ldap://a:389 b sub (cn) as cn=q a \"b", NULL },
	{ "ldapserver=a ldapbasedn=b ldapsearchfilter=\"(|(uid=$username)(mail=$username))\"",
	  "ldap://a:389 b sub {(|(uid=$username)(mail=$username))} as - -", NULL },
	{ "ldapurl=\"ldap://127.0.0.1:12345/dc=example,dc=net?uid?sub\"",
	  "ldap://127.0.0.1:12345 dc=example,dc=net sub (uid) as - -", NULL },
	{ "\"ldapurl=ldap://a/b?uid?one\"", "ldap://a:389 b one (uid) as - -", NULL },
	{ "ldapurl=ldaps://a/b??base", "ldaps://a:636 b base (uid) as - -", NULL },
	{ "ldapurl=ldap://a/b", "ldap://a:389 b base (uid) as - -", NULL },
	{ "ldapurl=ldap://a/", "ldap://a:389  base (uid) as - -", NULL },
	{ "ldapurl=ldap://a/b?cn", "ldap://a:389 b base (cn) as - -", NULL },
	{ "ldapurl=ldap://a/o=a%20b%3f?cn?sub", "ldap://a:389 o=a b? sub (cn) as - -",
	    NULL },
	{ "ldapurl=ldap://a/b??sub?(uid=$username)",
	  "ldap://a:389 b sub {(uid=$username)} as - -", NULL },
	{ "ldapurl=ldap://[::1]:1389/b ldapbinddn=c",
	    "ldap://[::1]:1389 b base (uid) as c -", NULL },
	{ "ldapurl=ldap:///b?uid?sub ldapserver=c", "ldap://c:389 b sub (uid) as - -",
	  NULL },
	{ "ldapurl=ldap://a/b ldapport=7", "ldap://a:7 b base (uid) as - -", NULL },

	/* words */
	{ "", NULL, "expected ldapserver, or a host in ldapurl" },
	{ "ldapserver", NULL,
	  "expected NAME=VALUE, and values with blanks in double quotes, in character 1" },
	{ "ldapserver=a ldapbindpasswd=my secret", NULL,
	  "expected NAME=VALUE, and values with blanks in double quotes, in character 32" },
	{ "ldapserver=a ldapprefx=p", NULL,
	  "expected an option, the closest is \"ldapprefix\", in character 14" },
	{ "ldapserver=a =p", NULL,
	    "expected an option, such as ldapserver=, and values with "
	  "blanks in double quotes, in character 14" },
	{ "ldapserver=\"a", NULL, "expected a closing double quote, in character 1" },
	{ "ldapserver=a b=\"\"\"", NULL,
	    "expected a closing double quote, in character 14" },

	/* single options */
	{ "ldapserver=", NULL,
	    "expected the name of a host in ldapserver, in character 1" },
	{ "ldapserver=\"  \"", NULL,
	  "expected the name of a host in ldapserver, in character 1" },
	{ "ldapserver=ldap://a", NULL,
	    "expected names of hosts in ldapserver, with blanks "
	  "between; ldapurl takes a URL, in character 1" },
	{ "ldapport=0", NULL,
	    "expected a port from 1 to 65535 in ldapport, in character 1" },
	{ "ldapport=65536", NULL,
	  "expected a port from 1 to 65535 in ldapport, in character 1" },
	{ "ldapport=x", NULL,
	    "expected a port from 1 to 65535 in ldapport, in character 1" },
	{ "ldapscheme=ldapi", NULL,
	    "expected ldap or ldaps in ldapscheme, in character 1" },
	{ "ldaptls=yes", NULL, "expected 0 or 1 in ldaptls, in character 1" },
	{ "ldapsearchattribute=\"u d\"", NULL,
	  "expected the name of one attribute to search for, in character 1" },
	{ "ldapsearchattribute=", NULL,
	  "expected the name of one attribute to search for, in character 1" },
	{ "ldapurl=http://a", NULL,
	    "expected ldap:// or ldaps:// in ldapurl, in character 1" },
	{ "ldapurl=ldapi://a", NULL,
	    "expected ldap:// or ldaps:// in ldapurl, in character 1" },
	{ "ldapurl=ldap://a:x/b", NULL,
	  "expected a port from 1 to 65535 in ldapurl, in character 1" },
	{ "ldapurl=ldap://a/b%2", NULL,
	  "expected two hex digits behind each % in ldapurl, in character 1" },
	{ "ldapurl=ldap://a/b%00", NULL,
	  "expected two hex digits behind each % in ldapurl, in character 1" },
	{ "ldapurl=ldap://a/b?x,y", NULL,
	  "expected the name of one attribute to search for, in character 1" },
	{ "ldapurl=ldap://a/b?x?all", NULL,
	  "expected base, one or sub as the scope in ldapurl, in character 1" },
	{ "ldapurl=ldap://a/b????e", NULL,
	  "expected no extensions in ldapurl, in character 1" },

	/* together */
	{ "ldapserver=a", NULL, "expected ldapprefix, ldapsuffix or ldapbasedn" },
	{ "ldapprefix=p", NULL, "expected ldapserver, or a host in ldapurl" },
	{ "ldapserver=a ldapprefix=p ldapbasedn=b", NULL,
	    "expected ldapprefix and ldapsuffix, "
	  "or the options of a search (ldapbasedn, ...), not both" },
	{ "ldapserver=a ldapsuffix=p ldapsearchattribute=b", NULL,
	    "expected ldapprefix and "
	  "ldapsuffix, or the options of a search (ldapbasedn, ...), not both" },
	{ "ldapserver=a ldapbinddn=b", NULL,
	    "expected ldapprefix, ldapsuffix or ldapbasedn" },
	{ "ldapserver=a ldapbasedn=b ldapbindpasswd=s", NULL,
	  "expected ldapbinddn beside ldapbindpasswd" },
	{ "ldapserver=a ldapbasedn=b ldapsearchattribute=u ldapsearchfilter=$username",
	    NULL, "expected ldapsearchattribute or ldapsearchfilter, not both" },
	{ "ldapserver=a ldapbasedn=b ldapsearchfilter=(uid=bob)", NULL,
	  "expected $username in ldapsearchfilter, where the name goes" },
	{ "ldapserver=a ldapprefix=p ldapscheme=ldaps ldaptls=1", NULL,
	  "expected ldaptls=1 or ldaps, not both" },
};

static const char *
or_none(const char *text)
{
	return text != NULL ? text : "-";
}

static void
show(const struct ldap_options *o, struct buf *out)
{
	static const char *const scopes[] = { "sub", "one", "base" };

	buf_printf(out, "%s://%s:%u%s ", o->ldaps ? "ldaps" : "ldap", o->server,
	    (unsigned)o->port, o->starttls ? "+tls" : "");
	if (!ldap_options_search(o)) {
		buf_printf(out, "[%s][%s]", or_none(o->prefix), or_none(o->suffix));
		return;
	}
	buf_printf(out, "%s %s %c%s%c as %s %s", o->basedn, scopes[o->scope],
	    o->filter != NULL ? '{' : '(', o->filter != NULL ? o->filter : o->attribute,
	    o->filter != NULL ? '}' : ')', or_none(o->binddn), or_none(o->bindpasswd));
}

static void
texts_mean_this(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(dialogues); i++) {
		const struct dialogue *d = &dialogues[i];
		size_t len = strlen(d->text);
		char *text = exact_copy(d->text, len), why[160];
		struct ldap_options o;
		struct buf shown = { 0 };

		if (ldap_options_parse(&o, span_of(text, len), why, sizeof(why)))
			show(&o, &shown);
		if (strcmp(buf_text(&shown), d->good != NULL ? d->good : "") != 0)
			fail_msg("%s: expected %s, got %s (%s)", d->text,
			    or_none(d->good), buf_text(&shown), why);
		assert_string_equal(why, d->bad != NULL ? d->bad : "");
		ldap_options_fini(&o);
		ldap_options_fini(&o);
		buf_fini(&shown);
		free(text);
	}
}

static void
limits(void **state)
{
	char text[LDAP_OPTIONS_MOST + 2], why[160];
	struct ldap_options o;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "ldapserver=a ldapprefix=", 24);
	assert_true(
	    ldap_options_parse(&o, span_of(text, LDAP_OPTIONS_MOST), why, sizeof(why)));
	assert_int_equal(strlen(o.prefix), LDAP_OPTIONS_MOST - 24);
	ldap_options_fini(&o);
	assert_false(
	    ldap_options_parse(&o, span_of(text, sizeof(text) - 1), why, sizeof(why)));
	assert_string_equal(why, "expected at most 1023 bytes of options");
	assert_false(
	    ldap_options_parse(&o, span_of("ldapserver=\0", 12), why, sizeof(why)));
	assert_string_equal(why, "expected no NUL in the options");
	/* the most words there can be */
	for (size_t i = 0; i < LDAP_OPTIONS_MOST; i++)
		text[i] = i % 2 ? ' ' : 'x';
	assert_false(
	    ldap_options_parse(&o, span_of(text, LDAP_OPTIONS_MOST), why, sizeof(why)));
}

static void
no_memory_has_no_reason(void **state)
{
	char why[160] = "x";
	struct ldap_options o;

	(void)state;
	mem_fail_after(1);
	assert_false(
	    ldap_options_parse(&o, SPAN_LITERAL("ldapserver=a"), why, sizeof(why)));
	assert_string_equal(why, "");
	assert_null(o.server);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(texts_mean_this),
		UNIT_TEST(limits),
		UNIT_TEST(no_memory_has_no_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
