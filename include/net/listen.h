/*
 * listen.h - listening sockets (the keeper's, or the only worker's).
 */
#ifndef NET_LISTEN_H
#define NET_LISTEN_H

#include "base/addr.h"
#include "base/err.h"

struct loop;
struct listener;
struct socket_options;

struct listen_on {
	const char	*addr;		/* "*", an address, a name; NULL: a unix socket */
	const char	*unix_dir;	/* directory or "@name" */
	uint16_t	 port;
	int		 backlog;
	bool		 reuse_port;
	const struct socket_options *options;	/* TCP, see listen_tune(); NULL: none */
	int		 defer_accept;
	int		 unix_mode;	/* chmod of the socket file */
	const char	*unix_group;	/* name or number, NULL or "": leave */
};

/* Called for each connection: FD (non-blocking, close-on-exec) is the callee's. */
typedef void (*accept_fn)(void *owner, int fd, const struct addr *peer);

/*
 * Open all sockets ON stands for ("*" may be several); NULL with the reason if none could be had. Many connections are taken in a turn where many come.
 * When descriptors run out accepting rests for some seconds and says so in the log.
 */
struct listener *listen_open(struct loop *loop, const struct listen_on *on, accept_fn fn,
    void *owner, struct err *e);
/*
 * Take connections of FD, a listening socket that somebody else has opened; it passes over, on
 * failure it stays the caller's. PORT is what clients of a unix socket are shown with.
 */
struct listener *listen_inherit(struct loop *loop, int fd, uint16_t port, accept_fn fn,
    void *owner, struct err *e);
/* Is it TCP rather than a unix socket? */
bool listen_is_tcp(const struct listener *l);
/*
 * TCP: connections taken from now on have OPTIONS and TCP_NODELAY, as sockets inherit what their listener has (so it costs
 * nothing a connection), and the kernel holds them back until bytes are there, DEFER_ACCEPT seconds at most (0: it does not).
 * Unix sockets have no such options.
 */
void listen_tune(struct listener *l, const struct socket_options *options, int defer_accept);
/* Stop accepting for now, or again. */
void listen_pause(struct listener *l, bool paused);
/*
 * TCP: let no connection begin any more, while those that have begun come. Whoever tries hears
 * nothing and tries again after a second, by then at another listener of the same port. False:
 * the system does not let us (newer Linux asks for CAP_NET_ADMIN), connections go on to begin.
 */
bool listen_ebb(struct listener *l);
/* Take all connections that wait, then close at once: whoever comes between is cut off. */
void listen_close_drained(struct listener *l);
/* Close; a unix socket's file is removed, but for an inherited one. */
void listen_close(struct listener *l);
/* "127.0.0.1:6432, [::1]:6432" or "unix:/tmp/.s.PGSQL.6432"; lives in L. */
const char *listen_text(const struct listener *l);

#endif
