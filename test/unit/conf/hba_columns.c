/*
 * hba_columns.c - tests of hba_address.c and hba_method.c: the last columns of
 * pg_hba.conf.
 */
#include "unit/conf/hba_dialogue.h"

static void
addresses_are_read(void **state)
{
	static const struct dialogue dialogues[] = {
		{ "host all all 10.0.0.0/8 md5", "host ALL ALL 10.0.0.0/8 md5", NULL },
		{ "host all all 0.0.0.0/0 md5", "host ALL ALL 0.0.0.0/0 md5", NULL },
		{ "host all all ::/0 md5", "host ALL ALL ::/0 md5", NULL },
		{ "host all all 10.1.2.3/32 md5", "host ALL ALL 10.1.2.3/32 md5", NULL },
		{ "host all all \"10.1.2.3/32\" md5", "host ALL ALL 10.1.2.3/32 md5", NULL },
		{ "host all all 2001:DB8::/32 md5", "host ALL ALL 2001:db8::/32 md5", NULL },
		{ "host all all 10.0.0.0 255.0.0.0 md5", "host ALL ALL 10.0.0.0/8 md5", NULL },
		{ "host all all 10.1.2.3 255.255.255.255 md5", "host ALL ALL 10.1.2.3/32 md5",
		  NULL },
		{ "host all all 0.0.0.0 0.0.0.0 md5", "host ALL ALL 0.0.0.0/0 md5", NULL },
		{ "host all all fe80:: ffc0:: md5", "host ALL ALL fe80::/10 md5", NULL },
		{ "host all all ::ffff:10.0.0.0/104 md5",
		  "host ALL ALL ::ffff:10.0.0.0/104 md5", NULL },
		{ "host all all samehost md5",
		  "host ALL ALL samehost[10.1.2.3/32][fe80::1/128][10.9.9.9/32] md5", NULL },
		{ "host all all samenet md5",
		  "host ALL ALL samenet[10.1.2.3/16][fe80::1/64][10.9.9.9/32] md5", NULL },
		{ "host all all db.example.com md5",
		  "host ALL ALL db.example.com[192.0.2.7/32][2001:db8::7/128] md5", NULL },
		{ "host all all \"all\" md5", "host ALL ALL all[192.0.2.9/32] md5", NULL },
		{ "host a all samenet md5\nhost all all \"samenet\" md5",
		  "host a ALL samenet[10.1.2.3/16][fe80::1/64][10.9.9.9/32] md5|host ALL ALL "
		  "samenet[192.0.2.9/32] md5", NULL },
		{ "host all all none.example.com md5\nhost all all none.example.com md5",
		  "host ALL ALL none.example.com md5|host ALL ALL none.example.com md5", NULL },
		{ "host all all bare md5", "host ALL ALL bare md5", NULL },
	};

	(void)state;
	check_all(dialogues, ARRAY_SIZE(dialogues));
}

#define LIKE "expected an address like 10.0.0.0/8 or 2001:db8::/32, got "

