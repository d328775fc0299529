/*
 * text.h - numbers, durations, sizes and word lists as people write them.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/port.h"
#include "base/span.h"

/* A whole C integer literal (decimal, 0x, leading-0 octal), sign allowed. False: not one, or too large. */
bool text_int(struct span s, int64_t *out);
/* Non-negative decimal seconds with optional fraction, no unit, as microseconds. */
bool text_seconds(struct span s, usec_t *out);
/* Is WORD in the list S, split on any of " ,\t\n" (whole words, exact case)? */
bool text_list_has(struct span s, struct span word);
/* "12.5" for 12500000: seconds as %g. OUT holds 32 bytes. Returns OUT. */
const char *text_from_usec(usec_t t, char *out);
/* The word of WORDS (NULL-terminated) nearest to S by edits, or NULL if none is near (at most a third of its letters). */
const char *text_nearest(struct span s, const char *const *words);
/* "YYYY-MM-DD HH:MM:SS UTC" of wall-clock microseconds T; OUT holds 32 bytes. Returns OUT. */
const char *text_timestamp(usec_t t, char *out);
/* Is S valid UTF-8 without NUL? */
bool text_is_utf8(struct span s);
/* Bytes of the UTF-8 character (RFC 3629) that S begins with; 0: it begins with none. */
size_t text_utf8_char(struct span s);
/* How much of the UTF-8 text S to keep, at most MOST bytes, so that no character is cut in two. */
size_t text_utf8_cut(struct span s, size_t most);

#endif
