/*
 * fakepg_talk.c - what a fake session answers: simple queries, the extended protocol,
 * COPY, errors that skip to Sync (protocol 3, 55.2).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "sim/fakepg.h"
#include "wire/frame.h"
#include "wire/query.h"
#include "wire/reply.h"
#include "wire/write.h"

#define CHUNK 8000u	/* of what is streamed, a message */

/* A statement or a portal. */
struct thing {
	struct node	 in_session;
	char		*name, *text;	/* owned */
	char		*values[2];	/* owned; a portal's, NULL where there is none */
};

enum outcome { DONE, FAILED, LATER, GONE };

static enum outcome run(struct pg_session *s, const char *text, char *const *values);
static void run_more(struct pg_session *s);

/* --- saying --- */

static void
send_buf(struct pg_session *s, struct buf *b)
{
	if (s->link != NULL)
		link_send(s->link, b->at, b->len);
	buf_fini(b);
}

static void
say(struct pg_session *s, char kind)
{
	struct buf b = { 0 };

	write_empty(&b, kind);
	send_buf(s, &b);
}

static void
say_complete(struct pg_session *s, const char *tag)
{
	struct buf b = { 0 };

	reply_write_complete(&b, tag);
	send_buf(s, &b);
}

static void
say_ready(struct pg_session *s)
{
	struct buf b = { 0 };

	pg_report(s, &b, false);
	reply_write_ready(&b, s->status);
	send_buf(s, &b);
}

static void
say_columns(struct pg_session *s, struct buf *b)
{
	static const struct reply_column column = { "answer", 25, -1 };

	(void)s;
	reply_write_columns(b, &column, 1);
}

static void
say_row(struct pg_session *s, struct span value)
{
	struct buf b = { 0 };
	size_t mark;

	if (!s->extended)
		say_columns(s, &b);
	mark = reply_row_begin(&b, 1);
	reply_row_value(&b, value);
	reply_row_end(&b, mark);
	reply_write_complete(&b, "SELECT 1");
	send_buf(s, &b);
}

/* An error; always FAILED, so that callers can return it. */
static enum outcome
refuse(struct pg_session *s, const char *sqlstate, const char *format, const char *arg)
{
	struct buf b = { 0 };
	struct err e = { 0 };
	char text[300];

	snprintf(text, sizeof(text), "%s%s", format, arg != NULL ? arg : "");
	err_set(&e, sqlstate, "%s", text);
	reply_write_error(&b, "ERROR", &e);
	send_buf(s, &b);
	if (s->status == 'T')
		s->status = 'E';
	s->busy = PG_FREE;
	s->canceled = false;
	return FAILED;
}

/* --- statements and portals --- */

static struct thing *
thing_find(struct list *things, struct span name)
{
	LIST_EACH(n, things) {
		struct thing *t = CONTAINER_OF(n, struct thing, in_session);

		if (span_is(name, t->name))
			return t;
	}
	return NULL;
}

static void
thing_free(struct thing *t)
{
	if (t == NULL)
		return;
	list_remove(&t->in_session);
	mem_free(t->name);
	mem_free(t->text);
	mem_free(t->values[0]);
	mem_free(t->values[1]);
	mem_free(t);
}

static struct thing *
thing_new(struct list *things, struct span name, struct span text)
{
	struct thing *t = mem_new(sizeof(*t));

	if (t == NULL)
		abort();
	node_init(&t->in_session);
	list_add_last(things, &t->in_session);
	t->name = mem_copy_text(name.at, name.len);
	t->text = mem_copy_text(text.at, text.len);
	return t;
}

static void
forget_all(struct list *things)
{
	LIST_EACH(n, things)
		thing_free(CONTAINER_OF(n, struct thing, in_session));
}

void
pg_forget_statements(struct pg_session *s)
{
	forget_all(&s->statements);
	forget_all(&s->portals);
	s->named = 0;
}

/* --- commands --- */