static void
slips_in_addresses_are_refused(void **state)
{
	static const struct dialogue dialogues[] = {
		{ "host all all 10.0.0.5/8 md5", "",
		  "dir/hba:1: address: expected 10.0.0.0/8, or 10.0.0.5/32 for one address, "
		  "got 10.0.0.5/8 with bits beyond its mask" },
		{ "host all all 10.0.0.5 255.0.0.0 md5", "",
		  "dir/hba:1: address: expected 10.0.0.0/8, or 10.0.0.5/32 for one address, "
		  "got 10.0.0.5 with bits beyond its mask" },
		{ "host all all ::1/0 md5", "",
		  "dir/hba:1: address: expected ::/0, or ::1/128 for one address, got ::1/0 "
		  "with bits beyond its mask" },
		{ "host all all 10.0.0.1 md5", "",
		  "dir/hba:1: address: expected 10.0.0.1/32 for this one address, or a mask "
		  "behind it" },
		{ "host all all ::1", "",
		  "dir/hba:1: address: expected ::1/128 for this one address, or a mask behind "
		  "it" },
		{ "host all all 10.0.0.0 ffff:: md5", "",
		  "dir/hba:1: address: expected a mask like 255.255.255.0 behind 10.0.0.0, got "
		  "ffff::" },
		{ "host all all 10.0.0.0 255.0.255.0 md5", "",
		  "dir/hba:1: address: expected a mask like 255.255.255.0 behind 10.0.0.0, got "
		  "255.0.255.0" },
		{ "host all all ::1 255.0.0.0 md5", "",
		  "dir/hba:1: address: expected a mask like ffff:ffff:ffff:ffff:: behind ::1, "
		  "got 255.0.0.0" },
		{ "host all all 10.0.0.0/33 md5", "",
		  "dir/hba:1: address: expected 0 to 32 behind the / of 10.0.0.0/33" },
		{ "host all all ::/129 md5", "",
		  "dir/hba:1: address: expected 0 to 128 behind the / of ::/129" },
		{ "host all all 10.0.0.0/ md5", "",
		  "dir/hba:1: address: expected 0 to 32 behind the / of 10.0.0.0/" },
		{ "host all all 10.0.0.0/+8 md5", "",
		  "dir/hba:1: address: expected 0 to 32 behind the / of 10.0.0.0/+8" },
		{ "host all all 10.0.0.0/8/8 md5", "",
		  "dir/hba:1: address: expected 0 to 32 behind the / of 10.0.0.0/8/8" },
		{ "host all all 10.0.0.0/4294967304 md5", "",
		  "dir/hba:1: address: expected 0 to 32 behind the / of 10.0.0.0/4294967304" },
		{ "host all all 10.0.0/8 md5", "", "dir/hba:1: address: " LIKE "\"10.0.0/8\"" },
		{ "host all all 10.1 md5", "", "dir/hba:1: address: " LIKE "\"10.1\"" },
		{ "host all all 256.0.0.1/32 md5", "",
		  "dir/hba:1: address: " LIKE "\"256.0.0.1/32\"" },
		{ "host all all fe80::1%lo/64 md5", "",
		  "dir/hba:1: address: " LIKE "\"fe80::1%lo/64\"" },
		{ "host all all db.example.com/32 md5", "",
		  "dir/hba:1: address: " LIKE "\"db.example.com/32\"" },
		{ "host all all .example.com md5", "",
		  "dir/hba:1: address: expected a whole name, got the suffix \".example.com\": "
		  "list the hosts or their network" },
		{ "host all all a*b md5", "",
		  "dir/hba:1: address: expected an address, all, samehost, samenet or a host's "
		  "name, got \"a*b\"" },
		{ "host all all ALL md5", "",
		  "dir/hba:1: address: expected all, or \"ALL\" in quotes if it is a host's "
		  "name" },
		{ "host all all SameNet md5", "",
		  "dir/hba:1: address: expected samenet, or \"SameNet\" in quotes if it is a "
		  "host's name" },
		{ "host all all 10.0.0.0/8,::/0 md5", "",
		  "dir/hba:1: address: expected one, found a list: write a line for each" },
		{ "host all all \"\" md5", "",
		  "dir/hba:1: address: expected it without quotes, got \"\"" },
		{ "host all all none.example.com reject", "",
		  "dir/hba:1: address: cannot find host \"none.example.com\" (name not known), "
		  "so nobody would be rejected: expected addresses or a name that is known" },
		{ "host all all none.example.com md5\nhost all all none.example.com reject", "",
		  "dir/hba:2: address: cannot find host \"none.example.com\" (name not known), "
		  "so nobody would be rejected: expected addresses or a name that is known" },
	};

	(void)state;
	check_all(dialogues, ARRAY_SIZE(dialogues));
}

#define METHODS "(trust, reject, md5, password, scram-sha-256, peer, cert, ldap or pam)"

