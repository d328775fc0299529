/*
 * replicas.c - cancel requests among replicas that know each other by a name (budget_peers): a key
 * that another gave is proved to it, not shown; strangers can neither ask nor make others ask.
 */
#include "story/story.h"

#include "base/mem.h"
#include "base/rand.h"
#include "net/link.h"
#include "pool/fleet.h"
#include "pool/peers.h"
#include "wire/startup.h"

#define SETTINGS "cancel_wait_timeout=5 peer_secret='this is the secret of the story'"
#define CALLS_MOST 32u

/* How the other replica takes a request. */
enum mood { ANSWERS, HOLDS, KNOWS_NOBODY, REFUSES, BABBLES, IS_MUTE };

/* One connection to the replica, or of a stranger. */
struct call {
	struct replica	*replica;	/* NULL: a stranger's */
	struct link	*link;
	struct buf	 heard;
	bool		 closed;
};

/* Another one, of which nothing is there but its door. */
struct replica {
	struct sim_host	 host;
	enum mood	 mood;
	uint8_t		 secret[PROOF_SECRET], challenge[PROOF_CHALLENGE];
	struct call	 calls[CALLS_MOST];
	unsigned	 count;		/* of calls */
	unsigned	 proofs;	/* requests whose proof was ours */
	struct span	 key;		/* what they must be about */
};

struct world {
	struct story	*s;
	struct replica	 other;
	struct addr	 own;
	struct call	 stranger;
};

static void
say_to(struct call *call, const void *at, size_t len)
{
	link_send(call->link, at, len);
}

static void
end_call(struct call *call)
{
	link_close(call->link);
	call->link = NULL;
}

/* The proof must be good for what the replica gave, or so the story has it. */
static void
take_proof(struct replica *r, struct call *call, const struct startup *s)
{
	assert_int_equal(s->key.len, PROOF_SIZE);
	assert_true(proof_is_ours(r->secret, r->challenge, s->pid, (const uint8_t *)s->key.at));
	r->proofs++;
	if (r->key.len > 0)
		assert_true(proof_fits(r->secret, r->challenge, s->pid, r->key,
		    (const uint8_t *)s->key.at));
	if (r->mood == KNOWS_NOBODY)
		say_to(call, "N", 1);
	if (r->mood == ANSWERS || r->mood == KNOWS_NOBODY) {
		link_finish(call->link);
		call->link = NULL;
	}
}

static size_t
replica_hears(void *owner, const char *at, size_t len)
{
	struct call *call = owner;
	struct replica *r = call->replica;
	struct startup s;
	char asked[1 + PROOF_CHALLENGE] = "R";

	switch (startup_read(span_of(at, len), &s)) {
	case STARTUP_MORE:
		return 0;
	case STARTUP_PEER:
		memcpy(asked + 1, r->challenge, PROOF_CHALLENGE);
		if (r->mood == REFUSES)
			say_to(call, "E", 1);
		else if (r->mood == BABBLES)
			say_to(call, "R, and so on and so on, far more than thirty-three bytes", 56);
		else if (r->mood != IS_MUTE)
			say_to(call, asked, sizeof(asked));
		break;
	case STARTUP_CANCEL:
		take_proof(r, call, &s);
		break;
	default:
		fail_msg("the replica has heard something else");
	}
	return len;
}

static size_t
stranger_hears(void *owner, const char *at, size_t len)
{
	struct call *call = owner;

	buf_put(&call->heard, at, len);
	return len;
}

static void
call_gone(void *owner, const char *why)
{
	struct call *call = owner;

	(void)why;
	call->closed = true;
	end_call(call);
}

static const struct link_owner replica_calls = { replica_hears, call_gone, NULL, NULL };
static const struct link_owner stranger_calls = { stranger_hears, call_gone, NULL, NULL };

static void
replica_accept(struct sim_host *host, int fd)
{
	struct replica *r = CONTAINER_OF(host, struct replica, host);
	struct call *call = &r->calls[r->count++];

	assert_true(r->count <= CALLS_MOST);
	call->replica = r;
	call->link = link_new(sim_outside(), fd, &replica_calls, call);
}

/* --- the world --- */

/* We are at 10.0.0.7, the other at the address that the world gives. */
static struct world *
begin(const char *settings)
{
	struct world *w = mem_new(sizeof(*w));
	const struct conf *conf;
	struct addr all[2];

	assert_non_null(w);
	w->s = story_begin(settings);
	w->other.host = (struct sim_host){ .name = "other", .port = 6432, .accept = replica_accept };
	sim_host_add(&w->other.host);
	assert_true(addr_parse_ip(&w->own, SPAN_LITERAL("10.0.0.7"), 6432));
	all[0] = w->own;
	all[1] = w->other.host.addr;
	conf = w->s->pooler.setup->conf;
	fleet_use_secrets(w->s->pooler.fleet, conf->peer_secrets, conf->n_peer_secrets);
	fleet_begin(w->s->pooler.fleet, &w->own, 1);
	fleet_meet(w->s->pooler.fleet, all, 2, &w->own, 1, SECOND);
	assert_true(proof_secret(SPAN_LITERAL("this is the secret of the story"), w->other.secret));
	rand_bytes(w->other.challenge, PROOF_CHALLENGE);
	return w;
}

