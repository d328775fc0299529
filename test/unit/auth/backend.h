/*
 * backend.h - our login at a server, for the tests of backend.c.
 */
#ifndef UNIT_AUTH_BACKEND_H
#define UNIT_AUTH_BACKEND_H

#include "unit/auth/parts.h"

#include "auth/backend.h"

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

/* Our login at a server, and the last verdict. */
struct actor {
	struct backend_login	*login;
	struct secret		 secret;
	enum backend_verdict	 verdict;
	struct err		 e;
	struct buf		 reply;
};

/* BINDING: of the channel, empty if it has none. */
static inline void
actor_begin_at(struct actor *a, enum secret_kind kind, struct span binding)
{
	struct backend_rules rules = { .user = BOB, .keyring = ring, .binding = binding };

	memset(a, 0, sizeof(*a));
	stored(kind, &a->secret);
	rules.secret = secret_span(&a->secret);
	a->login = backend_new(&rules);
	assert_non_null(a->login);
}

static inline void
actor_begin(struct actor *a, enum secret_kind kind)
{
	actor_begin_at(a, kind, span_of("", 0));
}

static inline void
actor_end(struct actor *a)
{
	backend_free(a->login);
	secret_fini(&a->secret);
	buf_fini(&a->reply);
}

/* The server asks: CODE and DATA. */
static inline void
actor_hears(struct actor *a, uint32_t code, struct span data)
{
	struct buf body = {0};

	write_u32(&body, code);
	buf_put_span(&body, data);
	buf_clear(&a->reply);
	a->verdict = backend_step(a->login, buf_span(&body), &a->reply, &a->e);
	buf_fini(&body);
}

static inline void
assert_fails(const struct actor *a, const char *text)
{
	assert_int_equal(a->verdict, BACKEND_FAIL);
	if (strstr(a->e.text, text) == NULL)
		fail_msg("expected \"%s\", got \"%s\"", text, a->e.text);
	assert_true(span_starts(span_text(a->e.text), "server login failed: "));
	assert_string_equal(a->e.sqlstate, "08P01");
}

#endif
