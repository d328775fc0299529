/*
 * read.h - a cursor over one message's body. Take what you expect; failure is sticky and
 * asked for once at the end. Nothing is copied: spans point into the caller's bytes.
 */
#ifndef WIRE_READ_H
#define WIRE_READ_H

#include "base/span.h"

struct reader {
	const char	*at, *end;	/* borrowed */
	bool		 failed;	/* something asked for was not there */
};

static inline struct reader
read_begin(struct span body)
{
	/* adding even 0 to a null pointer is undefined */
	return (struct reader){ body.at, body.len > 0 ? body.at + body.len : body.at, false };
}

/* Big-endian numbers; 0 after failure. */
uint8_t read_u8(struct reader *r);
uint16_t read_u16(struct reader *r);
uint32_t read_u32(struct reader *r);
/* The next LEN bytes; an empty span after failure. */
struct span read_bytes(struct reader *r, size_t len);
/* A NUL-terminated string, without its NUL (which follows at .at[.len]). */
struct span read_string(struct reader *r);
/* What is left, all of it. */
struct span read_rest(struct reader *r);
/* Was everything there, and is nothing left? */
bool read_done(const struct reader *r);

/* Big-endian 32 bits at P, unchecked: for five-byte headers already known to be there. */
static inline uint32_t
read_be32(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;

	return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}

#endif
