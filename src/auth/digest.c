/*
 * digest.c - SHA-256, HMAC, PBKDF2 and MD5 by OpenSSL. The only file of this layer that
 * sees the library; what the digests mean is said by its callers.
 */
#include "auth/digest.h"

#include "base/mem.h"
#include "base/rand.h"

#include <limits.h>

#include <openssl/evp.h>
#include <pthread.h>

#define BLOCK 64u	/* bytes SHA-256 works on; HMAC pads its key to that */

static EVP_MD *fetched;		/* made once, never freed */
static pthread_once_t fetch_once = PTHREAD_ONCE_INIT;

static void
fetch(void)
{
	fetched = EVP_MD_fetch(NULL, "SHA256", NULL);
}

/* EVP_sha256() is looked up again by everybody who uses it: that takes longer than the hash. */
static const EVP_MD *
sha256(void)
{
	pthread_once(&fetch_once, fetch);
	return fetched != NULL ? fetched : EVP_sha256();
}

/* OUT = hash of HEAD and then of PARTS. */
static bool
hash_parts(EVP_MD_CTX *ctx, const unsigned char *head, const struct span *parts,
    unsigned count, unsigned char *out)
{
	bool fine = EVP_DigestInit_ex(ctx, sha256(), NULL) == 1 &&
	    EVP_DigestUpdate(ctx, head, BLOCK) == 1;

	for (unsigned i = 0; fine && i < count; i++)
		if (parts[i].len > 0)
			fine = EVP_DigestUpdate(ctx, parts[i].at, parts[i].len) == 1;
	return fine && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
}

bool
digest_sha256(struct span in, unsigned char out[DIGEST_SHA256])
{
	return EVP_Digest(in.len > 0 ? in.at : "", in.len, out, NULL, sha256(), NULL) == 1;
}

bool
digest_hmac(struct span key, const struct span *parts, unsigned count,
    unsigned char out[DIGEST_SHA256])
{
	unsigned char inner[BLOCK] = {0}, outer[BLOCK], half[DIGEST_SHA256] = {0};
	struct span last;
	EVP_MD_CTX *ctx;
	bool fine;

	if (key.len > BLOCK) {
		if (!digest_sha256(key, inner))
			return false;
	} else if (key.len > 0) {
		memcpy(inner, key.at, key.len);
	}
	for (size_t i = 0; i < BLOCK; i++) {
		outer[i] = inner[i] ^ 0x5c;
		inner[i] ^= 0x36;
	}
	ctx = EVP_MD_CTX_new();
	fine = ctx != NULL && hash_parts(ctx, inner, parts, count, half);
	last = span_of(half, sizeof(half));
	fine = fine && hash_parts(ctx, outer, &last, 1, out);
	EVP_MD_CTX_free(ctx);
	mem_wipe(inner, sizeof(inner));
	mem_wipe(outer, sizeof(outer));
	mem_wipe(half, sizeof(half));
	return fine;
}

bool
digest_pbkdf2(struct span password, struct span salt, uint32_t iterations,
    unsigned char out[DIGEST_SHA256])
{
	if (password.len > INT_MAX || salt.len > INT_MAX)
		return false;
	if (iterations == 0 || iterations > INT_MAX)
		return false;
	return PKCS5_PBKDF2_HMAC(password.len > 0 ? password.at : "", (int)password.len,
	    (const unsigned char *)(salt.len > 0 ? salt.at : ""), (int)salt.len,
	    (int)iterations, sha256(), DIGEST_SHA256, out) == 1;
}

bool
digest_md5_text(struct span a, struct span b, char out[DIGEST_MD5_TEXT + 1])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char sum[16];
	bool fine = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_md5(), NULL) == 1;

	if (fine && a.len > 0)
		fine = EVP_DigestUpdate(ctx, a.at, a.len) == 1;
	if (fine && b.len > 0)
		fine = EVP_DigestUpdate(ctx, b.at, b.len) == 1;
	if (fine)
		fine = EVP_DigestFinal_ex(ctx, sum, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	if (fine) {
		memcpy(out, "md5", 3);
		hex_encode(sum, sizeof(sum), out + 3);
	}
	mem_wipe(sum, sizeof(sum));
	return fine;
}
