/*
 * hba_match.c - tests of hba_match and ident_allows: which rule is whose.
 */
#include "unit/unit.h"

#include "conf/ident.h"
#include "unit/conf/hba_world.h"

/* Who asks, and the line of the rule that is for them; 0: none. */
struct question {
	const char	*database, *user;
	const char	*from;		/* "unix" or an address */
	bool		 tls;
	enum hba_replication replication;
	unsigned	 line;
};

#define CLEAR false, HBA_REPLICATION_NONE
#define TLS true, HBA_REPLICATION_NONE
#define PHYSICAL false, HBA_REPLICATION_PHYSICAL
#define LOGICAL false, HBA_REPLICATION_LOGICAL

static struct hba *
rules(const char *text)
{
	struct err err = { 0 };
	struct hba *hba = hba_read(span_text(text), "h", NULL, &test_world, &err);

	if (hba == NULL)
		fail_msg("expected rules, got %s", err.text);
	return hba;
}

/* The line of the rule for Q. */
static unsigned
line_for(const struct hba *hba, const struct question *q)
{
	struct addr peer = { .kind = ADDR_UNIX };
	struct hba_ask ask = { .database = span_text(q->database),
		.user = span_text(q->user), .peer = &peer, .tls = q->tls,
		.replication = q->replication };
	const struct hba_rule *rule;

	if (strcmp(q->from, "unix") != 0)
		assert_true(addr_parse_ip(&peer, span_text(q->from), 4711));
	rule = hba_match(hba, &ask);
	return rule != NULL ? rule->line : 0;
}

static void
check(const char *text, const struct question *questions, size_t count)
{
	struct hba *hba = rules(text);

	for (size_t i = 0; i < count; i++) {
		const struct question *q = &questions[i];

		print_message("# %s: %s/%s from %s\n", text, q->database, q->user, q->from);
		assert_int_equal(line_for(hba, q), q->line);
	}
	hba_drop(hba);
}

static void
kinds_part_connections(void **state)
{
	static const struct question questions[] = {
		{ "d", "u", "unix", CLEAR, 3 },
		{ "d", "u", "unix", TLS, 3 },
		{ "d", "u", "10.0.0.1", CLEAR, 2 },
		{ "d", "u", "10.0.0.1", TLS, 1 },
		{ "d", "u", "::1", CLEAR, 2 },
		{ "d", "u", "::1", TLS, 1 },
	};
	static const struct question plain[] = {
		{ "d", "u", "unix", CLEAR, 0 },
		{ "d", "u", "10.0.0.1", CLEAR, 1 },
		{ "d", "u", "10.0.0.1", TLS, 1 },
	};

	(void)state;
	check("hostssl all all all md5\nhostnossl all all all md5\nlocal all all md5\n",
	    questions, ARRAY_SIZE(questions));
	check("host all all all md5\n", plain, ARRAY_SIZE(plain));
}

static void
the_first_rule_decides(void **state)
{
	static const struct question questions[] = {
		{ "d", "eve", "10.0.0.1", CLEAR, 1 },
		{ "d", "bob", "10.0.0.1", CLEAR, 2 },
		{ "d", "bob", "10.0.0.2", CLEAR, 3 },
		{ "x", "bob", "10.0.0.2", CLEAR, 4 },
		{ "x", "bob", "11.0.0.2", CLEAR, 0 },
		{ "x", "eve", "11.0.0.2", CLEAR, 1 },
	};

	(void)state;
	check("host all eve all reject\nhost all bob 10.0.0.1/32 trust\n"
	      "host d all 10.0.0.0/8 md5\nhost all all 10.0.0.0/8 reject\n",
	    questions, ARRAY_SIZE(questions));
}

static void
words_are_matched(void **state)
{
	static const struct question questions[] = {
		{ "bob", "bob", "unix", CLEAR, 1 },
		{ "bob", "al", "unix", CLEAR, 0 },
		{ "all", "al", "unix", CLEAR, 2 },
		{ "sameuser", "al", "unix", CLEAR, 2 },
		{ "a", "all", "unix", CLEAR, 3 },
		{ "a", "alll", "unix", CLEAR, 0 },
		{ "a", "al", "unix", CLEAR, 0 },
		{ "a", "sameuser", "unix", CLEAR, 4 },
		{ "sameuser", "sameuser", "unix", CLEAR, 1 },
		{ "A", "all", "unix", CLEAR, 0 },
		{ "", "", "unix", CLEAR, 1 },
	};

	(void)state;
	check("local sameuser all trust\nlocal \"all\",\"sameuser\" al trust\n"
	      "local a \"all\" trust\nlocal a sameuser trust\n",
	    questions, ARRAY_SIZE(questions));
}

static void
replication_has_its_own_word(void **state)
{
	static const struct question questions[] = {
		{ "", "u", "unix", PHYSICAL, 3 },
		{ "d", "u", "unix", PHYSICAL, 3 },
		{ "replication", "u", "unix", PHYSICAL, 3 },
		{ "u", "u", "unix", PHYSICAL, 3 },
		{ "d", "u", "unix", LOGICAL, 4 },
		{ "d", "u", "unix", CLEAR, 4 },
		{ "replication", "u", "unix", CLEAR, 1 },
		{ "replication", "u", "unix", LOGICAL, 1 },
	};
	static const struct question all[] = {
		{ "d", "u", "unix", PHYSICAL, 0 },
		{ "d", "u", "unix", LOGICAL, 1 },
	};

	(void)state;
	check("local \"replication\" u md5\nlocal sameuser u md5\nlocal replication u md5\n"
	      "local all all md5\n",
	    questions, ARRAY_SIZE(questions));
	check("local all all md5\n", all, ARRAY_SIZE(all));
}

