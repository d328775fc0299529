/*
 * link.c - one connected byte stream. What the bytes mean is the owner's business; how
 * they are encrypted is secure.c's. Here they are read once an event, shown, kept if need
 * be, sent at once, queued if need be.
 */
#include "net/link.h"

#include <netinet/tcp.h>

#include "base/mem.h"
#include "net/link_private.h"
#include "net/secure.h"

/* send(2) likewise, see link_recv(). */
static inline ssize_t
sock_send(int fd, const void *at, size_t len)
{
#if INSIST_KILLS
	return send(fd, at, len, MSG_NOSIGNAL);
#else
	return syscall(SYS_sendto, fd, at, len, MSG_NOSIGNAL, NULL, 0);
#endif
}

static void on_readable(evutil_socket_t fd, short what, void *arg);
static void on_writable(evutil_socket_t fd, short what, void *arg);
static void on_chore(struct chore *chore);
static void read_plain(struct link *link);
static void keep(struct link *link, const char *at, size_t len);
static void set_reading(struct link *link);

struct link *
link_new(struct loop *loop, int fd, const struct link_owner *calls, void *owner)
{
	struct link *link = mem_new(sizeof(*link));

	if (link == NULL) {
		close(fd);
		return NULL;
	}
	link->loop = loop;
	link->calls = calls;
	link->owner = owner;
	link->fd = fd;
	link->keep_most = KEEP_MOST;
	chore_init(&link->chore, on_chore);
	node_init(&link->in_lingering);
	event_assign(&link->reader, loop_base(loop), fd, EV_READ | EV_PERSIST, on_readable,
	    link);
	if (event_add(&link->reader, NULL) != 0) {
		close(fd);
		mem_free(link);
		return NULL;
	}
	return link;
}

/* --- reading --- */

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct link *link = arg;

	(void)fd;
	(void)what;
	if (unlikely(link->finishing))
		link_linger(link);
	else if (likely(link->secure == NULL))
		read_plain(link);
	else
		link_read_secure(link);
}

/* What recv(2) said when it was not a number of bytes: the end, or try again later. */
void
link_no_bytes(struct link *link, ssize_t n)
{
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	link_fail(link, n == 0 ? "unexpected eof" : strerror(errno));
	link_tell_gone(link);
}

static void
read_plain(struct link *link)
{
	char *here = loop_read_buffer(link->loop);
	ssize_t n = link_recv(link->fd, here, LOOP_READ_MOST, 0);

	if (unlikely(n <= 0)) {
		link_no_bytes(link, n);
		return;
	}
	link_show(link, here, (size_t)n);
}

/* Show the owner AT (new input, in a shared buffer) behind what was kept. */
void
link_show(struct link *link, const char *at, size_t len)
{
	bool was_plain = link->secure == NULL;
	size_t eaten;

	if (unlikely(link->kept_len > 0)) {
		keep(link, at, len);
		if (link->failed) {
			link_tell_gone(link);
			return;
		}
		link_kick(link);
		return;
	}
	link->showing = true;
	eaten = link->calls->bytes(link->owner, at, len);
	link->showing = false;
	if (link->dead || likely(eaten == len) || link->finishing)
		return;
	if (was_plain && link->secure != NULL) {
		link_decrypt(link, at + eaten, len - eaten);
		return;
	}
	keep(link, at + eaten, len - eaten);
	if (link->failed)
		link_tell_gone(link);
}

/* Nothing is kept any more. */
void
link_drop_kept(struct link *link)
{
	if (link->kept_cap == LOOP_BLOCK)
		loop_block_give(link->loop, link->kept);
	else
		mem_free(link->kept);
	link->kept = NULL;
	link->kept_len = link->kept_cap = 0;
	link->keep_most = KEEP_MOST;
}

/* Room for NEED bytes: little, as a waiting query is, comes from the loop's stock. */
static bool
make_room(struct link *link, size_t need)
{
	size_t cap = need <= LOOP_BLOCK ? LOOP_BLOCK : need + need / 2 + 1;
	char *bigger;

	if (need <= link->kept_cap)
		return true;
	if (cap == LOOP_BLOCK)
		bigger = loop_block_take(link->loop);
	else
		bigger = mem_resize(link->kept_cap == LOOP_BLOCK ? NULL : link->kept, cap);
	if (bigger == NULL)
		return false;
	if (link->kept_cap == LOOP_BLOCK) {
		memcpy(bigger, link->kept, link->kept_len);
		loop_block_give(link->loop, link->kept);
	}
	link->kept = bigger;
	link->kept_cap = cap;
	return true;
}

/* Append LEN bytes to what is kept. */
static void
keep(struct link *link, const char *at, size_t len)
{
	size_t need = link->kept_len + len;

	if (!make_room(link, need)) {
		link_fail(link, "out of memory");
		return;
	}
	memcpy(link->kept + link->kept_len, at, len);
	link->kept_len = need;
	link->full = need > link->keep_most;
	if (link->full)
		set_reading(link);
}

