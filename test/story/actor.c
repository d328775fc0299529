/*
 * actor.c - a client in a story: what it says, and what it hears as one line of words.
 */
#include <stdarg.h>
#include <stdio.h>

#include "auth/backend.h"
#include "base/mem.h"
#include "story/story.h"
#include "wire/frame.h"
#include "wire/query.h"
#include "wire/reply.h"
#include "wire/startup.h"
#include "wire/write.h"

#define BIG 100u	/* bodies of that size and more are heard as "D:big", once in a row */

static size_t on_bytes(void *owner, const char *at, size_t len);
static void on_gone(void *owner, const char *why);

static const struct link_owner actor_calls = { on_bytes, on_gone, NULL, NULL };

static struct actor *
actor_new(struct story *s, int fd)
{
	struct actor *a = mem_new(sizeof(*a));

	assert_non_null(a);
	node_init(&a->in_story);
	list_add_last(&s->actors, &a->in_story);
	a->story = s;
	a->fd = fd;
	a->password = "secret";
	a->keyring = s->pooler.keyring;
	a->link = link_new(sim_outside(), fd, &actor_calls, a);
	return a;
}

struct actor *
story_connect(struct story *s, unsigned worker)
{
	struct addr peer = { .kind = ADDR_IP4, .port = ++s->next_port };
	struct actor *a;
	int fd[2];

	peer.u.ip4.s_addr = htonl(0x0a000001);
	sim_stream(fd, &peer);
	a = actor_new(s, fd[0]);
	a->port = peer.port;
	worker_accept(s->pooler.workers[worker], fd[1], &peer);
	return a;
}

struct actor *
story_connect_directly(struct story *s, struct fakepg *pg)
{
	struct addr nobody = { .kind = ADDR_IP4 };
	struct actor *a;
	int fd[2];

	sim_stream(fd, &nobody);
	a = actor_new(s, fd[0]);
	pg_accept(&pg->host, fd[1]);
	return a;
}

void
actor_login(struct actor *a, const char *user, const char *database,
    const char *const *pairs)
{
	struct backend_rules rules = { .user = span_text(user),
		.secret = span_text(a->password),
		.keyring = a->keyring };
	const char *all[16] = { "user", user, "database", database };
	unsigned n = 4;
	struct buf b = { 0 };

	while (pairs != NULL && *pairs != NULL && n < 15)
		all[n++] = *pairs++;
	backend_free(a->login);
	a->login = backend_new(&rules);
	startup_write(&b, PROTOCOL_3_0, all);
	actor_send(a, b.at, b.len);
	buf_fini(&b);
}

struct actor *
story_client_on(struct story *s, unsigned worker, const char *database)
{
	struct actor *a = story_connect(s, worker);

	actor_login(a, "bob", database, NULL);
	story_settle(s);
	if (a->in)
		actor_forget(a);
	return a;
}

static unsigned
next_worker(struct story *s)
{
	return s->next_worker++ % s->pooler.worker_count;
}

struct actor *
story_client(struct story *s, const char *database)
{
	return story_client_on(s, next_worker(s), database);
}

struct actor *
story_client_with(struct story *s, const char *database, const char *name,
    const char *value)
{
	struct actor *a = story_connect(s, next_worker(s));
	const char *pairs[] = { name, value, NULL };

	actor_login(a, "bob", database, pairs);
	story_settle(s);
	if (a->in)
		actor_forget(a);
	return a;
}

/* --- hearing --- */

static void
hear(struct actor *a, char kind, struct span detail)
{
	buf_put_byte(&a->heard, kind);
	if (detail.len > 0) {
		buf_put_byte(&a->heard, ':');
		for (size_t i = 0; i < detail.len; i++)
			buf_put_byte(&a->heard, detail.at[i] == ' ' ? '_' : detail.at[i]);
	}
	buf_put_byte(&a->heard, ' ');
}

/* Once for all of a stream. */
static void
hear_big(struct actor *a, char kind)
{
	char word[] = { kind, ':', 'b', 'i', 'g', ' ' };
	size_t n = sizeof(word);

	if (a->heard.len >= n && memcmp(a->heard.at + a->heard.len - n, word, n) == 0)
		return;
	hear(a, kind, span_of(word + 2, 3));
}

static void
hear_row(struct actor *a, struct span body)
{
	struct reader r = read_begin(body);
	unsigned count = read_u16(&r);

	if (count != 1)
		hear(a, 'D', span_of(NULL, 0));
	else
		hear(a, 'D', read_bytes(&r, read_u32(&r)));
}

static void
note_setting(struct actor *a, struct span name, struct span value)
{
	for (unsigned i = 0; i < PG_SETTINGS; i++) {
		if (a->told[i].name[0] != '\0' && !span_is(name, a->told[i].name))
			continue;
		span_copy(name, a->told[i].name, sizeof(a->told[i].name));
		span_copy(value, a->told[i].value, sizeof(a->told[i].value));
		return;
	}
}

static void
hear_setting(struct actor *a, struct span body)
{
	struct span name, value;
	char text[200];

	if (!reply_parameter(body, &name, &value))
		return;
	note_setting(a, name, value);
	if (!a->in || a->no_settings)
		return;
	snprintf(text, sizeof(text), "%.*s=%.*s", (int)name.len, name.at, (int)value.len,
	    value.at);
	hear(a, 'S', span_text(text));
}

