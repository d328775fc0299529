/*
 * secret.c - kinds of stored secrets by their shape. Whether a password fits one is
 * said by plain.c, md5.c and scram.c.
 */
#include "auth/secret.h"

#include "auth/scram_text.h"
#include "base/mem.h"

#define MD5_DIGITS 32u

static bool
is_md5(struct span text)
{
	if (text.len != 3 + MD5_DIGITS || !span_starts(text, "md5"))
		return false;
	for (size_t i = 3; i < text.len; i++) {
		char c = text.at[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
			return false;
	}
	return true;
}

/* Cut *REST at the first SEPARATOR, which must be there. */
static bool
cut(struct span *rest, char separator, struct span *part)
{
	const char *end = rest->len > 0 ? memchr(rest->at, separator, rest->len) : NULL;

	if (end == NULL)
		return false;
	*part = span_of(rest->at, (size_t)(end - rest->at));
	*rest = span_skip(*rest, part->len + 1);
	return true;
}

bool
secret_read_scram(struct span text, struct scram_verifier *out)
{
	struct span rest = text, iterations, stored;

	if (!span_starts(rest, "SCRAM-SHA-256$"))
		return false;
	rest = span_skip(rest, sizeof("SCRAM-SHA-256$") - 1);
	return cut(&rest, ':', &iterations) && cut(&rest, '$', &out->salt64) &&
	    cut(&rest, ':', &stored) &&
	    scram_read_iterations(iterations, INT32_MAX, &out->iterations) &&
	    scram_is_base64(out->salt64) && scram_read_key(stored, out->stored_key) &&
	    scram_read_key(rest, out->server_key);
}

enum secret_kind
secret_kind(struct span text)
{
	struct scram_verifier scram = {0};
	enum secret_kind kind = SECRET_PLAIN;

	if (text.len == 0)
		return SECRET_NONE;
	if (is_md5(text))
		return SECRET_MD5;
	if (secret_read_scram(text, &scram))
		kind = SECRET_SCRAM;
	mem_wipe(&scram, sizeof(scram));
	return kind;
}

bool
secret_init(struct secret *s, struct span text)
{
	*s = (struct secret){ .kind = SECRET_NONE };
	if (text.len > SECRET_MOST)
		return false;
	s->text = mem_copy_text(text.len > 0 ? text.at : "", text.len);
	if (s->text == NULL)
		return false;
	s->len = text.len;
	s->kind = secret_kind(text);
	/* once more on our copy: the salt must lie in it */
	if (s->kind == SECRET_SCRAM && !secret_read_scram(secret_span(s), &s->scram))
		s->kind = SECRET_NONE;
	return true;
}

void
secret_fini(struct secret *s)
{
	if (s->text != NULL)
		mem_wipe(s->text, s->len);
	mem_free(s->text);
	mem_wipe(s, sizeof(*s));
}

void
secret_salt(const struct scram_verifier *v, struct buf *out)
{
	if (!scram_read_base64(v->salt64, out))
		out->failed = true;
}
