/* backend.c: the matrix of requests and secrets, and servers that cheat. */
#include "unit/auth/backend.h"

#include "auth/login.h"
#include "auth/md5.h"

#define NAMES SPAN_LITERAL("SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0")
#define WRONG_TYPE "server login failed: wrong password type"

static void
ok_at_once_is_ok(void **state)
{
	(void)state;
	for (enum secret_kind kind = SECRET_NONE; kind <= SECRET_SCRAM; kind++) {
		struct actor a;

		actor_begin(&a, kind);
		actor_hears(&a, AUTH_OK, span_of(NULL, 0));
		assert_int_equal(a.verdict, BACKEND_OK);
		assert_int_equal(a.reply.len, 0);
		/* once */
		actor_hears(&a, AUTH_OK, span_of(NULL, 0));
		assert_fails(&a, "after the login");
		actor_end(&a);
	}
}

static void
cleartext_is_never_answered_with_a_hash(void **state)
{
	static const struct span sent[] = {
		[SECRET_NONE] = SPAN_LITERAL("\0"),
		[SECRET_PLAIN] = SPAN_LITERAL("sesame\0"),
	};

	(void)state;
	for (enum secret_kind kind = SECRET_NONE; kind <= SECRET_SCRAM; kind++) {
		struct actor a;

		actor_begin(&a, kind);
		actor_hears(&a, AUTH_CLEARTEXT, span_of(NULL, 0));
		if (kind <= SECRET_PLAIN) {
			assert_int_equal(a.verdict, BACKEND_MORE);
			assert_true(span_same(only_message(&a.reply, 'p'), sent[kind]));
			actor_hears(&a, AUTH_OK, span_of(NULL, 0));
			assert_int_equal(a.verdict, BACKEND_OK);
		} else {
			assert_fails(&a, WRONG_TYPE);
			assert_int_equal(a.reply.len, 0);
			assert_non_null(strstr(a.e.detail, "the server asked for"));
		}
		actor_end(&a);
	}
}

static void
cleartext_may_be_forbidden(void **state)
{
	const struct backend_rules rules = { .user = BOB,
		.secret = SPAN_LITERAL("sesame"), .keyring = ring,
		.refuse_cleartext = true };
	struct actor a = {0};

	(void)state;
	a.login = backend_new(&rules);
	actor_hears(&a, AUTH_CLEARTEXT, span_of(NULL, 0));
	assert_fails(&a, "cleartext");
	assert_int_equal(a.reply.len, 0);
	actor_end(&a);
}

static void
md5_is_answered_from_all_but_verifiers(void **state)
{
	(void)state;
	for (enum secret_kind kind = SECRET_NONE; kind <= SECRET_SCRAM; kind++) {
		char answer[DIGEST_MD5_TEXT + 1];
		struct actor a;

		actor_begin(&a, kind);
		actor_hears(&a, AUTH_MD5, SPAN_LITERAL("\1\0\3\4"));
		if (kind == SECRET_SCRAM) {
			assert_fails(&a, WRONG_TYPE);
		} else {
			assert_int_equal(a.verdict, BACKEND_MORE);
			assert_true(md5_answer(&a.secret, BOB, "\1\0\3\4", answer));
			assert_true(span_same(only_message(&a.reply, 'p'),
			    span_of(answer, sizeof(answer))));
		}
		actor_end(&a);
	}
}

/* --- SCRAM: our own login.c plays the server ---------------------------------- */

/* Log A in at a server that keeps SERVERS for bob and, unless BINDING is empty, binds. */
static void
scram_over(struct actor *a, const struct secret *servers, struct span binding)
{
	const struct login_rules rules = { .method = LOGIN_SCRAM, .scram_iterations = 9,
		.keyring = ring, .binding = binding };
	struct buf reply = {0};
	struct login *server;
	struct err e = {0};
	enum login_verdict v;

	v = login_begin(&server, &rules, BOB, secret_span(servers), true, &reply, &e);
	while (v == LOGIN_MORE) {
		struct span body = only_message(&reply, 'R');

		actor_hears(a, read_be32(body.at), span_skip(body, 4));
		if (a->verdict != BACKEND_MORE)
			break;
		buf_clear(&reply);
		v = login_step(server, 'p', only_message(&a->reply, 'p'), &reply, &e);
	}
	if (v == LOGIN_YES) {
		struct span body = only_message(&reply, 'R');

		actor_hears(a, read_be32(body.at), span_skip(body, 4));
		assert_int_equal(a->verdict, BACKEND_MORE);
		assert_int_equal(a->reply.len, 0);
		actor_hears(a, AUTH_OK, span_of(NULL, 0));
	}
	login_free(server);
	buf_fini(&reply);
}

