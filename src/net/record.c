/*
 * record.c - TLS 1.3 records after the handshake (RFC 8446): encrypt, decrypt, follow key
 * updates, understand alerts. Handshakes, and all that older versions need, are
 * OpenSSL's; so are the ciphers.
 *
 *	23 03 03 length | encrypted: content, its type, zeros | 16 bytes tag
 */
#include "net/record.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "base/mem.h"

#define HEADER 5
#define TAG 16
#define NONCE 12
/* Most content of a record, and most that its encrypted form may have more (5.2). */
#define CONTENT_MOST ((size_t)16384)
#define EXPANSION_MOST ((size_t)256)
/* Records under one key: AES-GCM's bound is 2^24.5 (5.5). */
#define RECORDS_MOST ((uint64_t)1 << 24)
/* Records in a row that carry nothing. */
#define EMPTY_MOST 32

enum content { ALERT = 21, HANDSHAKE = 22, DATA = 23 };
enum alert {
	CLOSE_NOTIFY = 0,
	UNEXPECTED_MESSAGE = 10,
	BAD_RECORD_MAC = 20,
	RECORD_OVERFLOW = 22,
	DECODE_ERROR = 50,
	INTERNAL_ERROR = 80,
	USER_CANCELED = 90,
};
#define ALERT_WARNING 1
#define ALERT_FATAL 2
#define KEY_UPDATE 24

struct suite {
	uint16_t	 number;
	const EVP_CIPHER *(*cipher)(void);
	const EVP_MD	*(*hash)(void);
	size_t		 key_len, hash_len;
};

static const struct suite suites[] = {
	{ 0x1301, EVP_aes_128_gcm, EVP_sha256, 16, 32 },
	{ 0x1302, EVP_aes_256_gcm, EVP_sha384, 32, 48 },
	{ 0x1303, EVP_chacha20_poly1305, EVP_sha256, 32, 32 },
};

/* One direction. */
struct way {
	EVP_CIPHER_CTX	*ctx;		/* owned; has the key */
	uint64_t	 seq;		/* of the next record */
	unsigned char	 iv[NONCE];
	unsigned char	 secret[SECRET_MOST];
};

struct record {
	const struct suite *suite;
	const char	*name;		/* of the suite, constant */
	struct way	 in, out;
	struct buf	 part;		/* the beginning of a record */
	struct buf	 plain;		/* content that did not fit, from plain_at on */
	size_t		 plain_at;
	unsigned	 empty;		/* records in a row without content */
	bool		 closed;	/* the other side has said so */
	const char	*why;		/* of the failure, or NULL */
};

static bool way_open(const struct suite *suite, struct way *way,
    const unsigned char *secret, bool encrypt);
static bool way_key(const struct suite *suite, struct way *way, bool encrypt);
static bool next_record(struct record *r, struct span *in, struct span *record);
static bool open_record(struct record *r, struct span record, char *at, size_t cap,
    size_t *len, struct buf *out);
static bool take_control(struct record *r, enum content type, const unsigned char *at,
    size_t len, struct buf *out);
static bool seal(struct record *r, enum content type, const void *at, size_t len,
    struct buf *out);
static bool fail(struct record *r, enum alert alert, const char *why, struct buf *out);

struct record *
record_new(const SSL_CIPHER *cipher, const struct tls_secrets *secrets)
{
	const struct suite *suite = NULL;
	struct record *r;

	for (size_t i = 0; i < ARRAY_SIZE(suites); i++)
		if (suites[i].number == SSL_CIPHER_get_protocol_id(cipher))
			suite = &suites[i];
	if (suite == NULL || secrets->client_len != suite->hash_len ||
	    secrets->server_len != suite->hash_len)
		return NULL;
	r = mem_new(sizeof(*r));
	if (r == NULL)
		return NULL;
	r->suite = suite;
	r->name = SSL_CIPHER_get_name(cipher);
	if (!way_open(suite, &r->in, secrets->client, false) ||
	    !way_open(suite, &r->out, secrets->server, true)) {
		record_free(r);
		return NULL;
	}
	r->out.seq = secrets->sent;
	return r;
}