void
link_kick(struct link *link)
{
	size_t eaten;

	if (link->showing) {
		link_kick_later(link);
		return;
	}
	if (link->kept_len == 0 || link->dead || link->failed)
		return;
	link->showing = true;
	eaten = link->calls->bytes(link->owner, link->kept, link->kept_len);
	link->showing = false;
	if (link->dead || link->finishing || eaten == 0)
		return;
	link->kept_len -= eaten;
	if (link->kept_len == 0) {
		link_drop_kept(link);
	} else {
		memmove(link->kept, link->kept + eaten, link->kept_len);
	}
	if (link->full) {
		link->full = link->kept_len > link->keep_most;
		set_reading(link);
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
	return link->kept_len;
}

void
link_expect(struct link *link, size_t size)
{
	if (size <= link->keep_most)
		return;
	link->keep_most = size;
	link->full = link->kept_len > size;
	set_reading(link);
}

void
link_pause(struct link *link)
{
	link->paused = true;
	set_reading(link);
}

void
link_resume(struct link *link)
{
	link->paused = false;
	set_reading(link);
}

void
link_hold(struct link *link, bool held)
{
	link->held = held;
	set_reading(link);
}

/* Listen to the socket or not, as all wishes together say. */
static void
set_reading(struct link *link)
{
	bool want = !link->paused && !link->held && !link->full && !link->failed;
	bool have = event_pending(&link->reader, EV_READ, NULL);

	if (want && !have)
		event_add(&link->reader, NULL);
	else if (!want && have)
		event_del(&link->reader);
}

/* --- writing --- */

bool
link_send(struct link *link, const void *at, size_t len)
{
	struct buf *out;

	if (unlikely(link->failed || link->dead))
		return false;
	if (likely(link->secure == NULL))
		return link_send_now(link, at, len);
	out = loop_cipher_out(link->loop);
	if (!secure_write(link->secure, at, len, out) || out->failed) {
		link_fail(link, secure_why(link->secure));
		return false;
	}
	return link_send_now(link, out->at, out->len);
}

static bool
queue(struct link *link, const char *at, size_t len)
{
	buf_put(&link->out, at, len);
	if (link->writer == NULL) {
		link->writer = event_new(loop_base(link->loop), link->fd, EV_WRITE | EV_PERSIST,
		    on_writable, link);
		if (link->writer != NULL)
			event_add(link->writer, NULL);
	}
	if (link->out.failed || link->writer == NULL) {
		link_fail(link, "out of memory");
		return false;
	}
	return true;
}

bool
link_send_now(struct link *link, const char *at, size_t len)
{
	ssize_t n;

	if (unlikely(link->out.len > 0))
		return queue(link, at, len);
	do
		n = sock_send(link->fd, at, len);
	while (unlikely(n < 0) && errno == EINTR);
	if (likely(n == (ssize_t)len))
		return true;
	if (n < 0) {
		if (errno != EAGAIN) {
			link_fail(link, strerror(errno));
			return false;
		}
		n = 0;
	}
	return queue(link, at + n, len - (size_t)n);
}

size_t
link_unsent(const struct link *link)
{
	return link->out.len - link->out_at;
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct link *link = arg;
	ssize_t n = send(link->fd, link->out.at + link->out_at, link_unsent(link),
	    MSG_NOSIGNAL);

	(void)fd;
	(void)what;
	if (n < 0) {
		if (errno == EAGAIN || errno == EINTR)
			return;
		link_fail(link, strerror(errno));
		link_tell_gone(link);
		return;
	}
	link->out_at += (size_t)n;
	if (link_unsent(link) > 0)
		return;
	link->out_at = 0;
	buf_fini(&link->out);
	event_free(link->writer);
	link->writer = NULL;
	if (link->finishing)
		shutdown(link->fd, SHUT_WR);
	else if (link->calls->drained != NULL)
		link->calls->drained(link->owner);
}

/* --- ending --- */

/* No more from or to this link. The owner is told from the loop. */
void
link_fail(struct link *link, const char *why)
{
	if (link->failed)
		return;
	link->failed = true;
	link->why = why;
	set_reading(link);
	if (link->writer != NULL)
		event_del(link->writer);
	loop_later(link->loop, &link->chore);
}

void
link_tell_gone(struct link *link)
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
		return;
	}
	if (link->failed) {
		link_tell_gone(link);
		return;
	}
	if (link->kick) {
		link->kick = false;
		link_kick(link);
	}
}

/* --- changing loops --- */

bool
link_leave(struct link *link)
{
	if (link->failed || link->dead || link->out.len > 0 || link->kept_len > 0 ||
	    link->handshaking || link->showing)
		return false;
	event_del(&link->reader);
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
	event_assign(&link->reader, loop_base(loop), link->fd, EV_READ | EV_PERSIST,
	    on_readable, link);
	return link->paused || link->held || event_add(&link->reader, NULL) == 0;
}

/* --- addresses --- */

void
link_local(const struct link *link, struct addr *out)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	memset(out, 0, sizeof(*out));
	if (getsockname(link->fd, (struct sockaddr *)&ss, &len) == 0)
		addr_from_sockaddr(out, (struct sockaddr *)&ss, len);
}

void
link_peer(const struct link *link, struct addr *out)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	memset(out, 0, sizeof(*out));
	if (getpeername(link->fd, (struct sockaddr *)&ss, &len) == 0)
		addr_from_sockaddr(out, (struct sockaddr *)&ss, len);
}