static void
scram_at(struct actor *a, const struct secret *servers)
{
	scram_over(a, servers, span_of("", 0));
}

static void
scram_from_a_plain_secret(void **state)
{
	struct secret servers;

	(void)state;
	for (enum secret_kind kind = SECRET_PLAIN; kind <= SECRET_SCRAM; kind += 2) {
		struct actor a;

		stored(kind, &servers);
		actor_begin(&a, SECRET_PLAIN);
		scram_at(&a, &servers);
		assert_int_equal(a.verdict, BACKEND_OK);
		actor_end(&a);
		secret_fini(&servers);
	}
	/* one entry a salt: the one shown to clients, and the verifier's */
	assert_true(keyring_count(ring) >= 2);
}

static void
scram_is_bound_where_both_can(void **state)
{
	static const struct {
		const char	*ours, *theirs, *says;
		bool		 in;
	} rows[] = {
		{ "cert", "cert", "p=tls-server-end-point,,", true },
		{ "cert", "another", "p=tls-server-end-point,,", false },
		{ "cert", "", "y,,", true },	/* we could, it does not offer it */
		{ "", "cert", "n,,", true },	/* we cannot */
		{ "", "", "n,,", true },
	};
	struct secret servers;

	(void)state;
	stored(SECRET_SCRAM, &servers);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool plus = rows[i].says[0] == 'p';
		struct actor a;
		struct reader r;

		actor_begin_at(&a, SECRET_PLAIN, span_text(rows[i].ours));
		scram_over(&a, &servers, span_text(rows[i].theirs));
		assert_int_equal(a.verdict == BACKEND_OK, rows[i].in);
		actor_end(&a);

		actor_begin_at(&a, SECRET_PLAIN, span_text(rows[i].ours));
		actor_hears(&a, AUTH_SASL, rows[i].theirs[0] != '\0' ? NAMES :
		    SPAN_LITERAL("SCRAM-SHA-256\0\0"));
		r = read_begin(only_message(&a.reply, 'p'));
		assert_span_is(read_string(&r), plus ? SCRAM_MECHANISM_PLUS :
		    SCRAM_MECHANISM);
		read_u32(&r);
		assert_true(span_starts(read_rest(&r), rows[i].says));
		actor_end(&a);
	}
	secret_fini(&servers);
}

static void
a_server_that_only_binds(void **state)
{
	struct actor a;

	(void)state;
	actor_begin(&a, SECRET_PLAIN);
	actor_hears(&a, AUTH_SASL, SPAN_LITERAL("SCRAM-SHA-256-PLUS\0\0"));
	assert_fails(&a, "no common SASL mechanism");
	actor_end(&a);
	actor_begin_at(&a, SECRET_PLAIN, SPAN_LITERAL("cert"));
	actor_hears(&a, AUTH_SASL, SPAN_LITERAL("SCRAM-SHA-256-PLUS\0\0"));
	assert_int_equal(a.verdict, BACKEND_MORE);
	actor_end(&a);
}

static void
scram_from_other_secrets_fails(void **state)
{
	struct secret servers;
	struct actor a;

	(void)state;
	stored(SECRET_SCRAM, &servers);
	actor_begin(&a, SECRET_MD5);
	scram_at(&a, &servers);
	assert_fails(&a, WRONG_TYPE);
	assert_int_equal(a.reply.len, 0);
	actor_end(&a);

	/* nothing known: the exchange runs, the server refuses */
	actor_begin(&a, SECRET_NONE);
	scram_at(&a, &servers);
	assert_int_equal(a.verdict, BACKEND_MORE);
	assert_int_equal(keyring_count(ring), 0);
	actor_end(&a);

	/* a verifier nobody has proved yet */
	actor_begin(&a, SECRET_SCRAM);
	scram_at(&a, &servers);
	assert_fails(&a, WRONG_TYPE);
	assert_int_not_equal(a.e.hint[0], '\0');
	actor_end(&a);
	secret_fini(&servers);
}

