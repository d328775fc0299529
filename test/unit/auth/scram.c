/* scram.c: both roles against the RFC, against each other, and changed under way. */
#include "unit/auth/parts.h"

static const struct scram_options vector_client = {
	.name = SPAN_LITERAL("user"), .nonce = SPAN_LITERAL("rOprNGfwEbeRWgbNEkqO"),
};
static const struct scram_options vector_server = {
	.nonce = SPAN_LITERAL("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"),
};

/* Messages in their order; FIRST and FINAL of either side. */
enum leg { CLIENT_FIRST, SERVER_FIRST, CLIENT_FINAL, SERVER_FINAL, LEGS };

/* One exchange: its two sides, what they share, what was said. */
struct exchange {
	struct scram_client	 client;
	struct scram_server	 server;
	struct scram_keys	 keys, learnt;
	struct buf		 said[LEGS];
	const char		*why;
};

static void
exchange_begin(struct exchange *x, const struct scram_keys *keys, const char *salt64,
    uint32_t iterations, const struct scram_options *client,
    const struct scram_options *server)
{
	struct scram_verifier v;

	memset(x, 0, sizeof(*x));
	x->keys = *keys;
	assert_true(scram_verifier_make(keys, span_text(salt64), iterations, &v));
	scram_client_init(&x->client, client);
	scram_server_init(&x->server, &v, server);
}

static void
exchange_end(struct exchange *x)
{
	for (enum leg leg = 0; leg < LEGS; leg++)
		buf_fini(&x->said[leg]);
	scram_client_fini(&x->client);
	scram_server_fini(&x->server);
}

/* Let the side speak whose turn LEG is, having heard the leg before. */
static bool
exchange_say(struct exchange *x, enum leg leg)
{
	switch (leg) {
	case CLIENT_FIRST:
		return scram_client_first(&x->client, &x->said[leg]);
	case SERVER_FIRST:
		return scram_server_first(&x->server, buf_span(&x->said[CLIENT_FIRST]),
		    &x->said[leg], &x->why);
	case CLIENT_FINAL:
		return scram_client_read(&x->client, buf_span(&x->said[SERVER_FIRST]),
		    &x->why) && scram_client_final(&x->client, &x->keys, &x->said[leg]);
	case SERVER_FINAL:
		return scram_server_final(&x->server, buf_span(&x->said[CLIENT_FINAL]),
		    &x->said[leg], &x->learnt, &x->why);
	case LEGS:
		break;
	}
	return scram_client_check(&x->client, buf_span(&x->said[SERVER_FINAL]), &x->why);
}

/* Everything from FROM to the end: do both sides agree? */
static bool
exchange_finish(struct exchange *x, enum leg from)
{
	for (enum leg leg = from; leg <= LEGS; leg++)
		if (!exchange_say(x, leg))
			return false;
	return true;
}

static struct scram_keys
keys_of(const char *password, struct span salt, uint32_t iterations)
{
	struct scram_keys keys;

	assert_true(scram_keys_make(span_text(password), salt, iterations, &keys));
	return keys;
}

static void
rfc_7677_example(void **state)
{
	static const char *const lines[LEGS] = {
		"n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
		("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=" VECTOR_SALT
		",i=4096"),
		("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
		"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="),
		"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
	};
	unsigned char salt[16];
	struct scram_keys keys;
	struct exchange x;

	(void)state;
	assert_int_equal(base64_decode(span_text(VECTOR_SALT), salt, sizeof(salt)), 16);
	keys = keys_of("pencil", span_of(salt, sizeof(salt)), 4096);
	exchange_begin(&x, &keys, VECTOR_SALT, 4096, &vector_client, &vector_server);
	assert_true(exchange_finish(&x, CLIENT_FIRST));
	for (enum leg leg = 0; leg < LEGS; leg++)
		assert_span_is(buf_span(&x.said[leg]), lines[leg]);
	assert_memory_equal(&x.learnt, &keys, sizeof(keys));
	exchange_end(&x);
}

