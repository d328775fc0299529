/*
 * listen_private.h - what the two halves of listening share.
 */
#ifndef NET_LISTEN_PRIVATE_H
#define NET_LISTEN_PRIVATE_H

#include <event2/event.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "net/listen.h"
#include "net/loop.h"

/* Sockets of one listener. */
#define SOCKETS_MOST 16

struct listening {
	struct listener	*listener;	/* borrowed: it contains this */
	struct event	*event;		/* owned */
	int		 fd;
	unsigned	 most;		/* connections taken in a turn, so that asking in vain is rare */
	unsigned	 full;		/* turns in a row in which there were so many */
	struct addr	 at;
};

struct listener {
	accept_fn	 fn;
	void		*owner;		/* borrowed */
	struct loop	*loop;		/* borrowed */
	struct timer	*rest;		/* owned; rings when accepting goes on */
	bool		 resting;
	bool		 paused;
	bool		*closed;	/* set if closed while it accepts */
	uint16_t	 port;
	struct listening sockets[SOCKETS_MOST];
	unsigned	 count;
	char		*path;		/* owned; a unix socket's file, or NULL */
	struct stat	 file;		/* the same as we made it */
	struct buf	 text;
};

/* A listener without a socket yet. */
struct listener *listen_new(struct loop *loop, uint16_t port, accept_fn fn, void *owner,
    struct err *e);
/* FD listens AT: take its connections. False: no memory, FD stays the caller's. */
bool listen_add(struct listener *l, int fd, const struct addr *at);
/* Open the unix socket that ON stands for. */
bool listen_open_unix(struct listener *l, const struct listen_on *on, struct err *e);

#endif
