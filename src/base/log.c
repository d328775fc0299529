/*
 * log.c - lines to stderr, a file and syslog, and the answer to broken promises.
 * What is worth a line, and whose text must be escaped first, is for callers to know.
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
#include "base/text.h"

#define LINE_MOST 4096	/* longer lines are cut */

/* Where lines go. The mutex guards the file and syslog; the flags stand alone. */
static atomic_int level_now = LOG_LEVEL_LOG;
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

static const struct level_row {
	const char	*word;
	int		 priority;	/* syslog's */
} level_rows[] = {
	[LOG_LEVEL_FATAL] = { "FATAL", LOG_CRIT },
	[LOG_LEVEL_ERROR] = { "ERROR", LOG_ERR },
	[LOG_LEVEL_WARNING] = { "WARNING", LOG_WARNING },
	[LOG_LEVEL_LOG] = { "LOG", LOG_INFO },
	[LOG_LEVEL_DEBUG] = { "DEBUG", LOG_DEBUG },
	[LOG_LEVEL_NOISE] = { "NOISE", LOG_DEBUG },
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

/* "2026-01-31 23:59:59.123 UTC [1234] LOG " into OUT; its length. *WORD: where LOG is. */
static size_t
line_start(char *out, size_t cap, enum log_level level, size_t *word)
{
	char date[32] = "", zone[32] = "";
	struct timespec now;
	struct tm tm = { 0 };
	int len;

	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm);
	strftime(zone, sizeof(zone), "%Z", &tm);
	len = snprintf(out, cap, "%s.%03ld %s [%ld] %s ", date, now.tv_nsec / 1000000,
	    zone, (long)getpid(), level_rows[level].word);
	if (len <= 0 || (size_t)len >= cap)
		return 0;
	*word = (size_t)len - strlen(level_rows[level].word) - 1;
	return (size_t)len;
}

/* TEXT into OUT, each newline followed by a tab; at most CAP bytes. How many. */
static size_t
indent_into(char *out, size_t cap, const char *text)
{
	size_t len = 0;

	for (; *text != '\0' && len < cap; text++) {
		out[len++] = *text;
		if (*text == '\n' && len < cap)
			out[len++] = '\t';
	}
	return len;
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
			out[used++] = (char)('0' + level_rows[level].priority);
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

void
log_line(enum log_level level, const char *who, const char *format, ...)
{
	char text[LINE_MOST], line[LINE_MOST];
	size_t len, room, word = 0;
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
	room = sizeof(line) - 1;	/* for the newline */
	len = line_start(line, room, level, &word);
	if (who != NULL) {
		len += indent_into(line + len, room - len, who);
		len += indent_into(line + len, room - len, " ");
	}
	len += indent_into(line + len, room - len, text);
	len = text_utf8_cut(span_of(line, len), len);
	line[len++] = '\n';
	if (atomic_load_explicit(&journal_now, memory_order_relaxed) &&
	    atomic_load_explicit(&stderr_now, memory_order_relaxed))
		line_out_to_journal(level, line + word, len - word);
	else if (atomic_load_explicit(&stderr_now, memory_order_relaxed))
		line_out(STDERR_FILENO, line, len);
	pthread_mutex_lock(&file_mutex);
	if (file_fd >= 0)
		line_out(file_fd, line, len);
	if (atomic_load(&syslog_now) && level <= LOG_LEVEL_LOG)
		syslog(level_rows[level].priority, "%s%s%s", who != NULL ? who : "",
		    who != NULL ? " " : "", text);
	pthread_mutex_unlock(&file_mutex);
}

/* TEXT's first character, TAKEN bytes, made harmless into OUT; the length there. */
static size_t
escape_char(struct span text, char *out, size_t *taken)
{
	const unsigned char *u = (const unsigned char *)text.at;
	size_t len = text_utf8_char(text), i;
	bool harmless = len > 0 && u[0] >= 0x20 && u[0] != 0x7f && u[0] != '\\' &&
	    !(u[0] == 0xc2 && u[1] < 0xa0);	/* U+0080..9F: control characters, too */

	*taken = len > 0 ? len : 1;
	if (harmless) {
		memcpy(out, text.at, len);
		return len;
	}
	for (i = 0; i < *taken; i++) {
		out[4 * i] = '\\';
		out[4 * i + 1] = 'x';
		out[4 * i + 2] = "0123456789abcdef"[u[i] >> 4];
		out[4 * i + 3] = "0123456789abcdef"[u[i] & 15];
	}
	return 4 * *taken;
}

const char *
log_escape(struct span text, char *out, size_t cap)
{
	size_t len = 0, keep = 0, taken, n;
	char piece[16];

	if (cap == 0)
		return "";
	while (text.len > 0) {
		n = escape_char(text, piece, &taken);
		if (n > cap - 1 - len) {
			len = keep;
			n = cap - 1 - len < 3 ? cap - 1 - len : 3;
			memcpy(out + len, "...", n);
			len += n;
			break;
		}
		memcpy(out + len, piece, n);
		len += n;
		if (cap - 1 - len >= 3)
			keep = len;	/* here "..." would still fit */
		text = span_skip(text, taken);
	}
	out[len] = '\0';
	return out;
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
