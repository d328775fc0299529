/*
 * replicas.c - cancel requests among replicas that know each other by a name (budget_peers): a key
 * that another gave is proved to it, not shown; strangers can neither ask nor make others ask.
 */
#include "story/replica.h"

#include "pool/peers.h"
#include "wire/startup.h"

#define SETTINGS "cancel_wait_timeout=5 peer_secret='" REPLICA_SECRET "'"

static void
key_of_another_is_proved_to_it(void **state)
{
	static const char long_key[] = "a key of protocol 3.2: 32 bytes.";
	struct world *w = world_begin(SETTINGS " workers=2");
	struct actor *asker;

	(void)state;
	w->other.mood = HOLDS;
	w->other.key = SPAN_LITERAL("\x01\x02\x03\x04");
	asker = cancel_other(w, 1, w->other.key);
	story_settle(w->s);
	is_count(w->other.proofs, 1, "the proof fits the key");
	story_pass(w->s, 3 * SECOND);
	hears(asker, "", "the asker waits as long as the replica is at it");
	call_end(&w->other.calls[0]);
	story_settle(w->s);
	hears(asker, "x", "and hears nothing but the end");
	w->other.mood = ANSWERS;
	w->other.key = span_of(long_key, 32);
	asker = cancel_other(w, 0, w->other.key);
	story_settle(w->s);
	hears(asker, "x", "the same with a long key");
	is_count(w->other.proofs, 2, "which fits, too");
	world_end(w);
}

static void
replica_that_asks_is_served(void **state)
{
	struct world *w = world_begin(SETTINGS " workers=2 pool_size=1");
	struct actor *a = story_client_on(w->s, 0, "app"), *b = story_client_on(w->s, 0, "app");

	(void)state;
	w->s->db1.hold_cancels = true;
	say(a, "hang");
	story_settle(w->s);
	assert_string_equal(replica_asks(w, 1, w->other.secret, a), "");
	assert_false(w->stranger.closed);
	pg_let_cancels(&w->s->db1);
	story_settle(w->s);
	hears(a, "E:57014 Z:I", "by way of the other worker");
	assert_true(w->stranger.closed);
	is_count(w->stranger.heard.len, 0, "the replica hears the end and nothing else");
	w->s->db1.hold_cancels = false;
	say(a, "begin");
	story_settle(w->s);
	say(b, "select b");
	story_settle(w->s);
	assert_string_equal(replica_asks(w, 0, w->other.secret, b), "");
	hears(b, "E:57014 Z:I", "also of one that waits");
	assert_true(w->stranger.closed);
	world_end(w);
}

/* Otherwise a stranger could ask us what nobody told it, or make us ask others. */
static void
stranger_gets_nowhere(void **state)
{
	struct world *w = world_begin(SETTINGS " workers=2");
	struct actor *a = story_client_on(w->s, 0, "app");
	uint8_t guess[PROOF_SECRET] = { 0 }, challenge[PROOF_CHALLENGE];
	struct actor other = *a;

	(void)state;
	say(a, "hang");
	story_settle(w->s);
	assert_string_equal(replica_asks(w, 0, guess, a), "E");
	assert_true(w->stranger.closed);
	call_us(w, 0);
	ask_for_challenge(w);
	memcpy(challenge, w->stranger.heard.at + 1, PROOF_CHALLENGE);
	call_us(w, 0);
	ask_for_challenge(w);
	prove(w, w->other.secret, challenge, a);	/* what was listened to, once more */
	is_text(buf_text(&w->stranger.heard) + 1 + PROOF_CHALLENGE, "E", "another challenge");
	other.key[0] ^= 1;
	is_text(replica_asks(w, 0, w->other.secret, &other), "N", "a wrong key");
	assert_true(w->stranger.closed);
	is_count(w->s->db1.cancels, 0, "nothing was canceled");
	is_count(w->other.count, 0, "and nobody was asked");
	is_text(replica_asks(w, 0, w->other.secret, a), "", "the right one is still heard");
	hears(a, "E:57014 Z:I", "and canceled");
	world_end(w);
}