/* Does TEXT begin with WORD? Then the rest of it. */
static const char *
after(const char *text, const char *word)
{
	size_t len = strlen(word);

	if (strncasecmp(text, word, len) != 0 || (text[len] != '\0' && text[len] != ' '))
		return NULL;
	return text + len + (text[len] == ' ');
}

static enum outcome
complete(struct pg_session *s, const char *tag)
{
	say_complete(s, tag);
	return DONE;
}

static enum outcome
transaction(struct pg_session *s, const char *text, bool *mine)
{
	*mine = true;
	if (after(text, "begin") != NULL) {
		memcpy(s->saved, s->settings, sizeof(s->saved));
		s->status = 'T';
		return complete(s, "BEGIN");
	}
	if (after(text, "rollback") != NULL || after(text, "commit") != NULL) {
		bool good = s->status == 'T' && after(text, "commit") != NULL;

		if (s->status != 'I' && !good)
			memcpy(s->settings, s->saved, sizeof(s->saved));
		s->status = 'I';
		return complete(s, good ? "COMMIT" : "ROLLBACK");
	}
	*mine = false;
	return FAILED;
}

static enum outcome
set(struct pg_session *s, struct span name, const char *value)
{
	const char *wrong = pg_set(s, name, value);

	return wrong == NULL ? DONE : refuse(s, wrong, "wrong setting", NULL);
}

static enum outcome
settings(struct pg_session *s, const char *text, char *const *values, bool *mine)
{
	const char *rest, *value;

	*mine = true;
	if ((rest = after(text, "show")) != NULL) {
		value = pg_setting(s, span_text(rest));
		if (value == NULL)
			return refuse(s, "42704", "no setting ", rest);
		say_row(s, span_text(value));
		return DONE;
	}
	if ((rest = after(text, "set")) != NULL && (value = strchr(rest, ' ')) != NULL) {
		if (set(s, span_of(rest, (size_t)(value - rest)), value + 1) == FAILED)
			return FAILED;
		return complete(s, "SET");
	}
	if (strncmp(text, "select pg_catalog.set_config", 28) == 0 && values != NULL &&
	    values[0] != NULL) {
		if (set(s, span_text(values[0]), values[1]) == FAILED)
			return FAILED;
		say_row(s, span_text(pg_setting(s, span_text(values[0]))));
		return DONE;
	}
	if (after(text, "reset all") != NULL) {
		pg_settings_reset(s);
		return complete(s, "RESET");
	}
	*mine = false;
	return FAILED;
}

static enum outcome
later(struct pg_session *s, enum pg_busy busy)
{
	s->busy = busy;
	return LATER;
}

static enum outcome
start_stream(struct pg_session *s, const char *size, bool copy)
{
	struct buf b = { 0 };
	size_t mark;

	if (copy) {
		mark = write_begin(&b, 'H');
		write_u8(&b, 0);
		write_u16(&b, 0);
		write_end(&b, mark);
	} else if (!s->extended) {
		say_columns(s, &b);
	}
	send_buf(s, &b);
	s->stream_left = strtoull(size, NULL, 10);
	s->streams_copy = copy;
	return later(s, PG_STREAMS);
}

static enum outcome
start_copy_in(struct pg_session *s)
{
	struct buf b = { 0 };
	size_t mark = write_begin(&b, 'G');

	write_u8(&b, 0);
	write_u16(&b, 0);
	write_end(&b, mark);
	send_buf(s, &b);
	return later(s, PG_COPIES_IN);
}

static enum outcome
trouble(struct pg_session *s, const char *text, bool *mine)
{
	*mine = true;
	if (after(text, "error") != NULL)
		return refuse(s, "22012", "division by zero", NULL);
	if (after(text, "fatal") != NULL) {
		pg_shut_down(s);
		return GONE;
	}
	if (after(text, "crash") != NULL) {
		pg_crash(s);
		return GONE;
	}
	if (after(text, "lie") != NULL) {
		pg_lie(s);
		return complete(s, "LIE");
	}
	*mine = false;
	return FAILED;
}