static void
networks_have_their_edges(void **state)
{
	static const struct question questions[] = {
		{ "d", "u", "10.255.255.255", CLEAR, 1 },
		{ "d", "u", "11.0.0.0", CLEAR, 0 },
		{ "d", "u", "9.255.255.255", CLEAR, 0 },
		{ "d", "u", "::ffff:10.0.0.1", CLEAR, 1 },
		{ "d", "u", "::10.0.0.1", CLEAR, 0 },
		{ "d", "u", "192.168.4.0", CLEAR, 2 },
		{ "d", "u", "192.168.7.255", CLEAR, 2 },
		{ "d", "u", "192.168.3.255", CLEAR, 0 },
		{ "d", "u", "192.168.8.0", CLEAR, 0 },
		{ "d", "u", "1.2.3.4", CLEAR, 3 },
		{ "d", "u", "1.2.3.5", CLEAR, 0 },
		{ "d", "u", "2001:db8:7fff:ffff::1", CLEAR, 4 },
		{ "d", "u", "2001:db8:8000::", CLEAR, 0 },
		{ "d", "u", "172.16.5.5", CLEAR, 5 },
		{ "d", "u", "172.17.0.0", CLEAR, 0 },
		{ "d", "u", "::ffff:172.16.5.5", CLEAR, 5 },
	};

	(void)state;
	check("host d u 10.0.0.0/8 md5\nhost d u 192.168.4.0 255.255.252.0 md5\n"
	      "host d u 1.2.3.4/32 md5\nhost d u 2001:db8::/33 md5\n"
	      "host d u ::ffff:172.16.0.0/112 md5\n",
	    questions, ARRAY_SIZE(questions));
}

static void
families_do_not_mix(void **state)
{
	static const struct question four[] = {
		{ "d", "u", "1.2.3.4", CLEAR, 1 },
		{ "d", "u", "::ffff:1.2.3.4", CLEAR, 1 },
		{ "d", "u", "::1", CLEAR, 0 },
		{ "d", "u", "unix", CLEAR, 0 },
	};
	static const struct question six[] = {
		{ "d", "u", "1.2.3.4", CLEAR, 0 },
		{ "d", "u", "::ffff:1.2.3.4", CLEAR, 0 },
		{ "d", "u", "::1", CLEAR, 1 },
		{ "d", "u", "::", CLEAR, 1 },
	};

	(void)state;
	check("host all all 0.0.0.0/0 md5\n", four, ARRAY_SIZE(four));
	check("host all all ::/0 md5\n", six, ARRAY_SIZE(six));
	check("host all all ::ffff:0:0/96 md5\n", four, ARRAY_SIZE(four));
}

static void
hosts_and_own_addresses_match(void **state)
{
	static const struct question questions[] = {
		{ "d", "u", "192.0.2.7", CLEAR, 1 },
		{ "d", "u", "2001:db8::7", CLEAR, 1 },
		{ "d", "u", "192.0.2.8", CLEAR, 0 },
		{ "d", "u", "10.1.2.3", CLEAR, 2 },
		{ "d", "u", "10.1.2.4", CLEAR, 3 },
		{ "d", "u", "10.2.2.4", CLEAR, 0 },
		{ "d", "u", "fe80::1", CLEAR, 2 },
		{ "d", "u", "fe80::2", CLEAR, 3 },
	};
	static const struct question nobody[] = {
		{ "d", "u", "192.0.2.7", CLEAR, 0 },
		{ "d", "u", "0.0.0.0", CLEAR, 0 },
	};

	(void)state;
	check("host d u db.example.com md5\nhost d u samehost md5\nhost d u samenet md5\n",
	    questions, ARRAY_SIZE(questions));
	check("host d u none.example.com md5\n", nobody, ARRAY_SIZE(nobody));
}

static void
who_comes_from_nowhere_matches_nothing(void **state)
{
	struct hba *hba = rules("host all all all trust\nlocal all all trust\n");
	struct addr nowhere = { .kind = ADDR_NONE };
	struct hba_ask ask = { .database = SPAN_LITERAL("d"), .user = SPAN_LITERAL("u"),
		.peer = &nowhere };

	(void)state;
	assert_null(hba_match(hba, &ask));
	hba_drop(hba);
}

static void
names_are_equal_without_a_map(void **state)
{
	struct hba *hba = rules("local all all peer\n");

	(void)state;
	assert_true(ident_allows(hba, NULL, SPAN_LITERAL("bob"), SPAN_LITERAL("bob")));
	assert_false(ident_allows(hba, NULL, SPAN_LITERAL("bob"), SPAN_LITERAL("bo")));
	assert_false(ident_allows(hba, NULL, SPAN_LITERAL("bob"), SPAN_LITERAL("Bob")));
	assert_false(ident_allows(hba, NULL, SPAN_LITERAL(""), SPAN_LITERAL("")));
	assert_false(ident_allows(hba, NULL, SPAN_LITERAL("b\0b"), SPAN_LITERAL("b\0b")));
	assert_false(ident_allows(hba, "m", SPAN_LITERAL("bob"), SPAN_LITERAL("bob")));
	hba_drop(hba);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(kinds_part_connections),
		UNIT_TEST(the_first_rule_decides),
		UNIT_TEST(words_are_matched),
		UNIT_TEST(replication_has_its_own_word),
		UNIT_TEST(networks_have_their_edges),
		UNIT_TEST(families_do_not_mix),
		UNIT_TEST(hosts_and_own_addresses_match),
		UNIT_TEST(who_comes_from_nowhere_matches_nothing),
		UNIT_TEST(names_are_equal_without_a_map),
	};

	return cmocka_run_group_tests_name("conf/hba_match", tests, NULL, NULL);
}
