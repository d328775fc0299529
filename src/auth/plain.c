/*
 * plain.c - a password in clear against each kind of stored secret.
 */
#include "auth/plain.h"

#include "auth/digest.h"
#include "auth/scram.h"
#include "base/mem.h"
#include "base/rand.h"

/* Equal, in time that does not tell where they differ nor how long the stored one is. */
static bool
texts_same(struct span a, struct span b)
{
	unsigned char key[DIGEST_SHA256], left[DIGEST_SHA256], right[DIGEST_SHA256];
	struct span k;
	bool same;

	rand_bytes(key, sizeof(key));
	k = span_of(key, sizeof(key));
	same = digest_hmac(k, &a, 1, left) && digest_hmac(k, &b, 1, right) &&
	    secret_same(left, right, sizeof(left));
	mem_wipe(key, sizeof(key));
	mem_wipe(left, sizeof(left));
	mem_wipe(right, sizeof(right));
	return same;
}

static bool
fits_md5(const struct secret *s, struct span user, struct span password)
{
	char text[DIGEST_MD5_TEXT + 1];
	bool fits;

	fits = digest_md5_text(password, user, text) && s->len == DIGEST_MD5_TEXT &&
	    secret_same(text, s->text, DIGEST_MD5_TEXT);
	mem_wipe(text, sizeof(text));
	return fits;
}

static bool
fits_scram(const struct secret *s, struct span password)
{
	const struct scram_verifier *v = &s->scram;
	struct scram_keys keys;
	struct buf salt = {0};
	bool fits;

	if (v->iterations > PLAIN_ITERATIONS_MOST)
		return false;
	secret_salt(v, &salt);
	fits = !salt.failed &&
	    scram_keys_make(password, buf_span(&salt), v->iterations, &keys) &&
	    secret_same(keys.server, v->server_key, SCRAM_KEY);
	buf_fini(&salt);
	mem_wipe(&keys, sizeof(keys));
	return fits;
}

bool
plain_fits(const struct secret *s, struct span user, struct span password)
{
	switch (s->kind) {
	case SECRET_NONE:
		return false;
	case SECRET_PLAIN:
		return texts_same(secret_span(s), password);
	case SECRET_MD5:
		return fits_md5(s, user, password);
	case SECRET_SCRAM:
		return fits_scram(s, password);
	}
	return false;
}