static void
methods_are_read(void **state)
{
	static const struct dialogue dialogues[] = {
		{ "local a a trust\nlocal a a reject\nlocal a a md5\nlocal a a password\n"
		  "local a a scram-sha-256\nlocal a a peer\nhost a a all cert\n"
		  "local a a ldap ldapserver=x ldapprefix=y\nlocal a a pam",
		  "local a a trust|local a a reject|local a a md5|local a a password|local a a "
		  "scram-sha-256|local a a peer|host a a ALL cert|local a a ldap "
		  "<ldapserver=x ldapprefix=y>|local a a pam", NULL },
		{ "hostssl a a all cert", "hostssl a a ALL cert", NULL },
		{ "local a a cert", "",
		  "dir/hba:1: cert works over TLS only: expected it on a line that begins with "
		  "hostssl" },
		{ "hostnossl a a all cert", "",
		  "dir/hba:1: cert works over TLS only: expected it on a line that begins with "
		  "hostssl" },
		{ "host a a all peer", "",
		  "dir/hba:1: peer works over unix sockets only: expected it on a line that "
		  "begins with local" },
		{ "local a a md", "",
		  "dir/hba:1: expected a method " METHODS ", got \"md\", closest is md5" },
		{ "local a a MD5", "", "dir/hba:1: expected a method " METHODS ", got \"MD5\", closest is md5" },
		{ "local a a scram-sha-265", "",
		  "dir/hba:1: expected a method " METHODS ", got \"scram-sha-265\", closest is "
		  "scram-sha-256" },
		{ "local a a md5,trust", "", "dir/hba:1: expected one method, got a list" },
		{ "host a a all ident", "",
		  "dir/hba:1: ident is not there, as no ident server is asked: expected peer on "
		  "local lines, else scram-sha-256 or cert" },
		{ "host a a all gss", "",
		  "dir/hba:1: gss is not there: expected scram-sha-256, cert or ldap" },
		{ "host a a all sspi", "",
		  "dir/hba:1: sspi is not there: expected scram-sha-256, cert or ldap" },
		{ "host a a all radius radiusservers=x", "",
		  "dir/hba:1: radius is not there: expected pam with a RADIUS module" },
		{ "host a a all bsd", "", "dir/hba:1: bsd is not there: expected pam" },
		{ "host a a all oauth", "",
		  "dir/hba:1: oauth is not there: expected scram-sha-256, cert or ldap" },
		{ "host a a all any", "",
		  "dir/hba:1: any is no method of a line, only of auth_type: expected trust" },
		{ "host a a all plain", "",
		  "dir/hba:1: plain is no method of a line, only of auth_type: expected "
		  "password" },
	};

	(void)state;
	check_all(dialogues, ARRAY_SIZE(dialogues));
}

