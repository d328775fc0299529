/*
 * describe.h - the tables of the source as pages for people.
 */
#ifndef ADMIN_DESCRIBE_H
#define ADMIN_DESCRIBE_H

#include "base/buf.h"
#include "base/port.h"

/* Append the page of TABLE: Markdown, for "sample" an ini file. False: no such table. */
bool describe(const char *table, struct buf *out);
/* Append the names that describe() knows, with blanks between. */
void describe_names(struct buf *out);

#endif
