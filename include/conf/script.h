/*
 * script.h - what the file says, line by line, before anything is understood: the
 * material that confs are built from, again after each SET.
 */
#ifndef CONF_SCRIPT_H
#define CONF_SCRIPT_H

#include "base/err.h"
#include "base/port.h"
#include "base/span.h"

enum script_section {
	SECTION_NONE,
	SECTION_MAIN,		/* [pgbouncer] */
	SECTION_DATABASES,
	SECTION_USERS,
	SECTION_PEERS,
};

/* One line. Texts belong to the script. */
struct script_line {
	enum script_section section;
	const char	*key;		/* NULL: here the section begins */
	const char	*value;
	const char	*file;
	unsigned	 line;		/* 0: not from a file */
};

/* Counted; immutable once it is read. */
struct script {
	const char	*name;		/* of the first file */
	struct script_line *lines;
	size_t		 count;
	struct span	 files;		/* names of those that were read, a zero byte behind each */
	struct script_inside *inside;	/* script.c's own */
};

/* An empty script, held once, or NULL. */
struct script *script_new(const char *name);
/* Add a line to a script that is being made. False: no memory. */
bool script_add(struct script *script, enum script_section section, struct span key,
    struct span value, const char *file, unsigned line);
/* The script of an ini file's TEXT, whose name is NAME, or NULL and ERR. */
struct script *script_read(struct span text, const char *name, struct err *err);
/* The same for the file itself. */
struct script *script_load(const char *file, struct err *err);
struct script *script_hold(struct script *script);
/* NULL does nothing. */
void script_drop(struct script *script);

#endif