/* The loop that cannot be: it came from a replica, so it goes to none, whoever the key is of. */
static void
what_a_replica_asks_is_not_passed_on(void **state)
{
	struct world *w = world_begin(SETTINGS);
	struct actor of_other = { .pid = 0x12345678, .key = "key!", .key_len = 4 };
	uint16_t tag;

	(void)state;
	assert_true(proof_tag(w->other.secret, &w->other.host.addr, &tag));
	peer_mark_pid(tag, &of_other.pid);
	is_text(replica_asks(w, 0, w->other.secret, &of_other), "N", "it is not here");
	assert_true(w->stranger.closed);
	is_count(w->other.count, 0, "and is looked for nowhere else");
	world_end(w);
}

static void
only_a_proof_may_follow_the_challenge(void **state)
{
	static const char *const pairs[] = { "user", "bob", "database", "app", NULL };
	struct world *w = world_begin(SETTINGS);
	struct buf b = { 0 };

	(void)state;
	call_us(w, 0);
	ask_for_challenge(w);
	startup_write(&b, PROTOCOL_3_0, pairs);
	call_say(&w->stranger, b.at, b.len);
	story_settle(w->s);
	assert_true(w->stranger.closed);
	is_count(w->stranger.heard.len, 1 + PROOF_CHALLENGE, "without a word");
	call_us(w, 0);
	ask_for_challenge(w);
	ask_for_challenge(w);
	assert_true(w->stranger.closed);
	is_count(w->stranger.heard.len, 1 + PROOF_CHALLENGE, "nor is it asked twice");
	buf_clear(&b);
	call_us(w, 0);
	ask_for_challenge(w);
	startup_write_cancel(&b, 7, SPAN_LITERAL("too short for a proof"));
	call_say(&w->stranger, b.at, b.len);
	story_settle(w->s);
	is_text(buf_text(&w->stranger.heard) + 1 + PROOF_CHALLENGE, "E", "no proof");
	buf_fini(&b);
	world_end(w);
}

static void
without_a_secret_nobody_is_asked_or_heard(void **state)
{
	struct world *w = world_begin("workers=1");
	struct actor *asker = cancel_other(w, 0, SPAN_LITERAL("key!"));

	(void)state;
	story_settle(w->s);
	hears(asker, "x", "the key is looked for here");
	is_count(w->other.count, 0, "and nowhere else");
	call_us(w, 0);
	ask_for_challenge(w);
	is_text(buf_text(&w->stranger.heard), "E", "no replica is heard either");
	assert_true(w->stranger.closed);
	world_end(w);
}

/* However it goes wrong, the asker hears of it by the end of its connection, and in time. */
static void
replica_that_fails_is_given_up(void **state)
{
	static const enum mood moods[] = { REFUSES, BABBLES, IS_MUTE, HOLDS };
	struct world *w = world_begin(SETTINGS);
	struct fleet_member seen[FLEET_MOST];
	struct actor *asker;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(moods); i++) {
		w->other.mood = moods[i];
		asker = cancel_other(w, 0, SPAN_LITERAL("key!"));
		story_pass(w->s, 4800 * MSEC);
		hears(asker, i < 2 ? "x" : "", "refused: at once");
		story_pass(w->s, 400 * MSEC);
		hears(asker, i < 2 ? "" : "x", "not answered: after cancel_wait_timeout");
	}
	w->other.host.answer = SIM_REFUSES;
	asker = cancel_other(w, 0, SPAN_LITERAL("key!"));
	story_settle(w->s);
	hears(asker, "x", "gone: at once");
	w->other.host.answer = SIM_HANGS;
	asker = cancel_other(w, 0, SPAN_LITERAL("key!"));
	story_pass(w->s, 5200 * MSEC);
	hears(asker, "x", "not reached");
	is_count(fleet_look(w->s->pooler.fleet, seen), 2, "both of us");
	is_count(seen[1].passed[PASSED_REFUSED], 2, "SHOW REPLICAS: refused");
	is_count(seen[1].passed[PASSED_FAILED], 4, "SHOW REPLICAS: failed");
	is_count(seen[1].passed[PASSED_DONE], 0, "SHOW REPLICAS: passed on");
	world_end(w);
}

