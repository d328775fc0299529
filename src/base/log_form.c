/*
 * log_form.c - a line of the log as text in PgBouncer's shape, as key=value (logfmt), as a JSON object.
 * The keys of the last two are the same; doc/logs.md lists them.
 */
#include "log_form.h"

#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"

static const struct {
	const char	*word;		/* PgBouncer's */
	const char	*common;	/* what readers of structured logs know */
} levels[] = {
	[LOG_LEVEL_FATAL] = { "FATAL", "fatal" },
	[LOG_LEVEL_ERROR] = { "ERROR", "error" },
	[LOG_LEVEL_WARNING] = { "WARNING", "warning" },
	[LOG_LEVEL_LOG] = { "LOG", "info" },
	[LOG_LEVEL_DEBUG] = { "DEBUG", "debug" },
	[LOG_LEVEL_NOISE] = { "NOISE", "trace" },
};

/* --- text --- */

/* Append TEXT, each newline followed by a tab: readers join such lines. */
static void
add_indented(struct log_form *f, const char *text)
{
	size_t room = f->cap - 1;	/* for the newline */

	for (; *text != '\0' && f->len < room; text++) {
		f->at[f->len++] = *text;
		if (*text == '\n' && f->len < room)
			f->at[f->len++] = '\t';
	}
}

static void
add_who(struct log_form *f, const struct log_who *who)
{
	const char *database = who->database != NULL ? who->database : "(nodb)";
	const char *user = who->user != NULL ? who->user : "(nouser)";
	char prefix[280], shown_database[64], shown_user[64], addr[80];

	snprintf(prefix, sizeof(prefix), "%c-%" PRIu64 ": %s/%s@%s ", who->side, who->id,
	    log_escape(span_text(database), shown_database, sizeof(shown_database)),
	    log_escape(span_text(user), shown_user, sizeof(shown_user)),
	    log_escape(span_text(who->addr), addr, sizeof(addr)));
	add_indented(f, prefix);
}

/* "2026-01-31 23:59:59.123 UTC [1234] " */
static void
add_date(struct log_form *f, const struct log_event *event)
{
	char date[32] = "", zone[32] = "", start[100];
	struct tm tm = { 0 };

	localtime_r(&event->time.tv_sec, &tm);
	strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm);
	strftime(zone, sizeof(zone), "%Z", &tm);
	snprintf(start, sizeof(start), "%s.%03ld %s [%ld] ", date, event->time.tv_nsec / 1000000,
	    zone, event->pid);
	add_indented(f, start);
}

static void
form_text(struct log_form *f, const struct log_event *event)
{
	f->len = 0;
	add_date(f, event);
	f->dateless = f->len;
	add_indented(f, levels[event->level].word);
	add_indented(f, " ");
	f->bare = f->len;
	if (event->who != NULL)
		add_who(f, event->who);
	add_indented(f, event->text);
	if (event->who != NULL && event->who->reason != NULL) {
		add_indented(f, " reason=");
		add_indented(f, event->who->reason);
	}
	f->len = text_utf8_cut(span_of(f->at, f->len), f->len);
	f->at[f->len++] = '\n';
}

/* --- pairs of key and value --- */

/* May S stand without quotes? (logfmt) */
static bool
is_plain(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] <= ' ' || s.at[i] > '~' || strchr("\"=\\", s.at[i]) != NULL)
			return false;
	}
	return s.len > 0;
}

static void
put_value(struct buf *b, enum log_format format, struct span value)
{
	if (format == LOG_FORMAT_KEYVALUE && is_plain(value))
		buf_put_span(b, value);
	else
		json_put_text(b, value);
}

static void
put_key(struct buf *b, enum log_format format, const char *key)
{
	if (format == LOG_FORMAT_JSON)
		buf_printf(b, "%c\"%s\":", b->len > 0 ? ',' : '{', key);
	else
		buf_printf(b, "%s%s=", b->len > 0 ? " " : "", key);
}

static void
put_text(struct buf *b, enum log_format format, const char *key, const char *value)
{
	if (value == NULL)
		return;
	put_key(b, format, key);
	put_value(b, format, span_text(value));
}

static void
put_number(struct buf *b, enum log_format format, const char *key, uint64_t value)
{
	if (value == 0)
		return;
	put_key(b, format, key);
	buf_printf(b, "%" PRIu64, value);
}

/* RFC 3339, in UTC, with milliseconds. */
static void
put_time(struct buf *b, enum log_format format, const struct timespec *time)
{
	struct tm tm = { 0 };
	char date[32], text[48];

	gmtime_r(&time->tv_sec, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%03ldZ", date, time->tv_nsec / 1000000);
	put_text(b, format, "time", text);
}

static void
put_who(struct buf *b, enum log_format format, const struct log_who *who)
{
	bool client = who->side == 'C';

	put_number(b, format, "client", client ? who->id : who->pair);
	put_number(b, format, "server", client ? who->pair : who->id);
	put_number(b, format, "server_pid", who->server_pid);
	put_text(b, format, "database", who->database);
	put_text(b, format, "user", who->user);
	put_text(b, format, "addr", who->addr);
	put_text(b, format, "reason", who->reason);
	put_text(b, format, "statement", who->statement);
}

/* Bytes of the first character or escape of S, which is part of a quoted text. */
static size_t
first_unit(struct span s)
{
	size_t len = text_utf8_char(s);

	if (s.len >= 2 && s.at[0] == '\\')
		return s.at[1] == 'u' && s.len >= 6 ? 6 : 2;
	return len > 0 ? len : 1;
}

/* The quoted text B keeps at most MOST bytes, its quotes and "..." included. */
static void
cut_quoted(struct buf *b, size_t most)
{
	size_t len = 1, next;

	if (b->len <= most || most < 5)
		return;
	while ((next = len + first_unit(span_of(b->at + len, b->len - len))) <= most - 4)
		len = next;
	b->len = len;
	buf_put_text(b, "...\"");
}

/* False: no memory. */
static bool
form_pairs(struct log_form *f, enum log_format format, const struct log_event *event)
{
	struct buf head = { 0 }, text = { 0 };
	const char *end = format == LOG_FORMAT_JSON ? "}\n" : "\n";
	bool good;

	put_time(&head, format, &event->time);
	put_text(&head, format, "level", levels[event->level].common);
	put_number(&head, format, "pid", (uint64_t)event->pid);
	if (event->who != NULL)
		put_who(&head, format, event->who);
	put_key(&head, format, "msg");
	json_put_text(&text, span_text(event->text));
	if (head.len < f->cap - strlen(end))
		cut_quoted(&text, f->cap - strlen(end) - head.len);
	good = !head.failed && !text.failed && head.len + text.len + strlen(end) <= f->cap;
	if (good) {
		memcpy(f->at, head.at, head.len);
		memcpy(f->at + head.len, text.at, text.len);
		memcpy(f->at + head.len + text.len, end, strlen(end));
		f->len = head.len + text.len + strlen(end);
		f->dateless = f->bare = 0;
	}
	buf_fini(&head);
	buf_fini(&text);
	return good;
}

void
log_form(struct log_form *form, enum log_format format, const struct log_event *event)
{
	if (format == LOG_FORMAT_TEXT || !form_pairs(form, format, event))
		form_text(form, event);
}

/* --- what strangers said --- */

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
