/* login.c: methods whose proof is not a secret of ours, secrets that change in the middle,
 * channels that are bound. */
#include "unit/auth/client.h"

#define BINDING SPAN_LITERAL("the hash of our certificate")

/* --- methods without a secret ------------------------------------------------------ */

static enum login_verdict
at_once(struct login_rules rules, bool known, struct err *e)
{
	enum login_verdict verdict;
	struct buf reply = {0};
	struct login *login;

	rules.keyring = ring;
	verdict = login_begin(&login, &rules, BOB, SPAN_LITERAL("sesame"), known, &reply, e);
	assert_null(login);
	assert_int_equal(reply.len, 0);
	return verdict;
}

static void
what_the_connection_shows_decides(void **state)
{
	static const struct {
		enum login_method	 method;
		bool			 known, shown, barred;
		const char		*no;
	} rows[] = {
		{ LOGIN_CERT, true, true, false, NULL },
		{ LOGIN_CERT, true, false, false, "certificate authentication failed" },
		{ LOGIN_CERT, false, true, false, "certificate authentication failed" },
		{ LOGIN_CERT, true, true, true, "certificate authentication failed" },
		{ LOGIN_PEER, true, true, false, NULL },
		{ LOGIN_PEER, true, false, false, "unix socket login rejected" },
		{ LOGIN_PEER, false, true, false, "unix socket login rejected" },
		{ LOGIN_TRUST, true, false, true, "certificate authentication failed" },
		{ LOGIN_SCRAM, true, true, true, "certificate authentication failed" },
		{ LOGIN_LDAP, true, true, true, "certificate authentication failed" },
		{ LOGIN_REJECT, true, true, false, "login rejected" },
		{ LOGIN_NOWAY, true, true, false, "no authentication method is found" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct login_rules rules = { .method = rows[i].method,
			.shown = rows[i].shown, .barred = rows[i].barred };
		struct err e = {0};

		if (at_once(rules, rows[i].known, &e) !=
		    (rows[i].no == NULL ? LOGIN_YES : LOGIN_NO))
			fail_msg("row %zu: %s", i, e.text);
		if (rows[i].no != NULL)
			assert_string_equal(e.text, rows[i].no);
	}
}

static void
others_judge_passwords(void **state)
{
	(void)state;
	for (enum login_method m = LOGIN_PAM; m <= LOGIN_LDAP; m++) {
		for (int right = 0; right <= 1; right++) {
			struct secret none = {0};
			struct err e = {0};
			struct actor a;

			actor_begin(&a, m, &none, false, "sesame");
			auth_data(&a.reply, AUTH_CLEARTEXT);
			/* nobody is let in who has said nothing */
			actor_say(&a, 'p', SPAN_LITERAL("sesame\0"));
			assert_int_equal(a.verdict, LOGIN_ASK);
			assert_span_is(login_password(a.login), "sesame");
			assert_false(login_may_again(a.login));
			assert_int_equal(login_told(a.login, right, &e),
			    right ? LOGIN_YES : LOGIN_NO);
			if (!right)
				assert_string_equal(e.text, m == LOGIN_PAM ?
				    "PAM authentication failed" :
				    "LDAP authentication failed");
			actor_end(&a);
		}
	}
}

static void
nobody_can_be_told_before_the_password(void **state)
{
	struct secret none = {0};
	struct err e = {0};
	struct actor a;

	(void)state;
	actor_begin(&a, LOGIN_LDAP, &none, true, "");
	assert_int_equal(login_told(a.login, true, &e), LOGIN_NO);
	actor_end(&a);

	actor_begin(&a, LOGIN_PAM, &none, true, "");
	actor_say(&a, 'p', SPAN_LITERAL("\0"));
	assert_int_equal(a.verdict, LOGIN_NO);
	assert_string_equal(a.e.text, "empty password returned by client");
	actor_end(&a);

	/* a second password while the first is judged */
	actor_begin(&a, LOGIN_PAM, &none, true, "");
	actor_say(&a, 'p', SPAN_LITERAL("one\0"));
	actor_say(&a, 'p', SPAN_LITERAL("two\0"));
	assert_int_equal(a.verdict, LOGIN_NO);
	assert_int_equal(login_told(a.login, true, &e), LOGIN_NO);
	actor_end(&a);
}

/* --- secrets that change ------------------------------------------------------------ */

static enum login_verdict
again(struct actor *a, struct span secret, bool known)
{
	struct err e = {0};

	assert_int_equal(a->verdict, LOGIN_NO);
	assert_true(login_may_again(a->login));
	buf_clear(&a->reply);
	a->verdict = login_again(a->login, secret, known, &a->reply, &e);
	assert_false(login_may_again(a->login));
	if (a->verdict == LOGIN_NO)
		assert_int_not_equal(e.text[0], '\0');
	return a->verdict;
}

static void
passwords_are_measured_again(void **state)
{
	static const enum login_method methods[] = { LOGIN_PLAIN, LOGIN_MD5, LOGIN_SCRAM };
	struct secret old;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		for (int was_known = 0; was_known <= 1; was_known++) {
			static const struct {
				const char	*secret;
				bool		 known, yes;
			} rows[] = {
				{ "sesame", true, true },
				{ "sesame", false, false },
				{ "pepper", true, false },
				{ "", true, false },
			};

			for (size_t r = 0; r < ARRAY_SIZE(rows); r++) {
				struct actor a;

				assert_true(secret_init(&old, SPAN_LITERAL("the old one")));
				actor_begin(&a, methods[i], &old, was_known, "sesame");
				actor_log_in(&a);
				assert_int_equal(again(&a, span_text(rows[r].secret),
				    rows[r].known), rows[r].yes ? LOGIN_YES : LOGIN_NO);
				if (rows[r].yes && methods[i] == LOGIN_SCRAM)
					auth_data(&a.reply, AUTH_SASL_FINAL);
				actor_end(&a);
				secret_fini(&old);
			}
		}
	}
}

