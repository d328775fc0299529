/*
 * lookup_libpq.h - what the two users of libpq share: a line's connection, waiting for it,
 * its words.
 */
#ifndef AUTH_LOOKUP_LIBPQ_H
#define AUTH_LOOKUP_LIBPQ_H

#include "auth/lookup_line.h"

/* libpq's PGconn. */
struct pg_conn;

struct line {
	struct pg_conn	*conn;		/* owned */
};

/* Wait until CONN may be read or written (EVENTS of poll). False: E says why no longer. */
bool line_wait(struct pg_conn *conn, short events, struct clerks *clerks, usec_t deadline,
    struct err *e);
/* Put the lines of libpq's TEXT into one in OUT. A secret is never among them. */
void line_words(const char *text, char *out, size_t cap);

#endif
