/*
 * peers.c - keys that say whose they are, byte for byte, and counting who is on the way.
 */
#include "unit/unit.h"

#include <string.h>

#include "base/rand.h"
#include "pool/peers.h"

/* The eight bytes of a key as they go over the wire. */
static void
on_wire(uint32_t pid, const uint8_t *secret, uint8_t out[8])
{
	for (unsigned i = 0; i < 4; i++) {
		out[i] = (uint8_t)(pid >> (24 - 8 * i));
		out[4 + i] = secret[i];
	}
}

static void
key_says_whose_it_is(void **state)
{
	static const struct {
		uint16_t id;
		uint8_t low, high;	/* bytes 1 and 2 */
	} rows[] = { { 1, 1, 0 }, { 255, 255, 0 }, { 256, 0, 1 }, { 16383, 255, 63 },
		{ 0x1234, 0x34, 0x12 }, { 65535, 255, 255 } };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t secret[4], bytes[8];
		uint32_t pid = rand_u32();

		rand_bytes(secret, sizeof(secret));
		peer_mark_key(rows[i].id, &pid, secret);
		on_wire(pid, secret, bytes);
		assert_int_equal(bytes[0] & 0x80, 0);
		assert_int_not_equal(bytes[0], 0);
		assert_int_equal(bytes[1], rows[i].low);
		assert_int_equal(bytes[2], rows[i].high);
		assert_int_equal(bytes[7] & 3, 3);
		assert_int_equal(peer_of_key(pid), rows[i].id);
	}
}

static void
what_is_not_the_mark_stays_random(void **state)
{
	uint32_t seen = 0;
	uint8_t bits[4] = { 0 };

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		uint8_t secret[4];
		uint32_t pid = rand_u32();

		rand_bytes(secret, sizeof(secret));
		peer_mark_key(7, &pid, secret);
		seen |= pid;
		for (unsigned j = 0; j < 4; j++)
			bits[j] |= (uint8_t)~secret[j];
	}
	assert_int_equal(seen, 0x7f0700ff);
	assert_memory_equal(bits, "\xff\xff\xff\xfc", 4);
}

static void
key_is_passed_on_so_often_and_no_more(void **state)
{
	uint8_t secret[4] = { 9, 8, 7, 0x57 };

	(void)state;
	assert_true(peer_spend_hop(secret));
	assert_memory_equal(secret, "\x09\x08\x07\x56", 4);
	assert_true(peer_spend_hop(secret));
	assert_true(peer_spend_hop(secret));
	assert_memory_equal(secret, "\x09\x08\x07\x54", 4);
	assert_false(peer_spend_hop(secret));
	assert_memory_equal(secret, "\x09\x08\x07\x54", 4);
	peer_unwind_key(secret);
	assert_memory_equal(secret, "\x09\x08\x07\x57", 4);
}

static void
is_load(struct peers *peers, uint16_t id, unsigned waiting, unsigned dialing, unsigned sent)
{
	struct peer_load load;

	peer_look(peers, id, &load);
	assert_int_equal(load.waiting, waiting);
	assert_int_equal(load.dialing, dialing);
	assert_int_equal(load.sent, sent);
}

static void
so_many_are_on_the_way_and_no_more(void **state)
{
	struct peers *peers = peers_new();
	struct peer_pool *one, *other;

	(void)state;
	one = peer_enter(peers, 1);
	assert_ptr_equal(peer_enter(peers, 1), one);
	assert_ptr_equal(peer_enter(peers, 1), one);
	other = peer_enter(peers, 2);
	assert_ptr_not_equal(other, one);
	assert_true(peer_begin(peers, one, 2));
	peer_sent(peers, one);
	assert_true(peer_begin(peers, one, 2));
	assert_false(peer_begin(peers, one, 2));
	is_load(peers, 1, 1, 1, 1);
	is_load(peers, 2, 1, 0, 0);
	is_load(peers, 3, 0, 0, 0);
	peer_leave(peers, one, PEER_SENT);
	assert_true(peer_begin(peers, one, 2));
	assert_true(peer_begin(peers, other, 0));
	peer_leave(peers, other, PEER_DIALING);
	is_load(peers, 2, 0, 0, 0);
	peer_leave(peers, one, PEER_DIALING);
	peer_leave(peers, one, PEER_DIALING);
	is_load(peers, 1, 0, 0, 0);
	one = peer_enter(peers, 1);
	peer_leave(peers, one, PEER_WAITING);
	peers_free(peers);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(key_says_whose_it_is),
		UNIT_TEST(what_is_not_the_mark_stays_random),
		UNIT_TEST(key_is_passed_on_so_often_and_no_more),
		UNIT_TEST(so_many_are_on_the_way_and_no_more),
	};

	return cmocka_run_group_tests_name("peers", tests, NULL, NULL);
}
