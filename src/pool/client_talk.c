/*
 * client_talk.c - what clients ask, on its way to a server. Finds a server when there is
 * something whole to ask, notes what will be answered, forwards everything of one read in
 * one write.
 */
#include "pool/client_talk.h"

#include <string.h>

#include "pool/goodbye.h"
#include "pool/pair.h"
#include "pool/server.h"
#include "pool/statement.h"
#include "wire/write.h"

/* A first message up to this size must be whole before a server is taken for it. */
#define WHOLE_MOST 16384u

static enum step bad_length(struct client *c, struct piece *p);
static enum step without_server(struct client *c, struct piece *p);
static enum step with_server(struct client *c, struct piece *p);
static bool hand_over(struct client *c, struct flow *f);
static bool answer_local(struct client *c);
static void part_if_idle(struct client *c);

size_t
client_talk_bytes(struct client *c, const char *at, size_t len)
{
	enum step step = STEP_ON;
	size_t done = 0;
	struct flow flow;

	flow_begin(&flow, c->worker->loop);
	while (done < len && step == STEP_ON) {
		struct piece p = { .flow = &flow, .at = at + done, .len = len - done };

		if (c->frame.left > 0) {
			size_t n = frame_pass(&c->frame, p.len);

			if (!c->dropping)
				flow_pass(&flow, p.at, n);
			done += n;
			continue;
		}
		switch (frame_look_most(p.at, p.len, c->lane->rules.frame_most, &p.head)) {
		case FRAME_SHORT:
			step = STEP_WAIT;
			break;
		case FRAME_BAD:
			step = bad_length(c, &p);
			break;
		case FRAME_HEADER:
			step = c->server != NULL ? with_server(c, &p) : without_server(c, &p);
			done += p.used;
			break;
		}
	}
	if (c->dead)
		return len;
	if (c->server != NULL && c->state == &CLIENT_ACTIVE) {
		if (!hand_over(c, &flow) ||
		    (unlikely(talk_front(&c->server->talk) & ASK_LOCAL) && !answer_local(c)))
			return len;
		part_if_idle(c);
	}
	return done;
}

enum step
client_broke(struct client *c, const char *what)
{
	client_refuse_text(c, CLOSE_protocol_violation, "%s", what);
	return STEP_OVER;
}

enum step
client_over(struct client *c, enum reason why)
{
	client_dismiss(c, why);
	return STEP_OVER;
}

static enum step
bad_length(struct client *c, struct piece *p)
{
	if (frame_look(p->at, p->len, &p->head) != FRAME_HEADER)
		return client_broke(c, "bad packet header: the length cannot be");
	client_refuse_text(c, CLOSE_protocol_violation,
	    "bad packet header: expected at most max_packet_size, %u bytes, got %u",
	    c->lane->rules.frame_most + 1, p->head.size);
	return STEP_OVER;
}

enum step
client_pass_rest(struct client *c, struct piece *p, size_t skip)
{
	size_t here = p->len < p->head.size ? p->len : p->head.size;

	c->dropping = false;
	c->frame.left = p->head.size - (uint32_t)here;
	if (here > skip)
		flow_pass(p->flow, p->at + skip, here - skip);
	p->used = here;
	return STEP_ON;
}

/* --- without a server --- */

static enum step
drop_message(struct client *c, struct piece *p)
{
	p->used = piece_whole(p) ? p->head.size : p->len;
	c->dropping = true;
	c->frame.left = p->head.size - (uint32_t)p->used;
	return STEP_ON;
}

/* The Sync of a batch in which everything was answered here. */
static enum step
sync_alone(struct client *c, struct piece *p)
{
	static const char ready[6] = { 'Z', 0, 0, 0, 5, 'I' };

	c->closed_locally = false;
	p->used = p->head.size;
	if (link_send(c->link, ready, sizeof(ready)))
		return STEP_ON;
	client_close(c, CLOSE_client_unexpected_eof);
	return STEP_OVER;
}

/*
 * Nothing is open. Some messages need no server; for the others one is taken when there
 * is a whole message to send, so that nobody holds a server by sending slowly.
 */
static enum step
without_server(struct client *c, struct piece *p)
{
	switch (p->head.kind) {
	case 'X':
		client_close(c, CLOSE_client_close_request);
		return STEP_OVER;
	case 'H':
		if (p->head.size == FRAME_HEAD)
			return drop_message(c, p);	/* nothing to flush */
		break;
	case 'd':
	case 'c':
	case 'f':
		/* Late copy data after a failure: PostgreSQL ignores it. */
		return drop_message(c, p);
	case 'C':
		if (c->lane->rules.tracking)
			return client_close_alone(c, p);
		break;
	case 'S':
		if (c->closed_locally && piece_whole(p))
			return sync_alone(c, p);
		break;
	case 'Q':
		if (unlikely(c->lane->rules.no_pqexec))
			return client_over(c, CLOSE_pqexec_disallowed);
		break;
	case 'P':
	case 'B':
	case 'D':
	case 'E':
	case 'F':
		break;
	default:
		return client_broke(c, "unknown pkt: not a message of the frontend protocol");
	}
	if (!piece_whole(p) && p->head.size <= WHOLE_MOST)
		return STEP_WAIT;
	if (unlikely(goodbye_begun(c->worker)) && goodbye_asked(c, p->head.kind, piece_body(p)))
		return STEP_OVER;
	c->closed_locally = false;
	c->asked_at = loop_now(c->worker->loop);
	c->wait_notified = 0;
	return lane_take(c->lane, c) ? STEP_ON : c->dead ? STEP_OVER : STEP_WAIT;
}

