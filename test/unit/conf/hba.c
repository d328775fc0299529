/*
 * hba.c - tests of conf/hba.h: lines, words and files of pg_hba.conf. Its other columns
 * are tested in hba_columns.c, who matches in hba_match.c.
 */
#include "unit/conf/hba_dialogue.h"

#include <stdio.h>

#include "base/mem.h"

static void
kinds_are_read(void **state)
{
	static const struct dialogue dialogues[] = {
		{ "local all all trust\n", "local ALL ALL trust", NULL },
		{ "local all all trust", "local ALL ALL trust", NULL },
		{ "host all all all md5", "host ALL ALL ALL md5", NULL },
		{ "hostssl all all all md5", "hostssl ALL ALL ALL md5", NULL },
		{ "hostnossl all all all md5", "hostnossl ALL ALL ALL md5", NULL },
		{ "hostnogssenc all all all md5", "host ALL ALL ALL md5", NULL },
		{ "\"host\" all all all \"md5\"", "host ALL ALL ALL md5", NULL },
		{ "local all all trust\nhost all all all reject",
		  "local ALL ALL trust|host ALL ALL ALL reject", NULL },
		{ "hostsl all all all md5", "",
		  "dir/hba:1: expected local, host, hostssl, hostnossl or include, got "
		  "\"hostsl\", closest is hostssl" },
		{ "HOST all all all md5", "",
		  "dir/hba:1: expected local, host, hostssl, hostnossl or include, got "
		  "\"HOST\", closest is host" },
		{ "local,host all all all md5", "",
		  "dir/hba:1: expected one kind of connection, got a list: write a line for "
		  "each" },
		{ "\"\" all all all md5", "",
		  "dir/hba:1: expected local, host, hostssl, hostnossl or include, got \"\"" },
	};

	(void)state;
	check_all(dialogues, ARRAY_SIZE(dialogues));
}

static void
lines_end_where_they_should(void **state)
{
	static const struct dialogue dialogues[] = {
		{ "# one\n\n  \t# two\nlocal all all trust # three\n", "local ALL ALL trust",
		  NULL },
		{ "local all all trust\r\n\r\n", "local ALL ALL trust", NULL },
		{ "local all all#trust\n trust", "",
		  "dir/hba:1: expected a method at the end of the line" },
		{ "local all \\\n  all \\\n trust\nlocal b all trust",
		  "local ALL ALL trust|local b ALL trust", NULL },
		{ "local all all tr\\\nust", "local ALL ALL trust", NULL },
		{ "local all all tr\\\r\nust\r\n", "local ALL ALL trust", NULL },
		{ "# a \\\nlocal all all reject\nlocal all all trust", "local ALL ALL trust",
		  NULL },
		{ "local a\\b all trust", "local a\\b ALL trust", NULL },
		{ "\n\nlocal all \\\n\\\n all x", "",
		  "dir/hba:3: expected a method (trust, reject, md5, password, scram-sha-256, "
		  "peer, cert, ldap or pam), got \"x\"" },
		{ "local all all trust \\", "",
		  "dir/hba:1: expected another line behind the backslash at the end" },
		{ "local all all trust \\\n", "local ALL ALL trust", NULL },
		{ "local all", "",
		  "dir/hba:1: expected a column for the user, found the end of the line" },
		{ "local", "", "dir/hba:1: expected a column for the database, found the end "
			       "of the line" },
		{ "host all all", "", "dir/hba:1: address: expected one, found the end of the "
				      "line" },
		{ "", "", "dir/hba: expected at least one rule, found none: nobody could log "
			  "in" },
		{ "# nothing", "", "dir/hba: expected at least one rule, found none: nobody "
				   "could log in" },
	};

	(void)state;
	check_all(dialogues, ARRAY_SIZE(dialogues));
}

