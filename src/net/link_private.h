/*
 * link_private.h - a link, for the files that make it up: link.c (reading, keeping, writing), link_tls.c,
 * link_end.c (closing, and waiting for the other side to).
 */
#ifndef NET_LINK_PRIVATE_H
#define NET_LINK_PRIVATE_H

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "net/link.h"
#include "net/loop_private.h"

struct secure;

struct link {
	struct loop	*loop;		/* borrowed; NULL between leave and join */
	const struct link_owner *calls;
	void		*owner;		/* borrowed */
	int		 fd;
	bool		 paused;	/* the owner wants nothing */
	bool		 held;		/* the operator wants nothing read */
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

/* --- link.c --- */

/* recv(2) gave N, no number of bytes: the end, or try again later. */
void link_no_bytes(struct link *link, ssize_t n);
/* Show the owner AT (new input, in a shared buffer) behind what was kept. */
void link_show(struct link *link, const char *at, size_t len);
/* Nothing is kept any more. */
void link_drop_kept(struct link *link);
/* Send or queue bytes as they are. False: the link has failed. */
bool link_send_now(struct link *link, const char *at, size_t len);
/* No more from or to this link; the owner is told from the loop, or now by link_tell_gone(). */
void link_fail(struct link *link, const char *why);
void link_tell_gone(struct link *link);

/* --- link_tls.c --- */

/* The socket of a TLS link is readable. */
void link_read_secure(struct link *link);
/* LEN bytes of TLS have come: shake hands, show what is inside. */
void link_decrypt(struct link *link, const char *at, size_t len);

/* --- link_end.c --- */

/* The socket of a link that is finishing is readable. */
void link_linger(struct link *link);

/*
 * recv(2) and send(2) without libc's cancellation points: in a process with threads those cost more
 * than all else that user space does for a call. Sanitizers want to see the real ones.
 */
static inline ssize_t
link_recv(int fd, void *at, size_t len, int flags)
{
#if INSIST_KILLS
	return recv(fd, at, len, flags);
#else
	return syscall(SYS_recvfrom, fd, at, len, flags, NULL, NULL);
#endif
}

#endif
