/*
 * proof.c - see proof.h. A proof is two digests: of the key, which only who has it can judge, and of
 * that digest, which says who asks and can be judged before anything is looked for.
 */
#include "pool/proof.h"

#include <string.h>

#include "auth/digest.h"
#include "base/mem.h"
#include "base/rand.h"

/* What a digest is about; the parts behind it have one length each, but for the last. */
static const struct span about_secret = SPAN_LITERAL("pgweir replicas 1");
static const struct span about_address = SPAN_LITERAL("address");
static const struct span about_key = SPAN_LITERAL("the key");
static const struct span about_asker = SPAN_LITERAL("replica");

static struct span
secret_span(const uint8_t *secret)
{
	return span_of(secret, PROOF_SECRET);
}

bool
proof_secret(struct span text, uint8_t out[PROOF_SECRET])
{
	return digest_hmac(about_secret, &text, 1, out);
}

static struct span
address_bytes(const struct addr *addr)
{
	return addr->kind == ADDR_IP4 ?
	    span_of(&addr->u.ip4, sizeof(addr->u.ip4)) :
	    span_of(&addr->u.ip6, sizeof(addr->u.ip6));
}

bool
proof_tag(const uint8_t secret[PROOF_SECRET], const struct addr *addr, uint16_t *out)
{
	const struct span parts[] = { about_address, address_bytes(addr) };
	uint8_t digest[DIGEST_SHA256];

	if (!digest_hmac(secret_span(secret), parts, ARRAY_SIZE(parts), digest))
		return false;
	*out = (uint16_t)(digest[0] << 8 | digest[1]);
	return true;
}

/* Of WHAT, the challenge, the process id and DATA. */
static bool
digest_of(const uint8_t *secret, struct span what, const uint8_t *challenge, uint32_t pid,
    struct span data, uint8_t *out)
{
	const uint8_t number[4] = { (uint8_t)(pid >> 24), (uint8_t)(pid >> 16), (uint8_t)(pid >> 8),
		(uint8_t)pid };
	const struct span parts[] = { what, span_of(challenge, PROOF_CHALLENGE),
		span_of(number, sizeof(number)), data };

	return digest_hmac(secret_span(secret), parts, ARRAY_SIZE(parts), out);
}

static struct span
key_part(const uint8_t *proof)
{
	return span_of(proof, DIGEST_SHA256);
}

bool
proof_make(const uint8_t secret[PROOF_SECRET], const uint8_t challenge[PROOF_CHALLENGE],
    uint32_t pid, struct span key, uint8_t out[PROOF_SIZE])
{
	return digest_of(secret, about_key, challenge, pid, key, out) &&
	    digest_of(secret, about_asker, challenge, pid, key_part(out), out + DIGEST_SHA256);
}

bool
proof_is_ours(const uint8_t secret[PROOF_SECRET], const uint8_t challenge[PROOF_CHALLENGE],
    uint32_t pid, const uint8_t proof[PROOF_SIZE])
{
	uint8_t digest[DIGEST_SHA256];

	return digest_of(secret, about_asker, challenge, pid, key_part(proof), digest) &&
	    secret_same(digest, proof + DIGEST_SHA256, sizeof(digest));
}

bool
proof_fits(const uint8_t secret[PROOF_SECRET], const uint8_t challenge[PROOF_CHALLENGE],
    uint32_t pid, struct span key, const uint8_t proof[PROOF_SIZE])
{
	uint8_t digest[DIGEST_SHA256];

	return digest_of(secret, about_key, challenge, pid, key, digest) &&
	    secret_same(digest, proof, sizeof(digest));
}
