/*
 * fuzz_scram_client.c - Authentication messages from a hostile server against our login
 * there. The first byte chooses the stored secret; then each message is two bytes of
 * length and its body. Our nonce is the same each time, so that the corpus can go on
 * from it.
 */
#include "fuzz/fuzz.h"

#include "auth/backend.h"
#include "auth/keyring.h"
#include "auth/scram.h"
#include "base/rand.h"

#define BOB SPAN_LITERAL("bob")

/* 1 iteration, salt "abc", keys of zeroes. */
#define VERIFIER "SCRAM-SHA-256$1:YWJj$Zmh6rfhivXdsj8GLjp+OIAiXFIVu4jOzkCpZHQ1fKSU=:" \
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static const struct span secrets[] = {
	SPAN_LITERAL(""),
	SPAN_LITERAL("sesame"),
	SPAN_LITERAL("md53175bce1d3201d16594cebf9d7eb3f9d"),
	SPAN_LITERAL(VERIFIER),
};

static void
talk(struct backend_login *b, const uint8_t *bytes, size_t len)
{
	enum backend_verdict verdict = BACKEND_MORE;
	struct buf reply = {0};
	struct err e = {0};

	while (verdict == BACKEND_MORE && len >= 2) {
		size_t size = (size_t)bytes[0] << 8 | bytes[1];
		struct span body;

		bytes += 2;
		len -= 2;
		if (size > len)
			size = len;
		body = copy_of(span_of(bytes, size));
		bytes += size;
		len -= size;
		buf_clear(&reply);
		verdict = backend_step(b, body, &reply, &e);
		free((void *)(uintptr_t)body.at);
	}
	must(!reply.failed && (verdict == BACKEND_FAIL) == (e.text[0] != '\0'));
	buf_fini(&reply);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct backend_rules rules = { .user = BOB };
	const struct scram_keys keys = {{0}, {0}};
	struct backend_login *b;

	if (len == 0)
		return 0;
	rand_seed(1);
	rules.keyring = keyring_new(10);
	must(rules.keyring != NULL);
	rules.secret = secrets[bytes[0] % ARRAY_SIZE(secrets)];
	rules.refuse_cleartext = bytes[0] & 0x80;
	if (!(bytes[0] & 0x40))
		keyring_keep(rules.keyring, BOB, SPAN_LITERAL(VERIFIER),
		    SPAN_LITERAL("abc"), 1, &keys);
	b = backend_new(&rules);
	must(b != NULL);
	talk(b, bytes + 1, len - 1);
	backend_free(b);
	keyring_free(rules.keyring);
	return 0;
}
