/*
 * fleet.c - who gave a key: tags, secrets that change, replicas that come, go and are remembered.
 */
#include "unit/unit.h"

#include <stdio.h>

#include "base/rand.h"
#include "pool/fleet.h"
#include "pool/peers.h"

static const char *const one_secret[] = { "the first secret, long enough" };
static const char *const two_secrets[] = { "a newer secret, long enough", "the first secret, long enough" };

static struct addr
at(const char *text)
{
	struct addr addr = { 0 };

	assert_true(addr_parse_ip(&addr, span_text(text), 6432));
	return addr;
}

/* What FLEET knows is that of the replica at SELF, of three. */
static void
meet(struct fleet *fleet, const char *self, usec_t now)
{
	const struct addr all[] = { at("10.0.0.1"), at("10.0.0.2"), at("10.0.0.3") };
	struct addr own = at(self);

	fleet_meet(fleet, all, ARRAY_SIZE(all), &own, 1, now);
}

static struct fleet *
fleet_at(const char *self)
{
	struct fleet *fleet = fleet_new();
	struct addr own = at(self);

	assert_non_null(fleet);
	fleet_use_secrets(fleet, one_secret, 1);
	fleet_begin(fleet, &own, 1);
	meet(fleet, self, SECOND);
	return fleet;
}

/* Does a key of FROM lead ASKED to FROM's address TEXT, and nowhere else? */
static void
leads_to(struct fleet *from, struct fleet *asked, const char *text)
{
	struct origin found[ORIGINS_MOST];
	struct addr expected = at(text);
	uint32_t pid = rand_u32();

	assert_true(fleet_mark_key(from, &pid));
	assert_int_equal(pid >> 31, 0);
	assert_int_not_equal(pid >> 24, 0);
	assert_int_equal(fleet_origins(asked, pid, found), 1);
	assert_true(addr_same(&found[0].addr, &expected));
	assert_int_equal(found[0].tag, peer_of_key(pid));
}

static void
key_leads_to_who_gave_it(void **state)
{
	struct fleet *one = fleet_at("10.0.0.1"), *two = fleet_at("10.0.0.2");
	struct origin found[ORIGINS_MOST];
	uint32_t pid = rand_u32();

	(void)state;
	leads_to(one, two, "10.0.0.1");
	leads_to(two, one, "10.0.0.2");
	assert_true(fleet_mark_key(one, &pid));
	assert_int_equal(fleet_origins(one, pid, found), 0);	/* never to oneself */
	fleet_free(one);
	fleet_free(two);
}

/* What a stranger draws goes to one of 3 in 65536. */
static void
unknown_tag_leads_nowhere(void **state)
{
	struct fleet *fleet = fleet_at("10.0.0.1");
	struct origin found[ORIGINS_MOST];
	unsigned hits = 0;

	(void)state;
	for (uint32_t tag = 0; tag < 65536; tag++)
		hits += fleet_origins(fleet, 0x01000000u | tag << 8, found);
	assert_int_equal(hits, 2);
	fleet_free(fleet);
}

static void
without_secret_or_fleet_keys_say_nothing(void **state)
{
	struct fleet *fleet = fleet_new();
	struct addr own = at("10.0.0.1");
	struct origin found[ORIGINS_MOST];
	uint32_t pid = 0x01020304;

	(void)state;
	fleet_begin(fleet, &own, 1);
	meet(fleet, "10.0.0.1", SECOND);
	assert_false(fleet_has_secret(fleet));
	assert_false(fleet_mark_key(fleet, &pid));
	assert_int_equal(pid, 0x01020304);
	assert_int_equal(fleet_origins(fleet, pid, found), 0);
	fleet_use_secrets(fleet, one_secret, 1);
	assert_true(fleet_mark_key(fleet, &pid));
	fleet_end(fleet);
	assert_false(fleet_mark_key(fleet, &pid));
	fleet_free(fleet);
}

/* One after the other learns the new secret; then all use it. Keys of before lead home all the time. */
static void
secret_changes_step_by_step(void **state)
{
	struct fleet *one = fleet_at("10.0.0.1"), *two = fleet_at("10.0.0.2");
	uint8_t challenge[PROOF_CHALLENGE], secret[PROOF_SECRET], proof[PROOF_SIZE];
	struct origin found[ORIGINS_MOST];
	uint32_t before = rand_u32();

	(void)state;
	assert_true(fleet_mark_key(one, &before));
	fleet_use_secrets(one, two_secrets, 2);
	assert_int_equal(fleet_origins(two, before, found), 1);
	leads_to(two, one, "10.0.0.2");
	fleet_use_secrets(two, two_secrets, 2);
	leads_to(one, two, "10.0.0.1");
	assert_int_equal(fleet_origins(two, before, found), 1);
	rand_bytes(challenge, sizeof(challenge));
	assert_true(proof_make(found[0].secret, challenge, before, SPAN_LITERAL("key!"), proof));
	assert_true(fleet_find_secret(one, challenge, before, proof, secret));
	assert_memory_equal(secret, found[0].secret, sizeof(secret));
	fleet_use_secrets(one, two_secrets, 1);		/* the new one only */
	assert_false(fleet_find_secret(one, challenge, before, proof, secret));
	fleet_free(one);
	fleet_free(two);
}

