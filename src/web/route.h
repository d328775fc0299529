/*
 * route.h - what is served: one row a path. A handler answers its visit at once or later, by
 * visit_answer() and on the web's thread.
 */
#ifndef WEB_ROUTE_H
#define WEB_ROUTE_H

#include "base/buf.h"
#include "base/span.h"

struct visit;

struct route {
	const char	*path;
	const char	*text;		/* what it is for; a sentence */
	bool		 open;		/* to everybody: no bearer token is asked for */
	void		(*run)(struct visit *visit);
};

/* The row of PATH, or NULL. */
const struct route *route_find(struct span path);
/* Append the paths, a line each. */
void routes_list(struct buf *out);
/* Call FN for each row. */
void routes_each(void (*fn)(void *owner, const struct route *route), void *owner);

/* The functions of the rows. */
void run_page(struct visit *visit);
void run_status(struct visit *visit);
void run_metrics(struct visit *visit);
void run_livez(struct visit *visit);
void run_readyz(struct visit *visit);
void run_startupz(struct visit *visit);

#endif