static void
words_of_databases_are_read(void **state)
{
	static const struct dialogue dialogues[] = {
		{ "local sameuser all trust", "local SAMEUSER ALL trust", NULL },
		{ "local replication all trust", "local REPLICATION ALL trust", NULL },
		{ "local app,sameuser,all all trust", "local app,SAMEUSER,ALL ALL trust",
		  NULL },
		{ "local \"all\" all trust", "local all ALL trust", NULL },
		{ "local \"sameuser\",\"replication\" all trust",
		  "local sameuser,replication ALL trust", NULL },
		{ "local \"samerole\",\"samegroup\" all trust",
		  "local samerole,samegroup ALL trust", NULL },
		{ "local \"a b\",\"c\"\"d\",\"#\",\"x,y\" all trust",
		  "local a b,c\"d,#,x,y ALL trust", NULL },
		{ "local \"+x\",\"@names\" all trust", "local +x,@names ALL trust", NULL },
		{ "local a, b,\tc all trust", "local a,b,c ALL trust", NULL },
		{ "local App all trust", "local App ALL trust", NULL },
		{ "local samerole all trust", "",
		  "dir/hba:1: database: samerole is not known here, as roles and their members "
		  "are the server's: list names, or put them in a file and write @file" },
		{ "local app,samegroup all trust", "",
		  "dir/hba:1: database: samegroup is not known here, as roles and their "
		  "members are the server's: list names, or put them in a file and write "
		  "@file" },
		{ "local All all trust", "", "dir/hba:1: database: expected all, or \"All\" in "
					     "quotes if it is a name" },
		{ "local SameRole all trust", "",
		  "dir/hba:1: database: expected samerole, or \"SameRole\" in quotes if it is "
		  "a name" },
		{ "local /^a all trust", "",
		  "dir/hba:1: database: expected a name, got the regular expression \"/^a\": "
		  "list names, or put them in a file and write @file" },
		{ "local \"/^a\" all trust", "",
		  "dir/hba:1: database: expected a name, got the regular expression \"/^a\": "
		  "list names, or put them in a file and write @file" },
		{ "local \"\" all trust", "",
		  "dir/hba:1: database: expected a name in the quotes" },
		{ "local a\"ll\" all trust", "", "dir/hba:1: database: expected quotes around "
						 "the whole of \"all\" or none" },
		{ "local \"a\"ll all trust", "", "dir/hba:1: database: expected quotes around "
						 "the whole of \"all\" or none" },
		{ "local \"all all trust\nlocal b b trust\"", "",
		  "dir/hba:1: expected a closing quote on the same line" },
		{ "local a ,b , c\t,\td all trust", "local a,b,c,d ALL trust", NULL },
		{ "local a,,b all trust", "",
		  "dir/hba:1: expected a word before and behind each comma" },
		{ "local ,a all trust", "",
		  "dir/hba:1: expected one kind of connection, got a list: write a line for "
		  "each" },
		{ ",local a all trust", "",
		  "dir/hba:1: expected a word before and behind each comma" },
		{ "local a, # b\n", "",
		  "dir/hba:1: expected a word before and behind each comma" },
	};

	(void)state;
	check_all(dialogues, ARRAY_SIZE(dialogues));
}

static void
words_of_users_are_read(void **state)
{
	static const struct dialogue dialogues[] = {
		{ "local all bob,\"all\",all trust", "local ALL bob,all,ALL trust", NULL },
		{ "local all sameuser,replication,samerole trust",
		  "local ALL sameuser,replication,samerole trust", NULL },
		{ "local all \"+admins\" trust", "local ALL +admins trust", NULL },
		{ "local all +admins trust", "",
		  "dir/hba:1: user: +admins is not known here, as roles and their members are "
		  "the server's: list names, or put them in a file and write @file; in quotes "
		  "it is a name" },
		{ "local all /a trust", "",
		  "dir/hba:1: user: expected a name, got the regular expression \"/a\": list "
		  "names, or put them in a file and write @file" },
		{ "local all ALL trust", "",
		  "dir/hba:1: user: expected all, or \"ALL\" in quotes if it is a name" },
	};

	(void)state;
	check_all(dialogues, ARRAY_SIZE(dialogues));
}

static void
files_are_put_in_place(void **state)
{
	static const struct dialogue dialogues[] = {
		{ "local @names all trust", "local alice,bob,all,carol ALL trust", NULL },
		{ "local @more,x all trust", "local dave,alice,bob,all,carol,x ALL trust",
		  NULL },
		{ "local all @key trust", "local ALL ALL trust", NULL },
		{ "local all @/abs/names trust", "local ALL frank trust", NULL },
		{ "local all \"@key\" trust", "local ALL @key trust", NULL },
		{ "local all @none trust", "", "dir/hba:1: cannot read \"dir/none\"" },
		{ "local all @ trust", "",
		  "dir/hba:1: expected the name of a file, got none or one too long" },
		{ "local all @empty trust", "",
		  "dir/hba:1: expected at least one word in the file behind @, found none" },
		{ "local all @broken trust", "",
		  "dir/broken:2: expected a closing quote on the same line" },
		{ "local all @loop trust", "",
		  "dir/loop:1: expected files nested at most 10 deep, got \"dir/loop\" "
		  "beyond" },
		{ "include rest.conf\nlocal all all trust",
		  "local rest ALL trust|local ALL ALL trust", NULL },
		{ "include \"rest.conf\"\n", "local rest ALL trust", NULL },
		{ "include_if_exists none\ninclude_if_exists rest.conf",
		  "local rest ALL trust", NULL },
		{ "include_if_exists secret", "", "dir/hba:1: cannot read \"dir/secret\"" },
		{ "include none", "", "dir/hba:1: cannot read \"dir/none\"" },
		{ "include bad.conf", "",
		  "dir/bad.conf:2: expected a method (trust, reject, md5, password, "
		  "scram-sha-256, peer, cert, ldap or pam), got \"truth\"" },
		{ "include loop.conf", "",
		  "dir/loop.conf:1: expected files nested at most 10 deep, got "
		  "\"dir/loop.conf\" beyond" },
		{ "include_dir sub", "local a alice,bob,all,carol trust|local b erin trust",
		  NULL },
		{ "include_dir none", "",
		  "dir/hba:1: cannot read folder \"dir/none\": no such folder" },
		{ "include", "", "dir/hba:1: expected one name behind include, quoted if it "
				 "has blanks or commas" },
		{ "include a b", "", "dir/hba:1: expected one name behind include, quoted if "
				     "it has blanks or commas" },
		{ "include_all a", "",
		  "dir/hba:1: expected local, host, hostssl, hostnossl or include, got "
		  "\"include_all\", closest is include_dir" },
	};

	(void)state;
	check_all(dialogues, ARRAY_SIZE(dialogues));
}