static void
a_proof_fits_the_same_salt_only(void **state)
{
	static const struct {
		const char	*password, *salt;
		uint32_t	 iterations;
		bool		 yes;
	} rows[] = {
		{ "sesame", "salt", 7, true },
		{ "sesame", "tlas", 7, false },
		{ "sesame", "salt", 8, false },
		{ "pepper", "salt", 7, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct buf before = {0}, now = {0};
		struct secret old;
		struct actor a;

		put_verifier(&before, "old", SPAN_LITERAL("salt"), 7);
		put_verifier(&now, rows[i].password, span_text(rows[i].salt),
		    rows[i].iterations);
		assert_true(secret_init(&old, buf_span(&before)));
		actor_begin(&a, LOGIN_SCRAM, &old, true, "sesame");
		actor_log_in(&a);
		assert_int_equal(again(&a, buf_span(&now), true),
		    rows[i].yes ? LOGIN_YES : LOGIN_NO);
		/* the first teaches its keys, no other does */
		assert_int_equal(keyring_count(ring), 1);
		actor_end(&a);
		secret_fini(&old);
		buf_fini(&before);
		buf_fini(&now);
	}
}

static void
broken_messages_get_no_second_chance(void **state)
{
	struct secret s;
	struct actor a;

	(void)state;
	stored(SECRET_PLAIN, &s);
	actor_begin(&a, LOGIN_PLAIN, &s, true, "x");
	actor_say(&a, 'p', SPAN_LITERAL("no end"));
	assert_int_equal(a.verdict, LOGIN_NO);
	assert_false(login_may_again(a.login));
	assert_int_equal(login_again(a.login, SPAN_LITERAL("no end"), true, &a.reply, &a.e),
	    LOGIN_NO);
	actor_end(&a);

	actor_begin(&a, LOGIN_SCRAM, &s, true, "x");
	scram_begin(&a);
	actor_say(&a, 'p', SPAN_LITERAL("c=biws,r=x,p=y"));
	assert_false(login_may_again(a.login));
	actor_end(&a);
	secret_fini(&s);
}

/* --- channels ------------------------------------------------------------------------ */

static void
begin_bound(struct actor *a, struct span binding)
{
	const struct login_rules rules = { .method = LOGIN_SCRAM, .scram_iterations = 16,
		.keyring = ring, .binding = binding };

	memset(a, 0, sizeof(*a));
	a->password = "sesame";
	a->verdict = login_begin(&a->login, &rules, BOB, SPAN_LITERAL("sesame"), true,
	    &a->reply, &a->e);
	assert_int_equal(a->verdict, LOGIN_MORE);
}

/* Choose MECHANISM and say client-first with OPTIONS. */
static void
choose(struct actor *a, const char *mechanism, const struct scram_options *options)
{
	struct buf first = {0}, body = {0};

	scram_client_init(&a->scram, options);
	assert_true(scram_client_first(&a->scram, &first));
	put_initial(&body, mechanism, buf_span(&first));
	actor_say(a, 'p', buf_span(&body));
	buf_fini(&first);
	buf_fini(&body);
}

static void
the_channel_is_bound(void **state)
{
	static const char both[] = "SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0";
	const struct span ours = BINDING, theirs = SPAN_LITERAL("another's");
	const struct span type = SPAN_LITERAL(SCRAM_BINDING);
	const struct {
		bool			 bindable;
		const char		*mechanism;
		struct scram_options	 options;
		bool			 begins, yes;
	} rows[] = {
		{ true, "SCRAM-SHA-256-PLUS",
		    { .binding_type = type, .binding_data = ours, .bind = true }, true, true },
		{ true, "SCRAM-SHA-256-PLUS",
		    { .binding_type = type, .binding_data = theirs, .bind = true }, true, false },
		{ true, "SCRAM-SHA-256-PLUS",
		    { .binding_type = SPAN_LITERAL("tls-unique"), .binding_data = ours,
		      .bind = true }, false, false },
		/* chosen, and then not done */
		{ true, "SCRAM-SHA-256-PLUS", { .bind = false }, false, false },
		/* done, and not chosen */
		{ true, "SCRAM-SHA-256",
		    { .binding_type = type, .binding_data = ours, .bind = true }, false, false },
		/* it could, but did not see that we could: somebody between us did */
		{ true, "SCRAM-SHA-256", { .binding_type = type, .binding_data = ours }, false,
		    false },
		{ true, "SCRAM-SHA-256", { .bind = false }, true, true },
		{ false, "SCRAM-SHA-256", { .bind = false }, true, true },
		{ false, "SCRAM-SHA-256", { .binding_type = type, .binding_data = ours }, true,
		    true },
		{ false, "SCRAM-SHA-256-PLUS",
		    { .binding_type = type, .binding_data = ours, .bind = true }, false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct actor a;
		struct span offer;

		begin_bound(&a, rows[i].bindable ? ours : span_of("", 0));
		offer = auth_data(&a.reply, AUTH_SASL);
		if (rows[i].bindable)
			assert_true(span_same(offer, span_of(both, sizeof(both))));
		else
			assert_true(span_same(offer, SPAN_LITERAL("SCRAM-SHA-256\0\0")));
		choose(&a, rows[i].mechanism, &rows[i].options);
		if ((a.verdict == LOGIN_MORE) != rows[i].begins)
			fail_msg("row %zu: %s, %s", i, a.e.text, a.e.detail);
		if (a.verdict == LOGIN_MORE)
			scram_prove(&a);
		assert_int_equal(a.verdict, rows[i].yes ? LOGIN_YES : LOGIN_NO);
		if (!rows[i].yes)
			assert_string_equal(a.e.text, "SASL authentication failed");
		actor_end(&a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RINGED(what_the_connection_shows_decides),
		RINGED(others_judge_passwords),
		RINGED(nobody_can_be_told_before_the_password),
		RINGED(passwords_are_measured_again),
		RINGED(a_proof_fits_the_same_salt_only),
		RINGED(broken_messages_get_no_second_chance),
		RINGED(the_channel_is_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
