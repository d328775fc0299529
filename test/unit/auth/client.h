/*
 * client.h - a client that logs in to us, for the tests of login.c.
 */
#ifndef UNIT_AUTH_CLIENT_H
#define UNIT_AUTH_CLIENT_H

#include "unit/auth/parts.h"

#include "auth/login.h"
#include "auth/md5.h"

static struct keyring *ring;

static inline int
ring_new(void **state)
{
	(void)state;
	ring = keyring_new(100);
	return ring == NULL;
}

static inline int
ring_free(void **state)
{
	(void)state;
	keyring_free(ring);
	return 0;
}

#define RINGED(test) cmocka_unit_test_setup_teardown(test, ring_new, ring_free)

/* A client with its password, and everything it was told. */
struct actor {
	struct login		*login;
	const char		*password;
	enum login_verdict	 verdict;
	struct err		 e;
	struct buf		 reply;
	struct buf		 heard;	/* kinds and lengths of all replies */
	struct scram_client	 scram;
};

/* Note in A's HEARD which messages the reply has. */
static inline void
note(struct actor *a)
{
	struct reader r = read_begin(buf_span(&a->reply));

	assert_false(a->reply.failed);
	while (!read_done(&r)) {
		char kind = (char)read_u8(&r);
		uint32_t len = read_u32(&r), code = read_u32(&r);

		assert_true(len >= 8);
		read_bytes(&r, len - 8);
		assert_false(r.failed);
		buf_printf(&a->heard, "%c%u:%u ", kind, code, len);
	}
}

static inline void
actor_begin(struct actor *a, enum login_method method, const struct secret *s, bool known,
    const char *password)
{
	const struct login_rules rules = { .method = method, .scram_iterations = 16,
		.keyring = ring };

	memset(a, 0, sizeof(*a));
	a->password = password;
	scram_client_init(&a->scram, NULL);
	a->verdict = login_begin(&a->login, &rules, BOB,
	    known ? secret_span(s) : span_of(NULL, 0), known, &a->reply, &a->e);
	assert_int_equal(a->login != NULL, a->verdict == LOGIN_MORE);
	note(a);
}

/* Say BODY as a message of KIND. */
static inline void
actor_say(struct actor *a, char kind, struct span body)
{
	struct buf copy = {0};

	buf_put_span(&copy, body);
	buf_clear(&a->reply);
	a->verdict = login_step(a->login, kind, buf_span(&copy), &a->reply, &a->e);
	note(a);
	buf_fini(&copy);
}

static inline void
actor_end(struct actor *a)
{
	login_free(a->login);
	scram_client_fini(&a->scram);
	buf_fini(&a->reply);
	buf_fini(&a->heard);
}

/* Begin SCRAM: say client-first. */
static inline void
scram_begin(struct actor *a)
{
	struct buf first = {0}, body = {0};

	assert_memory_equal(auth_data(&a->reply, AUTH_SASL).at, "SCRAM-SHA-256\0", 15);
	assert_true(scram_client_first(&a->scram, &first));
	put_initial(&body, "SCRAM-SHA-256", buf_span(&first));
	actor_say(a, 'p', buf_span(&body));
	buf_fini(&first);
	buf_fini(&body);
}

/* Say client-final. */
static inline void
scram_prove(struct actor *a)
{
	struct scram_keys keys;
	struct buf final = {0};
	const char *why;

	assert_true(scram_client_read(&a->scram,
	    auth_data(&a->reply, AUTH_SASL_CONTINUE), &why));
	assert_true(scram_keys_make(span_text(a->password), buf_span(&a->scram.salt),
	    a->scram.iterations, &keys));
	assert_true(scram_client_final(&a->scram, &keys, &final));
	actor_say(a, 'p', buf_span(&final));
	buf_fini(&final);
	if (a->verdict == LOGIN_YES)
		assert_true(scram_client_check(&a->scram,
		    auth_data(&a->reply, AUTH_SASL_FINAL), &why));
}

static inline void
answer_md5(struct actor *a)
{
	struct span salt = auth_data(&a->reply, AUTH_MD5);
	char answer[DIGEST_MD5_TEXT + 1];
	struct secret s;

	assert_int_equal(salt.len, MD5_SALT);
	assert_true(secret_init(&s, span_text(a->password)));
	assert_true(md5_answer(&s, BOB, salt.at, answer));
	secret_fini(&s);
	actor_say(a, 'p', span_of(answer, sizeof(answer)));
}

/* Do whatever is asked for, as a driver does. */
static inline void
actor_log_in(struct actor *a)
{
	struct span body;

	if (a->verdict != LOGIN_MORE)
		return;
	body = only_message(&a->reply, 'R');
	switch (read_be32(body.at)) {
	case AUTH_CLEARTEXT:
		actor_say(a, 'p', span_of(a->password, strlen(a->password) + 1));
		break;
	case AUTH_MD5:
		answer_md5(a);
		break;
	case AUTH_SASL:
		scram_begin(a);
		assert_int_equal(a->verdict, LOGIN_MORE);
		scram_prove(a);
		break;
	default:
		fail_msg("asked for %u", (unsigned)read_be32(body.at));
	}
}

#endif
