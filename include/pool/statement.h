/*
 * statement.h - what a server was asked last, as far as log_statements lets people see it. Nothing is kept, and
 * nothing looked at, while it is off.
 */
#ifndef POOL_STATEMENT_H
#define POOL_STATEMENT_H

#include "conf/conf.h"
#include "sql/fingerprint.h"

struct client;
struct piece;
struct server;

struct statement {
	uint64_t	 client;	/* id of who asked */
	enum statement_detail detail;	/* under which it was taken */
	uint64_t	 number;	/* the fingerprint's; 0: the statement was not whole, or too long */
	char		 text[FINGERPRINT_TEXT];	/* without values, or as it was asked: its beginning */
};

/* The message PIECE begins something that C asks of its server: keep what statement it is. */
RARE void statement_note(struct client *c, const struct piece *piece);
/* What S does for its client, or NULL: unknown, or not to be shown. Borrowed. */
const struct statement *statement_of(const struct server *s);

#endif
