/*
 * buf.h - bytes that grow. Failure (out of memory, or beyond the limit) is sticky:
 * put as much as you like, look once at the end.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/port.h"
#include "base/span.h"

struct buf {
	char		*at;		/* owned */
	size_t		 len, cap;
	bool		 failed;	/* something did not fit; contents are void */
};

/* Most bytes a buf holds; more makes it fail. */
#define BUF_MOST ((size_t)0x7fffffff)

/* An empty buf without memory; {0} does the same. */
void buf_init(struct buf *b);
/* Give its memory back; it is empty and usable afterwards. */
void buf_fini(struct buf *b);
/* Forget contents and failure, keep the memory. */
void buf_clear(struct buf *b);
/* See to it that EXTRA more bytes fit; a pointer to where they go, or NULL. */
static inline char *buf_reserve(struct buf *b, size_t extra);
/* The same when it may not fit as it is. */
char *buf_make_room(struct buf *b, size_t extra);
/* Append LEN bytes. */
static inline void buf_put(struct buf *b, const void *at, size_t len);
static inline void buf_put_span(struct buf *b, struct span s);
/* Append TEXT without its NUL. */
void buf_put_text(struct buf *b, const char *text);
void buf_put_byte(struct buf *b, char byte);
/* Append formatted text without a NUL. */
void buf_printf(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);
/* Take LEN bytes off the front. */
void buf_drop(struct buf *b, size_t len);
/* The contents as a NUL-terminated string (the NUL is not counted); "" on failure. */
const char *buf_text(struct buf *b);

static inline char *
buf_reserve(struct buf *b, size_t extra)
{
	if (likely(b->at != NULL && extra <= b->cap - b->len && !b->failed))
		return b->at + b->len;
	return buf_make_room(b, extra);
}

static inline void
buf_put(struct buf *b, const void *at, size_t len)
{
	char *to = len > 0 ? buf_reserve(b, len) : NULL;

	if (unlikely(to == NULL))
		return;
	memcpy(to, at, len);
	b->len += len;
}

static inline void
buf_put_span(struct buf *b, struct span s)
{
	buf_put(b, s.at, s.len);
}

static inline struct span
buf_span(const struct buf *b)
{
	return span_of(b->at, b->len);
}

#endif
