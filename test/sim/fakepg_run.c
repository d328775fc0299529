/*
 * fakepg_run.c - the fake server's commands: what each says, and those that take time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "sim/fakepg.h"
#include "wire/reply.h"
#include "wire/write.h"

#define CHUNK 8000u	/* of what is streamed, a message */

/* --- saying --- */

void
pg_send(struct pg_session *s, struct buf *b)
{
	if (s->link != NULL)
		link_send(s->link, b->at, b->len);
	buf_fini(b);
}

void
pg_say(struct pg_session *s, char kind)
{
	struct buf b = { 0 };

	write_empty(&b, kind);
	pg_send(s, &b);
}

void
pg_say_complete(struct pg_session *s, const char *tag)
{
	struct buf b = { 0 };

	reply_write_complete(&b, tag);
	pg_send(s, &b);
}

void
pg_say_ready(struct pg_session *s)
{
	struct buf b = { 0 };

	if (s->status == 'I')
		memcpy(s->saved, s->settings, sizeof(s->saved));
	pg_report(s, &b, false);
	reply_write_ready(&b, s->status);
	pg_send(s, &b);
}

void
pg_say_columns(struct buf *b)
{
	static const struct reply_column column = { "answer", 25, -1 };

	reply_write_columns(b, &column, 1);
}

static void
say_row(struct pg_session *s, struct span value)
{
	struct buf b = { 0 };
	size_t mark;

	if (!s->extended)
		pg_say_columns(&b);
	mark = reply_row_begin(&b, 1);
	reply_row_value(&b, value);
	reply_row_end(&b, mark);
	reply_write_complete(&b, "SELECT 1");
	pg_send(s, &b);
}

/* An error; always PG_FAILED, so that callers can return it. */
enum pg_outcome
pg_refuse(struct pg_session *s, const char *sqlstate, const char *format, const char *arg)
{
	struct buf b = { 0 };
	struct err e = { 0 };
	char text[300];

	snprintf(text, sizeof(text), "%s%s", format, arg != NULL ? arg : "");
	err_set(&e, sqlstate, "%s", text);
	reply_write_error(&b, "ERROR", &e);
	pg_send(s, &b);
	if (s->status == 'T')
		s->status = 'E';
	else if (s->status == 'I')
		memcpy(s->settings, s->saved, sizeof(s->saved));
	s->busy = PG_FREE;
	s->canceled = false;
	return PG_FAILED;
}

/* --- commands --- */

/* Does TEXT begin with WORD? Then the rest of it. */
const char *
pg_after(const char *text, const char *word)
{
	size_t len = strlen(word);

	if (strncasecmp(text, word, len) != 0 || (text[len] != '\0' && text[len] != ' '))
		return NULL;
	return text + len + (text[len] == ' ');
}

static enum pg_outcome
complete(struct pg_session *s, const char *tag)
{
	pg_say_complete(s, tag);
	return PG_DONE;
}

static enum pg_outcome
transaction(struct pg_session *s, const char *text, bool *mine)
{
	*mine = true;
	if (pg_after(text, "begin") != NULL) {
		memcpy(s->saved, s->settings, sizeof(s->saved));
		s->status = 'T';
		return complete(s, "BEGIN");
	}
	if (pg_after(text, "rollback") != NULL || pg_after(text, "commit") != NULL) {
		bool good = s->status == 'T' && pg_after(text, "commit") != NULL;

		if (s->status != 'I' && !good)
			memcpy(s->settings, s->saved, sizeof(s->saved));
		s->status = 'I';
		memcpy(s->saved, s->settings, sizeof(s->saved));
		return complete(s, good ? "COMMIT" : "ROLLBACK");
	}
	*mine = false;
	return PG_FAILED;
}

static enum pg_outcome
set(struct pg_session *s, struct span name, const char *value)
{
	const char *wrong = pg_set(s, name, value);

	return wrong == NULL ? PG_DONE : pg_refuse(s, wrong, "wrong setting", NULL);
}

