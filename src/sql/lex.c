/*
 * lex.c - SQL as PostgreSQL's scanner cuts it. Where that depends on what we do not know, a value is taken to
 * be longer: nothing of a value may pass for something else.
 */
#include "lex.h"

#include <string.h>

/* The byte of S at I; NUL behind its end. */
static unsigned char
at(struct span s, size_t i)
{
	return i < s.len ? (unsigned char)s.at[i] : 0;
}

static bool
is_blank(unsigned char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool
is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

/* --- lengths of what begins with the first byte; they end within S --- */

static size_t
line_comment(struct span s)
{
	size_t len = 2;

	while (len < s.len && s.at[len] != '\n' && s.at[len] != '\r')
		len++;
	return len;
}

/* They nest; one without an end goes to the end. */
static size_t
block_comment(struct span s)
{
	size_t len = 2, depth = 1;

	while (len < s.len && depth > 0) {
		if (s.at[len] == '/' && at(s, len + 1) == '*') {
			depth++;
			len += 2;
		} else if (s.at[len] == '*' && at(s, len + 1) == '/') {
			depth--;
			len += 2;
		} else {
			len++;
		}
	}
	return len;
}

static size_t
space(struct span s)
{
	size_t len = 0;

	for (;;) {
		struct span rest = span_skip(s, len);

		if (rest.len == 0)
			return len;
		if (is_blank(at(rest, 0)))
			len++;
		else if (at(rest, 0) == '-' && at(rest, 1) == '-')
			len += line_comment(rest);
		else if (at(rest, 0) == '/' && at(rest, 1) == '*')
			len += block_comment(rest);
		else
			return len;
	}
}

static size_t
word(struct span s)
{
	size_t len = 0;

	while (len < s.len && (is_letter(at(s, len)) || is_digit(at(s, len)) || s.at[len] == '$'))
		len++;
	return len;
}

/*
 * A string whose quote is at BEGIN. A backslash before a quote ends it, or not, as standard_conforming_strings
 * is: then all that follows belongs to it.
 */
static size_t
plain_string(struct span s, size_t begin)
{
	size_t len = begin + 1, backslashes = 0;

	for (; len < s.len; len++) {
		if (s.at[len] == '\\') {
			backslashes++;
			continue;
		}
		if (s.at[len] == '\'') {
			if (backslashes % 2 == 1)
				return s.len;
			if (at(s, len + 1) != '\'')
				return len + 1;
			len++;
		}
		backslashes = 0;
	}
	return s.len;
}

/* E'...', its quote at 1. */
static size_t
escape_string(struct span s)
{
	for (size_t len = 2; len < s.len; len++) {
		if (s.at[len] == '\\' || (s.at[len] == '\'' && at(s, len + 1) == '\''))
			len++;
		else if (s.at[len] == '\'')
			return len + 1;
	}
	return s.len;
}

/* $tag$ ... $tag$; 0: it is none. */
static size_t
dollar_string(struct span s)
{
	size_t tag = 1;
	const char *end;

	if (is_letter(at(s, 1)))
		while (is_letter(at(s, tag)) || is_digit(at(s, tag)))
			tag++;
	if (at(s, tag) != '$')
		return 0;
	tag++;
	end = memmem(s.at + tag, s.len - tag, s.at, tag);
	return end != NULL ? (size_t)(end - s.at) + tag : s.len;
}

/* A name in quotes, the first at BEGIN. *WHOLE: it has an end. */
static size_t
quoted_name(struct span s, size_t begin, bool *whole)
{
	for (size_t len = begin + 1; len < s.len; len++) {
		if (s.at[len] != '"')
			continue;
		*whole = at(s, len + 1) != '"';
		if (*whole)
			return len + 1;
		len++;
	}
	*whole = false;
	return s.len;
}

/* With all that stands right behind it: 0x1F, 1_000, 1.5e-3; PostgreSQL takes no word there. */
static size_t
number(struct span s)
{
	size_t len = 0;

	while (is_letter(at(s, len)) || is_digit(at(s, len)) || at(s, len) == '.' ||
	    ((at(s, len) == '-' || at(s, len) == '+') && len > 0 &&
	    (s.at[len - 1] | ' ') == 'e' && at(s, 1) != 'x' && at(s, 1) != 'X' &&
	    is_digit(at(s, len + 1))))
		len++;
	return len;
}

static size_t
parameter(struct span s)
{
	size_t len = 1;

	while (is_digit(at(s, len)))
		len++;
	return len;
}

/* --- by the first byte --- */

/* Something in quotes with a letter before them; 0: it is none. */
static size_t
prefixed(struct span s, enum token_kind *kind)
{
	unsigned char first = at(s, 0) | ' ';
	bool whole;
	size_t len;

	*kind = TOKEN_VALUE;
	if (first == 'e' && at(s, 1) == '\'')
		return escape_string(s);
	if ((first == 'b' || first == 'x' || first == 'n') && at(s, 1) == '\'')
		return plain_string(s, 1);
	if (first != 'u' || at(s, 1) != '&')
		return 0;
	if (at(s, 2) == '\'')
		return plain_string(s, 2);
	if (at(s, 2) != '"')
		return 0;
	len = quoted_name(s, 2, &whole);
	*kind = whole ? TOKEN_NAME : TOKEN_VALUE;
	return len;
}

static size_t
begins_with_letter(struct span s, enum token_kind *kind)
{
	size_t len = prefixed(s, kind);

	if (len > 0)
		return len;
	*kind = TOKEN_WORD;
	return word(s);
}

static size_t
begins_with_dollar(struct span s, enum token_kind *kind)
{
	size_t len;

	if (is_digit(at(s, 1))) {
		*kind = TOKEN_PARAMETER;
		return parameter(s);
	}
	len = dollar_string(s);
	*kind = len > 0 ? TOKEN_VALUE : TOKEN_SIGN;
	return len > 0 ? len : 1;
}

static size_t
begins(struct span s, enum token_kind *kind)
{
	unsigned char c = at(s, 0);
	size_t len = space(s);
	bool whole;

	*kind = TOKEN_SPACE;
	if (len > 0)
		return len;
	if (is_letter(c))
		return begins_with_letter(s, kind);
	if (c == '$')
		return begins_with_dollar(s, kind);
	if (c == '"') {
		len = quoted_name(s, 0, &whole);
		*kind = whole ? TOKEN_NAME : TOKEN_VALUE;
		return len;
	}
	*kind = TOKEN_VALUE;
	if (c == '\'')
		return plain_string(s, 0);
	if (is_digit(c) || (c == '.' && is_digit(at(s, 1))))
		return number(s);
	*kind = TOKEN_SIGN;
	return 1;
}

enum token_kind
lex(struct span *rest, struct span *token)
{
	enum token_kind kind;
	size_t len = begins(*rest, &kind);

	*token = span_of(rest->at, len);
	*rest = span_skip(*rest, len);
	return kind;
}
