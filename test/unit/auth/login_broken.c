/* login.c: messages that are wrong, cut, too long or out of turn. */
#include "unit/auth/client.h"

static void
only_password_messages_are_taken(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < 256; kind++) {
		struct secret s;
		struct actor a;

		if (kind == 'p')
			continue;
		stored(SECRET_PLAIN, &s);
		actor_begin(&a, LOGIN_PLAIN, &s, true, "sesame");
		actor_say(&a, (char)kind, SPAN_LITERAL("sesame\0"));
		assert_int_equal(a.verdict, LOGIN_NO);
		assert_non_null(strstr(a.e.text, "expected a password message, got"));
		/* and nothing after it */
		actor_say(&a, 'p', SPAN_LITERAL("sesame\0"));
		assert_int_equal(a.verdict, LOGIN_NO);
		actor_end(&a);
		secret_fini(&s);
	}
}

static void
passwords_end_with_their_only_zero(void **state)
{
	static const struct span bad[] = { SPAN_LITERAL(""), SPAN_LITERAL("sesame"),
		SPAN_LITERAL("sesame\0\0"), SPAN_LITERAL("ses\0ame\0"),
		SPAN_LITERAL("\0sesame\0") };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		for (enum login_method m = LOGIN_PLAIN; m <= LOGIN_MD5; m++) {
			struct secret s;
			struct actor a;

			stored(SECRET_PLAIN, &s);
			actor_begin(&a, m, &s, true, "sesame");
			actor_say(&a, 'p', bad[i]);
			assert_int_equal(a.verdict, LOGIN_NO);
			assert_string_equal(a.e.text,
			    "expected a password that ends with its only zero byte");
			actor_end(&a);
			secret_fini(&s);
		}
	}
}

static void
long_passwords_are_refused(void **state)
{
	char *text = calloc(1, LOGIN_BODY_MOST + 1);
	struct secret s;
	struct actor a;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', LOGIN_BODY_MOST);
	stored(SECRET_PLAIN, &s);
	actor_begin(&a, LOGIN_PLAIN, &s, true, "");
	actor_say(&a, 'p', span_of(text, LOGIN_BODY_MOST + 1));
	assert_string_equal(a.e.text, "password too long");
	actor_end(&a);
	text[SECRET_MOST + 1] = '\0';
	actor_begin(&a, LOGIN_PLAIN, &s, true, "");
	actor_say(&a, 'p', span_of(text, SECRET_MOST + 2));
	assert_string_equal(a.e.text, "password too long");
	actor_end(&a);
	secret_fini(&s);
	free(text);
}