static enum outcome
work(struct pg_session *s, const char *text)
{
	struct buf b = { 0 };
	const char *rest;

	if ((rest = after(text, "select")) != NULL) {
		say_row(s, span_text(rest));
		return DONE;
	}
	if ((rest = after(text, "sleep")) != NULL) {
		timer_set(s->timer, strtoull(rest, NULL, 10) * MSEC);
		return later(s, PG_SLEEPS);
	}
	if (after(text, "hang") != NULL)
		return later(s, PG_HANGS);
	if ((rest = after(text, "rows")) != NULL)
		return start_stream(s, rest, false);
	if ((rest = after(text, "copyout")) != NULL)
		return start_stream(s, rest, true);
	if (after(text, "copyin") != NULL)
		return start_copy_in(s);
	if (after(text, "notice") != NULL) {
		reply_write_notice(&b, "00000", "look out", NULL);
		send_buf(s, &b);
		return complete(s, "NOTICE");
	}
	if (after(text, "discard all") != NULL) {
		if (s->status != 'I')
			return refuse(s, "25001", "DISCARD ALL in a transaction", NULL);
		pg_forget_statements(s);
		pg_settings_reset(s);
		return complete(s, "DISCARD ALL");
	}
	if (after(text, "deallocate all") != NULL) {
		pg_forget_statements(s);
		return complete(s, "DEALLOCATE ALL");
	}
	return refuse(s, "42601", "what is ", text);
}

/* Do one command. LATER: s->busy says what it waits for. */
static enum outcome
run(struct pg_session *s, const char *text, char *const *values)
{
	enum outcome outcome;
	bool mine;

	outcome = transaction(s, text, &mine);
	if (mine)
		return outcome;
	if (s->status == 'E')
		return refuse(s, "25P02", "current transaction is aborted", NULL);
	if (text[0] == '\0') {
		say(s, 'I');
		return DONE;
	}
	outcome = settings(s, text, values, &mine);
	if (!mine)
		outcome = trouble(s, text, &mine);
	return mine ? outcome : work(s, text);
}

/* --- what takes time --- */

/* The command that took its time has ended as OUTCOME says. */
static void
ended(struct pg_session *s, enum outcome outcome)
{
	s->busy = PG_FREE;
	if (s->extended) {
		s->skipping = outcome == FAILED;
		if (s->skipping)
			return;
	} else {
		if (outcome == FAILED)
			s->todo[s->todo_at] = '\0';
		run_more(s);
	}
}

static void
stream(struct pg_session *s)
{
	char text[CHUNK];
	char tag[40];

	memset(text, 'x', sizeof(text));
	while (s->stream_left > 0 && link_unsent(s->link) == 0) {
		size_t n = s->stream_left < CHUNK ? (size_t)s->stream_left : CHUNK;
		struct buf b = { 0 };
		size_t mark = s->streams_copy ? write_begin(&b, 'd') : reply_row_begin(&b, 1);

		if (s->streams_copy) {
			buf_put(&b, text, n);
			write_end(&b, mark);
		} else {
			reply_row_value(&b, span_of(text, n));
			reply_row_end(&b, mark);
		}
		s->stream_left -= n;
		send_buf(s, &b);
	}
	if (s->stream_left > 0)
		return;
	if (s->streams_copy)
		say(s, 'c');
	snprintf(tag, sizeof(tag), s->streams_copy ? "COPY 1" : "SELECT 1");
	say_complete(s, tag);
	ended(s, DONE);
}

void
pg_go_on(struct pg_session *s)
{
	if (s->busy == PG_SLEEPS) {
		say_complete(s, "SLEEP");
		ended(s, DONE);
	} else if (s->busy == PG_STREAMS) {
		stream(s);
	}
	if (s->link != NULL && s->busy == PG_FREE)
		link_kick(s->link);
}

void
pg_cancel(struct pg_session *s)
{
	switch (s->busy) {
	case PG_FREE:
		return;
	case PG_COPIES_IN:
		s->canceled = true;
		break;
	case PG_SLEEPS:
	case PG_HANGS:
	case PG_STREAMS:
		refuse(s, "57014", "canceling statement due to user request", NULL);
		ended(s, FAILED);
		link_kick(s->link);
		break;
	}
	s->pg->cancels_hit++;
}

