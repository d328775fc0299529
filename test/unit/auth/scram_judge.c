/* scram.c and scram_text.c: which messages either role takes, and why not. */
#include "unit/auth/parts.h"

/* What a server says to MESSAGE from a client: NULL if it takes it. */
static const char *
first_answer(const char *message, const struct scram_options *options)
{
	static const struct scram_verifier v = { .iterations = 1 };
	struct scram_server s;
	struct buf out = {0};
	const char *why;
	bool fine;

	scram_server_init(&s, &v, options);
	fine = scram_server_first(&s, span_text(message), &out, &why);
	assert_int_equal(fine, why == NULL);
	buf_fini(&out);
	scram_server_fini(&s);
	return why;
}

static void
server_judges_first_messages(void **state)
{
	static const struct {
		const char	*message;
		const char	*why;	/* a word of it, or NULL */
	} rows[] = {
		{ "n,,n=,r=x", NULL },
		{ "y,,n=,r=x", NULL },
		{ "n,,n=somebody else,r=x", NULL },
		{ "n,,n=,r=x,e=1,Z=2", NULL },
		{ "p=tls-server-end-point,,n=,r=x", "not negotiated" },
		{ "n,a=admin,n=,r=x", "identity" },
		{ "n,,m=1,n=,r=x", "extension" },
		{ "n,,n=,r=x,m=1", "malformed" },
		{ "n,,n=,r=x,", "malformed" },
		{ "n,,n=,r=x,ext", "malformed" },
		{ "n,,n=,r=x,1=2", "malformed" },
		{ "n,,n=,r=", "malformed" },
		{ "n,,n=,r=a b", "malformed" },
		{ "n,,n=,r=\xc3\xa4", "malformed" },
		{ "n,,n=,R=x", "malformed" },
		{ "n,,r=x", "malformed" },
		{ "n,,", "malformed" },
		{ "n,", "malformed" },
		{ "n", "malformed" },
		{ "", "empty" },
		{ "N,,n=,r=x", "malformed" },
		{ "nn,,n=,r=x", "malformed" },
		{ ",,n=,r=x", "malformed" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *why = first_answer(rows[i].message, NULL);

		if ((why == NULL) != (rows[i].why == NULL) ||
		    (why != NULL && strstr(why, rows[i].why) == NULL))
			fail_msg("%s: %s", rows[i].message, why != NULL ? why : "taken");
	}
}

static void
server_bounds_messages(void **state)
{
	char message[SCRAM_CLIENT_MESSAGE_MOST + 2];

	(void)state;
	memset(message, 'x', sizeof(message));
	memcpy(message, "n,,n=,r=", 8);
	message[SCRAM_CLIENT_MESSAGE_MOST] = '\0';
	assert_null(first_answer(message, NULL));
	message[SCRAM_CLIENT_MESSAGE_MOST] = 'x';
	message[SCRAM_CLIENT_MESSAGE_MOST + 1] = '\0';
	assert_non_null(first_answer(message, NULL));
}

/* What a client that said r=abc says to a server's MESSAGE. */
static const char *
read_answer(struct span message)
{
	const struct scram_options options = { .nonce = SPAN_LITERAL("abc") };
	struct scram_client c;
	struct buf out = {0};
	const char *why;
	bool fine;

	scram_client_init(&c, &options);
	assert_true(scram_client_first(&c, &out));
	fine = scram_client_read(&c, message, &why);
	assert_int_equal(fine, why == NULL);
	buf_fini(&out);
	scram_client_fini(&c);
	return why;
}

static void
client_judges_first_messages(void **state)
{
	static const struct {
		const char	*message;
		const char	*why;
	} rows[] = {
		{ "r=abcd,s=AAAA,i=1", NULL },
		{ "r=abcd,s=,i=1", NULL },
		{ "r=abcd,s=AAAA,i=100000", NULL },
		{ "r=abcd,s=AAAA,i=1,x=y", NULL },
		{ "r=abcd,s=AAAA,i=100001", "iterations" },
		{ "r=abcd,s=AAAA,i=4294967297", "iterations" },
		{ "r=abcd,s=AAAA,i=10000000000000000000", "iterations" },
		{ "r=abcd,s=AAAA,i=0", "iterations" },
		{ "r=abcd,s=AAAA,i=-1", "iterations" },
		{ "r=abcd,s=AAAA,i=", "iterations" },
		{ "r=abcd,s=AAAA,i= 1", "iterations" },
		{ "r=abcd,s=AAAA", "malformed" },
		{ "r=abcd,s=A,i=1", "base64" },
		{ "r=abcd,s=A===,i=1", "base64" },
		{ "r=abc,s=AAAA,i=1", "continue" },
		{ "r=ab,s=AAAA,i=1", "continue" },
		{ "r=xabc,s=AAAA,i=1", "continue" },
		{ "r=abc\x7f,s=AAAA,i=1", "continue" },
		{ "m=1,r=abcd,s=AAAA,i=1", "extension" },
		{ "r=abcd,s=AAAA,i=1,m=1", "malformed" },
		{ "", "empty" },
	};
	struct buf huge = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *why = read_answer(span_text(rows[i].message));

		if ((why == NULL) != (rows[i].why == NULL) ||
		    (why != NULL && strstr(why, rows[i].why) == NULL))
			fail_msg("%s: %s", rows[i].message, why != NULL ? why : "taken");
	}
	assert_non_null(read_answer(SPAN_LITERAL("r=abcd\0,s=AAAA,i=1")));

	/* a server may choose long nonces, but not without end */
	buf_put_text(&huge, "r=abc");
	while (huge.len < 60000)
		buf_put_text(&huge, "0123456789");
	buf_put_text(&huge, ",s=AAAA,i=1");
	assert_null(read_answer(buf_span(&huge)));
	while (huge.len <= SCRAM_SERVER_MESSAGE_MOST)
		buf_put_text(&huge, ",x=0123456789");
	assert_non_null(read_answer(buf_span(&huge)));
	buf_fini(&huge);
}

static void
client_judges_final_messages(void **state)
{
	static const char *const bad[] = { "e=other-error", "v=", "v=AAAA", "x=1", "v",
		"v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,",
		"v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,m=1" };
	struct scram_client c;
	const char *why;

	(void)state;
	scram_client_init(&c, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_false(scram_client_check(&c, span_text(bad[i]), &why));
		assert_non_null(why);
	}
	/* its signature is still all zeroes here, so this form is right */
	assert_true(scram_client_check(&c,
	    SPAN_LITERAL("v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,x=y"), &why));
	scram_client_fini(&c);
}

static void
a_negotiated_binding_is_a_must(void **state)
{
	const struct scram_options does = {
		.binding_type = SPAN_LITERAL("tls-server-end-point"),
		.binding_data = SPAN_LITERAL("certificate"),
		.bind = true,
	};

	(void)state;
	assert_non_null(first_answer("p=tls-unique,,n=,r=x", &does));
	assert_non_null(first_answer("n,,n=,r=x", &does));
	assert_non_null(first_answer("y,,n=,r=x", &does));
	assert_null(first_answer("p=tls-server-end-point,,n=,r=x", &does));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(server_judges_first_messages),
		cmocka_unit_test(server_bounds_messages),
		cmocka_unit_test(client_judges_first_messages),
		cmocka_unit_test(client_judges_final_messages),
		cmocka_unit_test(a_negotiated_binding_is_a_must),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
