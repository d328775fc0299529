/*
 * span.h - a view of somebody else's bytes: compare, cut. Never owns, never NUL
 * terminated unless its maker says so.
 */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <string.h>

#include "base/port.h"

struct span {
	const char	*at;		/* borrowed; may be NULL when len is 0 */
	size_t		 len;
};

static inline struct span
span_of(const void *at, size_t len)
{
	return (struct span){ at, len };
}

/* A view of the NUL-terminated TEXT without its NUL; NULL gives an empty one. */
static inline struct span
span_text(const char *text)
{
	return (struct span){ text, text ? strlen(text) : 0 };
}

#define SPAN_LITERAL(s) ((struct span){ "" s, sizeof(s) - 1 })

static inline bool
span_same(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* Is S exactly TEXT? */
static inline bool
span_is(struct span s, const char *text)
{
	return span_same(s, span_text(text));
}

/* Is S exactly TEXT, ASCII case aside? */
bool span_is_nocase(struct span s, const char *text);

/* Does S begin with TEXT? */
static inline bool
span_starts(struct span s, const char *text)
{
	size_t len = strlen(text);

	return s.len >= len && memcmp(s.at, text, len) == 0;
}

/* S without its first N bytes (all of them when it is shorter). */
static inline struct span
span_skip(struct span s, size_t n)
{
	if (n > s.len)
		n = s.len;
	/* adding even 0 to a null pointer is undefined */
	return n > 0 ? (struct span){ s.at + n, s.len - n } : s;
}

/* S without blanks (space, tab, CR, LF, VT, FF) at either end. */
struct span span_trim(struct span s);

/*
 * Take the part of *REST before the first of SEPARATORS (a set of bytes) and move
 * *REST behind it. False when *REST was already at its end (at == NULL).
 */
bool span_cut(struct span *rest, const char *separators, struct span *part);

/* Copy S into OUT with a NUL, cut to CAP - 1 bytes. True if it fitted whole. */
bool span_copy(struct span s, char *out, size_t cap);

/* A keyed hash of S (SipHash-1-3 with a key drawn at start), against flooding. */
uint64_t span_hash(struct span s);
/* The same under a KEY of one's own. */
uint64_t span_hash_keyed(struct span s, const uint64_t key[2]);

#endif