/* --- with a server --- */

/* The first message after everything was answered: times begin. */
static void
begin_query(struct server *s)
{
	usec_t now = loop_now(s->lane->worker->loop);

	s->in_query = true;
	s->query_began = now;
	count_one(s->lane, queries);
	if (s->in_xact)
		return;
	s->in_xact = true;
	s->xact_began = now;
	count_one(s->lane, xacts);
}

static enum step
ask_and_pass(struct client *c, struct piece *p, enum ask asked)
{
	return likely(server_ask(c->server, asked)) ? client_pass(c, p) : STEP_OVER;
}

/*
 * A simple query inside an open extended sequence, outside a transaction: PostgreSQL 18 up to 18.4 keeps its
 * portal and fails at somebody's next statement ("unexpected state STARTED"). Such a server is not shared again.
 */
static void
beware_of_portals(struct server *s)
{
	if (s->talk.status == 'I' && !talk_ends_ready(&s->talk))
		s->doomed = true;
}

/* While we drain: has a client that keeps its server been told to leave, in place of an answer? */
static bool
session_asks(struct client *c, struct piece *p)
{
	return c->lane->rules.mode == POOL_MODE_SESSION && talk_at_rest(&c->server->talk) &&
	    goodbye_asked(c, p->head.kind, piece_body(p));
}

static enum step
with_server(struct client *c, struct piece *p)
{
	struct server *s = c->server;

	if (!s->in_query && p->head.kind != 'X') {
		if (unlikely(goodbye_begun(c->worker)) && session_asks(c, p))
			return STEP_OVER;
		begin_query(s);
		if (unlikely(s->lane->rules.statements != STATEMENTS_OFF))
			statement_note(c, p);
	}
	switch (p->head.kind) {
	case 'Q':
		if (unlikely(c->lane->rules.no_pqexec))
			return client_over(c, CLOSE_pqexec_disallowed);
		/* A simple query drops the unnamed statement. */
		c->unnamed_serial = s->unnamed = 0;
		if (unlikely(s->talk.open))
			beware_of_portals(s);
		return ask_and_pass(c, p, ASK_QUERY);
	case 'E':
		return ask_and_pass(c, p, ASK_EXECUTE);
	case 'S':
		return ask_and_pass(c, p, ASK_SYNC);
	case 'F':
		return ask_and_pass(c, p, ASK_FUNCTION);
	case 'c':
	case 'f':
		return ask_and_pass(c, p, ASK_COPY_END);
	case 'd':
	case 'H':
		return client_pass(c, p);
	case 'P':
	case 'B':
	case 'D':
	case 'C':
		return client_statement(c, p);
	case 'X':
		client_close(c, CLOSE_client_close_request);
		return STEP_OVER;
	default:
		return client_broke(c, "unknown pkt: not a message of the frontend protocol");
	}
}

/* Nothing of the server's will come in whose company our answers could travel. */
static bool
answer_local(struct client *c)
{
	struct buf b = { 0 };
	bool sent;

	if (!talk_only_local(&c->server->talk))
		return true;
	pair_answer_local(c->server, &b);
	sent = !b.failed && link_send(c->link, b.at, b.len);
	buf_fini(&b);
	if (!sent)
		client_close(c, CLOSE_client_unexpected_eof);
	return sent;
}

/* --- ends of a read --- */

/* Send what has gathered; a server that reads slowly slows its client down. */
static bool
hand_over(struct client *c, struct flow *f)
{
	struct server *s = c->server;

	count_add(s->lane, received, flow_len(f));
	if (unlikely(!flow_send(f, s->link))) {
		server_close(s, CLOSE_server_crashed);
		return false;
	}
	if (unlikely(link_unsent(s->link) > 0) && !s->slow) {
		s->slow = true;
		link_pause(c->link);
	}
	return true;
}

/* A server was taken and nothing was asked of it after all. */
static void
part_if_idle(struct client *c)
{
	struct server *s = c->server;

	if (s->talk.open || s->talk.status != 'I' || c->frame.left > 0 ||
	    c->lane->rules.mode == POOL_MODE_SESSION)
		return;
	s->in_query = s->in_xact = false;
	pair_part(s);
}