static enum pg_outcome
settings(struct pg_session *s, const char *text, char *const *values, bool *mine)
{
	const char *rest, *value;

	*mine = true;
	if ((rest = pg_after(text, "show")) != NULL) {
		value = pg_setting(s, span_text(rest));
		if (value == NULL)
			return pg_refuse(s, "42704", "no setting ", rest);
		say_row(s, span_text(value));
		return PG_DONE;
	}
	if ((rest = pg_after(text, "set")) != NULL &&
	    (value = strchr(rest, ' ')) != NULL) {
		if (set(s, span_of(rest, (size_t)(value - rest)), value + 1) == PG_FAILED)
			return PG_FAILED;
		return complete(s, "SET");
	}
	if (strncmp(text, "select pg_catalog.set_config", 28) == 0 && values != NULL &&
	    values[0] != NULL) {
		if (set(s, span_text(values[0]), values[1]) == PG_FAILED)
			return PG_FAILED;
		say_row(s, span_text(pg_setting(s, span_text(values[0]))));
		return PG_DONE;
	}
	if (pg_after(text, "reset all") != NULL) {
		pg_settings_reset(s);
		return complete(s, "RESET");
	}
	*mine = false;
	return PG_FAILED;
}

static enum pg_outcome
later(struct pg_session *s, enum pg_busy busy)
{
	s->busy = busy;
	return PG_LATER;
}

static enum pg_outcome
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
		pg_say_columns(&b);
	}
	pg_send(s, &b);
	s->stream_left = strtoull(size, NULL, 10);
	s->streams_copy = copy;
	return later(s, PG_STREAMS);
}

static enum pg_outcome
start_copy_in(struct pg_session *s)
{
	struct buf b = { 0 };
	size_t mark = write_begin(&b, 'G');

	write_u8(&b, 0);
	write_u16(&b, 0);
	write_end(&b, mark);
	pg_send(s, &b);
	return later(s, PG_COPIES_IN);
}

static enum pg_outcome
trouble(struct pg_session *s, const char *text, bool *mine)
{
	*mine = true;
	if (pg_after(text, "error") != NULL)
		return pg_refuse(s, "22012", "division by zero", NULL);
	if (pg_after(text, "fatal") != NULL) {
		pg_shut_down(s);
		return PG_GONE;
	}
	if (pg_after(text, "crash") != NULL) {
		pg_crash(s);
		return PG_GONE;
	}
	if (pg_after(text, "lie") != NULL) {
		pg_lie(s);
		return complete(s, "LIE");
	}
	*mine = false;
	return PG_FAILED;
}

/* How many connections it takes (pool/enquiry.c). */
static void
say_capacity(struct pg_session *s)
{
	static const struct reply_column columns[5] = { { "a", 25, -1 }, { "b", 25, -1 },
		{ "c", 25, -1 }, { "d", 23, 4 }, { "e", 23, 4 } };
	char most[16];
	struct buf b = { 0 };
	size_t mark;

	snprintf(most, sizeof(most), "%u", s->pg->max_connections);
	reply_write_columns(&b, columns, 5);
	mark = reply_row_begin(&b, 5);
	reply_row_value(&b, span_text(most));
	reply_row_value(&b, SPAN_LITERAL("3"));
	reply_row_value(&b, span_of(NULL, 0));
	reply_row_value(&b, SPAN_LITERAL("-1"));
	reply_row_value(&b, SPAN_LITERAL("-1"));
	reply_row_end(&b, mark);
	reply_write_complete(&b, "SELECT 1");
	pg_send(s, &b);
}

/* What it is now (pool/enquiry.c). */
static void
say_role(struct pg_session *s)
{
	static const struct reply_column columns[2] = { { "a", 23, 4 }, { "b", 23, 4 } };
	struct buf b = { 0 };
	size_t mark;

	reply_write_columns(&b, columns, 2);
	mark = reply_row_begin(&b, 2);
	reply_row_value(&b, span_text(s->pg->standby ? "1" : "0"));
	reply_row_value(&b, span_text(s->pg->read_only ? "1" : "0"));
	reply_row_end(&b, mark);
	reply_write_complete(&b, "SELECT 1");
	pg_send(s, &b);
}

static bool
is_read_only(const struct pg_session *s)
{
	return s->pg->standby ||
	    strcmp(pg_setting(s, SPAN_LITERAL("default_transaction_read_only")), "on") == 0;
}

