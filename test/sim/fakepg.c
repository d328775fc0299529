/*
 * fakepg.c - the server's connections: accept, log in, cancel, end. What is said after
 * the login is fakepg_talk.c's.
 */
#include "sim/fakepg.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "wire/frame.h"
#include "wire/reply.h"
#include "wire/startup.h"

static size_t on_bytes(void *owner, const char *at, size_t len);
static void on_gone(void *owner, const char *why);
static void on_drained(void *owner);
static void on_time(void *owner);
static void bury(struct chore *chore);
static void welcome(struct pg_session *s);

static const struct link_owner session_calls = { on_bytes, on_gone, on_drained, NULL };
static uint32_t last_pid = 1000;

void
pg_open(struct fakepg *pg, const char *name, uint16_t port)
{
	memset(pg, 0, sizeof(*pg));
	list_init(&pg->sessions);
	pg->method = LOGIN_ANY;
	pg->host.name = name;
	pg->host.port = port;
	pg->host.accept = pg_accept;
	sim_host_add(&pg->host);
}

void
pg_close(struct fakepg *pg)
{
	LIST_EACH(n, &pg->sessions)
		pg_crash(CONTAINER_OF(n, struct pg_session, in_pg));
	sim_host_remove(&pg->host);
}

void
pg_accept(struct sim_host *host, int fd)
{
	struct fakepg *pg = CONTAINER_OF(host, struct fakepg, host);
	struct pg_session *s = mem_new(sizeof(*s));

	if (s == NULL)
		abort();
	s->pg = pg;
	s->status = 'I';
	s->pid = ++last_pid;
	for (unsigned i = 0; i < sizeof(s->key); i++)
		s->key[i] = (unsigned char)sim_draw(256);
	list_init(&s->statements);
	list_init(&s->portals);
	node_init(&s->in_pg);
	list_add_last(&pg->sessions, &s->in_pg);
	chore_init(&s->funeral, bury);
	s->timer = timer_new(sim_outside(), on_time, s);
	s->link = link_new(sim_outside(), fd, &session_calls, s);
}

/* --- ending --- */

/* Everything but the link: memory goes at the end of the turn. */
static void
leave(struct pg_session *s)
{
	if (s->logged_in)
		s->pg->sessions_count--;
	list_remove(&s->in_pg);
	s->link = NULL;
	timer_free(s->timer);
	s->timer = NULL;
	loop_later(sim_outside(), &s->funeral);
}

static void
bury(struct chore *chore)
{
	struct pg_session *s = CONTAINER_OF(chore, struct pg_session, funeral);

	pg_forget_statements(s);
	login_free(s->login);
	mem_free(s->user);
	mem_free(s->todo);
	mem_free(s);
}

void
pg_crash(struct pg_session *s)
{
	struct link *link = s->link;

	leave(s);
	link_close(link);
}

static void
say_fatal(struct pg_session *s, const char *sqlstate, const char *text)
{
	struct buf b = { 0 };
	struct err e = { 0 };
	struct link *link = s->link;

	err_set(&e, sqlstate, "%s", text);
	reply_write_error(&b, "FATAL", &e);
	link_send(link, b.at, b.len);
	buf_fini(&b);
	leave(s);
	link_finish(link);
}

void
pg_shut_down(struct pg_session *s)
{
	say_fatal(s, "57P01", "terminating connection due to administrator command");
}

void
pg_time_out(struct pg_session *s)
{
	say_fatal(s, "57P05", "terminating connection due to idle-session timeout");
}

static void
on_gone(void *owner, const char *why)
{
	(void)why;
	pg_crash(owner);
}

static void
on_drained(void *owner)
{
	struct pg_session *s = owner;

	if (s->busy == PG_STREAMS)
		pg_go_on(s);
}

static void
on_time(void *owner)
{
	struct pg_session *s = owner;

	if (!s->logged_in)
		welcome(s);
	else if (s->busy == PG_SLEEPS)
		pg_go_on(s);
}

void
pg_deaf(struct pg_session *s, bool deaf)
{
	if (deaf)
		link_pause(s->link);
	else
		link_resume(s->link);
}

void
pg_lie(struct pg_session *s)
{
	static const char lie[] = { '1', 0, 0, 0, 4 };

	link_send(s->link, lie, sizeof(lie));
}

/* --- finding --- */

struct pg_session *
pg_session_at(struct fakepg *pg, unsigned index)
{
	LIST_EACH(n, &pg->sessions) {
		struct pg_session *s = CONTAINER_OF(n, struct pg_session, in_pg);

		if (s->logged_in && index-- == 0)
			return s;
	}
	return NULL;
}

struct pg_session *
pg_session_of(struct fakepg *pg, uint32_t pid)
{
	LIST_EACH(n, &pg->sessions) {
		struct pg_session *s = CONTAINER_OF(n, struct pg_session, in_pg);

		if (s->logged_in && s->pid == pid)
			return s;
	}
	return NULL;
}

/* --- cancel requests --- */

