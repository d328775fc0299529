/*
 * view_client.h - what several views say of a client alike.
 */
#ifndef SRC_ADMIN_VIEW_CLIENT_H
#define SRC_ADMIN_VIEW_CLIENT_H

#include "admin/view.h"
#include "pool/client.h"

struct client_cells {
	const char	*client, *addr, *application_name, *database, *user;
	uint64_t	 port;
};

/* Its columns in a row of struct ROW, which has them in a field WHO. */
#define CLIENT_COLUMNS(row)                                                                     \
	COLUMN(row, TEXT, who.client, "client", "The client, as the log names it."),            \
	COLUMN(row, TEXT, who.addr, "addr", "Its address, or unix."),                           \
	COLUMN(row, INT, who.port, "port", "Its port."),                                        \
	COLUMN(row, TEXT, who.application_name, "application_name", "As it set it."),           \
	COLUMN(row, TEXT, who.database, "database", "As it asked for it."),                     \
	COLUMN(row, TEXT, who.user, "user", "Who logged in.")

/* C, a client of W's, for people; the texts last as long as PART. */
void client_cells(struct client_cells *cells, struct sheet *part, struct worker *w,
    const struct client *c);
/* The application_name in PROFILE, for people. */
const char *shown_application_name(struct sheet *part, const struct profile *profile);
/* What S, which has a client, does: active, idle in transaction, ... (constant). */
const char *pair_state(const struct server *s);
/* How long ago THEN was on W's clock; 0: it has not been. */
usec_t time_since(struct worker *w, usec_t then);

#endif
