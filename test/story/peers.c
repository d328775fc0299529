/*
 * peers.c - cancel requests among processes that share an address: what bears another's key
 * goes there, and the canceller is let go when it has arrived. The peer is db2.
 */
#include "story/story.h"

#include "pool/peers.h"
#include "wire/startup.h"

#define PEERS "[peers]\n1 = host=db1 port=5432\n2 = host=db2 port=5432\n"
static const char databases[] = "app = host=db1 port=5432\n" PEERS;

/* A request with the key of peer ID that may be passed on HOPS times, by way of WORKER. */
static struct actor *
cancel_with(struct story *s, unsigned worker, uint16_t id, uint8_t hops)
{
	struct actor *a = story_connect(s, worker);
	uint8_t secret[4] = { 1, 2, 3, 4 };
	uint32_t pid = 0x12345678;
	struct buf b = { 0 };

	peer_mark_key(id, &pid, secret);
	secret[3] = (uint8_t)((secret[3] & 0xfc) | hops);
	startup_write_cancel(&b, pid, span_of((const char *)secret, 4));
	actor_send(a, b.at, b.len);
	buf_fini(&b);
	return a;
}

static void
key_says_who_gave_it(void **state)
{
	struct story *s = story_begin_with("peer_id=513", databases);
	struct actor *a = story_client(s, "app");

	(void)state;
	is_count(a->pid >> 16 & 0xff, 1, "byte 1: the lower one");
	is_count(a->pid >> 8 & 0xff, 2, "byte 2: the higher one");
	is_count(a->pid >> 31, 0, "the first bit");
	is_count(a->key[3] & 3, 3, "the last bits of byte 7");
	say(a, "hang");
	story_settle(s);
	actor_cancel(a, 0);
	story_settle(s);
	hears(a, "E:57014 Z:I", "it is our own: it goes to the server");
	say(a, "hang");
	story_settle(s);
	a->key[3] &= (char)0xfc;
	actor_cancel(a, 0);
	story_settle(s);
	hears(a, "E:57014 Z:I", "also when it has been passed on three times");
	is_count(s->db2.cancels, 0, "nobody else heard of it");
	story_end(s);
}

static void
another_s_key_goes_there(void **state)
{
	struct story *s = story_begin_with("workers=2 peer_id=7", databases);
	struct actor *asker;

	(void)state;
	s->db2.hold_cancels = true;
	asker = cancel_with(s, 1, 2, 3);
	story_settle(s);
	is_count(s->db2.cancels, 1, "the peer has it");
	is_count(s->db2.last_cancel_pid, 0x12020078, "the same process id");
	is_text(s->db2.last_cancel_key, "01020306", "the same secret, passed on once");
	hears(asker, "", "the asker waits");
	story_pass(s, 3 * SECOND);
	is_count(asker->closed, 0, "as long as the peer is at it");
	pg_let_cancels(&s->db2);
	story_settle(s);
	hears(asker, "x", "and hears nothing but the end");
	is_count(s->db1.cancels, 0, "nobody else heard of it");
	story_end(s);
}

static void
request_does_not_go_in_circles(void **state)
{
	struct story *s = story_begin_with("peer_id=7", databases);
	struct actor *asker = cancel_with(s, 0, 2, 0);

	(void)state;
	story_settle(s);
	is_count(s->db2.cancels, 0, "it was passed on often enough");
	hears(asker, "x", "it is dropped");
	asker = cancel_with(s, 0, 2, 1);
	story_settle(s);
	is_count(s->db2.cancels, 1, "once more is allowed");
	is_text(s->db2.last_cancel_key, "01020304", "for the last time");
	asker = cancel_with(s, 0, 9, 3);
	story_settle(s);
	hears(asker, "x", "a peer nobody knows is nobody's");
	story_end(s);
}

static void
without_an_id_there_are_no_peers(void **state)
{
	struct story *s = story_begin_with("", databases);
	struct actor *asker = cancel_with(s, 0, 2, 3);

	(void)state;
	story_settle(s);
	hears(asker, "x", "the key is looked for here");
	is_count(s->db2.cancels, 0, "and nowhere else");
	story_end(s);
}

static void
peer_that_does_not_answer_is_given_up(void **state)
{
	struct story *s = story_begin_with("peer_id=7 cancel_wait_timeout=5", databases);
	struct actor *asker;

	(void)state;
	s->db2.host.answer = SIM_HANGS;
	asker = cancel_with(s, 0, 2, 3);
	story_pass(s, 4800 * MSEC);
	hears(asker, "", "it may take its time");
	story_pass(s, 400 * MSEC);
	hears(asker, "x", "but not for ever");
	s->db2.host.answer = SIM_REFUSES;
	asker = cancel_with(s, 0, 2, 3);
	story_settle(s);
	hears(asker, "x", "one that is not there is given up at once");
	story_end(s);
}