static void
see_to_cancel(struct pg_session *s, uint32_t pid, struct span key)
{
	struct pg_session *target = pg_session_of(s->pg, pid);

	if (target != NULL && key.len == sizeof(target->key) &&
	    memcmp(key.at, target->key, key.len) == 0)
		pg_cancel(target);
	pg_crash(s);
}

void
pg_let_cancels(struct fakepg *pg)
{
	pg->hold_cancels = false;
	LIST_EACH(n, &pg->sessions) {
		struct pg_session *s = CONTAINER_OF(n, struct pg_session, in_pg);

		if (s->held)
			link_kick(s->link);
	}
}

/* --- logging in --- */

static void
welcome(struct pg_session *s)
{
	struct buf b = { 0 };

	pg_report(s, &b, true);
	reply_write_key(&b, s->pid, span_of(s->key, sizeof(s->key)));
	reply_write_ready(&b, 'I');
	link_send(s->link, b.at, b.len);
	buf_fini(&b);
	s->logged_in = true;
	s->pg->logins++;
	if (++s->pg->sessions_count > s->pg->most)
		s->pg->most = s->pg->sessions_count;
}

static void
let_in(struct pg_session *s)
{
	struct buf b = { 0 };

	reply_write_auth(&b, AUTH_OK, span_of(NULL, 0));
	link_send(s->link, b.at, b.len);
	buf_fini(&b);
	if (s->pg->login_time > 0)
		timer_set(s->timer, s->pg->login_time);
	else
		welcome(s);
}

static void
judge(struct pg_session *s, enum login_verdict verdict, struct buf *reply,
    const struct err *e)
{
	if (reply->len > 0)
		link_send(s->link, reply->at, reply->len);
	buf_fini(reply);
	if (verdict == LOGIN_YES)
		let_in(s);
	else if (verdict == LOGIN_NO)
		say_fatal(s, "28P01", e->text);
}

static void
hello(struct pg_session *s, const struct startup *hello)
{
	struct login_rules rules = { .method = s->pg->method, .keyring = s->pg->keyring };
	struct span params = hello->params, name, value;
	struct buf reply = { 0 };
	struct err e = { 0 };

	s->greeted = true;
	pg_settings_begin(s);
	while (startup_next(&params, &name, &value)) {
		const char *wrong = NULL;

		if (span_is(name, "user"))
			s->user = mem_copy_text(value.at, value.len);
		else if (!span_is(name, "database") && !span_is(name, "replication"))
			wrong = pg_set(s, name, value.at);
		if (wrong != NULL) {
			say_fatal(s, wrong, "wrong setting at start-up");
			return;
		}
	}
	memcpy(s->first, s->settings, sizeof(s->first));
	memcpy(s->saved, s->settings, sizeof(s->saved));
	if (s->pg->refuse != NULL) {
		say_fatal(s, s->pg->refuse, s->pg->refuse_text);
	} else if (s->pg->room > 0 && s->pg->sessions_count >= s->pg->room) {
		say_fatal(s, "53300", "sorry, too many clients already");
	} else if (s->pg->method == LOGIN_ANY) {
		let_in(s);
	} else {
		enum login_verdict verdict = login_begin(&s->login, &rules,
		    span_text(s->user), span_text(s->pg->password), true, &reply, &e);

		judge(s, verdict, &reply, &e);
	}
}

static size_t
first_bytes(struct pg_session *s, const char *at, size_t len)
{
	struct startup start;

	switch (startup_read(span_of(at, len), &start)) {
	case STARTUP_MORE:
		return 0;
	case STARTUP_CANCEL:
		s->pg->cancels += !s->held;
		s->pg->last_cancel_pid = start.pid;
		hex_encode(start.key.at, start.key.len < 32 ? start.key.len : 32,
		    s->pg->last_cancel_key);
		s->held = s->pg->hold_cancels;
		if (s->held)
			return 0;
		see_to_cancel(s, start.pid, start.key);
		return len;
	case STARTUP_HELLO:
		s->pg->attempts++;
		hello(s, &start);
		return start.size;
	default:
		pg_crash(s);
		return len;
	}
}

static size_t
password_bytes(struct pg_session *s, const char *at, size_t len)
{
	struct frame_head head;
	struct buf reply = { 0 };
	struct err e = { 0 };

	if (frame_look(at, len, &head) != FRAME_HEADER || len < head.size)
		return 0;
	judge(s,
	    login_step(s->login, head.kind,
		span_of(at + FRAME_HEAD, head.size - FRAME_HEAD), &reply, &e),
	    &reply, &e);
	return head.size;
}

static size_t
some_bytes(struct pg_session *s, const char *at, size_t len)
{
	if (s->pg->mute)
		return len;
	if (!s->greeted)
		return first_bytes(s, at, len);
	if (!s->logged_in && s->login == NULL)
		abort();	/* nobody has asked it anything */
	if (!s->logged_in)
		return password_bytes(s, at, len);
	return pg_talk(s, at, len);
}

/* What one part of the login leaves the next one may want. */
static size_t
on_bytes(void *owner, const char *at, size_t len)
{
	struct pg_session *s = owner;
	size_t done = 0, n;

	do {
		n = some_bytes(s, at + done, len - done);
		done += n;
	} while (n > 0 && done < len && s->link != NULL);
	return done;
}
