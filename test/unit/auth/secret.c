/* secret.c: which shape is which kind. */
#include "unit/auth/parts.h"

#define KEY_A "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
#define KEY_B "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
#define SCRAM(iterations, salt, a, b) "SCRAM-SHA-256$" iterations ":" salt "$" a ":" b

static void
shapes_tell_kinds(void **state)
{
	static const struct {
		const char	 *text;
		enum secret_kind kind;
	} rows[] = {
		{ "", SECRET_NONE },
		{ "x", SECRET_PLAIN },
		{ "md53175bce1d3201d16594cebf9d7eb3f9d", SECRET_MD5 },
		{ "md53175bce1d3201d16594cebf9d7eb3f9", SECRET_PLAIN },
		{ "md53175bce1d3201d16594cebf9d7eb3f9dd", SECRET_PLAIN },
		{ "md53175BCE1D3201D16594CEBF9D7EB3F9D", SECRET_PLAIN },
		{ "md53175bce1d3201d16594cebf9d7eb3f9g", SECRET_PLAIN },
		{ SCRAM("4096", VECTOR_SALT, KEY_A, KEY_B), SECRET_SCRAM },
		{ SCRAM("1", "AA==", KEY_A, KEY_B), SECRET_SCRAM },
		{ SCRAM("1", "", KEY_A, KEY_B), SECRET_SCRAM },
		{ SCRAM("2147483647", "AAAA", KEY_A, KEY_B), SECRET_SCRAM },
		{ SCRAM("2147483648", "AAAA", KEY_A, KEY_B), SECRET_PLAIN },
		{ SCRAM("0", "AAAA", KEY_A, KEY_B), SECRET_PLAIN },
		{ SCRAM("-1", "AAAA", KEY_A, KEY_B), SECRET_PLAIN },
		{ SCRAM("", "AAAA", KEY_A, KEY_B), SECRET_PLAIN },
		{ SCRAM("99999999999", "AAAA", KEY_A, KEY_B), SECRET_PLAIN },
		{ SCRAM("4096", "AAA", KEY_A, KEY_B), SECRET_PLAIN },
		{ SCRAM("4096", "AA==AAAA", KEY_A, KEY_B), SECRET_PLAIN },
		{ SCRAM("4096", "AA A", KEY_A, KEY_B), SECRET_PLAIN },
		{ SCRAM("4096", "AAAA", KEY_A, "AAAA"), SECRET_PLAIN },
		{ SCRAM("4096", "AAAA", KEY_A, KEY_B "\n"), SECRET_PLAIN },
		{ SCRAM("4096", "AAAA", "AAAA", KEY_B), SECRET_PLAIN },
		{ "SCRAM-SHA-256$4096:AAAA$" KEY_A, SECRET_PLAIN },
		{ "SCRAM-SHA-256$", SECRET_PLAIN },
		{ "scram-sha-256$4096:AAAA$" KEY_A ":" KEY_B, SECRET_PLAIN },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct secret s;

		if (secret_kind(span_text(rows[i].text)) != rows[i].kind)
			fail_msg("wrong kind of \"%s\"", rows[i].text);
		assert_true(secret_init(&s, span_text(rows[i].text)));
		assert_int_equal(s.kind, rows[i].kind);
		assert_string_equal(s.text, rows[i].text);
		secret_fini(&s);
		assert_int_equal(s.kind, SECRET_NONE);
	}
}

static void
the_salt_lies_in_our_copy(void **state)
{
	char text[] = SCRAM("4096", VECTOR_SALT, KEY_A, KEY_B);
	struct buf salt = {0};
	struct secret s;

	(void)state;
	assert_true(secret_init(&s, span_text(text)));
	memset(text, 'x', sizeof(text));
	assert_span_is(s.scram.salt64, VECTOR_SALT);
	assert_int_equal(s.scram.iterations, 4096);
	secret_salt(&s.scram, &salt);
	assert_int_equal(salt.len, 16);
	assert_memory_equal(salt.at, "\x5b\x6d\x99\x68", 4);
	buf_fini(&salt);
	secret_fini(&s);
}

static void
every_cut_verifier_is_plain(void **state)
{
	const char *text = SCRAM("4096", VECTOR_SALT, KEY_A, KEY_B);

	(void)state;
	for (size_t len = 1; len < strlen(text); len++)
		assert_int_equal(secret_kind(span_of(text, len)), SECRET_PLAIN);
}

static void
a_very_long_salt_is_read(void **state)
{
	struct buf text = {0}, salt = {0};
	struct secret s;

	(void)state;
	buf_put_text(&text, "SCRAM-SHA-256$4096:");
	for (unsigned i = 0; i < 10000; i++)
		buf_put_text(&text, "AAAA");
	buf_put_text(&text, "$" KEY_A ":" KEY_B);
	assert_true(secret_init(&s, buf_span(&text)));
	assert_int_equal(s.kind, SECRET_SCRAM);
	secret_salt(&s.scram, &salt);
	assert_int_equal(salt.len, 30000);
	secret_fini(&s);
	buf_fini(&salt);
	buf_fini(&text);
}

static void
too_long_is_refused(void **state)
{
	char *text = calloc(1, SECRET_MOST + 1);
	struct secret s;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', SECRET_MOST + 1);
	assert_true(secret_init(&s, span_of(text, SECRET_MOST)));
	secret_fini(&s);
	assert_false(secret_init(&s, span_of(text, SECRET_MOST + 1)));
	assert_int_equal(s.kind, SECRET_NONE);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shapes_tell_kinds),
		cmocka_unit_test(the_salt_lies_in_our_copy),
		cmocka_unit_test(every_cut_verifier_is_plain),
		cmocka_unit_test(a_very_long_salt_is_read),
		cmocka_unit_test(too_long_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
