/*
 * dial.h - from a host as the configuration names it to a connected socket: resolve,
 * connect, next address, deadline. One of the five doors.
 */
#ifndef NET_DIAL_H
#define NET_DIAL_H

#include "base/addr.h"
#include "base/port.h"

struct loop;
struct dial;

/* Options for TCP sockets; 0 leaves the system's value. */
struct socket_options {
	bool		 keepalive;
	int		 keepidle, keepintvl, keepcnt;	/* seconds, seconds, number */
	int		 user_timeout;			/* milliseconds */
	int		 buffer;			/* bytes, both directions */
};

/* Set TCP_NODELAY and OPTIONS on FD; failures are ignored. */
void socket_tune(int fd, const struct socket_options *options);

struct dial_to {
	const char	*host;		/* name, IPv4/IPv6 literal, "/dir" or "@name" (unix socket); copied */
	uint16_t	 port;
	usec_t		 timeout;	/* for everything; 0: none */
	struct socket_options options;
	/* Is this address, one of COUNT, to be passed over? NULL: none is. Called from the loop, with the dial's owner. */
	bool		(*skip)(void *owner, const struct addr *where, unsigned count);
};

/*
 * The answer, exactly once, from the loop (never from inside dial_new): FD connected and non-blocking and WHERE it leads, or -1
 * and WHY ("connection refused", "server DNS lookup failed: ..."; lasts until the call ends). The dial is gone afterwards.
 */
#define DIAL_SKIPPED "no address is left to try"	/* WHY is this if all were passed over */
#define DIAL_NO_NAME "server DNS lookup failed"	/* WHY then begins so: PgBouncer's words, looked for in logs */

typedef void (*dial_fn)(void *owner, int fd, const struct addr *where, const char *why);

/* NULL: no memory. */
struct dial *dial_new(struct loop *loop, const struct dial_to *to, dial_fn done, void *owner);
/* Give up; DONE is not called. NULL is fine. */
void dial_cancel(struct dial *dial);
/* Connect to WHERE itself (a cancel request goes to the server it is for). */
struct dial *dial_addr(struct loop *loop, const struct addr *where, const char *unix_host,
    usec_t timeout, dial_fn done, void *owner);

#endif
