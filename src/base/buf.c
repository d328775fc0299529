/*
 * buf.c - bytes that grow by doubling. What they mean is for others to know.
 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"

#define BUF_FIRST ((size_t)64)

/* Make room for NEED bytes altogether: more than there is, at most BUF_MOST. */
static bool
buf_grow(struct buf *b, size_t need)
{
	size_t cap = b->cap < BUF_FIRST ? BUF_FIRST : b->cap;
	char *at;

	while (cap < need)
		cap = cap > BUF_MOST / 2 ? BUF_MOST : cap * 2;
	at = mem_resize(b->at, cap);
	if (at == NULL)
		return false;
	b->at = at;
	b->cap = cap;
	return true;
}

void
buf_init(struct buf *b)
{
	*b = (struct buf){ 0 };
}

void
buf_fini(struct buf *b)
{
	mem_free(b->at);
	buf_init(b);
}

void
buf_clear(struct buf *b)
{
	b->len = 0;
	b->failed = false;
}

char *
buf_make_room(struct buf *b, size_t extra)
{
	if (b->failed)
		return NULL;
	if (b->at != NULL && extra <= b->cap - b->len)
		return b->at + b->len;
	if (extra > BUF_MOST - b->len || !buf_grow(b, b->len + extra)) {
		b->failed = true;
		return NULL;
	}
	return b->at + b->len;
}

void
buf_put_text(struct buf *b, const char *text)
{
	buf_put(b, text, strlen(text));
}

void
buf_put_byte(struct buf *b, char byte)
{
	buf_put(b, &byte, 1);
}

void
buf_printf(struct buf *b, const char *format, ...)
{
	va_list args;
	char *to;
	size_t room;
	int len;

	to = buf_reserve(b, 1);
	if (to == NULL)
		return;
	room = b->cap - b->len;
	va_start(args, format);
	len = vsnprintf(to, room, format, args);
	va_end(args);
	if (len >= 0 && (size_t)len >= room) {
		to = buf_reserve(b, (size_t)len + 1);
		if (to == NULL)
			return;
		va_start(args, format);
		len = vsnprintf(to, (size_t)len + 1, format, args);
		va_end(args);
	}
	if (len < 0) {
		b->failed = true;
		return;
	}
	b->len += (size_t)len;
}

void
buf_drop(struct buf *b, size_t len)
{
	if (!insist(len <= b->len))
		len = b->len;
	b->len -= len;
	if (b->len > 0)
		memmove(b->at, b->at + len, b->len);
}

const char *
buf_text(struct buf *b)
{
	char *end = buf_reserve(b, 1);

	if (end == NULL)
		return "";
	*end = '\0';
	return b->at;
}