static void
hear_auth(struct actor *a, struct span body)
{
	struct buf reply = { 0 };
	struct err e;

	if (backend_step(a->login, body, &reply, &e) == BACKEND_MORE && reply.len > 0)
		actor_send(a, reply.at, reply.len);
	buf_fini(&reply);
}

static void
hear_key(struct actor *a, struct span body)
{
	struct span key;

	if (!reply_key(body, &a->pid, &key) || key.len > sizeof(a->key))
		return;
	memcpy(a->key, key.at, key.len);
	a->key_len = key.len;
}

static void
message(struct actor *a, char kind, struct span body)
{
	struct error_view error;
	struct span tag = { NULL, 0 };

	a->readies += kind == 'Z';
	if (a->quiet)
		return;
	if (body.len >= BIG && (kind == 'D' || kind == 'd')) {
		hear_big(a, kind);
		return;
	}
	switch (kind) {
	case 'R':
		hear_auth(a, body);
		return;
	case 'K':
		hear_key(a, body);
		return;
	case 'S':
		hear_setting(a, body);
		return;
	case 'D':
		hear_row(a, body);
		return;
	case 'E':
	case 'N':
		reply_error(body, &error);
		if (kind == 'E')
			span_copy(error.text, a->error, sizeof(a->error));
		hear(a, kind, error.sqlstate);
		return;
	case 'C':
		reply_tag(body, &tag);
		hear(a, kind, tag);
		return;
	case 'Z':
		a->in = true;
		hear(a, kind, body);
		return;
	default:
		hear(a, kind, tag);
		return;
	}
}

static size_t
on_bytes(void *owner, const char *at, size_t len)
{
	struct actor *a = owner;
	struct frame_head head;
	size_t done = 0;

	while (frame_look(at + done, len - done, &head) == FRAME_HEADER) {
		if (len - done < head.size) {
			link_expect(a->link, head.size);
			break;
		}
		a->bytes += head.size;
		message(a, head.kind,
		    span_of(at + done + FRAME_HEAD, head.size - FRAME_HEAD));
		done += head.size;
	}
	return done;
}

static void
on_gone(void *owner, const char *why)
{
	struct actor *a = owner;

	(void)why;
	a->closed = true;
	hear(a, 'x', span_of(NULL, 0));
	link_close(a->link);
	a->link = NULL;
}

/* Does the word GOT fit WANTED: the same, or of the same kind where nothing else is asked? */
static bool
fits(struct span got, struct span wanted)
{
	return span_same(got, wanted) ||
	    (wanted.len == 1 && got.len > 0 && got.at[0] == wanted.at[0]);
}

static bool
fit_all(struct span got, struct span wanted)
{
	struct span g = got, w = wanted;

	for (;;) {
		bool more_got = false, more_wanted = false;

		while (!more_got && span_cut(&got, " ", &g))
			more_got = g.len > 0;
		while (!more_wanted && span_cut(&wanted, " ", &w))
			more_wanted = w.len > 0;
		if (!more_got || !more_wanted)
			return more_got == more_wanted;
		if (!fits(g, w))
			return false;
	}
}

void
hears_at(struct actor *a, const char *expected, const char *why, const char *file,
    int line)
{
	if (!fit_all(buf_span(&a->heard), span_text(expected))) {
		print_error("%s: expected \"%s\", heard \"%s\"\n", why, expected,
		    buf_text(&a->heard));
		_fail(file, line);
	}
	actor_forget(a);
}

const char *
actor_heard(struct actor *a)
{
	return buf_text(&a->heard);
}

void
actor_forget(struct actor *a)
{
	buf_clear(&a->heard);
}

bool
has_heard(struct actor *a, const char *word)
{
	return strstr(buf_text(&a->heard), word) != NULL;
}

void
actor_cancel(struct actor *a, unsigned worker)
{
	struct actor *messenger = story_connect(a->story, worker);
	struct buf b = { 0 };

	startup_write_cancel(&b, a->pid, span_of(a->key, a->key_len));
	actor_send(messenger, b.at, b.len);
	buf_fini(&b);
}

void
actor_deaf(struct actor *a, bool deaf)
{
	if (a->link == NULL)
		return;
	if (deaf)
		link_pause(a->link);
	else
		link_resume(a->link);
}

/* --- ending --- */

void
hang_up(struct actor *a)
{
	link_close(a->link);
	a->link = NULL;
}

void
leave(struct actor *a)
{
	sends(a, "X");
	hang_up(a);
}

void
actor_free(struct actor *a)
{
	hang_up(a);
	list_remove(&a->in_story);
	backend_free(a->login);
	buf_fini(&a->heard);
	mem_free(a);
}

/* --- its other side --- */

struct client *
actor_client(struct actor *a)
{
	struct pooler *p = &a->story->pooler;

	for (unsigned i = 0; i < p->worker_count; i++) {
		LIST_EACH(n, &p->workers[i]->clients) {
			struct client *c = CONTAINER_OF(n, struct client, in_worker);

			if (c->peer.port == a->port)
				return c;
		}
	}
	return NULL;
}

const char *
actor_state(struct actor *a)
{
	struct client *c = actor_client(a);

	return c != NULL ? c->state->name : "gone";
}