/* The hba of TEXT with ARG for the world, or NULL and ERR. */
static struct hba *
read_with(const char *text, void *arg, struct err *err)
{
	struct hba_world world = test_world;

	world.arg = arg;
	return hba_read(span_text(text), "dir/hba", NULL, &world, err);
}

static void
what_never_matches_is_said(void **state)
{
	struct err err = { 0 };
	struct hba *hba = read_with("local a a md5\nhostgssenc all all all gss\n"
				    "host a a none.example.com md5\n"
				    "host a a bare md5\n", NULL, &err);

	(void)state;
	assert_non_null(hba);
	assert_int_equal(hba->count, 3);
	assert_int_equal(hba->rules[1].line, 3);
	assert_string_equal(hba->rules[1].file, "dir/hba");
	assert_int_equal(hba->n_warnings, 3);
	assert_string_equal(hba->warnings[0], "dir/hba:2: hostgssenc never matches, as "
	    "connections are never encrypted by GSSAPI: the line is left out");
	assert_string_equal(hba->warnings[1], "dir/hba:3: cannot find host "
	    "\"none.example.com\" (name not known): the line matches nobody until a reload "
	    "finds it");
	assert_ptr_equal(hba_hold(hba), hba);
	hba_drop(hba);
	assert_string_equal(hba->rules[0].users.items[0].name, "a");
	hba_drop(hba);
	hba_drop(NULL);
}

static void
maps_need_their_file(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_null(read_with("local a a peer map=m", NULL, &err));
	assert_string_equal(err.text, "dir/hba:1: map: expected one that auth_ident_file has, "
	    "got \"m\", and no auth_ident_file is set");
}

static void
own_addresses_may_be_out_of_reach(void **state)
{
	struct err err = { 0 };
	bool fails = true;

	(void)state;
	assert_null(read_with("host a a samenet md5", &fails, &err));
	assert_string_equal(err.text, "dir/hba:1: address: cannot find this machine's own "
	    "addresses: no sockets left");
}

static void
zero_bytes_are_refused(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_null(hba_read(SPAN_LITERAL("local a a trust\n\0"), "dir/hba", NULL,
	    &test_world, &err));
	assert_string_equal(err.text, "dir/hba: expected text without zero bytes");
}

static const char whole[] = "local all \"a b\",@names peer map=m\\\n # c\n"
			    "hostssl sameuser all 10.0.0.0/8 scram-sha-256\n"
			    "host replication all fe80:: ffff:: reject\n"
			    "host all all db.example.com ldap ldapserver=\"x y\" ldapprefix=u\n"
			    "include_dir sub\n";

/* However a file is cut: it is refused, or its rules are the first ones of the whole.
 * (A cut option may be another good one.) */
static void
cut_files_are_refused_or_shorter(void **state)
{
	struct err err = { 0 };
	struct hba *all = hba_read(span_text(whole), "dir/hba", some_maps(), &test_world,
	    &err);
	unsigned refused = 0;

	(void)state;
	assert_non_null(all);
	assert_int_equal(all->count, 6);
	for (size_t len = 0; len < strlen(whole); len++) {
		char *text = exact_copy(whole, len);
		struct hba *cut = hba_read(span_of(text, len), "dir/hba", some_maps(),
		    &test_world, &err);

		refused += cut == NULL;
		assert_true(cut == NULL || cut->count <= all->count);
		for (size_t i = 0; cut != NULL && i < cut->count; i++) {
			assert_int_equal(cut->rules[i].kind, all->rules[i].kind);
			assert_int_equal(cut->rules[i].method, all->rules[i].method);
			assert_int_equal(cut->rules[i].users.count,
			    all->rules[i].users.count);
		}
		hba_drop(cut);
		free(text);
	}
	assert_true(refused > strlen(whole) / 2);
	hba_drop(all);
}

