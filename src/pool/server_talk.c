/*
 * server_talk.c - answers on their way from a server to its client. Bodies are looked at
 * only where they matter to us: settings, statuses, errors, and the tags that drop all
 * prepared statements.
 */
#include <string.h>

#include "base/log.h"
#include "pool/client.h"
#include "pool/flow.h"
#include "pool/goodbye.h"
#include "pool/pair.h"
#include "pool/server.h"
#include "pool/settle.h"
#include "wire/reply.h"
#include "wire/write.h"

#define BODY_MOST 65536u	/* a body we must see whole; larger errors pass unread */

/* Rows and copied data: everything else is looked at one by one. */
static const bool ROWS[256] = { ['D'] = true, ['d'] = true };
/* The same while a simple query is answered, which may bring several results. */
static const bool RESULTS[256] = { ['D'] = true, ['d'] = true, ['T'] = true };

enum step { STEP_ON, STEP_WAIT, STEP_OVER };

static enum step one_message(struct server *s, struct flow *f, const char *at, size_t len,
    size_t *done);
static enum step with_body(struct server *s, struct flow *f, char kind, const char *at,
    size_t size);
static bool hand_over(struct server *s, struct flow *f);
static void finish_query(struct server *s);

static bool
needs_body(char kind)
{
	return kind == 'Z' || kind == 'S' || kind == 'C' || kind == 'E';
}

/* Rows, by the thousand: one look a message, none at its body. */
static size_t
pass_rows(struct server *s, struct flow *f, const char *at, size_t len, const bool kinds[256])
{
	enum frame_seen seen;
	size_t n = frame_run(&s->frame, at, len, s->lane->rules.frame_most, kinds, &seen);

	s->skip_frame = false;
	flow_pass(f, at, n);
	return n;
}

/* CLIENT hears nothing of what SERVER said: it is not to be trusted any more. */
static enum step
distrust(struct server *s, struct flow *f, const char *what)
{
	struct err e = { 0 };

	flow_send(f, s->client->link);
	err_set(&e, SQLSTATE_PROTOCOL, "server sent %s", what);
	server_fail(s, CLOSE_server_violation, &e);
	return STEP_OVER;
}

size_t
server_talk_bytes(struct server *s, const char *at, size_t len)
{
	struct flow f;
	size_t done = 0;

	flow_begin(&f, s->lane->worker->loop);
	while (done < len) {
		if (s->frame.left > 0) {
			size_t n = frame_pass(&s->frame, len - done);

			if (!s->skip_frame)
				flow_pass(&f, at + done, n);
			done += n;
			continue;
		}
		switch (one_message(s, &f, at + done, len - done, &done)) {
		case STEP_ON:
			break;
		case STEP_WAIT:
			hand_over(s, &f);
			return done;
		case STEP_OVER:
			return len;
		}
		if (unlikely(talk_at_rest(&s->talk)) && s->frame.left == 0) {
			if (!hand_over(s, &f))
				return len;
			finish_query(s);
			/* A client whose COPY has failed may be sending a row yet: it parts behind it. */
			if (s->lane->rules.mode != POOL_MODE_SESSION && !client_mid_message(s->client))
				pair_part(s);
			else if (likely(!goodbye_begun(s->lane->worker)) || !goodbye_parted(s->client))
				continue;
			if (s->dead || done == len)
				return done;
			/* Somebody else's business now, whoever has it. */
			return done + s->state->bytes(s, at + done, len - done);
		}
	}
	hand_over(s, &f);
	return done;
}