static void
roles_agree_on_any_salt_and_count(void **state)
{
	static const uint32_t counts[] = { 1, 2, 100, 4096 };
	unsigned char salt[64];

	(void)state;
	for (size_t len = 1; len <= sizeof(salt); len++) {
		for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
			char salt64[4 * 22 + 1];
			struct scram_keys keys;
			struct exchange x;

			if (counts[i] > 1000 && len % 16 != 0)
				continue;
			rand_bytes(salt, len);
			base64_encode(salt, len, salt64);
			keys = keys_of("p\xc3\xa4ss", span_of(salt, len), counts[i]);
			exchange_begin(&x, &keys, salt64, counts[i], NULL, NULL);
			assert_true(exchange_finish(&x, CLIENT_FIRST));
			assert_int_equal(x.client.iterations, counts[i]);
			assert_int_equal(x.client.salt.len, len);
			assert_memory_equal(x.client.salt.at, salt, len);
			assert_memory_equal(&x.learnt, &keys, sizeof(keys));
			exchange_end(&x);
		}
	}
}

static void
another_password_fails(void **state)
{
	struct span salt = SPAN_LITERAL("abc");
	struct scram_keys keys = keys_of("right", salt, 2);
	struct scram_keys bad = keys_of("wrong", salt, 2);
	struct exchange x;

	(void)state;
	exchange_begin(&x, &keys, "YWJj", 2, NULL, NULL);
	x.keys = bad;
	assert_false(exchange_finish(&x, CLIENT_FIRST));
	assert_null(x.why);		/* nothing was malformed */
	assert_int_equal(x.said[SERVER_FINAL].len, 0);
	exchange_end(&x);

	/* right StoredKey, wrong ServerKey: the client is not deceived */
	exchange_begin(&x, &keys, "YWJj", 2, NULL, NULL);
	memcpy(x.server.verifier.server_key, bad.server, SCRAM_KEY);
	assert_false(exchange_finish(&x, CLIENT_FIRST));
	assert_int_not_equal(x.said[SERVER_FINAL].len, 0);
	exchange_end(&x);
}

/* A proof that was good once must not be good for another nonce of ours. */
static void
a_proof_for_another_nonce_fails(void **state)
{
	struct scram_keys keys = keys_of("pencil", SPAN_LITERAL("abc"), 1);
	struct exchange x;

	(void)state;
	exchange_begin(&x, &keys, "YWJj", 1, NULL, NULL);
	assert_true(exchange_say(&x, CLIENT_FIRST) && exchange_say(&x, SERVER_FIRST));
	assert_true(scram_client_read(&x.client, buf_span(&x.said[SERVER_FIRST]),
	    &x.why));
	x.client.nonce.at[x.client.nonce.len - 1] ^= 1;
	assert_true(scram_client_final(&x.client, &keys, &x.said[CLIENT_FINAL]));
	assert_false(exchange_say(&x, SERVER_FINAL));
	assert_non_null(strstr(x.why, "nonce"));
	exchange_end(&x);
}

static void
nothing_follows_the_proof(void **state)
{
	struct scram_keys keys = keys_of("pencil", SPAN_LITERAL("abc"), 1);
	struct exchange x;

	(void)state;
	exchange_begin(&x, &keys, "YWJj", 1, NULL, NULL);
	for (enum leg leg = 0; leg <= CLIENT_FINAL; leg++)
		assert_true(exchange_say(&x, leg));
	buf_put_text(&x.said[CLIENT_FINAL], ",x=y");
	assert_false(exchange_say(&x, SERVER_FINAL));
	exchange_end(&x);
}

static void
every_changed_byte_fails(void **state)
{
	struct scram_keys keys = keys_of("pencil", SPAN_LITERAL("abc"), 1);

	(void)state;
	for (enum leg leg = 0; leg < LEGS; leg++) {
		size_t len = 1;

		for (size_t at = 0; at < len; at++) {
			for (unsigned change = 1; change < 256; change += 1 + at % 7) {
				struct exchange x;

				exchange_begin(&x, &keys, "YWJj", 1, &vector_client,
				    &vector_server);
				for (enum leg l = 0; l <= leg; l++)
					assert_true(exchange_say(&x, l));
				len = x.said[leg].len;
				x.said[leg].at[at] ^= (char)change;
				if (exchange_finish(&x, leg + 1))
					fail_msg("leg %d, byte %zu ^ %u passed", leg, at,
					    change);
				exchange_end(&x);
			}
		}
	}
}

