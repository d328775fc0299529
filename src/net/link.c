/*
 * link.c - one connected byte stream. What the bytes mean is the owner's business; how
 * they are encrypted is secure.c's. Here they are read once an event, shown, kept if need
 * be, sent at once, queued if need be.
 */
#include "net/link.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "net/loop_private.h"
#include "net/secure.h"

#define LINGER (2 * SECOND)

struct link {
	struct loop	*loop;		/* borrowed; NULL between leave and join */
	const struct link_owner *calls;
	void		*owner;		/* borrowed */
	int		 fd;
	bool		 paused;	/* the owner wants nothing */
	bool		 full;		/* more is kept than may be */
	bool		 showing;	/* inside the owner's bytes() */
	bool		 kick;		/* show what is kept at the end of the turn */
	bool		 handshaking;
	bool		 failed;	/* no more input or output; gone() is due or was called */
	bool		 told;		/* gone() was called */
	bool		 finishing;	/* link_finish() was called */
	bool		 dead;		/* link_close() was called */
	char		*kept;		/* owned; unconsumed input */
	size_t		 kept_len, kept_cap, keep_most;
	struct buf	 out;		/* unsent bytes from out_at on */
	size_t		 out_at;
	struct event	*writer;	/* owned; exists while something is unsent */
	struct secure	*secure;	/* owned; NULL: plain */
	const char	*why;		/* of the failure; constant */
	usec_t		 deadline;	/* of finishing */
	struct node	 in_lingering;	/* while finishing */
	struct chore	 chore;
	struct event	 reader;
};

/*
 * recv(2) and send(2) without libc's cancellation points: in a process with threads those cost more
 * than all else that user space does for a call. Sanitizers want to see the real ones.
 */
static inline ssize_t
sock_recv(int fd, void *at, size_t len, int flags)
{
#if INSIST_KILLS
	return recv(fd, at, len, flags);
#else
	return syscall(SYS_recvfrom, fd, at, len, flags, NULL, NULL);
#endif
}

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
static void read_secure(struct link *link);
static void decrypt(struct link *link, const char *at, size_t len);
static bool shake_hands(struct link *link);
static void show(struct link *link, const char *at, size_t len);
static void keep(struct link *link, const char *at, size_t len);
static void set_reading(struct link *link);
static bool send_now(struct link *link, const char *at, size_t len);
static void fail(struct link *link, const char *why);
static void tell_gone(struct link *link);
static void linger(struct link *link);
static void await_end(struct link *link);

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
		linger(link);
	else if (likely(link->secure == NULL))
		read_plain(link);
	else
		read_secure(link);
}

/* What recv(2) said when it was not a number of bytes: the end, or try again later. */
static void
no_bytes(struct link *link, ssize_t n)
{
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	fail(link, n == 0 ? "unexpected eof" : strerror(errno));
	tell_gone(link);
}

static void
read_plain(struct link *link)
{
	char *here = loop_read_buffer(link->loop);
	ssize_t n = sock_recv(link->fd, here, LOOP_READ_MOST, 0);

	if (unlikely(n <= 0)) {
		no_bytes(link, n);
		return;
	}
	show(link, here, (size_t)n);
}

static void
read_secure(struct link *link)
{
	char *here = loop_cipher_buffer(link->loop);
	ssize_t n;

	if (here == NULL) {
		fail(link, "out of memory");
		tell_gone(link);
		return;
	}
	n = sock_recv(link->fd, here, LOOP_READ_MOST, 0);
	if (n <= 0) {
		no_bytes(link, n);
		return;
	}
	decrypt(link, here, (size_t)n);
}

/* LEN bytes of TLS have come: shake hands, show what is inside. */
static void
decrypt(struct link *link, const char *at, size_t len)
{
	char *plain = loop_read_buffer(link->loop);
	enum secure_state state = SECURE_OK;

	secure_feed(link->secure, at, len);
	if (link->handshaking && !shake_hands(link))
		return;
	while (state == SECURE_OK && !link->dead && !link->failed) {
		struct buf *out = loop_cipher_out(link->loop);
		size_t got = 0, n = 0;

		while (got < LOOP_READ_MOST) {
			state = secure_read(link->secure, plain + got, LOOP_READ_MOST - got, &n, out);
			if (state != SECURE_OK)
				break;
			got += n;
		}
		if (out->len > 0)
			send_now(link, out->at, out->len);
		if (got > 0)
			show(link, plain, got);
	}
	if (link->dead || state == SECURE_MORE)
		return;
	if (!link->failed)
		fail(link, state == SECURE_CLOSED ? "unexpected eof" : secure_why(link->secure));
	tell_gone(link);
}

/* Go on with the handshake. True when it is done and the link still lives. */
static bool
shake_hands(struct link *link)
{
	struct buf *out = loop_cipher_out(link->loop);
	enum secure_state state = secure_handshake(link->secure, out);

	if (out->len > 0 && !send_now(link, out->at, out->len))
		return false;
	if (state == SECURE_MORE)
		return false;
	if (state != SECURE_OK) {
		fail(link, secure_why(link->secure));
		tell_gone(link);
		return false;
	}
	link->handshaking = false;
	if (link->calls->secured != NULL)
		link->calls->secured(link->owner);
	return !link->dead && !link->failed;
}

