/* login.c: the matrix of methods and secrets, mock steps, what the keyring learns. */
#include "unit/auth/client.h"

#include "base/mem.h"

/* --- who gets in -------------------------------------------------------------- */

#define UNKNOWN (SECRET_SCRAM + 1)

struct row {
	enum login_method	 method;
	bool			 yes[UNKNOWN + 1];	/* by kind, then unknown */
	uint32_t		 asks[UNKNOWN + 1];	/* 0: nothing */
	const char		*no;
};

#define ALWAYS(x) { x, x, x, x, x }

static const struct row matrix[] = {
	{ LOGIN_ANY, ALWAYS(true), ALWAYS(0), NULL },
	{ LOGIN_TRUST, { true, true, true, true, false }, ALWAYS(0),
	    "\"trust\" authentication failed" },
	{ LOGIN_PLAIN, { false, true, true, true, false }, ALWAYS(AUTH_CLEARTEXT),
	    "password authentication failed" },
	{ LOGIN_MD5, { false, true, true, true, false },
	    { AUTH_MD5, AUTH_MD5, AUTH_MD5, AUTH_SASL, AUTH_MD5 },
	    "password authentication failed" },
	{ LOGIN_SCRAM, { false, true, false, true, false }, ALWAYS(AUTH_SASL),
	    "SASL authentication failed" },
};

static void
matrix_cell(const struct row *row, unsigned kind, const char *password)
{
	bool known = kind != UNKNOWN, right = strcmp(password, "sesame") == 0;
	bool yes = row->yes[kind] && (right || row->method <= LOGIN_ANY);
	const char *no = row->asks[kind] == AUTH_SASL ? "SASL authentication failed" :
	    row->no;
	struct secret s;
	struct actor a;

	stored(known ? kind : SECRET_NONE, &s);
	actor_begin(&a, row->method, &s, known, password);
	if (row->asks[kind] == 0)
		assert_int_equal(a.reply.len, 0);
	else
		auth_data(&a.reply, row->asks[kind]);
	actor_log_in(&a);
	if (a.verdict != (yes ? LOGIN_YES : LOGIN_NO))
		fail_msg("method %d, secret %u, \"%s\": verdict %d (%s)", row->method,
		    kind, password, a.verdict, a.e.text);
	if (!yes) {
		assert_string_equal(a.e.text, no);
		assert_string_equal(a.e.sqlstate, "08P01");
		assert_string_equal(a.e.detail, "");
	}
	actor_end(&a);
	secret_fini(&s);
}

static void
every_method_with_every_secret(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(matrix); i++)
		for (unsigned kind = SECRET_NONE; kind <= UNKNOWN; kind++) {
			matrix_cell(&matrix[i], kind, "sesame");
			matrix_cell(&matrix[i], kind, "wrong");
		}
}

static void
the_stored_text_opens_nothing(void **state)
{
	(void)state;
	for (enum secret_kind kind = SECRET_MD5; kind <= SECRET_SCRAM; kind++) {
		struct secret s;
		struct actor a;

		stored(kind, &s);
		actor_begin(&a, LOGIN_PLAIN, &s, true, s.text);
		actor_log_in(&a);
		assert_int_equal(a.verdict, LOGIN_NO);
		actor_end(&a);
		secret_fini(&s);
	}
}

static void
an_empty_password_is_named(void **state)
{
	struct secret s;
	struct actor a;

	(void)state;
	for (enum secret_kind kind = SECRET_NONE; kind <= SECRET_MD5; kind++) {
		for (enum login_method m = LOGIN_PLAIN; m <= LOGIN_MD5; m++) {
			stored(kind, &s);
			actor_begin(&a, m, &s, true, "");
			actor_say(&a, 'p', SPAN_LITERAL("\0"));
			assert_int_equal(a.verdict, LOGIN_NO);
			assert_string_equal(a.e.text,
			    "empty password returned by client");
			actor_end(&a);
			secret_fini(&s);
		}
	}
}

/* --- what strangers see of it ------------------------------------------------- */