static void
there_is_a_limit_also_without_cancel_wait_timeout(void **state)
{
	struct world *w = world_begin("cancel_wait_timeout=0 peer_secret='" REPLICA_SECRET "'");
	struct actor *asker;

	(void)state;
	w->other.mood = IS_MUTE;
	asker = cancel_other(w, 0, SPAN_LITERAL("key!"));
	story_pass(w->s, 9800 * MSEC);
	hears(asker, "", "it may take its time");
	story_pass(w->s, 400 * MSEC);
	hears(asker, "x", "but not for ever");
	world_end(w);
}

static void
so_many_go_to_a_replica_at_once(void **state)
{
	struct world *w = world_begin(SETTINGS " workers=2");
	struct peer_load load;

	(void)state;
	w->other.mood = HOLDS;
	for (unsigned i = 0; i < 20; i++)
		cancel_other(w, i % 2, SPAN_LITERAL("key!"));
	story_settle(w->s);
	is_count(w->other.count, 16, "on both workers together");
	for (unsigned i = 0; i < 4; i++)
		call_end(&w->other.calls[i]);
	story_pass(w->s, SECOND);
	is_count(w->other.count, 20, "the others follow");
	for (unsigned i = 4; i < 20; i++)
		call_end(&w->other.calls[i]);
	story_settle(w->s);
	for (uint32_t tag = 0; tag < 65536; tag++) {
		peer_look(w->s->pooler.peers, PEER_REPLICA(tag), &load);
		assert_int_equal(load.waiting + load.dialing + load.sent, 0);
	}
	world_end(w);
}

/* The replica says so: they count as wrong ones of our own, so there are 200, not 2000. */
static void
wrong_keys_of_another_are_wrong_keys(void **state)
{
	struct world *w = world_begin(SETTINGS);

	(void)state;
	w->other.mood = KNOWS_NOBODY;
	for (unsigned i = 0; i < 210; i++) {
		struct actor *asker = cancel_other(w, 0, SPAN_LITERAL("key!"));

		story_settle(w->s);
		hears(asker, "x", "the asker learns nothing");
		actor_free(asker);
		w->other.count = 0;
	}
	is_count(w->other.proofs, 200, "then it is not listened to");
	story_pass(w->s, 11 * SECOND);
	cancel_other(w, 0, SPAN_LITERAL("key!"));
	story_settle(w->s);
	is_count(w->other.proofs, 201, "for a while");
	world_end(w);
}

static void
peer_id_is_told_before_replicas(void **state)
{
	struct world *w = world_begin(SETTINGS " peer_id=9");
	struct actor *a = story_client(w->s, "app"), *asker;

	(void)state;
	is_count(peer_of_key(a->pid), 9, "the key is PgBouncer's");
	asker = cancel_other(w, 0, SPAN_LITERAL("key!"));
	story_settle(w->s);
	hears(asker, "x", "a key of a peer nobody knows");
	is_count(w->other.count, 0, "is not looked for at replicas");
	world_end(w);
}

int
main(void)
{
	const struct CMUnitTest stories[] = {
		UNIT_TEST(key_of_another_is_proved_to_it),
		UNIT_TEST(replica_that_asks_is_served),
		UNIT_TEST(stranger_gets_nowhere),
		UNIT_TEST(what_a_replica_asks_is_not_passed_on),
		UNIT_TEST(only_a_proof_may_follow_the_challenge),
		UNIT_TEST(without_a_secret_nobody_is_asked_or_heard),
		UNIT_TEST(replica_that_fails_is_given_up),
		UNIT_TEST(there_is_a_limit_also_without_cancel_wait_timeout),
		UNIT_TEST(so_many_go_to_a_replica_at_once),
		UNIT_TEST(wrong_keys_of_another_are_wrong_keys),
		UNIT_TEST(peer_id_is_told_before_replicas),
	};

	return cmocka_run_group_tests_name("replicas", stories, NULL, NULL);
}