/* --- simple queries --- */

static void
run_more(struct pg_session *s)
{
	while (s->todo != NULL && s->todo[s->todo_at] != '\0') {
		char *text = s->todo + s->todo_at;
		size_t len = strcspn(text, ";");
		enum outcome outcome;

		s->todo_at += len + (text[len] == ';');
		text[len] = '\0';
		while (*text == ' ')
			text++;
		if (*text == '\0')
			continue;
		outcome = run(s, text, NULL);
		if (outcome == GONE)
			return;
		if (outcome == LATER) {
			if (s->busy == PG_STREAMS)
				stream(s);
			return;
		}
		if (outcome == FAILED)
			break;
	}
	mem_free(s->todo);
	s->todo = NULL;
	say_ready(s);
}

static void
simple(struct pg_session *s, struct span body)
{
	s->extended = false;
	thing_free(thing_find(&s->statements, span_of("", 0)));
	mem_free(s->todo);
	s->todo = mem_copy_text(body.at, body.len > 0 ? body.len - 1 : 0);
	s->todo_at = 0;
	if (s->todo[strspn(s->todo, " ;")] == '\0')
		say(s, 'I');
	run_more(s);
}

/* --- the extended protocol --- */

/* May it run in a transaction that has failed? */
static bool
ends_transaction(struct span text)
{
	return span_starts(text, "rollback") || span_starts(text, "commit");
}

static enum outcome
parse(struct pg_session *s, struct span body)
{
	struct parse_view v;

	if (query_parse(body, &v) != WIRE_OK)
		return refuse(s, "08P01", "broken Parse", NULL);
	if (v.name.len == 0)
		thing_free(thing_find(&s->statements, v.name));
	if (span_is(v.text, "bad"))
		return refuse(s, "42601", "syntax error", NULL);
	if (s->status == 'E' && !ends_transaction(v.text))
		return refuse(s, "25P02", "current transaction is aborted", NULL);
	if (v.name.len > 0 && thing_find(&s->statements, v.name) != NULL)
		return refuse(s, "42P05", "prepared statement already exists: ", v.name.at);
	s->named += v.name.len > 0;
	thing_new(&s->statements, v.name, v.text);
	say(s, '1');
	return DONE;
}

/* The values of a Bind whose formats are all text, from behind its names. */
static void
take_values(struct thing *portal, struct span rest)
{
	struct reader r = read_begin(rest);
	unsigned formats = read_u16(&r), count;

	while (formats-- > 0)
		read_u16(&r);
	count = read_u16(&r);
	for (unsigned i = 0; i < count && i < 2; i++) {
		uint32_t len = read_u32(&r);
		struct span value = len == UINT32_MAX ? span_of(NULL, 0) : read_bytes(&r, len);

		if (len != UINT32_MAX)
			portal->values[i] = mem_copy_text(value.at, value.len);
	}
}

static enum outcome
bind_message(struct pg_session *s, struct span body)
{
	struct bind_view v;
	struct thing *statement, *portal;

	if (query_bind_head(body, body.len, &v) != WIRE_OK)
		return refuse(s, "08P01", "broken Bind", NULL);
	statement = thing_find(&s->statements, v.name);
	if (statement == NULL)
		return refuse(s, "26000", "no prepared statement ", v.name.at);
	if (s->status == 'E' && !ends_transaction(span_text(statement->text)))
		return refuse(s, "25P02", "current transaction is aborted", NULL);
	thing_free(thing_find(&s->portals, v.portal));
	portal = thing_new(&s->portals, v.portal, span_text(statement->text));
	take_values(portal, span_skip(body, v.head));
	say(s, '2');
	return DONE;
}

static bool
has_rows(const char *text)
{
	return after(text, "select") != NULL || after(text, "show") != NULL ||
	    after(text, "rows") != NULL;
}