static void
end(struct world *w)
{
	for (unsigned i = 0; i < w->other.count; i++)
		end_call(&w->other.calls[i]);
	end_call(&w->stranger);
	buf_fini(&w->stranger.heard);
	sim_host_remove(&w->other.host);
	story_end(w->s);
	mem_free(w);
}

/* A request with KEY of the other replica's, by way of WORKER. */
static struct actor *
cancel_other(struct world *w, unsigned worker, struct span key)
{
	struct actor *a = story_connect(w->s, worker);
	struct buf b = { 0 };
	uint32_t pid = 0x12345678;
	uint16_t tag;

	assert_true(proof_tag(w->other.secret, &w->other.host.addr, &tag));
	peer_mark_pid(tag, &pid);
	startup_write_cancel(&b, pid, key);
	actor_send(a, b.at, b.len);
	buf_fini(&b);
	return a;
}

/* A stranger, or a replica, calls us. */
static void
call_us(struct world *w, unsigned worker)
{
	struct addr from = { .kind = ADDR_IP4, .port = 7 };
	int fd[2];

	end_call(&w->stranger);
	buf_clear(&w->stranger.heard);
	w->stranger.closed = false;
	from.u.ip4.s_addr = htonl(0x0a000063);
	sim_stream(fd, &from);
	w->stranger.link = link_new(sim_outside(), fd[0], &stranger_calls, &w->stranger);
	worker_accept(w->s->pooler.workers[worker], fd[1], &from);
}

static void
ask_for_challenge(struct world *w)
{
	struct buf b = { 0 };

	startup_write_peer(&b);
	say_to(&w->stranger, b.at, b.len);
	buf_fini(&b);
	story_settle(w->s);
}

/* Prove, by SECRET, to know the key of A; CHALLENGE: what was asked. */
static void
prove(struct world *w, const uint8_t *secret, const uint8_t *challenge, const struct actor *a)
{
	uint8_t proof[PROOF_SIZE];
	struct buf b = { 0 };

	assert_true(proof_make(secret, challenge, a->pid, span_of(a->key, a->key_len), proof));
	startup_write_cancel(&b, a->pid, span_of(proof, sizeof(proof)));
	say_to(&w->stranger, b.at, b.len);
	buf_fini(&b);
	story_settle(w->s);
}

/* A replica with SECRET asks us to cancel what A does: what it hears behind the challenge. */
static const char *
replica_asks(struct world *w, unsigned worker, const uint8_t *secret, const struct actor *a)
{
	uint8_t challenge[PROOF_CHALLENGE];

	call_us(w, worker);
	ask_for_challenge(w);
	is_count(w->stranger.heard.len, 1 + PROOF_CHALLENGE, "an 'R' and the challenge");
	assert_int_equal(w->stranger.heard.at[0], 'R');
	memcpy(challenge, w->stranger.heard.at + 1, PROOF_CHALLENGE);
	prove(w, secret, challenge, a);
	buf_drop(&w->stranger.heard, 1 + PROOF_CHALLENGE);
	return buf_text(&w->stranger.heard);
}

/* --- stories --- */

static void
key_of_another_is_proved_to_it(void **state)
{
	static const char long_key[] = "a key of protocol 3.2: 32 bytes.";
	struct world *w = begin(SETTINGS " workers=2");
	struct actor *asker;

	(void)state;
	w->other.mood = HOLDS;
	w->other.key = SPAN_LITERAL("\x01\x02\x03\x04");
	asker = cancel_other(w, 1, w->other.key);
	story_settle(w->s);
	is_count(w->other.proofs, 1, "the proof fits the key");
	story_pass(w->s, 3 * SECOND);
	hears(asker, "", "the asker waits as long as the replica is at it");
	end_call(&w->other.calls[0]);
	story_settle(w->s);
	hears(asker, "x", "and hears nothing but the end");
	w->other.mood = ANSWERS;
	w->other.key = span_of(long_key, 32);
	asker = cancel_other(w, 0, w->other.key);
	story_settle(w->s);
	hears(asker, "x", "the same with a long key");
	is_count(w->other.proofs, 2, "which fits, too");
	end(w);
}

static void
replica_that_asks_is_served(void **state)
{
	struct world *w = begin(SETTINGS " workers=2 pool_size=1");
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
	end(w);
}