/* Show the owner AT (new input, in a shared buffer) behind what was kept. */
static void
show(struct link *link, const char *at, size_t len)
{
	bool was_plain = link->secure == NULL;
	size_t eaten;

	if (unlikely(link->kept_len > 0)) {
		keep(link, at, len);
		if (link->failed) {
			tell_gone(link);
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
		decrypt(link, at + eaten, len - eaten);
		return;
	}
	keep(link, at + eaten, len - eaten);
	if (link->failed)
		tell_gone(link);
}

/* Nothing is kept any more. */
static void
drop_kept(struct link *link)
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
		fail(link, "out of memory");
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
		drop_kept(link);
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

/* Listen to the socket or not, as all wishes together say. */
static void
set_reading(struct link *link)
{
	bool want = !link->paused && !link->full && !link->failed;
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
		return send_now(link, at, len);
	out = loop_cipher_out(link->loop);
	if (!secure_write(link->secure, at, len, out) || out->failed) {
		fail(link, secure_why(link->secure));
		return false;
	}
	return send_now(link, out->at, out->len);
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
		fail(link, "out of memory");
		return false;
	}
	return true;
}

static bool
send_now(struct link *link, const char *at, size_t len)
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
			fail(link, strerror(errno));
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
		fail(link, strerror(errno));
		tell_gone(link);
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
static void
fail(struct link *link, const char *why)
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
		return;
	}
	if (link->failed) {
		tell_gone(link);
		return;
	}
	if (link->kick) {
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
	list_remove(&link->in_lingering);
	event_del(&link->reader);
	if (link->writer != NULL)
		event_free(link->writer);
	link->writer = NULL;
	close(link->fd);
	link->fd = -1;
	secure_free(link->secure);
	link->secure = NULL;
	buf_fini(&link->out);
	drop_kept(link);
	loop_later(link->loop, &link->chore);
}

void
link_finish(struct link *link)
{
	if (link == NULL || link->dead || link->finishing)
		return;
	if (link->failed || link->handshaking) {
		link_close(link);
		return;
	}
	if (link->secure != NULL) {
		struct buf *out = loop_cipher_out(link->loop);

		secure_shutdown(link->secure, out);
		if (out->len > 0)
			send_now(link, out->at, out->len);
	}
	link->finishing = true;
	list_add_last(loop_lingering(link->loop), &link->in_lingering);
	link->deadline = loop_now(link->loop) + LINGER;
	if (link->writer == NULL)
		shutdown(link->fd, SHUT_WR);
	drop_kept(link);
	await_end(link);
}

/* Throw away what the other side still says, until it closes or time is up. */
static void
linger(struct link *link)
{
	ssize_t n = recv(link->fd, loop_read_buffer(link->loop), LOOP_READ_MOST,
	    MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		link_close(link);
	else
		await_end(link);
}

/* Wake up when there is something to throw away, or at the deadline. */
static void
await_end(struct link *link)
{
	usec_t now = loop_now(link->loop);
	struct timeval tv;

	if (link->failed || now >= link->deadline) {
		link_close(link);
		return;
	}
	tv.tv_sec = (time_t)((link->deadline - now) / SECOND);
	tv.tv_usec = (suseconds_t)((link->deadline - now) % SECOND) + 1000;
	event_add(&link->reader, &tv);
}

void
link_close_lingering(struct list *lingering)
{
	LIST_EACH(n, lingering)
		link_close(CONTAINER_OF(n, struct link, in_lingering));
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
	return link->paused || event_add(&link->reader, NULL) == 0;
}

/* --- TLS --- */

bool
link_secure(struct link *link, struct tls *context, enum link_role role, const char *host,
    struct err *e)
{
	struct buf *out;

	link->secure = secure_new(context, role, host);
	if (link->secure == NULL)
		return err_set(e, SQLSTATE_NO_MEMORY, "cannot begin TLS: out of memory");
	link->handshaking = true;
	if (role == LINK_ACCEPTS)
		return true;
	out = loop_cipher_out(link->loop);
	secure_feed(link->secure, NULL, 0);
	if (secure_handshake(link->secure, out) == SECURE_FAILED)
		return err_set(e, SQLSTATE_CONNECT, "cannot begin TLS: %s",
		    secure_why(link->secure));
	return send_now(link, out->at, out->len);
}

bool
link_is_secure(const struct link *link)
{
	return link->secure != NULL && !link->handshaking;
}

const char *
link_tls_text(const struct link *link, char *out)
{
	if (link_is_secure(link))
		return secure_text(link->secure, out);
	out[0] = '\0';
	return out;
}

struct span
link_alpn(const struct link *link)
{
	return link_is_secure(link) ? secure_alpn(link->secure) : span_of("", 0);
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
