/*
 * cmd.h - what the functions behind commands share.
 */
#ifndef ADMIN_CMD_H
#define ADMIN_CMD_H

#include "admin/job.h"

/* Whom R is about: the database it names, which must exist, or all. False: the command
 * has failed. */
bool command_scope(struct console *s, const struct request *r, struct scope *scope);
/* S is leaving: what it suspended goes on. */
void suspend_leave(struct console *s);
/* The scope as place.h names it. */
struct span scope_name(const struct scope *scope);

#endif
