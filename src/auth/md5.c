/*
 * md5.c - the MD5 challenge, from both ends.
 */
#include "auth/md5.h"

#include "base/mem.h"
#include "base/rand.h"

bool
md5_answer(const struct secret *s, struct span user, const char salt[MD5_SALT],
    char out[DIGEST_MD5_TEXT + 1])
{
	char inner[DIGEST_MD5_TEXT + 1];
	bool fine = false;

	switch (s->kind) {
	case SECRET_NONE:
	case SECRET_PLAIN:
		fine = digest_md5_text(secret_span(s), user, inner);
		break;
	case SECRET_MD5:
		memcpy(inner, s->text, sizeof(inner));
		fine = true;
		break;
	case SECRET_SCRAM:
		break;
	}
	fine = fine && digest_md5_text(span_of(inner + 3, DIGEST_MD5_TEXT - 3),
	    span_of(salt, MD5_SALT), out);
	mem_wipe(inner, sizeof(inner));
	return fine;
}

bool
md5_fits(const struct secret *s, struct span user, const char salt[MD5_SALT],
    struct span answer)
{
	char right[DIGEST_MD5_TEXT + 1];
	bool fits;

	if (s->kind == SECRET_NONE || answer.len != DIGEST_MD5_TEXT)
		return false;
	fits = md5_answer(s, user, salt, right) &&
	    secret_same(right, answer.at, DIGEST_MD5_TEXT);
	mem_wipe(right, sizeof(right));
	return fits;
}
