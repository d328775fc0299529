/*
 * cmd.h - what the functions behind commands share.
 */
#ifndef ADMIN_CMD_H
#define ADMIN_CMD_H

#include "admin/job.h"
#include "conf/settings.h"

/* Whom R is about: the database it names, which must exist, or all. False: the command
 * has failed. */
bool command_scope(struct console *s, const struct request *r, struct scope *scope);
/* What PAUSE asks for beside its database. */
struct pause_wish {
	bool		 named;		/* a database is */
	usec_t		 within;	/* most time until servers are closed; USEC_UNSET: not said */
	usec_t		 lasting;	/* until it ends by itself; the same */
};
/* Read the WORDS of PAUSE [database] [WITHIN seconds] [FOR seconds]. False: they are others. */
bool pause_read(const struct words *words, struct pause_wish *out);
/* S is leaving: what it suspended goes on. */
void suspend_leave(struct console *s);
/* The scope as place.h names it. */
struct span scope_name(const struct scope *scope);

#endif