void
record_free(struct record *r)
{
	if (r == NULL)
		return;
	EVP_CIPHER_CTX_free(r->in.ctx);
	EVP_CIPHER_CTX_free(r->out.ctx);
	if (r->plain.at != NULL)
		mem_wipe(r->plain.at, r->plain.len);
	buf_fini(&r->part);
	buf_fini(&r->plain);
	mem_wipe(r, sizeof(*r));
	mem_free(r);
}

const char *
record_why(const struct record *r)
{
	return r->why;
}

const char *
record_suite(const struct record *r)
{
	return r->name;
}

/* --- keys --- */

/* HKDF-Expand-Label without a context (7.1), for LEN of at most a hash. */
static bool
expand(const struct suite *suite, const unsigned char *secret, const char *label,
    unsigned char *out, size_t len)
{
	unsigned char info[32], hash[EVP_MAX_MD_SIZE];
	size_t label_len = strlen(label), n = 0;
	unsigned int hash_len;
	bool done;

	info[n++] = 0;
	info[n++] = (unsigned char)len;
	info[n++] = (unsigned char)(6 + label_len);
	memcpy(info + n, "tls13 ", 6);
	memcpy(info + n + 6, label, label_len);
	n += 6 + label_len;
	info[n++] = 0;
	info[n++] = 1;		/* HKDF-Expand's first and only block */
	done = HMAC(suite->hash(), secret, (int)suite->hash_len, info, n, hash,
		   &hash_len) != NULL &&
	    len <= hash_len;
	if (done)
		memcpy(out, hash, len);
	mem_wipe(hash, sizeof(hash));
	return done;
}

static bool
way_open(const struct suite *suite, struct way *way, const unsigned char *secret,
    bool encrypt)
{
	memcpy(way->secret, secret, suite->hash_len);
	way->ctx = EVP_CIPHER_CTX_new();
	return way->ctx != NULL && way_key(suite, way, encrypt);
}

/* Use the key that follows from WAY's secret. */
static bool
way_key(const struct suite *suite, struct way *way, bool encrypt)
{
	unsigned char key[32];
	bool done = expand(suite, way->secret, "key", key, suite->key_len) &&
	    expand(suite, way->secret, "iv", way->iv, NONCE) &&
	    EVP_CipherInit_ex(way->ctx, suite->cipher(), NULL, key, NULL, encrypt) == 1;

	mem_wipe(key, sizeof(key));
	way->seq = 0;
	return done;
}

/* Go on with the next generation of WAY's secret (7.2). */
static bool
way_update(const struct suite *suite, struct way *way, bool encrypt)
{
	unsigned char next[SECRET_MOST];
	bool done = expand(suite, way->secret, "traffic upd", next, suite->hash_len);

	memcpy(way->secret, next, suite->hash_len);
	mem_wipe(next, sizeof(next));
	return done && way_key(suite, way, encrypt);
}

/* Begin WAY's next record with HEADER bytes AT as additional data (5.2, 5.3). */
static bool
way_begin(struct way *way, const unsigned char *header)
{
	unsigned char nonce[NONCE];
	int n;

	memcpy(nonce, way->iv, NONCE);
	for (unsigned i = 0; i < 8; i++)
		nonce[NONCE - 1 - i] ^= (unsigned char)(way->seq >> (8 * i));
	way->seq++;
	return EVP_CipherInit_ex(way->ctx, NULL, NULL, NULL, nonce, -1) == 1 &&
	    EVP_CipherUpdate(way->ctx, NULL, &n, header, HEADER) == 1;
}

/* --- reading --- */

enum secure_state
record_read(struct record *r, struct span *in, char *at, size_t cap, size_t *len,
    struct buf *out)
{
	struct span record;

	*len = 0;
	if (r->plain_at < r->plain.len) {
		*len = r->plain.len - r->plain_at < cap ? r->plain.len - r->plain_at :
							  cap;
		memcpy(at, r->plain.at + r->plain_at, *len);
		r->plain_at += *len;
		if (r->plain_at == r->plain.len) {
			mem_wipe(r->plain.at, r->plain.len);
			buf_fini(&r->plain);
			r->plain_at = 0;
		}
		return SECURE_OK;
	}
	while (r->why == NULL && !r->closed) {
		if (!next_record(r, in, &record)) {
			if (!r->part.failed)
				return SECURE_MORE;
			fail(r, INTERNAL_ERROR, "out of memory", out);
			break;
		}
		if (!open_record(r, record, at, cap, len, out))
			break;
		if (record.at == r->part.at)
			buf_fini(&r->part);
		if (*len > 0)
			return SECURE_OK;
		if (r->plain.len > 0)
			return record_read(r, in, at, cap, len, out);
		buf_fini(&r->plain);
	}
	ERR_clear_error();
	return r->why != NULL ? SECURE_FAILED : SECURE_CLOSED;
}