static enum outcome
describe(struct pg_session *s, struct span body)
{
	struct target_view v;
	struct thing *thing;
	struct buf b = { 0 };

	if (query_target(body, &v) != WIRE_OK)
		return refuse(s, "08P01", "broken Describe", NULL);
	thing = thing_find(v.what == 'S' ? &s->statements : &s->portals, v.name);
	if (thing == NULL)
		return refuse(s, v.what == 'S' ? "26000" : "34000", "nothing called ", v.name.at);
	if (s->status == 'E')	/* PostgreSQL describes what returns no rows even then */
		return refuse(s, "25P02", "current transaction is aborted", NULL);
	if (v.what == 'S') {
		size_t mark = write_begin(&b, 't');

		write_u16(&b, 0);
		write_end(&b, mark);
	}
	if (has_rows(thing->text))
		say_columns(s, &b);
	else
		write_empty(&b, 'n');
	send_buf(s, &b);
	return DONE;
}

static enum outcome
execute(struct pg_session *s, struct span body)
{
	struct reader r = read_begin(body);
	struct span name = read_string(&r);
	struct thing *portal = thing_find(&s->portals, name);
	enum outcome outcome;

	if (portal == NULL)
		return refuse(s, "34000", "no portal ", name.at);
	s->extended = true;
	outcome = run(s, portal->text, portal->values);
	if (outcome == LATER && s->busy == PG_STREAMS)
		stream(s);
	return outcome;
}

static enum outcome
close_thing(struct pg_session *s, struct span body)
{
	struct target_view v;
	struct thing *thing;

	if (query_target(body, &v) != WIRE_OK)
		return refuse(s, "08P01", "broken Close", NULL);
	thing = thing_find(v.what == 'S' ? &s->statements : &s->portals, v.name);
	s->named -= thing != NULL && v.what == 'S' && v.name.len > 0;
	thing_free(thing);
	say(s, '3');
	return DONE;
}

static void
end_batch(struct pg_session *s)
{
	s->skipping = false;
	if (s->status == 'I')
		forget_all(&s->portals);
	say_ready(s);
}

/* --- COPY FROM STDIN --- */

static void
copy_message(struct pg_session *s, char kind)
{
	if (kind == 'S' || kind == 'H')
		return;
	if (s->canceled || (kind != 'd' && kind != 'c')) {
		refuse(s, "57014", "COPY from stdin failed", NULL);
		ended(s, FAILED);
	} else if (kind == 'c') {
		say_complete(s, "COPY 1");
		ended(s, DONE);
	}
}

/* --- all messages --- */

static void
message(struct pg_session *s, char kind, struct span body)
{
	enum outcome outcome = DONE;

	if (s->busy == PG_COPIES_IN) {
		copy_message(s, kind);
		return;
	}
	if (s->skipping && kind != 'S' && kind != 'X')
		return;
	switch (kind) {
	case 'Q':
		simple(s, body);
		return;
	case 'P':
		outcome = parse(s, body);
		break;
	case 'B':
		outcome = bind_message(s, body);
		break;
	case 'D':
		outcome = describe(s, body);
		break;
	case 'E':
		outcome = execute(s, body);
		break;
	case 'C':
		outcome = close_thing(s, body);
		break;
	case 'S':
		end_batch(s);
		return;
	case 'X':
		pg_crash(s);
		return;
	case 'H':
	case 'd':
	case 'c':
	case 'f':
		return;
	default:
		pg_shut_down(s);
		return;
	}
	if (outcome == FAILED)
		s->skipping = true;
}

size_t
pg_talk(struct pg_session *s, const char *at, size_t len)
{
	struct frame_head head;
	size_t done = 0;

	while (s->link != NULL && (s->busy == PG_FREE || s->busy == PG_COPIES_IN) &&
	    frame_look(at + done, len - done, &head) == FRAME_HEADER) {
		if (len - done < head.size) {
			link_expect(s->link, head.size);
			break;
		}
		message(s, head.kind, span_of(at + done + FRAME_HEAD, head.size - FRAME_HEAD));
		done += head.size;
	}
	return done;
}
