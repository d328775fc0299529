/*
 * server_hidden.c - what servers say when no client listens: idle ones, and answers to
 * what we have asked ourselves.
 */
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "pool/enquiry.h"
#include "pool/pair.h"
#include "pool/server.h"
#include "pool/settle.h"
#include "wire/reply.h"

#define BODY_MOST 65536u

static bool hidden_message(struct server *s, char kind, struct span body);

/* Messages whose bodies we read; others are passed over however long they are. */
static bool
needs_body(const struct server *s, char kind)
{
	return kind == 'Z' || kind == 'S' || kind == 'C' || kind == 'E' ||
	    (kind == 'D' && s->state == &SERVER_ENQUIRY);
}

size_t
server_hidden_bytes(struct server *s, const char *at, size_t len)
{
	const struct server_state *state = s->state;
	size_t done = 0;

	while (done < len) {
		struct frame_head head;
		size_t size = FRAME_HEAD;

		if (s->frame.left > 0) {
			done += frame_pass(&s->frame, len - done);
			continue;
		}
		switch (frame_look(at + done, len - done, &head)) {
		case FRAME_SHORT:
			return done;
		case FRAME_BAD:
			server_close_saying(s, CLOSE_server_violation, "server sent a message of impossible length");
			return len;
		case FRAME_HEADER:
			break;
		}
		if (needs_body(s, head.kind)) {
			if (head.size > BODY_MOST) {
				server_close_saying(s, CLOSE_server_violation, "server sent a message of impossible length");
				return len;
			}
			if (len - done < head.size)
				return done;
			size = head.size;
		} else {
			s->frame.left = head.size - FRAME_HEAD;
			s->skip_frame = true;	/* whoever has it when the rest comes */
		}
		done += size;
		if (!hidden_message(s, head.kind,
		    span_of(at + done - size + FRAME_HEAD, size - FRAME_HEAD)))
			return len;
		/* It may have a client again: the rest is not for us to read. */
		if (s->state != state && s->frame.left == 0 && done < len)
			return done + s->state->bytes(s, at + done, len - done);
	}
	return done;
}

/* The first thing that went wrong is what is told. */
static void
keep_error(struct server *s, struct span body)
{
	struct error_view v;

	reply_error(body, &v);
	s->failed = true;
	if (s->hidden_error != NULL || (s->hidden_error = mem_new(sizeof(struct err))) == NULL)
		return;
	err_set(s->hidden_error, SQLSTATE_PROTOCOL, "%.*s",
	    (int)(v.text.len > 500 ? 500 : v.text.len), v.text.len > 0 ? v.text.at : "");
	if (v.sqlstate.len == 5)
		span_copy(v.sqlstate, s->hidden_error->sqlstate, 6);
}

/* Nobody asked: the server says why it is about to close. */
static void
said_goodbye(struct server *s, struct span body)
{
	struct error_view v;
	struct log_who who;
	char text[300];

	reply_error(body, &v);
	log_line(LOG_LEVEL_LOG, server_who(s, &who), "server says: %s",
	    log_escape(v.text, text, sizeof(text)));
	server_role_error(s, v.sqlstate);
	s->doomed = true;
	server_close(s, CLOSE_server_closed);
}

/* Commands that wipe what we keep of the session: a client's last, or server_reset_query. */
static void
hidden_tag(struct server *s, struct span tag)
{
	bool discard = span_is(tag, "DISCARD ALL");

	if (discard || span_is(tag, "DEALLOCATE ALL")) {
		shelf_clear(&s->shelf);
		s->unnamed = 0;
	}
	if (discard)
		settle_forget_extras(s);
	else if (span_is(tag, "RESET") && s->state != &SERVER_RESET && settle_doubt_extras(s))
		s->doomed = true;	/* it may be rolled back */
}

/* False: S is closed. */
static bool
hidden_message(struct server *s, char kind, struct span body)
{
	struct span name, value, tag;
	char status = kind == 'Z' ? reply_ready(body) : 0;

	if (kind == 'E' && talk_quiet(&s->talk) && !s->talk.open) {
		said_goodbye(s, body);
		return false;
	}
	if (kind == 'S' && reply_parameter(body, &name, &value))
		server_parameter(s, name, value);
	if (kind == 'E')
		keep_error(s, body);
	if (kind == 'D' && s->state == &SERVER_ENQUIRY)
		enquiry_row(s, body);
	if (kind == 'C' && reply_tag(body, &tag))
		hidden_tag(s, tag);
	if (kind == 'Z' && status == 0) {
		server_close_saying(s, CLOSE_server_violation, "server sent a ReadyForQuery without a status");
		return false;
	}
	while (talk_local(&s->talk, pair_notes_left, s))
		;
	if (talk_answer(&s->talk, kind, status, pair_notes_left, s) == VERDICT_BAD) {
		server_close_saying(s, CLOSE_server_violation, "server sent an answer nobody asked for");
		return false;
	}
	while (talk_local(&s->talk, pair_notes_left, s))
		;
	if (kind == 'G' || kind == 'W')
		settle_end_copy(s);
	else if (kind == 'Z' && !s->talk.open)
		settle_done(s);
	return !s->dead;
}
