/*
 * doors.h - where clients come in: all sockets that we listen on, ours and inherited ones.
 */
#ifndef DOORS_H
#define DOORS_H

#include "conf/conf.h"
#include "net/listen.h"
#include "net/loop.h"

#define DOORS_MOST 32u
/* On a shared port, between doors_ebb() and doors_close_tcp(): for connections that have begun to arrive. */
#define DOORS_EBB (100 * MSEC)

struct worker;

struct doors {
	struct worker	*hall;		/* borrowed; on whose thread connections come in, NULL: on ours */
	struct loop	*loop;		/* borrowed; of that thread */
	accept_fn	 fn;
	void		*owner;		/* borrowed */
	struct listener	*each[DOORS_MOST];	/* owned */
	unsigned	 count;
	struct timer	*pace;		/* owned; rings when full doors are looked at again */
	bool		 (*full)(void *owner);	/* are there too many already? */
	bool		 resting;	/* TCP, until there are fewer */
};

/* Sockets that whoever started us has opened: COUNT descriptors from FIRST on. */
struct inherited {
	int		 first;
	unsigned	 count;
};

struct doors_wish {
	struct loop	*loop;		/* ours */
	struct worker	*hall;		/* connections come in on its thread at once; NULL: on ours */
	const struct conf *conf;
	const struct inherited *inherited;	/* used instead of what CONF wishes if there are any */
	accept_fn	 fn;		/* gets each connection, there */
	bool		 (*full)(void *owner);	/* while it is true nobody is let in by TCP; asked there */
	void		*owner;
};

/*
 * Open what is wished for. Called on our thread as all below but doors_look(), and waits for that of the hall where it must. False: E says why.
 */
bool doors_open(struct doors *d, const struct doors_wish *wish, struct err *e);
/* Connections taken from now on have CONF's options. */
void doors_tune(struct doors *d, const struct conf *conf);
/* A connection was taken (to be called by FN): rest if there are too many now. */
void doors_look(struct doors *d);
/* Before doors_close_tcp() on a shared port: nobody new comes, who is on the way does. */
void doors_ebb(struct doors *d);
/* Take who waits at the TCP sockets, and close them; unix sockets stay. */
void doors_close_tcp(struct doors *d);
void doors_close(struct doors *d);

#endif