/* The message at AT; *DONE grows by what is used of it. */
static enum step
one_message(struct server *s, struct flow *f, const char *at, size_t len, size_t *done)
{
	struct frame_head head;
	enum verdict verdict;
	bool whole;

	switch (frame_look_most(at, len, s->lane->rules.frame_most, &head)) {
	case FRAME_SHORT:
		return STEP_WAIT;
	case FRAME_BAD:
		return distrust(s, f, frame_look(at, len, &head) == FRAME_HEADER ?
		    "a message longer than max_packet_size" : "a message of impossible length");
	case FRAME_HEADER:
		break;
	}
	if (unlikely(talk_front(&s->talk) & ASK_LOCAL))
		pair_answer_local(s, flow_put(f));
	if (talk_front(&s->talk) == ASK_QUERY && RESULTS[(unsigned char)head.kind]) {
		*done += pass_rows(s, f, at, len, RESULTS);
		return STEP_ON;
	}
	whole = len >= head.size;
	if (needs_body(head.kind) && (head.size <= BODY_MOST || head.kind != 'E')) {
		if (head.size > BODY_MOST)
			return distrust(s, f, "a message of impossible length");
		if (!whole)
			return STEP_WAIT;
		*done += head.size;
		return with_body(s, f, head.kind, at, head.size);
	}
	verdict = talk_answer(&s->talk, head.kind, 0, pair_notes_left, s);
	if (unlikely(verdict == VERDICT_BAD))
		return distrust(s, f, "an answer nobody asked for");
	if (ROWS[(unsigned char)head.kind] && verdict == VERDICT_PASS) {
		*done += pass_rows(s, f, at, len, ROWS);
		return STEP_ON;
	}
	s->skip_frame = verdict == VERDICT_SWALLOW;
	s->frame.kind = head.kind;
	s->frame.left = whole ? 0 : head.size - (uint32_t)len;
	if (!s->skip_frame)
		flow_pass(f, at, whole ? head.size : len);
	*done += whole ? head.size : len;
	return STEP_ON;
}

/* Our names for statements are replaced by the client's in what it reads. */
static void
pass_error(struct server *s, struct flow *f, const char *at, size_t size)
{
	struct span body = span_of(at + FRAME_HEAD, size - FRAME_HEAD);
	struct span from, to;

	if (s->lane->rules.tracking && pair_statement_in(s->client, body, &from, &to))
		reply_write_renamed(flow_put(f), body, from, to);
	else
		flow_pass(f, at, size);
}

static void
note_error(struct server *s, struct span body)
{
	struct error_view v;

	reply_error(body, &v);
	if (s->extras_reset)
		s->doomed = true;
	/* somebody else's change: of servers that have not been told, this one is the first to say so */
	if (unlikely(span_is(v.sqlstate, "0A000")) && shelf_current(&s->shelf) &&
	    span_is(v.routine, "RevalidateCachedQuery"))
		stmt_outdate();
	server_role_error(s, v.sqlstate);
	if (span_is(v.plain_severity.at != NULL ? v.plain_severity : v.severity, "FATAL") ||
	    span_is(v.plain_severity, "PANIC"))
		s->goodbye = s->doomed = true;
}

/* Commands that may change the columns of prepared queries. (Those of temporary tables are too many to count.) */
static bool
alters(struct span tag)
{
	return span_is(tag, "ALTER TABLE") || span_is(tag, "ALTER VIEW") ||
	    span_is(tag, "ALTER MATERIALIZED VIEW") || span_is(tag, "ALTER TYPE") ||
	    span_is(tag, "ALTER FOREIGN TABLE");
}

/* Commands that wipe what we keep of the session, or outdate it. */
static void
follow_tag(struct server *s, struct span body)
{
	struct span tag;
	bool discard;

	if (!reply_tag(body, &tag))
		return;
	if (alters(tag))
		s->shelf.altering = true;
	if (span_is(tag, "SET"))
		s->set_seen = true;
	discard = span_is(tag, "DISCARD ALL");
	if ((discard || span_is(tag, "DEALLOCATE ALL")) && s->lane->rules.tracking)
		pair_forget_statements(s);
	if (!discard && !span_is(tag, "RESET"))
		return;
	s->reset_seen = true;
	if (discard) {
		settle_forget_extras(s);
		return;
	}
	if (!settle_doubt_extras(s))
		return;
	s->extras_reset = true;
	if (s->talk.status != 'I')
		s->doomed = true;
}

/*
 * Where roles matter a server may be made read-only for all. That is no wish of the client's, which would follow it to the
 * next server.
 */
static bool
is_not_the_clients(const struct server *s, struct span name)
{
	return s->lane->rules.attrs != SESSION_ATTRS_ANY && !s->set_seen && !s->reset_seen &&
	    span_is(name, "default_transaction_read_only");
}

/*
 * A setting has changed on the server; it is its client's, too. But RESET means what the client began with, which this
 * server does not know: the client hears of that, and gets it before its next transaction.
 */