static enum pg_outcome
work(struct pg_session *s, const char *text)
{
	struct buf b = { 0 };
	const char *rest;

	if (strstr(text, "sum(numbackends)") != NULL) {
		char number[16];

		snprintf(number, sizeof(number), "%u",
		    s->pg->backends > 0 ? s->pg->backends : s->pg->sessions_count);
		say_row(s, span_text(number));
		return PG_DONE;
	}
	if (s->pg->max_connections > 0 && strstr(text, "'max_connections'") != NULL) {
		say_capacity(s);
		return PG_DONE;
	}
	if (strstr(text, "pg_is_in_recovery") != NULL && s->pg->shy)
		return pg_refuse(s, "42501", "permission denied", NULL);
	if (strstr(text, "pg_is_in_recovery") != NULL) {
		say_role(s);
		return PG_DONE;
	}
	if ((rest = pg_after(text, "write")) != NULL && is_read_only(s))
		return pg_refuse(s, "25006", "cannot write in a read-only transaction", NULL);
	if (rest != NULL || (rest = pg_after(text, "select")) != NULL) {
		say_row(s, span_text(rest));
		return PG_DONE;
	}
	if ((rest = pg_after(text, "sleep")) != NULL) {
		timer_set(s->timer, strtoull(rest, NULL, 10) * MSEC);
		return later(s, PG_SLEEPS);
	}
	if (pg_after(text, "hang") != NULL)
		return later(s, PG_HANGS);
	if ((rest = pg_after(text, "rows")) != NULL)
		return start_stream(s, rest, false);
	if ((rest = pg_after(text, "copyout")) != NULL)
		return start_stream(s, rest, true);
	if (pg_after(text, "copyin") != NULL)
		return start_copy_in(s);
	if (pg_after(text, "notice") != NULL) {
		reply_write_notice(&b, "00000", "look out", NULL);
		pg_send(s, &b);
		return complete(s, "NOTICE");
	}
	if (pg_after(text, "discard all") != NULL) {
		if (s->status != 'I')
			return pg_refuse(s, "25001", "DISCARD ALL in a transaction",
			    NULL);
		pg_forget_statements(s);
		pg_settings_reset(s);
		return complete(s, "DISCARD ALL");
	}
	if (pg_after(text, "deallocate all") != NULL) {
		pg_forget_statements(s);
		return complete(s, "DEALLOCATE ALL");
	}
	return pg_refuse(s, "42601", "what is ", text);
}

/* Do one command. PG_LATER: s->busy says what it waits for. */
enum pg_outcome
pg_run(struct pg_session *s, const char *text, char *const *values)
{
	enum pg_outcome outcome;
	bool mine;

	outcome = transaction(s, text, &mine);
	if (mine)
		return outcome;
	if (s->status == 'E')
		return pg_refuse(s, "25P02", "current transaction is aborted", NULL);
	if (text[0] == '\0') {
		pg_say(s, 'I');
		return PG_DONE;
	}
	outcome = settings(s, text, values, &mine);
	if (!mine)
		outcome = trouble(s, text, &mine);
	return mine ? outcome : work(s, text);
}

/* --- what takes time --- */

/* The command that took its time has ended as OUTCOME says. */
void
pg_ended(struct pg_session *s, enum pg_outcome outcome)
{
	s->busy = PG_FREE;
	if (s->extended) {
		s->skipping = outcome == PG_FAILED;
		if (s->skipping)
			return;
	} else {
		if (outcome == PG_FAILED)
			s->todo[s->todo_at] = '\0';
		pg_run_more(s);
	}
}

void
pg_stream(struct pg_session *s)
{
	char text[CHUNK];
	char tag[40];

	memset(text, 'x', sizeof(text));
	while (s->stream_left > 0 && link_unsent(s->link) == 0) {
		size_t n = s->stream_left < CHUNK ? (size_t)s->stream_left : CHUNK;
		struct buf b = { 0 };
		size_t mark = s->streams_copy ? write_begin(&b, 'd') :
						reply_row_begin(&b, 1);

		if (s->streams_copy) {
			buf_put(&b, text, n);
			write_end(&b, mark);
		} else {
			reply_row_value(&b, span_of(text, n));
			reply_row_end(&b, mark);
		}
		s->stream_left -= n;
		pg_send(s, &b);
	}
	if (s->stream_left > 0)
		return;
	if (s->streams_copy)
		pg_say(s, 'c');
	snprintf(tag, sizeof(tag), s->streams_copy ? "COPY 1" : "SELECT 1");
	pg_say_complete(s, tag);
	pg_ended(s, PG_DONE);
}

void
pg_go_on(struct pg_session *s)
{
	if (s->busy == PG_SLEEPS) {
		pg_say_complete(s, "SLEEP");
		pg_ended(s, PG_DONE);
	} else if (s->busy == PG_STREAMS) {
		pg_stream(s);
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
		pg_refuse(s, "57014", "canceling statement due to user request", NULL);
		pg_ended(s, PG_FAILED);
		link_kick(s->link);
		break;
	}
	s->pg->cancels_hit++;
}
