/*
 * err.c - filling a struct err. Turning it into bytes or a line is for those who send
 * or log.
 */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define ERR_LONGEST 512

/* Format into OUT of CAP bytes; too long a text is cut between two UTF-8 characters. */
static void
text_put(char *out, size_t cap, const char *format, va_list args)
{
	char text[ERR_LONGEST];	/* apart from OUT: the arguments may point into it */
	int len = vsnprintf(text, cap, format, args);

	if (len < 0)
		len = 0;
	if ((size_t)len >= cap)
		len = (int)text_utf8_cut(span_of(text, cap - 1), cap - 1);
	memcpy(out, text, (size_t)len);
	out[len] = '\0';
}

bool
err_set(struct err *e, const char *sqlstate, const char *format, ...)
{
	va_list args;

	if (e == NULL)
		return false;
	snprintf(e->sqlstate, sizeof(e->sqlstate), "%s", sqlstate);
	va_start(args, format);
	text_put(e->text, sizeof(e->text), format, args);
	va_end(args);
	e->detail[0] = '\0';
	e->hint[0] = '\0';
	return false;
}

void
err_detail(struct err *e, const char *format, ...)
{
	va_list args;

	if (e == NULL)
		return;
	va_start(args, format);
	text_put(e->detail, sizeof(e->detail), format, args);
	va_end(args);
}

void
err_hint(struct err *e, const char *format, ...)
{
	va_list args;

	if (e == NULL)
		return;
	va_start(args, format);
	text_put(e->hint, sizeof(e->hint), format, args);
	va_end(args);
}
