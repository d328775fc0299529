/*
 * digest.h - the few functions of a cryptographic library that logins need. Each returns
 * false when the library refuses (MD5 under FIPS) or has no memory; then OUT is void.
 */
#ifndef AUTH_DIGEST_H
#define AUTH_DIGEST_H

#include "base/span.h"

#define DIGEST_SHA256 32u
#define DIGEST_MD5_TEXT 35u	/* "md5" and 32 hex digits */

/* SHA-256 of IN. */
bool digest_sha256(struct span in, unsigned char out[DIGEST_SHA256]) MUST_USE;
/* HMAC-SHA-256 of COUNT PARTS one after the other. */
bool digest_hmac(struct span key, const struct span *parts, unsigned count,
    unsigned char out[DIGEST_SHA256]) MUST_USE;
/* PBKDF2 with HMAC-SHA-256, one block: RFC 5802's Hi(). ITERATIONS is 1 to 2^31-1. */
bool digest_pbkdf2(struct span password, struct span salt, uint32_t iterations,
    unsigned char out[DIGEST_SHA256]) MUST_USE;
/* "md5" and md5(A B) in lower-case hex, with a NUL. */
bool digest_md5_text(struct span a, struct span b,
    char out[DIGEST_MD5_TEXT + 1]) MUST_USE;

#endif
