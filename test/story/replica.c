/*
 * replica.c - see replica.h.
 */
#include "story/replica.h"

#include "base/mem.h"
#include "base/rand.h"
#include "pool/peers.h"
#include "wire/startup.h"

void
call_say(struct call *call, const void *at, size_t len)
{
	link_send(call->link, at, len);
}

void
call_end(struct call *call)
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
		call_say(call, "N", 1);
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
			call_say(call, "E", 1);
		else if (r->mood == BABBLES)
			call_say(call, "R, and so on and so on, far more than thirty-three bytes", 56);
		else if (r->mood != IS_MUTE)
			call_say(call, asked, sizeof(asked));
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
	call_end(call);
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

struct world *
world_begin(const char *settings)
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
	assert_true(proof_secret(SPAN_LITERAL(REPLICA_SECRET), w->other.secret));
	rand_bytes(w->other.challenge, PROOF_CHALLENGE);
	return w;
}

void
world_end(struct world *w)
{
	for (unsigned i = 0; i < w->other.count; i++)
		call_end(&w->other.calls[i]);
	call_end(&w->stranger);
	buf_fini(&w->stranger.heard);
	sim_host_remove(&w->other.host);
	story_end(w->s);
	mem_free(w);
}

struct actor *
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

void
call_us(struct world *w, unsigned worker)
{
	struct addr from = { .kind = ADDR_IP4, .port = 7 };
	int fd[2];

	call_end(&w->stranger);
	buf_clear(&w->stranger.heard);
	w->stranger.closed = false;
	from.u.ip4.s_addr = htonl(0x0a000063);
	sim_stream(fd, &from);
	w->stranger.link = link_new(sim_outside(), fd[0], &stranger_calls, &w->stranger);
	worker_accept(w->s->pooler.workers[worker], fd[1], &from);
}

void
ask_for_challenge(struct world *w)
{
	struct buf b = { 0 };

	startup_write_peer(&b);
	call_say(&w->stranger, b.at, b.len);
	buf_fini(&b);
	story_settle(w->s);
}

void
prove(struct world *w, const uint8_t *secret, const uint8_t *challenge, const struct actor *a)
{
	uint8_t proof[PROOF_SIZE];
	struct buf b = { 0 };

	assert_true(proof_make(secret, challenge, a->pid, span_of(a->key, a->key_len), proof));
	startup_write_cancel(&b, a->pid, span_of(proof, sizeof(proof)));
	call_say(&w->stranger, b.at, b.len);
	buf_fini(&b);
	story_settle(w->s);
}

const char *
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
