/*
 * json.c - text as JSON has it.
 */
#include "base/json.h"

#include "base/text.h"

/* The letter after the backslash for a character that has one (RFC 8259, section 7); 0: it has none. */
static char
short_escape(char c)
{
	switch (c) {
	case '"':
	case '\\':
		return c;
	case '\b':
		return 'b';
	case '\f':
		return 'f';
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	}
	return 0;
}

/* Does the one-byte character C stand for itself? */
static bool
is_plain(unsigned char c)
{
	return c >= ' ' && c != 0x7f && c != '"' && c != '\\' && c != '<';
}

/* C, a byte that does not stand for itself. */
static void
put_escaped(struct buf *b, char c)
{
	char letter = short_escape(c);

	if (letter != 0)
		buf_printf(b, "\\%c", letter);
	else if ((unsigned char)c < 0x80)
		buf_printf(b, "\\u%04x", (unsigned char)c);
	else
		buf_printf(b, "\\\\x%02x", (unsigned char)c);
}

void
json_put_text(struct buf *b, struct span s)
{
	size_t plain = 0;	/* bytes before S that are still to be put */

	buf_put_byte(b, '"');
	while (s.len > 0) {
		size_t len = text_utf8_char(s);

		if (len > 1 || (len == 1 && is_plain((unsigned char)s.at[0]))) {
			plain += len;
			s = span_skip(s, len);
			continue;
		}
		buf_put(b, s.at - plain, plain);
		plain = 0;
		put_escaped(b, s.at[0]);
		s = span_skip(s, 1);
	}
	if (plain > 0)
		buf_put(b, s.at - plain, plain);
	buf_put_byte(b, '"');
}