static struct peer_load
load_of(struct story *s, uint16_t id)
{
	struct peer_load load;

	peer_look(s->pooler.peers, id, &load);
	return load;
}

static void
so_many_go_to_a_peer_at_once(void **state)
{
	struct story *s = story_begin_with("workers=2 peer_id=7 cancel_wait_timeout=60",
	    "app = host=db1 port=5432\n[peers]\n2 = host=db2 port=5432 pool_size=2\n");
	struct actor *askers[5];

	(void)state;
	s->db2.hold_cancels = true;
	for (unsigned i = 0; i < 5; i++) {
		askers[i] = cancel_with(s, i % 2, 2, 3);
		story_settle(s);
	}
	is_count(s->db2.cancels, 2, "the peer's pool_size, on both workers together");
	is_count(load_of(s, 2).sent, 2, "SHOW PEER_POOLS: passed on");
	is_count(load_of(s, 2).waiting, 3, "SHOW PEER_POOLS: waiting");
	hang_up(askers[4]);
	pg_let_cancels(&s->db2);
	story_pass(s, SECOND);
	is_count(s->db2.cancels, 5, "all get there in the end");
	for (unsigned i = 0; i < 4; i++)
		hears(askers[i], "x", "and their askers are let go");
	is_count(load_of(s, 2).sent + load_of(s, 2).waiting + load_of(s, 2).dialing, 0,
	    "nobody is on the way");
	story_end(s);
}

static void
removed_peer_gets_no_more(void **state)
{
	struct story *s = story_begin_with("peer_id=7 cancel_wait_timeout=60",
	    "app = host=db1 port=5432\n[peers]\n2 = host=db2 port=5432 pool_size=1\n");
	struct actor *first, *second;

	(void)state;
	s->db2.hold_cancels = true;
	first = cancel_with(s, 0, 2, 3);
	story_settle(s);
	second = cancel_with(s, 0, 2, 3);
	story_settle(s);
	is_count(load_of(s, 2).waiting, 1, "the second waits");
	story_reload(s, NULL, "app = host=db1 port=5432\n");
	story_pass(s, 200 * MSEC);
	hears(first, "x", "it may have got there");
	hears(second, "x", "it has not");
	is_count(s->db2.cancels, 1, "nor will it");
	cancel_with(s, 0, 2, 3);
	story_settle(s);
	is_count(s->db2.cancels, 1, "nobody goes there any more");
	story_end(s);
}

/* Otherwise a stranger could make members of a fleet deaf to each other. */
static void
wrong_keys_that_peers_pass_on_are_not_theirs(void **state)
{
	struct story *s = story_begin_with("peer_id=7",
	    "app = host=db1 port=5432\n[peers]\n2 = host=10.0.0.1 port=5432\n");
	struct actor *a = story_client(s, "app");

	(void)state;
	say(a, "hang");
	story_settle(s);
	for (unsigned i = 0; i < 300; i++)
		cancel_with(s, 0, 7, 2);
	story_settle(s);
	actor_cancel(a, 0);
	story_settle(s);
	hears(a, "E:57014 Z:I", "the peer at 10.0.0.1 is heard");
	story_end(s);
}

static void
so_many_are_passed_on_for_one_address(void **state)
{
	struct story *s = story_begin_with("peer_id=7", databases);
	struct actor *last;

	(void)state;
	for (unsigned i = 0; i < 2010; i++) {
		last = cancel_with(s, 0, 2, 3);
		story_settle(s);
		hears(last, "x", "done");
		actor_free(last);
	}
	is_count(s->db2.cancels, 2000, "then it is not listened to");
	story_pass(s, 11 * SECOND);
	cancel_with(s, 0, 2, 3);
	story_settle(s);
	is_count(s->db2.cancels, 2001, "for a while");
	story_end(s);
}

int
main(void)
{
	const struct CMUnitTest stories[] = {
		UNIT_TEST(key_says_who_gave_it),
		UNIT_TEST(another_s_key_goes_there),
		UNIT_TEST(request_does_not_go_in_circles),
		UNIT_TEST(without_an_id_there_are_no_peers),
		UNIT_TEST(peer_that_does_not_answer_is_given_up),
		UNIT_TEST(so_many_go_to_a_peer_at_once),
		UNIT_TEST(removed_peer_gets_no_more),
		UNIT_TEST(wrong_keys_that_peers_pass_on_are_not_theirs),
		UNIT_TEST(so_many_are_passed_on_for_one_address),
	};

	return cmocka_run_group_tests_name("peers", stories, NULL, NULL);
}
