/*
 * users.h - the auth file: names and secrets, one user a line.
 */
#ifndef CONF_USERS_H
#define CONF_USERS_H

#include "base/err.h"
#include "base/port.h"
#include "base/span.h"

#define USER_NAME_MOST 127	/* bytes */
#define USER_SECRET_MOST 65530	/* what fits in a password message */

/* One line; texts belong to the users. */
struct users_entry {
	const char	*name;
	const char	*secret;	/* "" matches nothing */
	unsigned	 line;
};

/* All lines, immutable, counted; sorted by name, each name once. */
struct users {
	struct users_entry *entries;
	size_t		 count;
	unsigned	 repeats;	/* lines whose name was there before; the last one counts */
	unsigned	 repeat_line;	/* the first of those */
	struct users_inside *inside;	/* users.c's own */
};

/* Read TEXT, whose name is FILE. NULL and ERR with "FILE:LINE: ..." at the first bad
 * line. */
struct users *users_read(struct span text, const char *file, struct err *err);
/* The same for the file itself. */
struct users *users_load(const char *file, struct err *err);
struct users *users_hold(struct users *users);
/* NULL does nothing. The last one out wipes the secrets. */
void users_drop(struct users *users);

#endif