static void
initial_responses_are_checked(void **state)
{
	static const struct {
		struct span	 body;
		const char	*detail;
	} rows[] = {
		{ SPAN_LITERAL(""), "malformed" },
		{ SPAN_LITERAL("SCRAM-SHA-256"), "malformed" },
		{ SPAN_LITERAL("SCRAM-SHA-256\0"), "malformed" },
		{ SPAN_LITERAL("SCRAM-SHA-256\0\0\0"), "malformed" },
		{ SPAN_LITERAL("SCRAM-SHA-256\0\0\0\0\0"), "empty" },
		{ SPAN_LITERAL("SCRAM-SHA-256\0\0\0\0\1"), "length" },
		{ SPAN_LITERAL("SCRAM-SHA-256\0\0\0\0\10n,,n=,r=xy"), "length" },
		{ SPAN_LITERAL("SCRAM-SHA-256\0\0\0\0\13n,,n=,r=xy"), "length" },
		{ SPAN_LITERAL("SCRAM-SHA-256\0\x7f\xff\xff\xffn,,n=,r=xy"), "length" },
		{ SPAN_LITERAL("SCRAM-SHA-256\0\xff\xff\xff\xfen,,n=,r=xy"), "length" },
		{ SPAN_LITERAL("SCRAM-SHA-256\0\xff\xff\xff\xffn,,n=,r=xy"), "length" },
		{ SPAN_LITERAL("SCRAM-SHA-256-PLUS\0\0\0\0\12p=x,,n=,r=y"), "mechanism" },
		{ SPAN_LITERAL("scram-sha-256\0\0\0\0\12n,,n=,r=xy"), "mechanism" },
		{ SPAN_LITERAL("SCRAM-SHA-1\0\0\0\0\12n,,n=,r=xy"), "mechanism" },
		{ SPAN_LITERAL("SCRAM-SHA-256\0\0\0\0\12n,,n=,r=\0y"), "NUL" },
		{ SPAN_LITERAL("SCRAM-SHA-256\0\0\0\0\12p=x,,n=,r="), "channel binding" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct secret s;
		struct actor a;

		stored(SECRET_SCRAM, &s);
		actor_begin(&a, LOGIN_SCRAM, &s, true, "sesame");
		actor_say(&a, 'p', rows[i].body);
		assert_int_equal(a.verdict, LOGIN_NO);
		assert_string_equal(a.e.text, "SASL authentication failed");
		if (strstr(a.e.detail, rows[i].detail) == NULL)
			fail_msg("row %zu: %s", i, a.e.detail);
		assert_int_equal(a.reply.len, 0);
		actor_end(&a);
		secret_fini(&s);
	}
}

static void
an_initial_response_may_be_absent(void **state)
{
	struct buf first = {0};
	struct secret s;
	struct actor a;

	(void)state;
	stored(SECRET_SCRAM, &s);
	actor_begin(&a, LOGIN_SCRAM, &s, true, "sesame");
	actor_say(&a, 'p', SPAN_LITERAL("SCRAM-SHA-256\0\xff\xff\xff\xff"));
	assert_int_equal(a.verdict, LOGIN_MORE);
	assert_int_equal(auth_data(&a.reply, AUTH_SASL_CONTINUE).len, 0);
	assert_true(scram_client_first(&a.scram, &first));
	actor_say(&a, 'p', buf_span(&first));
	scram_prove(&a);
	assert_int_equal(a.verdict, LOGIN_YES);
	actor_end(&a);
	buf_fini(&first);
	secret_fini(&s);
}

/* Say client-final with byte AT changed by CHANGE, or cut there if that is 0. */
static size_t
broken_final(size_t at, unsigned char change)
{
	struct scram_keys keys;
	struct buf final = {0};
	const char *why;
	struct secret s;
	struct actor a;
	size_t len;

	stored(SECRET_SCRAM, &s);
	actor_begin(&a, LOGIN_SCRAM, &s, true, "sesame");
	scram_begin(&a);
	assert_true(scram_client_read(&a.scram,
	    auth_data(&a.reply, AUTH_SASL_CONTINUE), &why));
	assert_true(scram_keys_make(SPAN_LITERAL("sesame"), SPAN_LITERAL("salt"), 7,
	    &keys));
	assert_true(scram_client_final(&a.scram, &keys, &final));
	len = final.len;
	if (change == 0)
		final.len = at;
	else
		final.at[at] ^= (char)change;
	actor_say(&a, 'p', buf_span(&final));
	if (a.verdict != LOGIN_NO)
		fail_msg("byte %zu ^ %u passed", at, change);
	assert_string_equal(a.e.text, "SASL authentication failed");
	actor_end(&a);
	buf_fini(&final);
	secret_fini(&s);
	return len;
}

static void
broken_proofs_fail(void **state)
{
	size_t len = 1;

	(void)state;
	for (size_t at = 0; at < len; at++) {
		len = broken_final(at, 0);
		for (unsigned bit = 1; bit < 256; bit <<= 1)
			broken_final(at, (unsigned char)bit);
	}
	assert_int_equal(keyring_count(ring), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RINGED(only_password_messages_are_taken),
		RINGED(passwords_end_with_their_only_zero),
		RINGED(long_passwords_are_refused),
		RINGED(initial_responses_are_checked),
		RINGED(an_initial_response_may_be_absent),
		RINGED(broken_proofs_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
