/*
 * parts.h - what the auth tests share: cmocka, spans of literals, the parts of
 * authentication messages.
 */
#ifndef UNIT_AUTH_PARTS_H
#define UNIT_AUTH_PARTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "auth/digest.h"
#include "auth/keyring.h"
#include "auth/scram.h"
#include "auth/secret.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/rand.h"
#include "wire/read.h"
#include "wire/reply.h"
#include "wire/write.h"

#define VECTOR_SALT "W22ZaJ0SNY7soEsUEjb6gQ=="	/* RFC 7677, section 3 */

static inline void
assert_span_is(struct span s, const char *text)
{
	assert_int_equal(s.len, strlen(text));
	assert_memory_equal(s.at, text, s.len);
}

/* The stored verifier of PASSWORD, as PostgreSQL would write it. */
static inline void
put_verifier(struct buf *out, const char *password, struct span salt, uint32_t iterations)
{
	char salt64[512], stored[48], server[48];
	struct scram_verifier v;
	struct scram_keys keys;

	base64_encode(salt.at, salt.len, salt64);
	assert_true(scram_keys_make(span_text(password), salt, iterations, &keys));
	assert_true(scram_verifier_make(&keys, span_text(salt64), iterations, &v));
	base64_encode(v.stored_key, SCRAM_KEY, stored);
	base64_encode(v.server_key, SCRAM_KEY, server);
	buf_printf(out, "SCRAM-SHA-256$%u:%s$%s:%s", (unsigned)iterations, salt64, stored,
	    server);
	assert_false(out->failed);
}

/* "sesame" of bob stored in each way, the verifier with 7 iterations. */
#define BOB SPAN_LITERAL("bob")

static inline void
stored(enum secret_kind kind, struct secret *out)
{
	char md5[DIGEST_MD5_TEXT + 1];
	struct buf text = {0};

	switch (kind) {
	case SECRET_NONE:
		break;
	case SECRET_PLAIN:
		buf_put_text(&text, "sesame");
		break;
	case SECRET_MD5:
		assert_true(digest_md5_text(SPAN_LITERAL("sesame"), BOB, md5));
		buf_put_text(&text, md5);
		break;
	case SECRET_SCRAM:
		put_verifier(&text, "sesame", SPAN_LITERAL("salt"), 7);
		break;
	}
	assert_true(secret_init(out, buf_span(&text)));
	assert_int_equal(out->kind, kind);
	buf_fini(&text);
}

/* The only message in B, which must be of KIND: its body. */
static inline struct span
only_message(const struct buf *b, char kind)
{
	assert_false(b->failed);
	assert_true(b->len >= 5);
	assert_int_equal(b->at[0], kind);
	assert_int_equal(read_be32(b->at + 1), b->len - 1);
	return span_of(b->at + 5, b->len - 5);
}

/* The data of the only message in B, an authentication request of CODE. */
static inline struct span
auth_data(const struct buf *b, uint32_t code)
{
	struct span body = only_message(b, 'R');

	assert_true(body.len >= 4);
	assert_int_equal(read_be32(body.at), code);
	return span_skip(body, 4);
}

/* Body of a SASLInitialResponse. */
static inline void
put_initial(struct buf *out, const char *mechanism, struct span message)
{
	write_text(out, mechanism);
	write_u32(out, (uint32_t)message.len);
	buf_put_span(out, message);
}

#endif