/* A client that has logged in to us with its verifier has brought the keys. */
static void
scram_passes_through(void **state)
{
	struct secret servers;
	struct actor client, a;

	(void)state;
	stored(SECRET_SCRAM, &servers);
	actor_begin(&client, SECRET_PLAIN);
	scram_at(&client, &servers);
	assert_int_equal(client.verdict, BACKEND_OK);
	actor_end(&client);

	for (unsigned i = 0; i < 2; i++) {
		actor_begin(&a, SECRET_SCRAM);
		scram_at(&a, &servers);
		assert_int_equal(a.verdict, BACKEND_OK);
		actor_end(&a);
	}
	keyring_forget(ring, BOB, secret_span(&servers));
	actor_begin(&a, SECRET_SCRAM);
	scram_at(&a, &servers);
	assert_fails(&a, WRONG_TYPE);
	actor_end(&a);
	secret_fini(&servers);
}

static void
a_server_with_another_verifier_is_named(void **state)
{
	struct scram_keys keys;
	struct secret servers;
	struct buf text = {0};
	struct actor a;

	(void)state;
	assert_true(scram_keys_make(SPAN_LITERAL("sesame"), SPAN_LITERAL("salt"), 7,
	    &keys));
	actor_begin(&a, SECRET_SCRAM);
	keyring_keep(ring, BOB, secret_span(&a.secret), SPAN_LITERAL("salt"), 7, &keys);
	put_verifier(&text, "sesame", SPAN_LITERAL("pepper"), 7);
	assert_true(secret_init(&servers, buf_span(&text)));
	scram_at(&a, &servers);
	assert_fails(&a, "another SCRAM secret");
	actor_end(&a);
	secret_fini(&servers);
	buf_fini(&text);
}

/* --- servers that cheat or err ------------------------------------------------ */

static void
ok_without_proof_is_refused(void **state)
{
	struct actor a;
	struct buf first = {0};
	struct span body;

	(void)state;
	actor_begin(&a, SECRET_PLAIN);
	actor_hears(&a, AUTH_SASL, NAMES);
	assert_int_equal(a.verdict, BACKEND_MORE);
	actor_hears(&a, AUTH_OK, span_of(NULL, 0));
	assert_fails(&a, "without proving");
	actor_end(&a);

	actor_begin(&a, SECRET_PLAIN);
	actor_hears(&a, AUTH_SASL, NAMES);
	body = only_message(&a.reply, 'p');
	assert_memory_equal(body.at, "SCRAM-SHA-256\0\0\0\0\x20n,,n=,r=", 26);
	buf_put_text(&first, "r=");
	buf_put(&first, body.at + body.len - 24, 24);
	buf_put_text(&first, "x,s=AAAA,i=1");
	actor_hears(&a, AUTH_SASL_CONTINUE, buf_span(&first));
	assert_int_equal(a.verdict, BACKEND_MORE);
	actor_hears(&a, AUTH_OK, span_of(NULL, 0));
	assert_fails(&a, "without proving");
	actor_end(&a);

	/* nor does a made-up signature help */
	actor_begin(&a, SECRET_PLAIN);
	actor_hears(&a, AUTH_SASL, NAMES);
	body = only_message(&a.reply, 'p');
	memcpy(first.at + 2, body.at + body.len - 24, 24);
	actor_hears(&a, AUTH_SASL_CONTINUE, buf_span(&first));
	actor_hears(&a, AUTH_SASL_FINAL,
	    SPAN_LITERAL("v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="));
	assert_fails(&a, "signature is wrong");
	actor_end(&a);
	buf_fini(&first);
}

