/*
 * ident.c - tests of conf/ident.h: maps of pg_ident.conf, and what expressions they may
 * have.
 */
#include "conf/ident.h"

#include "base/mem.h"
#include "unit/conf/hba_world.h"
#include "unit/unit.h"

/* The maps of TEXT, or NULL and the error. */
static struct ident *
read_maps(const char *text, struct err *err)
{
	size_t len = strlen(text);
	char *copy = exact_copy(text, len);
	struct ident *ident = ident_read(span_of(copy, len), "dir/ident", &test_world, err);

	free(copy);
	return ident;
}

/* One file, a question, and the answer. */
struct question {
	const char	*text;
	const char	*map, *system, *user;
	bool		 answer;
};

static void
check(const struct question *questions, size_t count)
{
	const char *text = NULL;

	for (size_t i = 0; i < count; i++) {
		const struct question *q = &questions[i];
		struct err err = { 0 };
		struct ident *ident;

		if (q->text != NULL)
			text = q->text;
		ident = read_maps(text, &err);
		print_message("# %s: %s %s -> %s\n", text, q->map, q->system, q->user);
		assert_string_equal(err.text, "");
		assert_int_equal(ident_maps(ident, q->map, span_text(q->system),
		    span_text(q->user)), q->answer);
		ident_free(ident);
	}
}

static void
names_are_mapped(void **state)
{
	static const struct question questions[] = {
		{ "m root bob # x\n\nm root al\nn root eve\nm joe all\nm \"all\" bob\n"
		  "\"a b\" \"c d\" \"e\"\"f\"\nm x \"all\"\n",
		  "m", "root", "bob", true },
		{ NULL, "m", "root", "al", true },
		{ NULL, "m", "root", "eve", false },
		{ NULL, "n", "root", "eve", true },
		{ NULL, "n", "root", "bob", false },
		{ NULL, "m", "root", "root", false },
		{ NULL, "m", "joe", "anybody", true },
		{ NULL, "m", "anybody", "bob", false },
		{ NULL, "m", "all", "bob", true },
		{ NULL, "a b", "c d", "e\"f", true },
		{ NULL, "m", "x", "all", true },
		{ NULL, "m", "x", "bob", false },
		{ NULL, "M", "root", "bob", false },
		{ NULL, "none", "root", "bob", false },
		{ "m a b \\\n\nm c \\\nd\n", "m", "a", "b", true },
		{ NULL, "m", "c", "d", true },
		{ "m @key x\ninclude_if_exists none\n", "m", "all", "x", true },
	};

	(void)state;
	check(questions, ARRAY_SIZE(questions));
}

static void
expressions_are_mapped(void **state)
{
	static const struct question questions[] = {
		{ "m /^(.*)@example\\.com$ \\1\n", "m", "bob@example.com", "bob", true },
		{ NULL, "m", "bob@example.com", "al", false },
		{ NULL, "m", "bob@example.com", "bob@example.com", false },
		{ NULL, "m", "bob@exampleXcom", "bob", false },
		{ NULL, "m", "bob@example.com.evil", "bob", false },
		{ NULL, "m", "bob", "bob", false },
		{ "m \"/^([a-z]+), x$\" u_\\1_v\n", "m", "bob, x", "u_bob_v", true },
		{ NULL, "m", "bob, x", "u_bob", false },
		{ NULL, "m", "bob, x", "bob_v", false },
		{ NULL, "m", "bob, x", "u_bob_w", false },
		{ NULL, "m", "Bob, x", "u_Bob_v", false },
		{ "m /bob bob\n", "m", "xbobx", "bob", true },
		{ NULL, "m", "xbobx", "xbobx", false },
		{ "m /^b all\n", "m", "bob", "anybody", true },
		{ NULL, "m", "al", "anybody", false },
		{ "m /^x(a)?y u\\1\n", "m", "xay", "ua", true },
		{ NULL, "m", "xy", "u", false },
		{ "m /^(.*)$ \"all\"\n", "m", "x", "all", true },
		{ NULL, "m", "x", "x", false },
		{ "m /^(.*)$ \\1\n", "m", "all", "bob", false },
		{ NULL, "m", "all", "all", true },
		{ "m \"/^[[:alpha:]]{2,3}[]x]$\" u\n", "m", "abx", "u", true },
		{ NULL, "m", "abc]", "u", true },
		{ NULL, "m", "ax", "u", false },
		{ "m /^a\\$\\(\\)b u\n", "m", "a$()b", "u", true },
	};

	(void)state;
	check(questions, ARRAY_SIZE(questions));
}

