/*
 * console.c - a client whose server is us: who may enter, simple queries, running
 * commands. The extended protocol is in console_bind.c, what commands do in cmd_*.c.
 */
#include "admin/console.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "admin/admin.h"
#include "admin/cmd.h"
#include "admin/version.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "pool/client.h"
#include "pool/place.h"
#include "wire/read.h"
#include "wire/reply.h"
#include "wire/write.h"

/* --- entering and leaving --- */

/* The role of C; ROLE_NOBODY: it may not enter. */
static enum role
role_of(const struct client *c)
{
	const struct conf *conf = c->worker->setup->conf;
	struct span user = span_text(c->user);

	if (c->peer.kind == ADDR_UNIX && c->peer.u.unix_peer.uid == getuid() &&
	    conf_is_console(user))
		return ROLE_ADMIN;
	if (text_list_has(span_text(conf->admin_users), user))
		return ROLE_ADMIN;
	if (text_list_has(span_text(conf->stats_users), user) ||
	    conf->auth_type == AUTH_TYPE_ANY)
		return ROLE_STATS;
	return ROLE_NOBODY;
}

static void
write_welcome(struct buf *b, const struct client *c)
{
	/* Tools look for the words behind the slash, in this order. */
	static const char *const settings[][2] = {
		{ "server_version", VERSION_LIKE "/bouncer" },
		{ "client_encoding", "UTF8" },
		{ "server_encoding", "UTF8" },
		{ "DateStyle", "ISO" },
		{ "TimeZone", "GMT" },
		{ "standard_conforming_strings", "on" },
		{ "is_superuser", "on" },
	};

	reply_write_auth(b, AUTH_OK, span_of(NULL, 0));
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		reply_write_parameter(b, span_text(settings[i][0]),
		    span_text(settings[i][1]));
	reply_write_key(b, c->pid, span_of(c->key, c->key_len));
	reply_write_ready(b, 'I');
}

/* Send what is written and give its memory back: a console is idle nearly always. */
static void
flush(struct console *s)
{
	struct client *c = s->client;
	bool sent = !s->out.failed &&
	    (s->out.len == 0 || link_send(c->link, s->out.at, s->out.len));
	bool failed = s->out.failed;

	buf_fini(&s->out);
	if (!sent)
		client_close(c, failed ? CLOSE_out_of_memory : CLOSE_client_unexpected_eof);
}

bool
console_enter(struct client *c, struct err *e)
{
	enum role role = role_of(c);
	struct console *s;

	if (role == ROLE_NOBODY)
		return err_set(e, SQLSTATE_PROTOCOL, "not allowed");
	s = mem_new(sizeof(*s));
	if (s == NULL)
		return err_set(e, SQLSTATE_NO_MEMORY, "out of memory");
	s->client = c;
	s->admin = admin_of(c->worker->pooler);
	s->status = 'I';
	list_init(&s->prepared);
	list_init(&s->portals);
	c->console = s;
	c->admin = role == ROLE_ADMIN;
	c->welcomed = true;
	client_become(c, &CLIENT_CONSOLE);
	write_welcome(&s->out, c);
	flush(s);
	return true;
}

void
console_leave(struct client *c)
{
	struct console *s = c->console;

	if (s == NULL)
		return;
	c->console = NULL;
	if (s->job != NULL)
		job_abandon(s->job);
	suspend_leave(s);
	if (s->simple)
		portal_free(s->running);
	console_drop_names(s);
	buf_fini(&s->out);
	mem_free(s);
}

/* --- answers --- */

void
console_notice(struct console *s, const char *text, const char *detail)
{
	reply_write_notice(&s->out, "00000", text, detail);
}

void
console_log(struct console *s, const char *format, ...)
{
	struct log_who who;
	char text[512], line[600];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_line(LOG_LEVEL_LOG, client_who(s->client, &who), "console: %s",
	    log_escape(span_trim(span_text(text)), line, sizeof(line)));
}

void
console_error(struct console *s, const struct err *e)
{
	reply_write_error(&s->out, "ERROR", e);
	if (!s->simple)
		s->skipping = true;
}

