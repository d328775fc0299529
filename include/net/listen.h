/*
 * listen.h - listening sockets (the keeper's).
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
 * Open all sockets ON stands for ("*" may be several); NULL with the reason if none could be had. Up to COUNT connections are taken a turn.
 * When descriptors run out accepting rests for some seconds and says so in the log.
 */
struct listener *listen_open(struct loop *loop, const struct listen_on *on, accept_fn fn,
    void *owner, struct err *e);
/*
 * TCP: connections taken from now on have OPTIONS and TCP_NODELAY, as sockets inherit what their listener has (so it costs
 * nothing a connection), and the kernel holds them back until bytes are there, DEFER_ACCEPT seconds at most (0: it does not).
 * Unix sockets have no such options.
 */
void listen_tune(struct listener *l, const struct socket_options *options, int defer_accept);
/* Stop accepting for now, or again. */
void listen_pause(struct listener *l, bool paused);
/* Close; a unix socket's file is removed. */
void listen_close(struct listener *l);
/* "127.0.0.1:6432, [::1]:6432" or "unix:/tmp/.s.PGSQL.6432"; lives in L. */
const char *listen_text(const struct listener *l);

#endif
