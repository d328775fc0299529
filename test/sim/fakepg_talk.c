/*
 * fakepg_talk.c - what a fake session answers: simple queries, the extended protocol,
 * COPY, errors that skip to Sync (protocol 3, 55.2).
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sim/fakepg.h"
#include "wire/frame.h"
#include "wire/query.h"
#include "wire/reply.h"
#include "wire/write.h"

/* A statement or a portal. */
struct thing {
	struct node	 in_session;
	char		*name, *text;	/* owned */
	char		*values[2];	/* owned; a portal's, NULL where there is none */
};

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

/* --- simple queries --- */

void
pg_run_more(struct pg_session *s)
{
	while (s->todo != NULL && s->todo[s->todo_at] != '\0') {
		char *text = s->todo + s->todo_at;
		size_t len = strcspn(text, ";");
		enum pg_outcome outcome;

		s->todo_at += len + (text[len] == ';');
		text[len] = '\0';
		while (*text == ' ')
			text++;
		if (*text == '\0')
			continue;
		outcome = pg_run(s, text, NULL);
		if (outcome == PG_GONE)
			return;
		if (outcome == PG_LATER) {
			if (s->busy == PG_STREAMS)
				pg_stream(s);
			return;
		}
		if (outcome == PG_FAILED)
			break;
	}
	mem_free(s->todo);
	s->todo = NULL;
	pg_say_ready(s);
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
		pg_say(s, 'I');
	pg_run_more(s);
}

/* --- the extended protocol --- */

/* May it run in a transaction that has failed? */
static bool
ends_transaction(struct span text)
{
	return span_starts(text, "rollback") || span_starts(text, "commit");
}

static enum pg_outcome
parse(struct pg_session *s, struct span body)
{
	struct parse_view v;

	if (query_parse(body, &v) != WIRE_OK)
		return pg_refuse(s, "08P01", "broken Parse", NULL);
	if (v.name.len == 0)
		thing_free(thing_find(&s->statements, v.name));
	if (span_is(v.text, "bad"))
		return pg_refuse(s, "42601", "syntax error", NULL);
	if (s->status == 'E' && !ends_transaction(v.text))
		return pg_refuse(s, "25P02", "current transaction is aborted", NULL);
	if (v.name.len > 0 && thing_find(&s->statements, v.name) != NULL)
		return pg_refuse(s, "42P05",
		    "prepared statement already exists: ", v.name.at);
	s->named += v.name.len > 0;
	thing_new(&s->statements, v.name, v.text);
	pg_say(s, '1');
	return PG_DONE;
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
		struct span value = len == UINT32_MAX ? span_of(NULL, 0) :
							read_bytes(&r, len);

		if (len != UINT32_MAX)
			portal->values[i] = mem_copy_text(value.at, value.len);
	}
}

static enum pg_outcome
bind_message(struct pg_session *s, struct span body)
{
	struct bind_view v;
	struct thing *statement, *portal;

	if (query_bind_head(body, body.len, &v) != WIRE_OK)
		return pg_refuse(s, "08P01", "broken Bind", NULL);
	statement = thing_find(&s->statements, v.name);
	if (statement == NULL)
		return pg_refuse(s, "26000", "no prepared statement ", v.name.at);
	if (s->status == 'E' && !ends_transaction(span_text(statement->text)))
		return pg_refuse(s, "25P02", "current transaction is aborted", NULL);
	thing_free(thing_find(&s->portals, v.portal));
	portal = thing_new(&s->portals, v.portal, span_text(statement->text));
	take_values(portal, span_skip(body, v.head));
	pg_say(s, '2');
	return PG_DONE;
}

static bool
has_rows(const char *text)
{
	return pg_after(text, "select") != NULL || pg_after(text, "show") != NULL ||
	    pg_after(text, "rows") != NULL;
}

static enum pg_outcome
describe(struct pg_session *s, struct span body)
{
	struct target_view v;
	struct thing *thing;
	struct buf b = { 0 };

	if (query_target(body, &v) != WIRE_OK)
		return pg_refuse(s, "08P01", "broken Describe", NULL);
	thing = thing_find(v.what == 'S' ? &s->statements : &s->portals, v.name);
	if (thing == NULL)
		return pg_refuse(s, v.what == 'S' ? "26000" : "34000", "nothing called ",
		    v.name.at);
	if (s->status == 'E')	/* PostgreSQL describes what returns no rows even then */
		return pg_refuse(s, "25P02", "current transaction is aborted", NULL);
	if (v.what == 'S') {
		size_t mark = write_begin(&b, 't');

		write_u16(&b, 0);
		write_end(&b, mark);
	}
	if (has_rows(thing->text))
		pg_say_columns(&b);
	else
		write_empty(&b, 'n');
	pg_send(s, &b);
	return PG_DONE;
}

static enum pg_outcome
execute(struct pg_session *s, struct span body)
{
	struct reader r = read_begin(body);
	struct span name = read_string(&r);
	struct thing *portal = thing_find(&s->portals, name);
	enum pg_outcome outcome;

	if (portal == NULL)
		return pg_refuse(s, "34000", "no portal ", name.at);
	s->extended = true;
	outcome = pg_run(s, portal->text, portal->values);
	if (outcome == PG_LATER && s->busy == PG_STREAMS)
		pg_stream(s);
	return outcome;
}

static enum pg_outcome
close_thing(struct pg_session *s, struct span body)
{
	struct target_view v;
	struct thing *thing;

	if (query_target(body, &v) != WIRE_OK)
		return pg_refuse(s, "08P01", "broken Close", NULL);
	thing = thing_find(v.what == 'S' ? &s->statements : &s->portals, v.name);
	s->named -= thing != NULL && v.what == 'S' && v.name.len > 0;
	thing_free(thing);
	pg_say(s, '3');
	return PG_DONE;
}

static void
end_batch(struct pg_session *s)
{
	s->skipping = false;
	if (s->status == 'I')
		forget_all(&s->portals);
	pg_say_ready(s);
}

/* --- COPY FROM STDIN --- */

static void
copy_message(struct pg_session *s, char kind)
{
	if (kind == 'S' || kind == 'H')
		return;
	if (s->canceled || (kind != 'd' && kind != 'c')) {
		pg_refuse(s, "57014", "COPY from stdin failed", NULL);
		pg_ended(s, PG_FAILED);
	} else if (kind == 'c') {
		pg_say_complete(s, "COPY 1");
		pg_ended(s, PG_DONE);
	}
}

/* --- all messages --- */

static void
message(struct pg_session *s, char kind, struct span body)
{
	enum pg_outcome outcome = PG_DONE;

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
		if (!s->pg->lingers)
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
	if (outcome == PG_FAILED)
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
		message(s, head.kind,
		    span_of(at + done + FRAME_HEAD, head.size - FRAME_HEAD));
		done += head.size;
	}
	return done;
}
