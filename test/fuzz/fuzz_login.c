/*
 * fuzz_login.c - messages from a hostile client against its login. The first byte
 * chooses method, stored secret, whether the channel can be bound and whether a no is
 * looked at again; then each message is its kind, two bytes of length and its body. Nobody
 * unknown gets in.
 */
#include "fuzz/fuzz.h"

#include "auth/keyring.h"
#include "auth/login.h"
#include "base/rand.h"

static const struct span secrets[] = {
	SPAN_LITERAL(""),
	SPAN_LITERAL("sesame"),
	SPAN_LITERAL("md5e9ba8a2e6bbbf4e4a4c9fc94e3ebbb1e"),
	/* 1 iteration, no salt, keys of zeroes */
	SPAN_LITERAL("SCRAM-SHA-256$1:$Zmh6rfhivXdsj8GLjp+OIAiXFIVu4jOzkCpZHQ1fKSU=:"
	    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
};

static const enum login_method methods[8] = { LOGIN_TRUST, LOGIN_ANY, LOGIN_PLAIN, LOGIN_MD5,
	LOGIN_SCRAM, LOGIN_PAM, LOGIN_SCRAM, LOGIN_SCRAM };

/* Let the client talk until there is a verdict; which one. */
static enum login_verdict
talk(struct login *l, const uint8_t *bytes, size_t len, struct err *e)
{
	enum login_verdict verdict = LOGIN_MORE;
	struct buf reply = {0};

	while (verdict == LOGIN_MORE && len >= 3) {
		char kind = (char)bytes[0];
		size_t size = (size_t)bytes[1] << 8 | bytes[2];
		struct span body;

		bytes += 3;
		len -= 3;
		if (size > len)
			size = len;
		body = copy_of(span_of(bytes, size));
		bytes += size;
		len -= size;
		buf_clear(&reply);
		verdict = login_step(l, kind, body, &reply, e);
		free((void *)(uintptr_t)body.at);
		must(!reply.failed);
	}
	buf_fini(&reply);
	return verdict;
}

/* The stored secret has become SECRET. */
static enum login_verdict
look_again(struct login *l, struct span secret, bool known, struct err *e)
{
	struct buf reply = {0};
	enum login_verdict verdict;

	*e = (struct err){0};
	verdict = login_again(l, secret, known, &reply, e);

	must(!reply.failed && !login_may_again(l));
	buf_fini(&reply);
	return verdict;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct login_rules rules = { .scram_iterations = 1 };
	enum login_verdict verdict;
	struct buf reply = {0};
	struct err e = {0};
	struct login *l;
	bool known;

	if (len == 0)
		return 0;
	rand_seed(1);
	rules.keyring = keyring_new(10);
	must(rules.keyring != NULL);
	rules.method = methods[bytes[0] & 7];
	if (bytes[0] & 0x40)
		rules.binding = SPAN_LITERAL("hash of a certificate");
	known = !(bytes[0] & 0x80);
	verdict = login_begin(&l, &rules, SPAN_LITERAL("bob"),
	    secrets[(bytes[0] >> 3) % ARRAY_SIZE(secrets)], known, &reply, &e);
	if (l != NULL)
		verdict = talk(l, bytes + 1, len - 1, &e);
	if (l != NULL && verdict == LOGIN_NO && (bytes[0] & 0x20) && login_may_again(l))
		verdict = look_again(l, secrets[((bytes[0] >> 3) + 1) % ARRAY_SIZE(secrets)],
		    known, &e);
	if (verdict == LOGIN_ASK)
		verdict = login_told(l, known, &e);
	must(verdict != LOGIN_YES || known || rules.method == LOGIN_ANY);
	must((verdict == LOGIN_NO) == (e.text[0] != '\0'));
	login_free(l);
	buf_fini(&reply);
	keyring_free(rules.keyring);
	return 0;
}
