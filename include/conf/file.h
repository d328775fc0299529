/*
 * file.h - a whole file as bytes.
 */
#ifndef CONF_FILE_H
#define CONF_FILE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/port.h"

/* Largest file that is read. */
#define FILE_MOST ((size_t)64 * 1024 * 1024)

/* Append the bytes of the file NAME to OUT (the caller's, to be wiped: secrets). */
bool file_read(const char *name, struct buf *out, struct err *err);
/* Wipe OUT and give its memory back. */
void file_forget(struct buf *out);

#endif