static void
options_are_read(void **state)
{
	static const struct dialogue dialogues[] = {
		{ "local a a peer map=m", "local a a peer map=m", NULL },
		{ "local a a peer map=\"a b\"", "local a a peer map=a b", NULL },
		{ "local a a peer \"map=a b\"", "local a a peer map=a b", NULL },
		{ "hostssl a a all cert map=m clientcert=verify-full clientname=CN",
		  "hostssl a a ALL cert verify-full map=m", NULL },
		{ "hostssl a a all md5 clientcert=verify-ca", "hostssl a a ALL md5 verify-ca",
		  NULL },
		{ "hostssl a a all trust clientcert=verify-full",
		  "hostssl a a ALL trust verify-full", NULL },
		{ "local a a pam pamservice=db pam_use_hostname=0", "local a a pam service=db",
		  NULL },
		{ "local a a ldap ldapserver=x ldapport=1 \\\n ldaptls=1 ldapprefix=\"cn=\" "
		  "ldapsuffix=\", dc=net\"",
		  "local a a ldap <ldapserver=x ldapport=1 ldaptls=1 ldapprefix=cn= "
		  "ldapsuffix=\", dc=net\">", NULL },
		{ "local a a ldap ldapserver=x,ldapport=1 ldapbasedn=\"dc=a,dc=b\" "
		  "ldapbinddn=z ldapbindpasswd=\"a\"\"b #\"",
		  "local a a ldap <ldapserver=x ldapport=1 ldapbasedn=\"dc=a,dc=b\" "
		  "ldapbinddn=z ldapbindpasswd=\"a\"\"b #\">", NULL },
		{ "hostssl a a all ldap ldapurl=ldaps://x/y clientcert=verify-ca",
		  "hostssl a a ALL ldap verify-ca <ldapurl=ldaps://x/y>", NULL },
		{ "local a a peer map=n", "",
		  "dir/hba:1: map: expected one that auth_ident_file has, got \"n\"" },
		{ "local a a md5 map=m", "",
		  "dir/hba:1: map: expected it behind peer or cert only" },
		{ "local a a peer map=m map=m", "",
		  "dir/hba:1: map: expected it once, got it again" },
		{ "local a a peer map=", "", "dir/hba:1: map: expected a value behind =" },
		{ "local a a peer map", "",
		  "dir/hba:1: expected NAME=VALUE behind the method; a value with commas or "
		  "blanks needs quotes" },
		{ "local a a peer mapp=m", "",
		  "dir/hba:1: unknown option \"mapp\", closest is map; a value with commas or "
		  "blanks needs quotes" },
		{ "host a a all md5 clientcert=verify-ca", "",
		  "dir/hba:1: clientcert: expected it on lines that begin with hostssl only" },
		{ "hostssl a a all md5 clientcert=1", "",
		  "dir/hba:1: clientcert: expected verify-ca or verify-full" },
		{ "hostssl a a all cert clientcert=verify-ca", "",
		  "dir/hba:1: clientcert: expected verify-full, as the method is cert" },
		{ "hostssl a a all cert clientname=DN", "",
		  "dir/hba:1: clientname: expected CN: whole distinguished names are not "
		  "compared" },
		{ "local a a md5 pamservice=x", "",
		  "dir/hba:1: pamservice: expected it behind pam only" },
		{ "local a a pam pam_use_hostname=1", "",
		  "dir/hba:1: pam_use_hostname: expected 0: PAM is told the client's address" },
		{ "local a a md5 ldapserver=x", "",
		  "dir/hba:1: ldapserver: expected it behind ldap only" },
		{ "local a a ldap", "", "dir/hba:1: ldap: expected ldapserver, or a host in ldapurl" },
		{ "local a a ldap ldapserver=x", "",
		  "dir/hba:1: ldap: expected ldapprefix, ldapsuffix or ldapbasedn" },
		{ "local a a ldap ldapserver=x ldapbasedn=dc=a,dc=b", "",
		  "dir/hba:1: unknown option \"dc\"; a value with commas or blanks needs "
		  "quotes" },
		{ "local a a ldap ldapserver=x ldapbindpasswd=a b", "",
		  "dir/hba:1: expected NAME=VALUE behind the method; a value with commas or "
		  "blanks needs quotes" },
	};

	(void)state;
	check_all(dialogues, ARRAY_SIZE(dialogues));
}

static void
secrets_are_not_shown(void **state)
{
	struct err err = { 0 };
	struct hba *hba = hba_read(SPAN_LITERAL("host \"all\",b,all \"a b\",\"+c\" samehost "
	    "ldap ldapserver=\"x y\" ldapbasedn=z ldapbinddn=q ldapbindpasswd=geheim"), "h",
	    NULL, &test_world, &err);
	struct buf shown = { 0 };

	(void)state;
	assert_non_null(hba);
	assert_string_equal(hba->rules[0].shown, "ldapserver=\"x y\" ldapbasedn=z "
	    "ldapbinddn=q ldapbindpasswd=********");
	assert_non_null(strstr(hba->rules[0].options, "ldapbindpasswd=geheim"));
	hba_list_show(&hba->rules[0].databases, &shown);
	buf_put_byte(&shown, ' ');
	hba_list_show(&hba->rules[0].users, &shown);
	buf_put_byte(&shown, ' ');
	hba_net_show(&hba->rules[0].nets[1], &shown);
	assert_string_equal(buf_text(&shown), "\"all\",b,all \"a b\",\"+c\" fe80::1/128");
	buf_fini(&shown);
	hba_drop(hba);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(addresses_are_read),
		UNIT_TEST(slips_in_addresses_are_refused),
		UNIT_TEST(methods_are_read),
		UNIT_TEST(options_are_read),
		UNIT_TEST(secrets_are_not_shown),
	};

	return cmocka_run_group_tests_name("conf/hba_columns", tests, NULL, NULL);
}