void
console_fail(struct console *s, const char *format, ...)
{
	struct err e = { 0 };
	char text[sizeof(e.text)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	err_set(&e, SQLSTATE_PROTOCOL, "%s", text);
	console_done(s, &e);
}

/* --- running --- */

struct portal *
portal_new(const struct request *request)
{
	struct portal *portal = mem_new(sizeof(*portal));

	if (portal == NULL)
		return NULL;
	node_init(&portal->in_console);
	request_copy(&portal->request, request);
	if (request->view != NULL)
		sheet_init(&portal->rows, request->view->row_size);
	return portal;
}

void
portal_free(struct portal *portal)
{
	if (portal == NULL)
		return;
	sheet_fini(&portal->rows);
	gathering_free(portal->parts);
	mem_free(portal);
}

/* Send rows of PORTAL, and how it goes on. */
static void
send_rows(struct console *s, struct portal *portal, uint32_t limit)
{
	const struct view *view = portal->request.view;
	size_t left = portal->rows.count - portal->next;
	size_t n = limit > 0 && limit < left ? limit : left;

	if (view != NULL && s->simple)
		view_write_columns(&s->out, view, 0);
	for (; n > 0; n--)
		view_write_row(&s->out, view, sheet_row(&portal->rows, portal->next++),
		    portal->binary);
	if (portal->next < portal->rows.count)
		write_empty(&s->out, 's');	/* PortalSuspended */
	else
		reply_write_complete(&s->out, portal->tag);
}

/* A simple query has been answered. */
static void
end_simple(struct console *s, struct portal *portal)
{
	s->simple = false;
	portal_free(portal);
	reply_write_ready(&s->out, s->status);
}

void
console_done(struct console *s, const struct err *e)
{
	struct portal *portal = s->running;
	struct client *c = s->client;

	if (!insist(portal != NULL))
		return;
	s->running = NULL;
	portal->run = true;
	if (e != NULL)
		console_error(s, e);
	else
		send_rows(s, portal, s->row_limit);
	if (s->simple)
		end_simple(s, portal);
	if (s->in_bytes)
		return;
	flush(s);
	if (!c->dead)
		link_kick_later(c->link);
}

/* The word of the command in upper case is its tag, unless it says otherwise. */
static void
set_tag(struct portal *portal)
{
	const char *word = portal->request.command->word;
	size_t i;

	for (i = 0; i < sizeof(portal->tag) - 1 && word[i] != '\0'; i++)
		portal->tag[i] = (char)toupper((unsigned char)word[i]);
	portal->tag[i] = '\0';
}

void
console_execute(struct console *s, struct portal *portal, uint32_t limit)
{
	const struct command *command = portal->request.command;

	if (command == NULL) {
		write_empty(&s->out, 'I');	/* EmptyQueryResponse */
		return;
	}
	if (portal->run) {
		send_rows(s, portal, limit);
		return;
	}
	set_tag(portal);
	s->running = portal;
	s->row_limit = limit;
	command->run(s, &portal->request);
}

/* --- simple queries --- */

static void
simple_error(struct console *s, const struct err *e)
{
	s->simple = true;
	console_error(s, e);
	end_simple(s, NULL);
}

static void
simple_query(struct console *s, struct span body)
{
	struct reader r = read_begin(body);
	struct span text = read_string(&r);
	struct request request;
	struct portal *portal;
	struct err e = { 0 };

	console_drop_portals(s);
	if (!read_done(&r)) {
		err_set(&e, SQLSTATE_PROTOCOL, "broken Query message");
		simple_error(s, &e);
		return;
	}
	if (!request_read(&request, text, s->client->admin, &e)) {
		simple_error(s, &e);
		return;
	}
	portal = portal_new(&request);
	if (portal == NULL) {
		err_set(&e, SQLSTATE_NO_MEMORY, "out of memory");
		simple_error(s, &e);
		return;
	}
	s->simple = true;
	console_execute(s, portal, 0);
	if (request.command == NULL)
		end_simple(s, portal);
}

/* --- messages --- */

static void
count_query(const struct client *c)
{
	if (c->lane == NULL)
		return;
	count_one(c->lane, queries);
	count_one(c->lane, xacts);
}

/* After an error of the extended protocol only Sync is heard. */
static void
handle(struct console *s, char kind, struct span body)
{
	struct client *c = s->client;

	if (kind == 'X') {
		client_close(c, CLOSE_client_close_request);
		return;
	}
	if (kind == 'S') {
		s->skipping = false;
		if (s->status == 'I')
			console_drop_portals(s);
		reply_write_ready(&s->out, s->status);
		return;
	}
	if (s->skipping || kind == 'H' || kind == 'd' || kind == 'c' || kind == 'f')
		return;
	if (kind == 'Q') {
		count_query(c);
		simple_query(s, body);
		return;
	}
	if (kind == 'E')
		count_query(c);
	if (!console_extended(s, kind, body)) {
		flush(s);
		client_refuse_text(c, CLOSE_protocol_violation, "unsupported packet type: %d", (unsigned char)kind);
	}
}

/* Do the next message of the LEN bytes at AT; its size, or 0: it is not all here, or the
 * connection is over. */
static size_t
next_message(struct client *c, const char *at, size_t len)
{
	struct console *s = c->console;
	struct frame_head head = { 0 };
	enum frame_seen seen = frame_look(at, len, &head);

	if (seen == FRAME_SHORT)
		return 0;
	if (seen == FRAME_BAD || head.size > CONSOLE_MESSAGE_MOST) {
		flush(s);
		client_refuse_text(c, CLOSE_protocol_violation, seen == FRAME_BAD ? "bad packet header" :
							  "message too long for the console");
		return 0;
	}
	if (head.size > len) {
		link_expect(c->link, head.size);
		return 0;
	}
	handle(s, head.kind, span_of(at + FRAME_HEAD, head.size - FRAME_HEAD));
	return head.size;
}

size_t
console_bytes(struct client *c, const char *at, size_t len)
{
	struct console *s = c->console;
	size_t used = 0, n;

	if (s == NULL)
		return len;
	s->in_bytes = true;
	while (s->running == NULL && (n = next_message(c, at + used, len - used)) > 0) {
		used += n;
		if (c->dead)
			return len;
	}
	if (c->dead)
		return len;
	s->in_bytes = false;
	flush(s);
	return c->dead ? len : used;
}

/* --- cancel requests --- */

void
console_cancel(struct client *c)
{
	struct console *s = c->console;
	struct job *job = s != NULL ? s->job : NULL;
	struct err e = { 0 };

	if (s != NULL && job == NULL && c->admin &&
	    admin_resume(s->admin, span_of(NULL, 0)))
		console_log(s, "cancel request: RESUME");	/* as PgBouncer does */
	if (job == NULL || job->kind == NULL || job->kind->cancel == NULL)
		return;
	job->kind->cancel(job);
	job_abandon(job);
	err_set(&e, SQLSTATE_CANCELED, "canceling statement due to user request");
	console_done(s, &e);
}
