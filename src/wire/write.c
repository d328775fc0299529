/*
 * write.c - fields of messages onto a buf. Which fields make a message is query.c's,
 * reply.c's and startup.c's.
 */
#include "wire/write.h"

#include "wire/frame.h"

size_t
write_begin(struct buf *b, char kind)
{
	size_t mark;

	if (kind != '\0')
		buf_put_byte(b, kind);
	mark = b->len;
	write_u32(b, 0);
	return mark;
}

void
write_end(struct buf *b, size_t mark)
{
	if (b->failed)
		return;
	/* nobody would accept it, and a length that wrapped would smuggle messages */
	if (b->len - mark > FRAME_MOST) {
		b->failed = true;
		return;
	}
	write_be32(b->at + mark, (uint32_t)(b->len - mark));
}

void
write_u8(struct buf *b, uint8_t v)
{
	buf_put_byte(b, (char)v);
}

void
write_u16(struct buf *b, uint16_t v)
{
	char *to = buf_reserve(b, 2);

	if (to == NULL)
		return;
	to[0] = (char)(v >> 8);
	to[1] = (char)v;
	b->len += 2;
}

void
write_u32(struct buf *b, uint32_t v)
{
	char *to = buf_reserve(b, 4);

	if (to == NULL)
		return;
	write_be32(to, v);
	b->len += 4;
}

void
write_string(struct buf *b, struct span s)
{
	/* a NUL inside would end the string early and make the rest another field */
	if (s.len > 0 && memchr(s.at, '\0', s.len) != NULL) {
		b->failed = true;
		return;
	}
	buf_put_span(b, s);
	buf_put_byte(b, '\0');
}

void
write_text(struct buf *b, const char *text)
{
	buf_put(b, text, strlen(text) + 1);
}

void
write_empty(struct buf *b, char kind)
{
	write_end(b, write_begin(b, kind));
}
