/*
 * process.h - what the system sees of us: user, pidfile, terminal, descriptors.
 */
#ifndef PROCESS_H
#define PROCESS_H

#include "base/err.h"
#include "conf/conf.h"

/* Become USER with its groups. */
bool process_become(const char *user, struct err *e);
/* Is nobody alive whose pid is in the file PATH? A stale file is removed. */
bool process_check_pidfile(const char *path, struct err *e);
/* Write our pid into PATH, which must not exist. */
bool process_write_pidfile(const char *path, struct err *e);
/* Remove it. */
void process_remove_pidfile(const char *path);
/* Leave the terminal and whoever started us. */
bool process_detach(struct err *e);
/* Take as many file descriptors as we may have, and log whether they will do for CONF. */
void process_raise_files(const struct conf *conf);

#endif
