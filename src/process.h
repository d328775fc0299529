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
/* Is standard error a stream of systemd's journal? */
bool process_speaks_to_journal(void);

/* Clients beyond the room for them who can still be told so, and the operator's consoles. */
#define PROCESS_SPARE_CLIENTS 32u
/* Take as many file descriptors as we may have. */
void process_raise_files(void);
/* Log whether they will do for CONF with so many WORKERS. */
void process_log_files(const struct conf *conf, unsigned workers);
/* How many clients they leave room for: some are kept back for servers, for ourselves, and
 * PROCESS_SPARE_CLIENTS. */
unsigned process_client_room(const struct conf *conf, unsigned workers);

#endif
