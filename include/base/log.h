/*
 * log.h - one line an event. As text in PgBouncer's line shape (log readers parse it):
 *	2026-01-31 23:59:59.123 UTC [1234] LOG C-17: app/bob@10.0.0.1:5000 login attempt: ...
 * or the same as key=value or JSON (doc/logs.md). Text of strangers goes through log_escape().
 * Thread-safe; a line is one write.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdio.h>

#include "base/port.h"
#include "base/span.h"

enum log_level {
	LOG_LEVEL_FATAL,	/* the process cannot start */
	LOG_LEVEL_ERROR,	/* we failed */
	LOG_LEVEL_WARNING,	/* somebody must look */
	LOG_LEVEL_LOG,		/* life of a connection */
	LOG_LEVEL_DEBUG,	/* verbose >= 1 */
	LOG_LEVEL_NOISE,	/* verbose >= 2: each message */
};

enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_KEYVALUE, LOG_FORMAT_JSON };

/* The connection a line is about. Its names are a stranger's, and borrowed. */
struct log_who {
	char		 side;		/* 'C': a client, 'S': a server */
	uint64_t	 id, pair;	/* its number, and that of the other side it belongs to now (0: none) */
	uint32_t	 server_pid;	/* PostgreSQL's process; 0: not known */
	const char	*database, *user;	/* NULL: not known yet */
	char		 addr[80];	/* of its other end */
	const char	*reason;	/* code of why it is closed; NULL: it is not */
	const char	*statement;	/* what it was asked last, as far as it may be told; NULL */
};

/* Lines of LEVEL and above (smaller) are written. */
void log_set_level(enum log_level level);
/* Would a line of LEVEL be written? Ask before building dear arguments. */
bool log_on(enum log_level level);
/* How lines are written from now on. */
void log_set_format(enum log_format format);
/* Also append to FILE from now on (reopened by log_reopen); NULL: no file. False: cannot open. */
bool log_open_file(const char *file);
bool log_reopen(void);
/* Write to stderr or not (-q, -d). */
void log_to_stderr(bool yes);
/* Standard error is systemd's journal, or not: it has its own clock, and wants "<priority>". */
void log_for_journal(bool yes);
/* Also to syslog with these, or not (ident NULL). */
void log_to_syslog(const char *ident, const char *facility);
/*
 * Write one line about WHO (NULL: about no connection). What connections make us warn of is written
 * LOG_WARNINGS_MOST times a second; how much was left out stands before the next.
 */
#define LOG_WARNINGS_MOST 1000u
void log_line(enum log_level level, const struct log_who *who, const char *format, ...)
    PRINTF_LIKE(3, 4);
/*
 * TEXT made harmless for one log line into OUT: control bytes, backslash and bytes that are no
 * valid UTF-8 as \xNN, cut with "..." to CAP. Returns OUT.
 */
const char *log_escape(struct span text, char *out, size_t cap);
/* How many promises were broken so far (insist). */
unsigned long log_insists(void);

#endif
