/*
 * text.c - numbers, times and words as people write them. Which of them a setting
 * allows is conf's business.
 */
#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define WORD_LONGEST ((size_t)64)	/* text_nearest looks at no longer ones */

/* The value of C as a digit of BASE, or -1. */
static int
digit(char c, int base)
{
	int v = -1;

	if (c >= '0' && c <= '9')
		v = c - '0';
	else if (c >= 'a' && c <= 'f')
		v = c - 'a' + 10;
	else if (c >= 'A' && c <= 'F')
		v = c - 'A' + 10;
	return v < base ? v : -1;
}

bool
text_int(struct span s, int64_t *out)
{
	bool minus = s.len > 0 && s.at[0] == '-';
	uint64_t most = (uint64_t)INT64_MAX + minus, v = 0;
	int base = 10;
	size_t i;

	if (minus || (s.len > 0 && s.at[0] == '+'))
		s = span_skip(s, 1);
	if (span_starts(s, "0x") || span_starts(s, "0X")) {
		base = 16;
		s = span_skip(s, 2);
	} else if (span_starts(s, "0")) {
		base = 8;
	}
	if (s.len == 0)
		return false;
	for (i = 0; i < s.len; i++) {
		int d = digit(s.at[i], base);

		if (d < 0 || v > (most - (uint64_t)d) / (uint64_t)base)
			return false;
		v = v * (uint64_t)base + (uint64_t)d;
	}
	*out = minus ? (int64_t)(0 - v) : (int64_t)v;
	return true;
}

bool
text_seconds(struct span s, usec_t *out)
{
	usec_t whole = 0, part = 0, unit = SECOND;
	size_t i, digits = 0;
	bool fraction = false;

	for (i = 0; i < s.len; i++) {
		int d = digit(s.at[i], 10);

		if (s.at[i] == '.' && !fraction) {
			fraction = true;
			continue;
		}
		if (d < 0)
			return false;
		digits++;
		if (fraction) {
			/* beyond microseconds, UNIT is 0 and digits no longer count */
			unit /= 10;
			part += (usec_t)d * unit;
		} else {
			if (whole > (UINT64_MAX / SECOND - 1 - (usec_t)d) / 10)
				return false;
			whole = whole * 10 + (usec_t)d;
		}
	}
	if (digits == 0)
		return false;
	*out = whole * SECOND + part;
	return true;
}

bool
text_list_has(struct span s, struct span word)
{
	struct span part;

	while (span_cut(&s, " ,\t\n", &part))
		if (part.len > 0 && span_same(part, word))
			return true;
	return false;
}

const char *
text_from_usec(usec_t t, char *out)
{
	snprintf(out, 32, "%g", (double)t / (double)SECOND);
	return out;
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* How many letters to add, drop or change to make B of A. */
static size_t
distance(struct span a, struct span b)
{
	size_t row[WORD_LONGEST + 1], i, j;

	for (j = 0; j <= b.len; j++)
		row[j] = j;
	for (i = 1; i <= a.len; i++) {
		size_t corner = row[0];

		row[0] = i;
		for (j = 1; j <= b.len; j++) {
			size_t best = corner + (lower(a.at[i - 1]) != lower(b.at[j - 1]));

			corner = row[j];
			if (corner + 1 < best)
				best = corner + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[b.len];
}

const char *
text_nearest(struct span s, const char *const *words)
{
	const char *nearest = NULL;
	size_t least = SIZE_MAX;

	if (s.len > WORD_LONGEST)
		return NULL;
	for (; *words != NULL; words++) {
		struct span word = span_text(*words);
		size_t edits;

		if (word.len > WORD_LONGEST)
			continue;
		edits = distance(s, word);
		if (edits <= word.len / 3 && edits < least) {
			least = edits;
			nearest = *words;
		}
	}
	return nearest;
}

const char *
text_timestamp(usec_t t, char *out)
{
	time_t seconds = (time_t)(t / SECOND);
	struct tm tm = { 0 };

	gmtime_r(&seconds, &tm);
	strftime(out, 32, "%Y-%m-%d %H:%M:%S UTC", &tm);
	return out;
}

/* RFC 3629, section 4. */
size_t
text_utf8_char(struct span s)
{
	const unsigned char *u = (const unsigned char *)s.at;
	unsigned char least = 0x80, most = 0xbf;	/* of the second byte */
	size_t len, i;

	if (s.len == 0)
		return 0;
	if (u[0] < 0x80)
		return 1;
	if (u[0] < 0xc2 || u[0] > 0xf4)
		return 0;
	len = u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
	if (s.len < len)
		return 0;
	if (u[0] == 0xe0)
		least = 0xa0;	/* else it would be overlong */
	else if (u[0] == 0xed)
		most = 0x9f;	/* else a surrogate */
	else if (u[0] == 0xf0)
		least = 0x90;	/* overlong */
	else if (u[0] == 0xf4)
		most = 0x8f;	/* above U+10FFFF */
	if (u[1] < least || u[1] > most)
		return 0;
	for (i = 2; i < len; i++)
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

size_t
text_utf8_cut(struct span s, size_t most)
{
	size_t start, len;

	if (s.len < most)
		most = s.len;
	/* a character begun within the last three bytes must also end there */
	for (len = 1; len <= 3 && len <= most; len++) {
		unsigned char c = (unsigned char)s.at[most - len];

		if (c < 0x80)
			break;
		if (c < 0xc0)
			continue;
		start = most - len;
		return len < (c < 0xe0 ? 2u : c < 0xf0 ? 3u : 4u) ? start : most;
	}
	return most;
}

bool
text_is_utf8(struct span s)
{
	while (s.len > 0) {
		size_t len = text_utf8_char(s);

		if (len == 0 || s.at[0] == '\0')
			return false;
		s = span_skip(s, len);
	}
	return true;
}
