/*
 * lookup_libpq.h - what the two users of libpq share: a line's connection, waiting for it,
 * its words.
 */
#ifndef AUTH_LOOKUP_LIBPQ_H
#define AUTH_LOOKUP_LIBPQ_H

#include <libpq-fe.h>

#include "auth/lookup_line.h"

struct line {
	PGconn		*conn;		/* owned */
};

/* Wait until CONN may be read or written (EVENTS of poll). False: E says why no longer. */
bool line_wait(PGconn *conn, short events, struct clerks *clerks, usec_t deadline,
    struct err *e);
/* Put the lines of libpq's TEXT into one in OUT. A secret is never among them. */
void line_words(const char *text, char *out, size_t cap);

#endif
