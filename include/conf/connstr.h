/*
 * connstr.h - the value of an entry: key=value pairs, split by spaces.
 */
#ifndef CONF_CONNSTR_H
#define CONF_CONNSTR_H

#include "base/buf.h"
#include "base/span.h"

enum connstr_step {
	CONNSTR_PAIR,	/* *KEY and VALUE are set */
	CONNSTR_END,	/* nothing is left */
	CONNSTR_BAD,	/* *WHAT says what was expected */
};

/*
 * Take the next pair off *REST: *KEY is a view of it, VALUE (cleared first) gets the
 * text without its quotes. A quoted value is in '...', with '' for one quote; a bare one
 * goes to the next space. Neither is empty. Backslashes are ordinary.
 */
enum connstr_step connstr_next(struct span *rest, struct span *key, struct buf *value,
    const char **what);
/* Append KEY=VALUE, quoted so that connstr_next() reads the same, with a space before it
 * unless it is the first. */
void connstr_put(struct buf *out, const char *key, struct span value);

#endif
