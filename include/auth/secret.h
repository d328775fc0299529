/*
 * secret.h - what is stored to check or give a password, told apart by its shape as
 * PostgreSQL and PgBouncer's auth_file do.
 */
#ifndef AUTH_SECRET_H
#define AUTH_SECRET_H

#include "base/buf.h"
#include "base/span.h"

#define SECRET_MOST 65530u	/* bytes: stored secret, password message */
#define SCRAM_KEY 32u		/* bytes of SHA-256 */

enum secret_kind {
	SECRET_NONE,		/* empty: nothing matches it */
	SECRET_PLAIN,		/* whatever is none of the others */
	SECRET_MD5,		/* "md5" and lower-case hex of md5(password user) */
	SECRET_SCRAM,		/* SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey */
};

/* What a server keeps of a password (RFC 5802, section 3). */
struct scram_verifier {
	uint32_t	 iterations;	/* at least 1 */
	struct span	 salt64;	/* base64, of any length; borrowed */
	unsigned char	 stored_key[SCRAM_KEY];
	unsigned char	 server_key[SCRAM_KEY];
};

/* What a client needs instead of the password, for one salt and iteration count. */
struct scram_keys {
	unsigned char	 client[SCRAM_KEY];
	unsigned char	 server[SCRAM_KEY];
};

struct secret {
	enum secret_kind kind;
	char		*text;		/* owned, NUL-terminated; wiped at the end */
	size_t		 len;
	struct scram_verifier scram;	/* SECRET_SCRAM; its salt64 lies in text */
};

/* Copy and parse TEXT. False: no memory or too long; then S is SECRET_NONE. */
bool secret_init(struct secret *s, struct span text) MUST_USE;
/* Wipe and give back; S is SECRET_NONE afterwards. {0} needs no fini. */
void secret_fini(struct secret *s);
/* The kind of TEXT by its shape alone. */
enum secret_kind secret_kind(struct span text);
/* Parse a SCRAM verifier; OUT's salt lies in TEXT. False: TEXT is not one. */
bool secret_read_scram(struct span text, struct scram_verifier *out);

/* Append the raw salt of V to OUT. */
void secret_salt(const struct scram_verifier *v, struct buf *out);

static inline struct span
secret_span(const struct secret *s)
{
	return span_of(s->text, s->len);
}

#endif