static void
follow_parameter(struct server *s, struct flow *f, const char *at, size_t size)
{
	struct span body = span_of(at + FRAME_HEAD, size - FRAME_HEAD);
	const struct profile *before = profile_hold(s->profile);
	const struct setting_value *base = NULL;
	struct client *c = s->client;
	struct span name, value;

	if (!reply_parameter(body, &name, &value)) {
		profile_drop(before);
		return;
	}
	server_parameter(s, name, value);
	if (unlikely(is_not_the_clients(s, name))) {
		flow_pass(f, at, size);
		profile_drop(before);
		return;
	}
	if (s->reset_seen && c->base != NULL)
		base = profile_get(c->base, name);
	if (base != NULL && !span_same(base->value, value)) {
		const struct setting_value *now = profile_get(c->profile, name);

		if (now == NULL || !span_same(now->value, base->value))
			reply_write_parameter(flow_put(f), name, base->value);
		client_take_profile(c, profile_with(c->profile, name, base->value, true));
	} else {
		client_take_profile(c, c->profile == before ? profile_hold(s->profile) :
		    profile_with(c->profile, name, value, true));
		flow_pass(f, at, size);
	}
	profile_drop(before);
}

/* A message whose body matters; all of it is here. */
static enum step
with_body(struct server *s, struct flow *f, char kind, const char *at, size_t size)
{
	struct span body = span_of(at + FRAME_HEAD, size - FRAME_HEAD);
	char status = kind == 'Z' ? reply_ready(body) : 0;
	enum verdict verdict;

	if (kind == 'Z' && status == 0)
		return distrust(s, f, "a ReadyForQuery without a status");
	if (kind == 'S') {
		follow_parameter(s, f, at, size);
		return STEP_ON;
	}
	if (kind == 'E')
		note_error(s, body);
	if (kind == 'C' && body.len > 0 &&
	    (body.at[0] == 'D' || body.at[0] == 'R' || body.at[0] == 'A' ||
	    (body.at[0] == 'S' && s->lane->rules.attrs != SESSION_ATTRS_ANY)))
		follow_tag(s, body);
	verdict = talk_answer(&s->talk, kind, status, pair_notes_left, s);
	if (unlikely(verdict == VERDICT_BAD))
		return distrust(s, f, "an answer nobody asked for");
	if (kind == 'E' && verdict == VERDICT_PASS)
		pass_error(s, f, at, size);
	else if (verdict == VERDICT_PASS)
		flow_pass(f, at, size);
	if (kind == 'Z') {
		if (s->extras_reset && s->talk.status != 'I')
			s->doomed = true;
		s->reset_seen = s->extras_reset = s->set_seen = false;
		if (unlikely(s->shelf.altering) && status == 'I') {
			s->shelf.altering = false;
			stmt_outdate();
		}
	}
	if (kind == 'Z' && s->talk.status != 'I') {
		s->heard = loop_now(s->lane->worker->loop);
		if (!s->talk.open)
			finish_query(s);
		if (s->lane->rules.mode == POOL_MODE_STATEMENT) {
			struct err e = { 0 };

			err_set(&e, SQLSTATE_PROTOCOL,
			    "transaction blocks not allowed in statement pooling mode");
			server_fail(s, CLOSE_transaction_in_statement_mode, &e);
			return STEP_OVER;
		}
	}
	return STEP_ON;
}

/* Send what has gathered; a client that reads slowly slows its server down. */
static bool
hand_over(struct server *s, struct flow *f)
{
	struct client *c = s->client;

	if (unlikely(talk_front(&s->talk) & ASK_LOCAL) && s->frame.left == 0 && !s->goodbye)
		pair_answer_local(s, flow_put(f));
	count_add(s->lane, sent, flow_len(f));
	if (unlikely(c->stalled)) {
		c->stalled = false;
		link_kick_later(c->link);
	}
	if (!flow_send(f, c->link)) {
		client_close(c, CLOSE_client_unexpected_eof);
		return false;
	}
	if (unlikely(link_unsent(c->link) > 0) && !c->slow) {
		c->slow = true;
		link_pause(s->link);
	}
	return true;
}

/* The client has its answer: account for the time it took. */
static void
finish_query(struct server *s)
{
	usec_t now = loop_now(s->lane->worker->loop);

	if (s->in_query) {
		latency_add(s->lane, query, now - s->query_began);
		s->in_query = false;
	}
	if (s->in_xact && s->talk.status == 'I') {
		latency_add(s->lane, transaction, now - s->xact_began);
		s->in_xact = false;
		s->heard = now;
	}
}
