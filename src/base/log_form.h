/*
 * log_form.h - one line of the log as bytes. Where it goes is log.c's business.
 */
#ifndef SRC_BASE_LOG_FORM_H
#define SRC_BASE_LOG_FORM_H

#include <time.h>

#include "base/log.h"

/* What a line tells. */
struct log_event {
	enum log_level	 level;
	const struct log_who *who;	/* borrowed; NULL: nobody */
	const char	*text;		/* borrowed; strangers' parts are harmless already */
	struct timespec	 time;		/* wall clock */
	long		 pid;		/* ours */
};

/* A line, its newline included, and where it begins for readers that have a clock and levels of their own. */
struct log_form {
	char		*at;		/* borrowed: the caller's room */
	size_t		 cap;
	size_t		 len;
	size_t		 dateless;	/* offset: what the journal gets */
	size_t		 bare;		/* offset: what syslog gets */
};

/* Write EVENT in FORMAT. A text that does not fit is cut between two characters, and what stands around it is whole. */
void log_form(struct log_form *form, enum log_format format, const struct log_event *event);

#endif
