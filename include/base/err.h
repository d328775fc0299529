/*
 * err.h - what went wrong, once: the same struct ends as an ErrorResponse, a log line
 * or a console answer.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/port.h"

struct err {
	char		 sqlstate[6];	/* PostgreSQL's class and code, NUL-terminated */
	char		 text[512];	/* what happened: lower case, no full stop */
	char		 detail[512];	/* more, or "" */
	char		 hint[256];	/* what to do, or "" */
};

/* Fill E (may be NULL) and return false, so that callers can `return err_set(...)`. */
bool err_set(struct err *e, const char *sqlstate, const char *format, ...)
    PRINTF_LIKE(3, 4);
void err_detail(struct err *e, const char *format, ...) PRINTF_LIKE(2, 3);
void err_hint(struct err *e, const char *format, ...) PRINTF_LIKE(2, 3);

/* SQLSTATEs we use (PostgreSQL 18, appendix A). */
#define SQLSTATE_PROTOCOL "08P01"
#define SQLSTATE_CONNECT "08006"
#define SQLSTATE_UNSUPPORTED "0A000"
#define SQLSTATE_TOO_MANY "53300"
#define SQLSTATE_CANCELED "57014"
#define SQLSTATE_SHUTDOWN "57P01"
#define SQLSTATE_CANNOT_CONNECT_NOW "57P03"
#define SQLSTATE_NO_MEMORY "53200"
#define SQLSTATE_BAD_PASSWORD "28P01"
#define SQLSTATE_BAD_LOGIN "28000"
#define SQLSTATE_NO_DATABASE "3D000"
#define SQLSTATE_NO_STATEMENT "26000"
#define SQLSTATE_CONFIG "F0000"

#endif