static void
every_cut_message_fails(void **state)
{
	struct scram_keys keys = keys_of("pencil", SPAN_LITERAL("abc"), 1);

	(void)state;
	for (enum leg leg = 0; leg < LEGS; leg++) {
		size_t len = 1;

		for (size_t at = 0; at < len; at++) {
			struct exchange x;

			exchange_begin(&x, &keys, "YWJj", 1, NULL, NULL);
			for (enum leg l = 0; l <= leg; l++)
				assert_true(exchange_say(&x, l));
			len = x.said[leg].len;
			x.said[leg].len = at;
			if (exchange_finish(&x, leg + 1))
				fail_msg("leg %d cut to %zu bytes passed", leg, at);
			exchange_end(&x);
		}
	}
}

static void
names_are_escaped(void **state)
{
	const struct scram_options options = { .name = SPAN_LITERAL("a,b=c"),
		.nonce = SPAN_LITERAL("x") };
	struct scram_client c;
	struct buf out = {0};

	(void)state;
	scram_client_init(&c, &options);
	assert_true(scram_client_first(&c, &out));
	assert_span_is(buf_span(&out), "n,,n=a=2Cb=3Dc,r=x");
	buf_fini(&out);
	scram_client_fini(&c);
}

static void
binding_binds(void **state)
{
	const struct scram_options none = {0};
	const struct scram_options could = {
		.binding_type = SPAN_LITERAL("tls-server-end-point"),
		.binding_data = SPAN_LITERAL("certificate one"),
	};
	struct scram_options does = could, other = could;
	const struct {
		const struct scram_options	*client, *server;
		bool				 agree;
	} rows[] = {
		{ &none, &none, true },
		{ &none, &could, true },	/* the client cannot */
		{ &could, &none, true },	/* the server cannot: y */
		{ &could, &could, false },	/* both could, yet y: downgraded */
		{ &does, &does, true },
		{ &does, &none, false },
		{ &none, &does, false },
		{ &other, &does, false },	/* somebody in the middle */
	};
	struct scram_keys keys = keys_of("pencil", SPAN_LITERAL("abc"), 1);

	(void)state;
	does.bind = other.bind = true;
	other.binding_data = SPAN_LITERAL("certificate two");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct exchange x;

		exchange_begin(&x, &keys, "YWJj", 1, rows[i].client, rows[i].server);
		if (exchange_finish(&x, CLIENT_FIRST) != rows[i].agree)
			fail_msg("row %zu: %s", i, x.why != NULL ? x.why : "agreed");
		exchange_end(&x);
	}
}

static void
nonces_differ_each_time(void **state)
{
	struct scram_client a, b;
	struct buf one = {0}, two = {0};

	(void)state;
	scram_client_init(&a, NULL);
	scram_client_init(&b, NULL);
	assert_true(scram_client_first(&a, &one) && scram_client_first(&b, &two));
	assert_int_equal(one.len, strlen("n,,n=,r=") + 24);
	assert_false(span_same(buf_span(&one), buf_span(&two)));
	buf_fini(&one);
	buf_fini(&two);
	scram_client_fini(&a);
	scram_client_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc_7677_example),
		cmocka_unit_test(roles_agree_on_any_salt_and_count),
		cmocka_unit_test(another_password_fails),
		cmocka_unit_test(a_proof_for_another_nonce_fails),
		cmocka_unit_test(nothing_follows_the_proof),
		cmocka_unit_test(every_changed_byte_fails),
		cmocka_unit_test(every_cut_message_fails),
		cmocka_unit_test(names_are_escaped),
		cmocka_unit_test(binding_binds),
		cmocka_unit_test(nonces_differ_each_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
