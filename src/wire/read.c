/*
 * read.c - the cursor over a body. Which fields to expect is query.c's and reply.c's.
 */
#include "wire/read.h"

/* The next LEN bytes, or NULL and failure for good. */
static const char *
take(struct reader *r, size_t len)
{
	const char *p = r->at;

	if (unlikely(r->failed || (size_t)(r->end - r->at) < len)) {
		r->failed = true;
		return NULL;
	}
	if (len > 0)
		r->at += len;
	return p;
}

uint8_t
read_u8(struct reader *r)
{
	const char *p = take(r, 1);

	return p != NULL ? (uint8_t)*p : 0;
}

uint16_t
read_u16(struct reader *r)
{
	const char *p = take(r, 2);

	return p != NULL ? (uint16_t)((unsigned char)p[0] << 8 | (unsigned char)p[1]) : 0;
}

uint32_t
read_u32(struct reader *r)
{
	const char *p = take(r, 4);

	return p != NULL ? read_be32(p) : 0;
}

struct span
read_bytes(struct reader *r, size_t len)
{
	const char *p = take(r, len);

	return span_of(p, p != NULL ? len : 0);
}

struct span
read_string(struct reader *r)
{
	size_t left = (size_t)(r->end - r->at), len;
	const char *nul = NULL;

	if (!r->failed && left > 0)
		nul = memchr(r->at, '\0', left);
	if (nul == NULL) {
		r->failed = true;
		return span_of(NULL, 0);
	}
	len = (size_t)(nul - r->at);
	return span_of(take(r, len + 1), len);
}

struct span
read_rest(struct reader *r)
{
	return read_bytes(r, (size_t)(r->end - r->at));
}

bool
read_done(const struct reader *r)
{
	return !r->failed && r->at == r->end;
}