static void
own_address_is_guessed_and_then_known(void **state)
{
	const struct addr own[] = { at("127.0.0.1"), at("::1"), at("fd00::7"), at("10.0.0.7"),
		at("10.0.0.2") };
	struct fleet *fleet = fleet_new(), *other = fleet_at("10.0.0.1");
	const struct addr all[] = { at("10.0.0.1"), at("10.0.0.2"), at("10.0.0.7") };

	(void)state;
	fleet_use_secrets(fleet, one_secret, 1);
	fleet_begin(fleet, own, ARRAY_SIZE(own));
	fleet_meet(other, all, 3, &all[0], 1, 2 * SECOND);
	leads_to(fleet, other, "10.0.0.7");	/* the first that is not this machine's alone */
	fleet_meet(fleet, all, 2, own, ARRAY_SIZE(own), 2 * SECOND);
	leads_to(fleet, other, "10.0.0.2");	/* the one that the name leads to */
	fleet_meet(fleet, all, 3, own, ARRAY_SIZE(own), 3 * SECOND);
	leads_to(fleet, other, "10.0.0.2");	/* and stays it */
	fleet_free(fleet);
	fleet_free(other);
}

static void
who_is_gone_is_remembered_for_a_while(void **state)
{
	struct fleet *one = fleet_at("10.0.0.1"), *two = fleet_at("10.0.0.2");
	struct fleet_member seen[FLEET_MOST];
	struct addr left = at("10.0.0.1");

	(void)state;
	fleet_meet(one, &left, 1, &left, 1, 10 * SECOND);
	assert_int_equal(fleet_look(one, seen), 3);
	assert_true(seen[0].own && seen[0].listed);
	assert_false(seen[1].listed);
	leads_to(two, one, "10.0.0.2");
	fleet_meet(one, &left, 1, &left, 1, SECOND + FLEET_REMEMBERS);
	assert_int_equal(fleet_look(one, seen), 1);
	fleet_free(one);
	fleet_free(two);
}

static void
there_is_an_end_to_who_is_known(void **state)
{
	struct fleet *fleet = fleet_at("10.0.0.1");
	struct fleet_member seen[FLEET_MOST];
	struct addr own = at("10.0.0.1");

	(void)state;
	for (unsigned i = 0; i < 2 * FLEET_MOST; i++) {
		char text[32];
		struct addr next;

		snprintf(text, sizeof(text), "10.1.%u.%u", i / 200, i % 200);
		next = at(text);
		fleet_meet(fleet, &next, 1, &own, 1, 2 * SECOND + i);
	}
	assert_int_equal(fleet_look(fleet, seen), FLEET_MOST);
	for (unsigned i = 0; i < FLEET_MOST; i++)
		assert_true(seen[i].seen >= 2 * SECOND + FLEET_MOST);	/* the later half */
	fleet_free(fleet);
}

static void
ends_are_counted(void **state)
{
	struct fleet *fleet = fleet_at("10.0.0.1");
	struct fleet_member seen[FLEET_MOST];
	struct addr two = at("10.0.0.2"), nobody = at("10.9.9.9");

	(void)state;
	fleet_note(fleet, &two, PASSED_DONE, SECOND);
	fleet_note(fleet, &two, PASSED_DONE, SECOND);
	fleet_note(fleet, &two, PASSED_UNKNOWN, SECOND);
	fleet_note(fleet, &nobody, PASSED_DONE, SECOND);
	assert_int_equal(fleet_look(fleet, seen), 3);
	assert_int_equal(seen[1].passed[PASSED_DONE], 2);
	assert_int_equal(seen[1].passed[PASSED_UNKNOWN], 1);
	assert_int_equal(seen[1].passed[PASSED_FAILED], 0);
	assert_int_equal(seen[2].passed[PASSED_DONE], 0);
	fleet_free(fleet);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(key_leads_to_who_gave_it),
		UNIT_TEST(unknown_tag_leads_nowhere),
		UNIT_TEST(without_secret_or_fleet_keys_say_nothing),
		UNIT_TEST(secret_changes_step_by_step),
		UNIT_TEST(own_address_is_guessed_and_then_known),
		UNIT_TEST(who_is_gone_is_remembered_for_a_while),
		UNIT_TEST(there_is_an_end_to_who_is_known),
		UNIT_TEST(ends_are_counted),
	};

	return cmocka_run_group_tests_name("fleet", tests, NULL, NULL);
}
