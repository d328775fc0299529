/*
 * link.c - net/link.h over streams. Every read is shown in a block of just its size that
 * is gone afterwards, so that a sanitizer sees whoever keeps looking at it. There is no
 * TLS here.
 */
#include "net/link.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "sim/sim_private.h"

#define LINGER (2 * SECOND)

struct link {
	struct loop	*loop;		/* borrowed; NULL between leave and join */
	const struct link_owner *calls;
	void		*owner;		/* borrowed */
	struct end	*end;		/* owned; NULL when closed */
	struct source	 reader, writer;
	struct chore	 chore;
	bool		 paused, held, showing, kick, failed, told, finishing, dead;
	const char	*why;
	struct buf	 kept;		/* unconsumed input */
	size_t		 keep_most;
	struct buf	 out;		/* unsent bytes */
};

static bool reader_ready(struct source *source);
static void reader_fire(struct source *source);
static bool writer_ready(struct source *source);
static void writer_fire(struct source *source);
static void on_chore(struct chore *chore);
static void show_new(struct link *link, const char *at, size_t len);
static void fail(struct link *link, const char *why);
static void tell_gone(struct link *link);

struct link *
link_new(struct loop *loop, int fd, const struct link_owner *calls, void *owner)
{
	struct link *link = mem_new(sizeof(*link));

	if (link == NULL) {
		end_close(end_of(fd));
		return NULL;
	}
	link->loop = loop;
	link->calls = calls;
	link->owner = owner;
	link->end = end_of(fd);
	link->keep_most = KEEP_MOST;
	link->reader.ready = reader_ready;
	link->reader.fire = reader_fire;
	link->writer.ready = writer_ready;
	link->writer.fire = writer_fire;
	chore_init(&link->chore, on_chore);
	source_add(loop, &link->reader);
	source_add(loop, &link->writer);
	sim_born(1);
	return link;
}

/* --- reading --- */

static bool
reader_ready(struct source *source)
{
	struct link *link = CONTAINER_OF(source, struct link, reader);

	if (link->finishing && source->wakes != 0 && source->wakes <= sim_now())
		return true;
	if (link->failed ||
	    (!link->finishing &&
		(link->paused || link->held || link->kept.len > link->keep_most)))
		return false;
	return end_readable(link->end);
}

static void
reader_fire(struct source *source)
{
	struct link *link = CONTAINER_OF(source, struct link, reader);
	size_t most = end_has(link->end);
	char *block = mem_new(most);
	long n = end_recv(link->end, block, most, &link->why);

	if (link->finishing) {
		if (n == 0 || n == -1 || source->wakes <= sim_now())
			link_close(link);
	} else if (n == 0 || n == -1) {
		fail(link, n == 0 ? "unexpected eof" : link->why);
		tell_gone(link);
	} else if (n > 0) {
		show_new(link, block, (size_t)n);
	}
	mem_free(block);
}

static void
keep(struct link *link, const char *at, size_t len)
{
	buf_put(&link->kept, at, len);
	if (link->loop != sim_outside())
		sim_note_kept(link->kept.len);
}

static void
show_new(struct link *link, const char *at, size_t len)
{
	size_t eaten;

	if (link->kept.len > 0) {
		keep(link, at, len);
		link_kick(link);
		return;
	}
	link->showing = true;
	eaten = link->calls->bytes(link->owner, at, len);
	link->showing = false;
	if (!link->dead && !link->finishing && eaten < len)
		keep(link, at + eaten, len - eaten);
}

void
link_kick(struct link *link)
{
	size_t eaten;

	if (link->showing) {
		link_kick_later(link);
		return;
	}
	if (link->kept.len == 0 || link->dead || link->failed)
		return;
	link->showing = true;
	eaten = link->calls->bytes(link->owner, link->kept.at, link->kept.len);
	link->showing = false;
	if (link->dead || link->finishing || eaten == 0)
		return;
	buf_drop(&link->kept, eaten);
	if (link->kept.len == 0) {
		buf_fini(&link->kept);
		link->keep_most = KEEP_MOST;
	}
}

void
link_kick_later(struct link *link)
{
	link->kick = true;
	loop_later(link->loop, &link->chore);
}

size_t
link_kept(const struct link *link)
{
	return link->kept.len;
}

void
link_expect(struct link *link, size_t size)
{
	if (size > link->keep_most)
		link->keep_most = size;
}

void
link_pause(struct link *link)
{
	link->paused = true;
}

void
link_hold(struct link *link, bool held)
{
	link->held = held;
}

void
link_resume(struct link *link)
{
	link->paused = false;
}

/* --- writing --- */

