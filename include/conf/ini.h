/*
 * ini.h - the lines of a file of sections and "key = value", and of those it includes.
 *
 * What sections and keys mean is the caller's business.
 */
#ifndef CONF_INI_H
#define CONF_INI_H

#include "base/buf.h"
#include "base/err.h"
#include "base/port.h"
#include "base/span.h"

/* Files that may include each other, the first not counted. */
#define INI_DEPTH_MOST 10

/* Where a line is. */
struct ini_place {
	const char	*file;		/* borrowed for the call */
	unsigned	 line;		/* from 1 */
};

/* Who is told. A function that returns false has filled ERR and ends the reading. */
struct ini {
	bool		(*section)(void *arg, struct span name, struct ini_place place,
	    struct err *err);
	bool		(*value)(void *arg, struct span key, struct span value,
	    struct ini_place place, struct err *err);
	/* append the text of FILE to OUT */
	bool		(*include)(void *arg, const char *file, struct buf *out, struct err *err);
	void		*arg;
};

/* Read TEXT, whose name is FILE. False and ERR with "FILE:LINE: ..." at the first
 * fault. */
bool ini_read(const struct ini *ini, struct span text, const char *file, struct err *err);

#endif
