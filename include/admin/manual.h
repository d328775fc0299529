/*
 * manual.h - the tables of the console as Markdown, for describe.c.
 */
#ifndef ADMIN_MANUAL_H
#define ADMIN_MANUAL_H

#include "base/buf.h"

/* Append a page: commands, what SHOW shows, what is counted, the log. */
void manual_commands(struct buf *out);
void manual_views(struct buf *out);
void manual_counters(struct buf *out);
void manual_latencies(struct buf *out);
void manual_logs(struct buf *out);

#endif
