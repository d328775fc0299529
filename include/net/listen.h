/*
 * listen.h - listening sockets (the keeper's).
 */
#ifndef NET_LISTEN_H
#define NET_LISTEN_H

#include "base/addr.h"
#include "base/err.h"

struct loop;
struct listener;

struct listen_on {
	const char	*addr;		/* "*", an address, a name; NULL: a unix socket */
	const char	*unix_dir;	/* directory or "@name" */
	uint16_t	 port;
	int		 backlog;
	bool		 reuse_port;
	int		 defer_accept;	/* TCP_DEFER_ACCEPT seconds, 0 off */
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
/* Stop accepting for now, or again. */
void listen_pause(struct listener *l, bool paused);
/* Close; a unix socket's file is removed. */
void listen_close(struct listener *l);
/* "127.0.0.1:6432, [::1]:6432" or "unix:/tmp/.s.PGSQL.6432"; lives in L. */
const char *listen_text(const struct listener *l);

#endif
