/*
 * notify.h - what a service manager (systemd) wants to hear of our life, and what it gives
 * us. Without one, and in a build without libsystemd, all of it does nothing.
 */
#ifndef NOTIFY_H
#define NOTIFY_H

#include "base/port.h"
#include "doors.h"

/* For -V: "systemd: yes\n", or "". */
extern const char *const notify_version_line;

/* Say in the log if somebody waits to hear from us and this build cannot speak. */
void notify_check(void);
/* We listen. */
void notify_ready(void);
/* The configuration is being read; notify_ready() ends it. */
void notify_reloading(void);
void notify_stopping(void);
/* One line about how things go, for `systemctl status`. Any thread. */
void notify_status(const char *line);
/* How often notify_alive() must be called lest we are killed; 0: nobody looks. */
usec_t notify_period(void);
void notify_alive(void);
/* Sockets that listen already, handed to us; before any fork. */
struct inherited notify_sockets(void);

#endif
