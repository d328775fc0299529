/*
 * log.c - lines to stderr, a file and syslog, and the answer to broken promises. How a line looks is
 * log_form.c's business; what is worth a line, and whose text must be escaped first, is for callers to know.
 */
#include "base/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "log_form.h"

#define LINE_MOST 4096	/* longer lines are cut: a pipe takes so much at once */

/* Where lines go. The mutex guards the file and syslog; the flags stand alone. */
static atomic_int level_now = LOG_LEVEL_LOG;
static atomic_int format_now = LOG_FORMAT_TEXT;
static atomic_bool stderr_now = true;
static atomic_bool syslog_now = false;
static atomic_bool journal_now = false;
static atomic_ulong insists;
static pthread_mutex_t file_mutex = PTHREAD_MUTEX_INITIALIZER;
static char *file_name;		/* owned, NULL: no file */
static int file_fd = -1;
static char syslog_ident[64];	/* openlog(3) keeps the pointer */

/* Warnings about connections in this second, under its own mutex. */
static pthread_mutex_t valve_mutex = PTHREAD_MUTEX_INITIALIZER;
static time_t valve_second;
static unsigned valve_lines;
static unsigned long valve_shut;	/* lines left out since one was written */

/* syslog's priorities. */
static const int priorities[] = {
	[LOG_LEVEL_FATAL] = LOG_CRIT,
	[LOG_LEVEL_ERROR] = LOG_ERR,
	[LOG_LEVEL_WARNING] = LOG_WARNING,
	[LOG_LEVEL_LOG] = LOG_INFO,
	[LOG_LEVEL_DEBUG] = LOG_DEBUG,
	[LOG_LEVEL_NOISE] = LOG_DEBUG,
};

static const struct facility_row {
	const char	*word;
	int		 facility;
} facility_rows[] = {
	{ "auth", LOG_AUTH }, { "authpriv", LOG_AUTHPRIV }, { "daemon", LOG_DAEMON },
	{ "user", LOG_USER }, { "local0", LOG_LOCAL0 }, { "local1", LOG_LOCAL1 },
	{ "local2", LOG_LOCAL2 }, { "local3", LOG_LOCAL3 }, { "local4", LOG_LOCAL4 },
	{ "local5", LOG_LOCAL5 }, { "local6", LOG_LOCAL6 }, { "local7", LOG_LOCAL7 },
};

void
log_set_level(enum log_level level)
{
	atomic_store_explicit(&level_now, (int)level, memory_order_relaxed);
}

bool
log_on(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&level_now, memory_order_relaxed);
}

void
log_set_format(enum log_format format)
{
	atomic_store_explicit(&format_now, (int)format, memory_order_relaxed);
}

static int
file_open(const char *name)
{
	return open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0644);
}

bool
log_open_file(const char *file)
{
	char *name = NULL, *old_name;
	int fd = -1, old_fd;

	if (file != NULL) {
		name = mem_copy_text(file, strlen(file));
		if (name == NULL)
			return false;
		fd = file_open(name);
		if (fd < 0) {
			mem_free(name);
			return false;
		}
	}
	pthread_mutex_lock(&file_mutex);
	old_name = file_name;
	old_fd = file_fd;
	file_name = name;
	file_fd = fd;
	pthread_mutex_unlock(&file_mutex);
	mem_free(old_name);
	if (old_fd >= 0)
		close(old_fd);
	return true;
}

bool
log_reopen(void)
{
	int fd = -1;

	pthread_mutex_lock(&file_mutex);
	if (file_name != NULL)
		fd = file_open(file_name);
	/* when it cannot be opened, the old one is better than none */
	if (fd >= 0) {
		close(file_fd);
		file_fd = fd;
	}
	fd = file_name != NULL ? fd : 0;
	pthread_mutex_unlock(&file_mutex);
	return fd >= 0;
}

void
log_to_stderr(bool yes)
{
	atomic_store_explicit(&stderr_now, yes, memory_order_relaxed);
}

void
log_for_journal(bool yes)
{
	atomic_store_explicit(&journal_now, yes, memory_order_relaxed);
}