bool
link_send(struct link *link, const void *at, size_t len)
{
	const char *from = at;
	long n = 0;

	if (link->failed || link->dead)
		return false;
	if (link->out.len == 0) {
		n = end_send(link->end, from, len, &link->why);
		if (n < 0) {
			fail(link, link->why);
			return false;
		}
	}
	buf_put(&link->out, from + n, len - (size_t)n);
	if (link->loop != sim_outside())
		sim_note_unsent(link->out.len);
	return true;
}

bool
link_is_dead(const struct link *link, usec_t most)
{
	(void)link;
	(void)most;
	return false;	/* streams end; they are never cut off in silence */
}

void
link_probe(const struct link *link)
{
	(void)link;
}

size_t
link_unsent(const struct link *link)
{
	return link->out.len;
}

static bool
writer_ready(struct source *source)
{
	struct link *link = CONTAINER_OF(source, struct link, writer);

	return link->out.len > 0 && !link->failed && end_writable(link->end);
}

static void
writer_fire(struct source *source)
{
	struct link *link = CONTAINER_OF(source, struct link, writer);
	long n = end_send(link->end, link->out.at, link->out.len, &link->why);

	if (n < 0) {
		fail(link, link->why);
		tell_gone(link);
		return;
	}
	buf_drop(&link->out, (size_t)n);
	if (link->out.len > 0)
		return;
	buf_fini(&link->out);
	if (link->finishing)
		end_shutdown(link->end);
	else if (link->calls->drained != NULL)
		link->calls->drained(link->owner);
}

/* --- ending --- */

static void
fail(struct link *link, const char *why)
{
	if (link->failed)
		return;
	link->failed = true;
	link->why = why;
	loop_later(link->loop, &link->chore);
}

static void
tell_gone(struct link *link)
{
	if (link->told || link->dead)
		return;
	link->told = true;
	if (link->finishing)
		link_close(link);
	else
		link->calls->gone(link->owner, link->why);
}

static void
on_chore(struct chore *chore)
{
	struct link *link = CONTAINER_OF(chore, struct link, chore);

	if (link->dead) {
		mem_free(link);
		sim_born(-1);
	} else if (link->failed) {
		tell_gone(link);
	} else if (link->kick) {
		link->kick = false;
		link_kick(link);
	}
}

void
link_close(struct link *link)
{
	if (link == NULL || link->dead)
		return;
	link->dead = true;
	source_drop(&link->reader);
	source_drop(&link->writer);
	end_close(link->end);
	link->end = NULL;
	buf_fini(&link->out);
	buf_fini(&link->kept);
	loop_later(link->loop, &link->chore);
}

void
link_finish(struct link *link)
{
	if (link == NULL || link->dead || link->finishing)
		return;
	if (link->failed) {
		link_close(link);
		return;
	}
	link->finishing = true;
	link->reader.wakes = sim_now() + LINGER;
	if (link->out.len == 0)
		end_shutdown(link->end);
	buf_fini(&link->kept);
}

/* --- changing loops --- */

bool
link_leave(struct link *link)
{
	if (link->failed || link->dead || link->out.len > 0 || link->kept.len > 0 ||
	    link->showing)
		return false;
	source_drop(&link->reader);
	source_drop(&link->writer);
	chore_drop(&link->chore);
	link->kick = false;
	link->loop = NULL;
	return true;
}

bool
link_join(struct link *link, struct loop *loop, void *owner)
{
	link->loop = loop;
	link->owner = owner;
	source_add(loop, &link->reader);
	source_add(loop, &link->writer);
	return true;
}

/* --- TLS --- */

bool
link_secure(struct link *link, struct tls *context, enum link_role role, const char *host,
    struct err *e)
{
	(void)link;
	(void)context;
	(void)role;
	(void)host;
	return err_set(e, SQLSTATE_CONNECT, "cannot begin TLS: the world is simulated");
}

bool
link_is_secure(const struct link *link)
{
	(void)link;
	return false;
}

const char *
link_tls_text(const struct link *link, char *out)
{
	(void)link;
	out[0] = '\0';
	return out;
}

bool
link_has_cert(const struct link *link)
{
	(void)link;
	return false;
}

bool
link_cert_has(const struct link *link, bool (*fn)(void *arg, struct span name), void *arg)
{
	(void)link;
	(void)fn;
	(void)arg;
	return false;
}

struct span
link_binding(const struct link *link, unsigned char out[LINK_BINDING_MOST])
{
	(void)link;
	(void)out;
	return span_of("", 0);
}

struct span
link_alpn(const struct link *link)
{
	(void)link;
	return span_of("", 0);
}

/* --- addresses --- */

void
link_local(const struct link *link, struct addr *out)
{
	(void)link;
	memset(out, 0, sizeof(*out));
}

void
link_peer(const struct link *link, struct addr *out)
{
	*out = *end_peer(link->end);
}
