/*
 * write.h - building messages on a buf (sticky failure there): begin, put, end.
 *	size_t m = write_begin(b, 'Q'); write_string(b, sql); write_end(b, m);
 */
#ifndef WIRE_WRITE_H
#define WIRE_WRITE_H

#include "base/buf.h"

/* Start a message of KIND (0: no kind byte, as in start-up packets); a mark for write_end(). */
size_t write_begin(struct buf *b, char kind);
/* Fill in the length of the message begun at MARK. */
void write_end(struct buf *b, size_t mark);
void write_u8(struct buf *b, uint8_t v);
void write_u16(struct buf *b, uint16_t v);
void write_u32(struct buf *b, uint32_t v);
/* S and a NUL. */
void write_string(struct buf *b, struct span s);
/* The same for a C string. */
void write_text(struct buf *b, const char *text);
/* A whole message without a body: Sync, Flush, ParseComplete, ... */
void write_empty(struct buf *b, char kind);

/* Store big-endian 32 bits at P. */
static inline void
write_be32(char *p, uint32_t v)
{
	p[0] = (char)(v >> 24);
	p[1] = (char)(v >> 16);
	p[2] = (char)(v >> 8);
	p[3] = (char)v;
}

#endif