/* Length of the record that HEADER bytes at AT begin, header included. */
static size_t
record_size(const char *at)
{
	const unsigned char *b = (const unsigned char *)at;

	return HEADER + ((size_t)b[3] << 8 | b[4]);
}

/* Move bytes of IN to R's part until that has LEN. True if it has. */
static bool
gather(struct record *r, struct span *in, size_t len)
{
	size_t n = r->part.len < len ? len - r->part.len : 0;

	if (n > in->len)
		n = in->len;
	buf_put(&r->part, in->at, n);
	*in = span_skip(*in, n);
	return !r->part.failed && r->part.len >= len;
}

/*
 * The next whole RECORD, taken off IN; false if there is none yet. One that comes whole
 * is left where it is, one that comes in parts is put together in R. One that is too long
 * is given as soon as that is known: open_record() refuses it.
 */
static bool
next_record(struct record *r, struct span *in, struct span *record)
{
	size_t size;

	if (r->part.len == 0 && in->len >= HEADER) {
		size = record_size(in->at);
		if (size > HEADER + CONTENT_MOST + EXPANSION_MOST)
			size = HEADER;
		if (size <= in->len) {
			*record = span_of(in->at, size);
			*in = span_skip(*in, size);
			return true;
		}
	}
	if (in->len == 0 || !gather(r, in, HEADER))
		return false;
	size = record_size(r->part.at);
	if (size > HEADER + CONTENT_MOST + EXPANSION_MOST)
		size = HEADER;
	if (!gather(r, in, size))
		return false;
	*record = buf_span(&r->part);
	return true;
}

/* Decrypt LEN bytes and the tag behind them. */
static bool
decrypt(struct way *way, const unsigned char *header, size_t len, unsigned char *to)
{
	const unsigned char *body = header + HEADER;
	unsigned char tag[TAG];
	int n;

	memcpy(tag, body + len, TAG);
	return way_begin(way, header) &&
	    EVP_CIPHER_CTX_ctrl(way->ctx, EVP_CTRL_AEAD_SET_TAG, TAG, tag) == 1 &&
	    EVP_CipherUpdate(way->ctx, to, &n, body, (int)len) == 1 &&
	    EVP_CipherFinal_ex(way->ctx, to + len, &n) == 1;
}

/*
 * Decrypt RECORD. Data goes to AT, *LEN says how much, or to R->plain if AT is too small.
 * False: the session has failed or is closed.
 */
static bool
open_record(struct record *r, struct span record, char *at, size_t cap, size_t *len,
    struct buf *out)
{
	const unsigned char *header = (const unsigned char *)record.at;
	unsigned char *to = (unsigned char *)at;
	size_t n = record.len - HEADER;

	if (header[0] != DATA || header[1] != 3)
		return fail(r, UNEXPECTED_MESSAGE, "unexpected record", out);
	if (record_size(record.at) > record.len)
		return fail(r, RECORD_OVERFLOW, "encrypted length too long", out);
	if (n < TAG + 1)
		return fail(r, BAD_RECORD_MAC, "length too short", out);
	n -= TAG;
	if (n > cap) {
		to = (unsigned char *)buf_reserve(&r->plain, n);
		if (to == NULL)
			return fail(r, INTERNAL_ERROR, "out of memory", out);
	}
	if (!decrypt(&r->in, header, n, to))
		return fail(r, BAD_RECORD_MAC, "decryption failed or bad record mac",
		    out);
	/* the last byte that is no zero is the type */
	while (n > 0 && to[n - 1] == 0)
		n--;
	if (n == 0)
		return fail(r, UNEXPECTED_MESSAGE, "record without a type", out);
	n--;
	if (n > CONTENT_MOST)
		return fail(r, RECORD_OVERFLOW, "data length too long", out);
	if (n > 0 && to[n] == DATA) {
		r->empty = 0;
		if (to == (unsigned char *)at)
			*len = n;
		else
			r->plain.len = n;
		return true;
	}
	if (++r->empty > EMPTY_MOST)
		return fail(r, UNEXPECTED_MESSAGE, "too many records without data", out);
	return take_control(r, to[n], to, n, out);
}