static void
long_names_match_no_expression(void **state)
{
	struct err err = { 0 };
	struct ident *ident = read_maps("m /^a*$ all\n", &err);
	char name[IDENT_SUBJECT_MOST + 1];

	(void)state;
	memset(name, 'a', sizeof(name));
	assert_non_null(ident);
	assert_true(ident_maps(ident, "m", span_of(name, IDENT_SUBJECT_MOST),
	    SPAN_LITERAL("u")));
	assert_false(ident_maps(ident, "m", span_of(name, IDENT_SUBJECT_MOST + 1),
	    SPAN_LITERAL("u")));
	ident_free(ident);
}

/* A line and why it is refused. */
struct refusal {
	const char	*text, *error;
};

#define REFUSED "dir/ident:1: system user: the regular expression is refused: "

static void
slips_are_refused(void **state)
{
	static const struct refusal refusals[] = {
		{ "m a\n", "dir/ident:1: expected three columns of one word each: map, system "
			   "user, database user" },
		{ "\nm a b c\n", "dir/ident:2: expected three columns of one word each: map, "
				 "system user, database user" },
		{ "m a,b c\n", "dir/ident:1: expected three columns of one word each: map, "
			       "system user, database user" },
		{ "m \"\" c\n", "dir/ident:1: system user: expected a name in the quotes" },
		{ "m a\"b\" c\n", "dir/ident:1: system user: expected quotes around the whole "
				  "of it or none" },
		{ "m a \"b\n", "dir/ident:1: expected a closing quote on the same line" },
		{ "m a +b\n", "dir/ident:1: database user: expected a name or all, got +b, "
			      "whose members only the server knows: write a line for each" },
		{ "m a /b\n", "dir/ident:1: database user: expected a name or all, got the "
			      "regular expression \"/b\"" },
		{ "m a ALL\n", "dir/ident:1: database user: expected all, or \"ALL\" in quotes "
			       "if it is a name" },
		{ "m a \\1\n", "dir/ident:1: database user: expected a system user like "
			       "/^(.*)@example\\.com$ to take \\1 from" },
		{ "m /a \\1\n", "dir/ident:1: database user: expected a system user like "
				"/^(.*)@example\\.com$ to take \\1 from" },
		{ "m /(a) \\1\\1\n", "dir/ident:1: database user: expected \\1 once" },
		{ "m / x\n", REFUSED "it needs 1 to 256 bytes" },
		{ "m /(a x\n", REFUSED "libc does not understand it" },
		{ "m /a) x\n", REFUSED "a ) needs its (" },
		{ "m /()) x\n", REFUSED "a ) needs its (" },
		{ "m /[[:x:]] x\n", REFUSED "libc does not understand it" },
		{ "m /(a)\\1 x\n",
		  REFUSED "a backslash with a letter, a digit or <, >, ', ` behind it has no "
			  "meaning that all agree on" },
		{ "m /\\d x\n",
		  REFUSED "a backslash with a letter, a digit or <, >, ', ` behind it has no "
			  "meaning that all agree on" },
		{ "m /\\<a x\n",
		  REFUSED "a backslash with a letter, a digit or <, >, ', ` behind it has no "
			  "meaning that all agree on" },
		{ "m \"/a\\\" x\n", REFUSED "a backslash needs something behind it" },
		{ "m /[\\d] x\n", REFUSED "a backslash between [ and ] has no meaning that all "
					  "agree on" },
		{ "m /[a x\n", REFUSED "a [ needs its ]" },
		{ "m /[[:a x\n", REFUSED "a [: needs its :]" },
		{ "m /[[.a.]] x\n", REFUSED "[. and [= are not for names" },
		{ "m /a*? x\n",
		  REFUSED "*, +, ? and { need something before them, and one is enough" },
		{ "m /(?i)a x\n",
		  REFUSED "*, +, ? and { need something before them, and one is enough" },
		{ "m /*a x\n",
		  REFUSED "*, +, ? and { need something before them, and one is enough" },
		{ "m /a|+ x\n",
		  REFUSED "*, +, ? and { need something before them, and one is enough" },
		{ "m /a{ x\n", REFUSED "a { needs a number behind it" },
		{ "m /a{1 x\n", REFUSED "a { needs its }" },
		{ "m \"/a{1,2\" x\n", REFUSED "a { needs its }" },
		{ "m /a{256} x\n", REFUSED "counts above 255 are too large" },
		{ "m /a{99999999999999999999999} x\n", REFUSED "counts above 255 are too large" },
		{ "m /((a{10}){10}){10} x\n", REFUSED "its counts make more than 255 together" },
		{ "m /((((((((a+)+)+)+)+)+)+)+)+ x\n",
		  REFUSED "its counts make more than 255 together" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		struct err err = { 0 };

		print_message("# %s\n", refusals[i].text);
		assert_null(read_maps(refusals[i].text, &err));
		assert_string_equal(err.text, refusals[i].error);
	}
}

static void
maps_are_known_by_name(void **state)
{
	struct err err = { 0 };
	struct ident *ident = read_maps("m a b\n\"x y\" a b\n", &err);
	struct ident *empty = read_maps("# nothing\n", &err);

	(void)state;
	assert_true(ident_has(ident, "m"));
	assert_true(ident_has(ident, "x y"));
	assert_false(ident_has(ident, "a"));
	assert_false(ident_has(ident, "M"));
	assert_false(ident_has(NULL, "m"));
	assert_false(ident_maps(NULL, "m", SPAN_LITERAL("a"), SPAN_LITERAL("b")));
	assert_non_null(empty);
	assert_false(ident_has(empty, "m"));
	ident_free(empty);
	ident_free(ident);
	ident_free(NULL);
}

static void
cut_files_are_refused_or_shorter(void **state)
{
	static const char whole[] = "m root bob\nm \"/^(.*)@x$\" \\1 # c\nn @key all\n";

	(void)state;
	for (size_t len = 0; len < strlen(whole); len++) {
		char *text = exact_copy(whole, len);
		struct err err = { 0 };
		struct ident *ident = ident_read(span_of(text, len), "dir/ident", &test_world,
		    &err);

		assert_true((ident == NULL) == (err.text[0] != '\0'));
		if (ident != NULL)
			assert_false(ident_maps(ident, "m", SPAN_LITERAL("eve"),
			    SPAN_LITERAL("bob")));
		ident_free(ident);
		free(text);
	}
}

static void
no_memory_is_survived_anywhere(void **state)
{
	struct ident *ident = NULL;
	struct err err = { 0 };
	unsigned n = 0;

	(void)state;
	while (ident == NULL && n < 100) {
		mem_fail_after(++n);
		ident = read_maps("m root bob\nm /^(.*)@x$ \\1\nm @names x\n"
				  "include_if_exists none", &err);
		if (n < 3)
			assert_null(ident);
		if (strstr(err.text, "one word") != NULL)
			break;	/* as far as it goes without a lack */
	}
	mem_fail_after(0);
	assert_true(n > 3);
	assert_null(ident);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(names_are_mapped),
		UNIT_TEST(expressions_are_mapped),
		UNIT_TEST(long_names_match_no_expression),
		UNIT_TEST(slips_are_refused),
		UNIT_TEST(maps_are_known_by_name),
		UNIT_TEST(cut_files_are_refused_or_shorter),
		UNIT_TEST(no_memory_is_survived_anywhere),
	};

	return cmocka_run_group_tests_name("conf/ident", tests, NULL, NULL);
}
