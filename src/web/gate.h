/*
 * gate.h - the listening sockets of metrics_listen.
 */
#ifndef WEB_GATE_H
#define WEB_GATE_H

#include "base/addr.h"
#include "base/err.h"
#include "base/port.h"

struct evhttp;
struct evhttp_bound_socket;

#define GATES_MOST 16u

struct gate {
	struct addr	 wish;		/* as configured: the port may be 0 */
	struct evhttp_bound_socket *bound;	/* http's; it closes the socket */
	bool		 wanted;	/* still */
};

struct gates {
	struct evhttp	*http;		/* borrowed */
	char		*list;		/* owned: metrics_listen; NULL: nothing yet */
	bool		 missing;	/* some of it could not be had */
	bool		 crowded;	/* nobody is let in, see gates_open() */
	unsigned	 count;
	struct gate	 each[GATES_MOST];
};

/*
 * Listen where LIST says and nowhere else; what is open and wanted stays. False: not all could
 * be had, E says which and why.
 */
bool gates_follow(struct gates *g, const char *list, struct err *e);
/* Every second: try again what could not be had. */
void gates_tick(struct gates *g);
/* Accept connections, or let them wait. */
void gates_open(struct gates *g, bool open);
/* Close all. */
void gates_fini(struct gates *g);

#endif