void
log_to_syslog(const char *ident, const char *facility)
{
	int code = LOG_DAEMON;
	size_t i;

	for (i = 0; facility != NULL && i < ARRAY_SIZE(facility_rows); i++)
		if (strcasecmp(facility, facility_rows[i].word) == 0)
			code = facility_rows[i].facility;
	pthread_mutex_lock(&file_mutex);
	closelog();
	if (ident != NULL) {
		snprintf(syslog_ident, sizeof(syslog_ident), "%s", ident);
		openlog(syslog_ident, LOG_PID | LOG_NDELAY, code);
	}
	atomic_store(&syslog_now, ident != NULL);
	pthread_mutex_unlock(&file_mutex);
}

/* All of the line at once. A sink that is full or gone loses it: nobody to tell. */
static void
line_out(int fd, const char *line, size_t len)
{
	ssize_t n = write(fd, line, len);

	(void)n;
}

/* The same for the journal, to which each line is an entry of its own. */
static void
line_out_to_journal(enum log_level level, const char *line, size_t len)
{
	char out[2 * LINE_MOST];
	size_t used = 0;
	bool fresh = true;

	for (size_t i = 0; i < len && used < sizeof(out) - 4; i++) {
		if (fresh) {
			out[used++] = '<';
			out[used++] = (char)('0' + priorities[level]);
			out[used++] = '>';
		}
		out[used++] = line[i];
		fresh = line[i] == '\n';
	}
	line_out(STDERR_FILENO, out, used);
}

/* May one more warning about a connection be written? *SHUT: how many before it were not. */
static bool
valve_open(unsigned long *shut)
{
	struct timespec now;
	bool open;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	pthread_mutex_lock(&valve_mutex);
	if (now.tv_sec != valve_second) {
		valve_second = now.tv_sec;
		valve_lines = 0;
	}
	open = valve_lines < LOG_WARNINGS_MOST;
	valve_lines += open;
	*shut = open ? valve_shut : 0;
	valve_shut = open ? 0 : valve_shut + 1;
	pthread_mutex_unlock(&valve_mutex);
	return open;
}

/* To everybody who reads. */
static void
form_out(const struct log_form *form, enum log_level level)
{
	size_t bare = form->len - 1 - form->bare;	/* syslog ends lines itself */

	if (atomic_load_explicit(&journal_now, memory_order_relaxed) &&
	    atomic_load_explicit(&stderr_now, memory_order_relaxed))
		line_out_to_journal(level, form->at + form->dateless, form->len - form->dateless);
	else if (atomic_load_explicit(&stderr_now, memory_order_relaxed))
		line_out(STDERR_FILENO, form->at, form->len);
	pthread_mutex_lock(&file_mutex);
	if (file_fd >= 0)
		line_out(file_fd, form->at, form->len);
	if (atomic_load(&syslog_now) && level <= LOG_LEVEL_LOG)
		syslog(priorities[level], "%.*s", (int)bare, form->at + form->bare);
	pthread_mutex_unlock(&file_mutex);
}

void
log_line(enum log_level level, const struct log_who *who, const char *format, ...)
{
	char text[LINE_MOST], line[LINE_MOST];
	struct log_form form = { .at = line, .cap = sizeof(line) };
	struct log_event event = { .level = level, .who = who, .text = text, .pid = (long)getpid() };
	unsigned long shut = 0;
	va_list args;
	int n;

	if (!log_on(level))
		return;
	if (who != NULL && level == LOG_LEVEL_WARNING && !valve_open(&shut))
		return;
	if (shut > 0)
		log_line(LOG_LEVEL_WARNING, NULL, "%lu warnings about connections were left out, "
		    "there were more than %u in a second", shut, LOG_WARNINGS_MOST);
	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n < 0)
		snprintf(text, sizeof(text), "%s", format);
	clock_gettime(CLOCK_REALTIME, &event.time);
	log_form(&form, (enum log_format)atomic_load_explicit(&format_now, memory_order_relaxed),
	    &event);
	form_out(&form, level);
}

unsigned long
log_insists(void)
{
	return atomic_load(&insists);
}

bool
insist_broken(const char *what, const char *file, int line)
{
	atomic_fetch_add(&insists, 1);
	log_line(LOG_LEVEL_ERROR, NULL, "%s:%d: promised that %s, but it is not so", file,
	    line, what);
	if (INSIST_KILLS)
		abort();
	return false;
}