/* The LEN bytes at AT are an alert, a key update, or nothing. False: this is the end. */
static bool
take_control(struct record *r, enum content type, const unsigned char *at, size_t len,
    struct buf *out)
{
	static const unsigned char update[] = { KEY_UPDATE, 0, 0, 1, 0 };

	if (type == DATA)
		return true;
	if (type == ALERT) {
		if (len != 2)
			return fail(r, DECODE_ERROR, "bad alert", out);
		if (at[1] == USER_CANCELED)
			return true;
		r->closed = true;
		if (at[1] != CLOSE_NOTIFY)
			r->why = SSL_alert_desc_string_long(at[1]);
		return false;
	}
	/* no other message of a handshake has a meaning from a client now (4.6) */
	if (type != HANDSHAKE || len != sizeof(update) || memcmp(at, update, 4) != 0)
		return fail(r, UNEXPECTED_MESSAGE, "unexpected message", out);
	if (at[4] > 1)
		return fail(r, DECODE_ERROR, "bad key update", out);
	if (!way_update(r->suite, &r->in, false))
		return fail(r, INTERNAL_ERROR, "key update failed", out);
	if (at[4] == 0)
		return true;
	return (seal(r, HANDSHAKE, update, sizeof(update), out) &&
	    way_update(r->suite, &r->out, true)) ||
	    fail(r, INTERNAL_ERROR, "key update failed", out);
}

/* --- writing --- */

bool
record_write(struct record *r, const void *at, size_t len, struct buf *out)
{
	static const unsigned char update[] = { KEY_UPDATE, 0, 0, 1, 0 };
	const char *from = at;

	while (len > 0 && r->why == NULL) {
		size_t n = len < CONTENT_MOST ? len : CONTENT_MOST;

		if (r->out.seq >= RECORDS_MOST &&
		    (!seal(r, HANDSHAKE, update, sizeof(update), out) ||
		    !way_update(r->suite, &r->out, true)))
			return fail(r, INTERNAL_ERROR, "key update failed", out);
		if (!seal(r, DATA, from, n, out))
			return fail(r, INTERNAL_ERROR, "encryption failed", out);
		from += n;
		len -= n;
	}
	return r->why == NULL;
}

/* Append one record of LEN bytes of TYPE to OUT. */
static bool
seal(struct record *r, enum content type, const void *at, size_t len, struct buf *out)
{
	size_t size = len + 1 + TAG;
	unsigned char *to = (unsigned char *)buf_reserve(out, HEADER + size);
	unsigned char inner = (unsigned char)type;
	int n;

	if (to == NULL)
		return false;
	to[0] = DATA;
	to[1] = to[2] = 3;
	to[3] = (unsigned char)(size >> 8);
	to[4] = (unsigned char)size;
	if (!way_begin(&r->out, to) ||
	    EVP_CipherUpdate(r->out.ctx, to + HEADER, &n, at, (int)len) != 1 ||
	    EVP_CipherUpdate(r->out.ctx, to + HEADER + len, &n, &inner, 1) != 1 ||
	    EVP_CipherFinal_ex(r->out.ctx, to + HEADER + len + 1, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(r->out.ctx, EVP_CTRL_AEAD_GET_TAG, TAG,
	    to + HEADER + len + 1) != 1)
		return false;
	out->len += HEADER + size;
	return true;
}

void
record_shutdown(struct record *r, struct buf *out)
{
	static const unsigned char bye[] = { ALERT_WARNING, CLOSE_NOTIFY };

	if (r->why == NULL)
		seal(r, ALERT, bye, sizeof(bye), out);
}

/* The session ends here: WHY, and ALERT for the other side. Always false. */
static bool
fail(struct record *r, enum alert alert, const char *why, struct buf *out)
{
	unsigned char text[] = { ALERT_FATAL, (unsigned char)alert };

	r->why = why;
	seal(r, ALERT, text, sizeof(text), out);
	ERR_clear_error();
	return false;
}