static void
no_memory_is_survived_anywhere(void **state)
{
	struct hba *hba = NULL;
	struct err err = { 0 };
	unsigned n = 0;

	(void)state;
	while (hba == NULL && n < 1000) {
		struct ident *maps = some_maps();

		mem_fail_after(++n);
		hba = hba_read(span_text(whole), "dir/hba", maps, &test_world, &err);
	}
	mem_fail_after(0);
	assert_true(n > 5);
	assert_non_null(hba);
	hba_drop(hba);
}

/* The rules of COUNT lines, each with WIDTH users. */
static void
put_lines(struct buf *out, unsigned count, unsigned width)
{
	for (unsigned i = 0; i < count; i++) {
		buf_put_text(out, "local a ");
		for (unsigned n = 0; n < width; n++)
			buf_printf(out, "%su%u", n > 0 ? "," : "", n);
		buf_put_text(out, " md5\n");
	}
}

static void
words_have_a_limit(void **state)
{
	struct err err = { 0 };
	struct buf text = { 0 };
	struct hba *hba;

	(void)state;
	put_lines(&text, 1000, 997);
	hba = hba_read(buf_span(&text), "dir/hba", NULL, &test_world, &err);
	assert_non_null(hba);
	assert_int_equal(hba->count, 1000);
	hba_drop(hba);
	buf_put_text(&text, "local");
	assert_null(hba_read(buf_span(&text), "dir/hba", NULL, &test_world, &err));
	assert_string_equal(err.text,
	    "dir/hba:1001: expected at most 1000000 words in all files, got more");
	buf_fini(&text);
}

/* What is given away as a beginning. */
static void
the_sample_is_good(void)
{
	const char *srcdir = getenv("srcdir");
	struct err err = { 0 };
	char name[4096];
	struct hba *hba;

	snprintf(name, sizeof(name), "%s/etc/pg_hba.conf", srcdir != NULL ? srcdir : ".");
	hba = hba_load(name, NULL, &err);
	assert_string_equal(err.text, "");
	assert_int_equal(hba->count, 5);
	assert_int_equal(hba->n_warnings, 0);
	hba_drop(hba);
}

static void
the_real_world_answers(void **state)
{
	struct buf found = { 0 };
	const char *why = NULL;
	struct err err = { 0 };
	bool missing;

	(void)state;
	assert_true(hba_real_world.own(NULL, &found, &why));
	assert_true(found.len >= sizeof(struct hba_net));
	buf_clear(&found);
	assert_true(hba_real_world.host(NULL, "127.0.0.1", &found, &why));
	assert_int_equal(found.len, sizeof(struct hba_net));
	assert_int_equal(((struct hba_net *)(void *)found.at)->bits, 32);
	assert_true(hba_real_world.folder(NULL, "/", &found, &why));
	assert_false(hba_real_world.folder(NULL, "/nowhere", &found, &why));
	assert_string_equal(why, "No such file or directory");
	assert_false(hba_real_world.file(NULL, "/nowhere", &found, &missing, &err));
	assert_true(missing);
	assert_false(hba_real_world.file(NULL, "/", &found, &missing, &err));
	assert_false(missing);
	buf_fini(&found);
	the_sample_is_good();
	assert_null(hba_load("/nowhere/hba", NULL, &err));
	assert_string_equal(err.text, "cannot read \"/nowhere/hba\": No such file or directory");
	assert_null(hba_load("/nowhere/hba", "/nowhere/ident", &err));
	assert_string_equal(err.text,
	    "cannot read \"/nowhere/ident\": No such file or directory");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(kinds_are_read),
		UNIT_TEST(lines_end_where_they_should),
		UNIT_TEST(words_of_databases_are_read),
		UNIT_TEST(words_of_users_are_read),
		UNIT_TEST(files_are_put_in_place),
		UNIT_TEST(what_never_matches_is_said),
		UNIT_TEST(maps_need_their_file),
		UNIT_TEST(own_addresses_may_be_out_of_reach),
		UNIT_TEST(zero_bytes_are_refused),
		UNIT_TEST(cut_files_are_refused_or_shorter),
		UNIT_TEST(no_memory_is_survived_anywhere),
		UNIT_TEST(words_have_a_limit),
		UNIT_TEST(the_real_world_answers),
	};

	return cmocka_run_group_tests_name("conf/hba", tests, NULL, NULL);
}
