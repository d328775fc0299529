/*
 * link_end.c - the end of a link: at once, or politely, so that a last error message is
 * not lost to a reset.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "net/dial.h"
#include "net/link_private.h"
#include "net/secure.h"

#define LINGER (2 * SECOND)	/* longest wait for the other side to close */
#define RESEND_FIRST (200 * MSEC)	/* Linux sends again after so long at least, then after twice that, ... */

static void await_end(struct link *link);

/* How often must something have been sent again until about MOST is over? */
static unsigned
resends(usec_t most)
{
	usec_t pause = RESEND_FIRST, sum = 0;
	unsigned count = 0;

	for (; sum < most && count < 15; count++, pause *= 2)
		sum += pause;
	return count;
}

bool
link_is_dead(const struct link *link, usec_t most)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	if (link->dead || getsockopt(link->fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
		return false;
	/* probes of a window that is shut are no retransmissions */
	return info.tcpi_unacked > 0 && info.tcpi_retransmits >= resends(most);
}

void
link_probe(const struct link *link)
{
	const struct socket_options often = {
		.keepalive = true, .keepidle = 1, .keepintvl = 1, .keepcnt = 3,
	};

	if (link->fd >= 0)
		socket_tune(link->fd, &often);
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
	link_drop_kept(link);
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
			link_send_now(link, out->at, out->len);
	}
	link->finishing = true;
	list_add_last(loop_lingering(link->loop), &link->in_lingering);
	link->deadline = loop_now(link->loop) + LINGER;
	if (link->writer == NULL)
		shutdown(link->fd, SHUT_WR);
	link_drop_kept(link);
	await_end(link);
}

/* Throw away what the other side still says, until it closes or time is up. */
void
link_linger(struct link *link)
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