/* Otherwise a stranger could ask us what nobody told it, or make us ask others. */
static void
stranger_gets_nowhere(void **state)
{
	struct world *w = begin(SETTINGS " workers=2");
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
	end(w);
}

/* The loop that cannot be: it came from a replica, so it goes to none, whoever the key is of. */
static void
what_a_replica_asks_is_not_passed_on(void **state)
{
	struct world *w = begin(SETTINGS);
	struct actor of_other = { .pid = 0x12345678, .key = "key!", .key_len = 4 };
	uint16_t tag;

	(void)state;
	assert_true(proof_tag(w->other.secret, &w->other.host.addr, &tag));
	peer_mark_pid(tag, &of_other.pid);
	is_text(replica_asks(w, 0, w->other.secret, &of_other), "N", "it is not here");
	assert_true(w->stranger.closed);
	is_count(w->other.count, 0, "and is looked for nowhere else");
	end(w);
}

static void
only_a_proof_may_follow_the_challenge(void **state)
{
	static const char *const pairs[] = { "user", "bob", "database", "app", NULL };
	struct world *w = begin(SETTINGS);
	struct buf b = { 0 };

	(void)state;
	call_us(w, 0);
	ask_for_challenge(w);
	startup_write(&b, PROTOCOL_3_0, pairs);
	say_to(&w->stranger, b.at, b.len);
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
	say_to(&w->stranger, b.at, b.len);
	story_settle(w->s);
	is_text(buf_text(&w->stranger.heard) + 1 + PROOF_CHALLENGE, "E", "no proof");
	buf_fini(&b);
	end(w);
}

static void
without_a_secret_nobody_is_asked_or_heard(void **state)
{
	struct world *w = begin("workers=1");
	struct actor *asker = cancel_other(w, 0, SPAN_LITERAL("key!"));

	(void)state;
	story_settle(w->s);
	hears(asker, "x", "the key is looked for here");
	is_count(w->other.count, 0, "and nowhere else");
	call_us(w, 0);
	ask_for_challenge(w);
	is_text(buf_text(&w->stranger.heard), "E", "no replica is heard either");
	assert_true(w->stranger.closed);
	end(w);
}

/* However it goes wrong, the asker hears of it by the end of its connection, and in time. */
static void
replica_that_fails_is_given_up(void **state)
{
	static const enum mood moods[] = { REFUSES, BABBLES, IS_MUTE, HOLDS };
	struct world *w = begin(SETTINGS);
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
	end(w);
}

static void
there_is_a_limit_also_without_cancel_wait_timeout(void **state)
{
	struct world *w = begin("cancel_wait_timeout=0 peer_secret='this is the secret of the story'");
	struct actor *asker;

	(void)state;
	w->other.mood = IS_MUTE;
	asker = cancel_other(w, 0, SPAN_LITERAL("key!"));
	story_pass(w->s, 9800 * MSEC);
	hears(asker, "", "it may take its time");
	story_pass(w->s, 400 * MSEC);
	hears(asker, "x", "but not for ever");
	end(w);
}

static void
so_many_go_to_a_replica_at_once(void **state)
{
	struct world *w = begin(SETTINGS " workers=2");
	struct peer_load load;

	(void)state;
	w->other.mood = HOLDS;
	for (unsigned i = 0; i < 20; i++)
		cancel_other(w, i % 2, SPAN_LITERAL("key!"));
	story_settle(w->s);
	is_count(w->other.count, 16, "on both workers together");
	for (unsigned i = 0; i < 4; i++)
		end_call(&w->other.calls[i]);
	story_pass(w->s, SECOND);
	is_count(w->other.count, 20, "the others follow");
	for (unsigned i = 4; i < 20; i++)
		end_call(&w->other.calls[i]);
	story_settle(w->s);
	for (uint32_t tag = 0; tag < 65536; tag++) {
		peer_look(w->s->pooler.peers, PEER_REPLICA(tag), &load);
		assert_int_equal(load.waiting + load.dialing + load.sent, 0);
	}
	end(w);
}

/* The replica says so: they count as wrong ones of our own, so there are 200, not 2000. */
static void
wrong_keys_of_another_are_wrong_keys(void **state)
{
	struct world *w = begin(SETTINGS);

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
	end(w);
}

static void
peer_id_is_told_before_replicas(void **state)
{
	struct world *w = begin(SETTINGS " peer_id=9");
	struct actor *a = story_client(w->s, "app"), *asker;

	(void)state;
	is_count(peer_of_key(a->pid), 9, "the key is PgBouncer's");
	asker = cancel_other(w, 0, SPAN_LITERAL("key!"));
	story_settle(w->s);
	hears(asker, "x", "a key of a peer nobody knows");
	is_count(w->other.count, 0, "is not looked for at replicas");
	end(w);
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