static void
iterations_are_capped(void **state)
{
	struct buf first = {0};
	struct span body;
	struct actor a;

	(void)state;
	actor_begin(&a, SECRET_PLAIN);
	actor_hears(&a, AUTH_SASL, NAMES);
	body = only_message(&a.reply, 'p');
	buf_put_text(&first, "r=");
	buf_put(&first, body.at + body.len - 24, 24);
	buf_put_text(&first, "x,s=AAAA,i=100001");
	actor_hears(&a, AUTH_SASL_CONTINUE, buf_span(&first));
	assert_fails(&a, "iterations");
	actor_end(&a);
	buf_fini(&first);
}

static void
broken_requests_are_refused(void **state)
{
	static const struct {
		uint32_t	 code;
		struct span	 data;
		const char	*text;
	} rows[] = {
		{ AUTH_OK, SPAN_LITERAL("x"), "malformed" },
		{ AUTH_CLEARTEXT, SPAN_LITERAL("x"), "malformed" },
		{ AUTH_MD5, SPAN_LITERAL("123"), "malformed" },
		{ AUTH_MD5, SPAN_LITERAL("12345"), "malformed" },
		{ AUTH_SASL, SPAN_LITERAL(""), "malformed" },
		{ AUTH_SASL, SPAN_LITERAL("SCRAM-SHA-256"), "malformed" },
		{ AUTH_SASL, SPAN_LITERAL("SCRAM-SHA-256\0"), "malformed" },
		{ AUTH_SASL, SPAN_LITERAL("\0"), "no common SASL mechanism" },
		{ AUTH_SASL, SPAN_LITERAL("OAUTHBEARER\0\0"), "no common SASL" },
		{ AUTH_SASL, SPAN_LITERAL("SCRAM-SHA-256-PLUS\0\0"), "no common" },
		{ AUTH_SASL, SPAN_LITERAL("SCRAM-SHA-25\0\0"), "no common" },
		{ AUTH_SASL_CONTINUE, SPAN_LITERAL("r=x,s=AAAA,i=1"), "out of turn" },
		{ AUTH_SASL_FINAL, SPAN_LITERAL("v=x"), "out of turn" },
		{ 2, SPAN_LITERAL(""), "method 2 is not supported" },
		{ 7, SPAN_LITERAL(""), "method 7 is not supported" },
		{ 0xffffffff, SPAN_LITERAL(""), "method 4294967295 is not supported" },
	};
	struct actor a;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		actor_begin(&a, SECRET_PLAIN);
		actor_hears(&a, rows[i].code, rows[i].data);
		assert_fails(&a, rows[i].text);
		assert_int_equal(a.reply.len, 0);
		actor_end(&a);
	}
	for (size_t len = 0; len < 4; len++) {
		actor_begin(&a, SECRET_PLAIN);
		a.verdict = backend_step(a.login, span_of("\0\0\0", len), &a.reply, &a.e);
		assert_fails(&a, "malformed");
		actor_end(&a);
	}
}

static void
nothing_is_asked_twice(void **state)
{
	struct actor a;

	(void)state;
	actor_begin(&a, SECRET_PLAIN);
	actor_hears(&a, AUTH_MD5, SPAN_LITERAL("1234"));
	actor_hears(&a, AUTH_CLEARTEXT, span_of(NULL, 0));
	assert_fails(&a, "out of turn");
	assert_int_equal(a.reply.len, 0);
	actor_hears(&a, AUTH_OK, span_of(NULL, 0));
	assert_fails(&a, "after the login");
	actor_end(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RINGED(ok_at_once_is_ok),
		RINGED(cleartext_is_never_answered_with_a_hash),
		RINGED(cleartext_may_be_forbidden),
		RINGED(md5_is_answered_from_all_but_verifiers),
		RINGED(scram_from_a_plain_secret),
		RINGED(scram_is_bound_where_both_can),
		RINGED(a_server_that_only_binds),
		RINGED(scram_from_other_secrets_fails),
		RINGED(scram_passes_through),
		RINGED(a_server_with_another_verifier_is_named),
		RINGED(ok_without_proof_is_refused),
		RINGED(iterations_are_capped),
		RINGED(broken_requests_are_refused),
		RINGED(nothing_is_asked_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
