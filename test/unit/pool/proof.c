/*
 * proof.c - what a replica proves about a key, and what it does not give away.
 */
#include "unit/unit.h"

#include "base/rand.h"
#include "pool/proof.h"

struct world {
	uint8_t		 secret[PROOF_SECRET], other[PROOF_SECRET];
	uint8_t		 challenge[PROOF_CHALLENGE];
};

static void
draw(struct world *w)
{
	assert_true(proof_secret(SPAN_LITERAL("a secret of sixteen bytes"), w->secret));
	assert_true(proof_secret(SPAN_LITERAL("another one of that kind"), w->other));
	rand_bytes(w->challenge, sizeof(w->challenge));
}

static void
proof_fits_its_key_and_no_other(void **state)
{
	static const char key[32] = "thirty-two bytes, protocol 3.2..";
	static const size_t lengths[] = { 4, 32 };
	uint8_t proof[PROOF_SIZE];
	struct world w;

	(void)state;
	draw(&w);
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct span whole = span_of(key, lengths[i]);
		char wrong[32];

		assert_true(proof_make(w.secret, w.challenge, 0x12345678, whole, proof));
		assert_true(proof_is_ours(w.secret, w.challenge, 0x12345678, proof));
		assert_true(proof_fits(w.secret, w.challenge, 0x12345678, whole, proof));
		assert_false(proof_fits(w.secret, w.challenge, 0x12345679, whole, proof));
		assert_false(proof_fits(w.secret, w.challenge, 0x12345678,
		    span_of(key, lengths[i] - 1), proof));
		memcpy(wrong, key, sizeof(wrong));
		wrong[lengths[i] - 1] ^= 1;
		assert_false(proof_fits(w.secret, w.challenge, 0x12345678,
		    span_of(wrong, lengths[i]), proof));
	}
}

/* Whoever listens has proofs and challenges, not the secret. */
static void
nothing_can_be_forged_or_said_again(void **state)
{
	struct span key = SPAN_LITERAL("key!");
	uint8_t proof[PROOF_SIZE], later[PROOF_CHALLENGE];
	struct world w;

	(void)state;
	draw(&w);
	rand_bytes(later, sizeof(later));
	assert_true(proof_make(w.secret, w.challenge, 7, key, proof));
	assert_false(proof_is_ours(w.other, w.challenge, 7, proof));
	assert_false(proof_fits(w.other, w.challenge, 7, key, proof));
	assert_false(proof_is_ours(w.secret, later, 7, proof));
	assert_false(proof_fits(w.secret, later, 7, key, proof));
	assert_false(proof_is_ours(w.secret, w.challenge, 8, proof));
	for (size_t i = 0; i < 8 * PROOF_SIZE; i++) {
		proof[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_false(proof_is_ours(w.secret, w.challenge, 7, proof));
		proof[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	assert_true(proof_is_ours(w.secret, w.challenge, 7, proof));
}

/* What goes over the wire is said once more here, so that a change of it is seen: replicas of two releases talk. */
static void
wire_format_stays(void **state)
{
	static const uint8_t challenge[PROOF_CHALLENGE] = { 1, 2, 3 };
	uint8_t secret[PROOF_SECRET], proof[PROOF_SIZE];
	struct addr addr = { 0 };
	char hex[2 * PROOF_SIZE + 1];
	uint16_t tag;

	(void)state;
	assert_true(proof_secret(SPAN_LITERAL("a secret of sixteen bytes"), secret));
	assert_true(addr_parse_ip(&addr, SPAN_LITERAL("10.1.2.3"), 6432));
	assert_true(proof_tag(secret, &addr, &tag));
	assert_true(proof_make(secret, challenge, 0x01020304, SPAN_LITERAL("\x05\x06\x07\x08"), proof));
	hex_encode(proof, sizeof(proof), hex);
	assert_string_equal(hex, "acb1a2b19ef75004093bd33f71809eb67124d729ade77f04ee4e48a6aa10fd00"
	    "ef7d25cb3c856e1e27a8adebe14d6467d75410290c408f04198b2bd3c139bb7e");
	assert_int_equal(tag, 0x6ba9);
}

static void
tag_is_of_an_address(void **state)
{
	static const char *const texts[] = { "10.1.2.3", "10.1.2.4", "fd00::1", "fd00::2" };
	uint16_t tags[ARRAY_SIZE(texts)], again, other;
	struct world w;

	(void)state;
	draw(&w);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct addr addr = { 0 };

		assert_true(addr_parse_ip(&addr, span_text(texts[i]), 6432));
		assert_true(proof_tag(w.secret, &addr, &tags[i]));
		addr.port = 1;
		assert_true(proof_tag(w.secret, &addr, &again));
		assert_int_equal(again, tags[i]);
		assert_true(proof_tag(w.other, &addr, &other));
		assert_int_not_equal(other, tags[i]);
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(tags[j], tags[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(proof_fits_its_key_and_no_other),
		UNIT_TEST(nothing_can_be_forged_or_said_again),
		UNIT_TEST(wire_format_stays),
		UNIT_TEST(tag_is_of_an_address),
	};

	return cmocka_run_group_tests_name("proof", tests, NULL, NULL);
}