static void
unknown_users_hear_what_known_ones_hear(void **state)
{
	static const struct {
		enum login_method	 method;
		enum secret_kind	 kind;
	} rows[] = {
		{ LOGIN_PLAIN, SECRET_PLAIN }, { LOGIN_PLAIN, SECRET_MD5 },
		{ LOGIN_PLAIN, SECRET_SCRAM }, { LOGIN_PLAIN, SECRET_NONE },
		{ LOGIN_MD5, SECRET_PLAIN }, { LOGIN_MD5, SECRET_MD5 },
		{ LOGIN_SCRAM, SECRET_PLAIN }, { LOGIN_SCRAM, SECRET_MD5 },
		{ LOGIN_SCRAM, SECRET_NONE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct secret s;
		struct actor known, unknown;

		stored(rows[i].kind, &s);
		actor_begin(&known, rows[i].method, &s, true, "wrong");
		actor_begin(&unknown, rows[i].method, &s, false, "wrong");
		actor_log_in(&known);
		actor_log_in(&unknown);
		assert_string_equal(buf_text(&known.heard), buf_text(&unknown.heard));
		assert_int_equal(unknown.verdict, LOGIN_NO);
		assert_memory_equal(&known.e, &unknown.e, sizeof(struct err));
		/* SCRAM: the very same salt, too */
		assert_true(span_same(buf_span(&known.scram.salt),
		    buf_span(&unknown.scram.salt)));
		assert_int_equal(known.scram.iterations, unknown.scram.iterations);
		actor_end(&known);
		actor_end(&unknown);
		secret_fini(&s);
	}
}

static void
a_mock_looks_like_a_stored_verifier(void **state)
{
	struct buf text = {0};
	struct secret s;
	struct actor known, unknown;

	(void)state;
	put_verifier(&text, "sesame", SPAN_LITERAL("sixteen bytes..."), 16);
	assert_true(secret_init(&s, buf_span(&text)));
	actor_begin(&known, LOGIN_SCRAM, &s, true, "wrong");
	actor_begin(&unknown, LOGIN_SCRAM, &s, false, "wrong");
	actor_log_in(&known);
	actor_log_in(&unknown);
	assert_string_equal(buf_text(&known.heard), buf_text(&unknown.heard));
	assert_memory_equal(&known.e, &unknown.e, sizeof(struct err));
	actor_end(&known);
	actor_end(&unknown);
	secret_fini(&s);
	buf_fini(&text);
}

/* --- the keyring -------------------------------------------------------------- */

static void
a_plain_secret_is_salted_once(void **state)
{
	struct secret s;
	struct actor a;

	(void)state;
	stored(SECRET_PLAIN, &s);
	for (unsigned i = 0; i < 3; i++) {
		actor_begin(&a, LOGIN_SCRAM, &s, true, "sesame");
		actor_log_in(&a);
		assert_int_equal(a.verdict, LOGIN_YES);
		assert_int_equal(keyring_count(ring), 1);
		actor_end(&a);
	}
	secret_fini(&s);
}

static void
only_a_right_proof_teaches_keys(void **state)
{
	struct scram_keys keys, right;
	struct secret s;
	struct actor a;

	(void)state;
	stored(SECRET_SCRAM, &s);
	actor_begin(&a, LOGIN_SCRAM, &s, true, "wrong");
	actor_log_in(&a);
	assert_int_equal(keyring_count(ring), 0);
	actor_end(&a);

	actor_begin(&a, LOGIN_SCRAM, &s, true, "sesame");
	actor_log_in(&a);
	assert_int_equal(a.verdict, LOGIN_YES);
	assert_true(keyring_find(ring, BOB, secret_span(&s), SPAN_LITERAL("salt"), 7,
	    &keys));
	assert_true(scram_keys_make(SPAN_LITERAL("sesame"), SPAN_LITERAL("salt"), 7,
	    &right));
	assert_memory_equal(&keys, &right, sizeof(keys));
	actor_end(&a);
	secret_fini(&s);
}

static void
a_password_in_clear_teaches_keys_as_well(void **state)
{
	struct scram_keys keys, right;
	struct secret s;
	struct actor a;

	(void)state;
	stored(SECRET_SCRAM, &s);
	assert_true(scram_keys_make(SPAN_LITERAL("sesame"), SPAN_LITERAL("salt"), 7,
	    &right));
	for (unsigned i = 0; i < 2; i++) {
		actor_begin(&a, LOGIN_PLAIN, &s, true, i == 0 ? "wrong" : "sesame");
		actor_log_in(&a);
		assert_int_equal(a.verdict, i == 0 ? LOGIN_NO : LOGIN_YES);
		assert_int_equal(keyring_count(ring), i);
		actor_end(&a);
	}
	assert_true(keyring_find(ring, BOB, secret_span(&s), SPAN_LITERAL("salt"), 7,
	    &keys));
	assert_memory_equal(&keys, &right, sizeof(keys));
	secret_fini(&s);
}

/* --- no memory ---------------------------------------------------------------- */

/* Log in with the right password while the AFTERth allocation fails. True: got in. */
static bool
starved(enum login_method method, enum secret_kind kind, unsigned after)
{
	const struct login_rules rules = { .method = method, .scram_iterations = 1,
		.keyring = ring };
	struct buf reply = {0};
	struct login *login;
	enum login_verdict verdict;
	struct err e = {0};
	struct secret s;

	stored(kind, &s);
	mem_fail_after(after);
	verdict = login_begin(&login, &rules, BOB, secret_span(&s), true, &reply, &e);
	if (verdict == LOGIN_MORE)
		verdict = login_step(login, 'p', method == LOGIN_PLAIN ?
		    SPAN_LITERAL("sesame\0") :
		    SPAN_LITERAL("SCRAM-SHA-256\0\0\0\0\12n,,n=,r=xy"), &reply, &e);
	mem_fail_after(0);
	if (verdict == LOGIN_NO)
		assert_int_not_equal(e.text[0], '\0');
	login_free(login);
	buf_fini(&reply);
	secret_fini(&s);
	return verdict != LOGIN_NO;
}

static void
without_memory_one_login_fails(void **state)
{
	unsigned refused = 0;

	(void)state;
	for (unsigned after = 1; after < 40; after++)
		for (enum secret_kind kind = SECRET_PLAIN; kind <= SECRET_SCRAM; kind++) {
			refused += !starved(LOGIN_PLAIN, kind, after);
			refused += !starved(LOGIN_SCRAM, kind, after);
		}
	assert_true(refused > 0);
	assert_true(starved(LOGIN_SCRAM, SECRET_PLAIN, 0));
	assert_true(starved(LOGIN_PLAIN, SECRET_SCRAM, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RINGED(every_method_with_every_secret),
		RINGED(the_stored_text_opens_nothing),
		RINGED(an_empty_password_is_named),
		RINGED(unknown_users_hear_what_known_ones_hear),
		RINGED(a_mock_looks_like_a_stored_verifier),
		RINGED(a_plain_secret_is_salted_once),
		RINGED(only_a_right_proof_teaches_keys),
		RINGED(a_password_in_clear_teaches_keys_as_well),
		RINGED(without_memory_one_login_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
