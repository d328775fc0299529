/*
 * batch.h - what profile_change() wrote, read back with the readers of wire/.
 */
#ifndef SESSION_BATCH_H
#define SESSION_BATCH_H

#include "base/span.h"
#include "wire/frame.h"
#include "wire/query.h"
#include "wire/read.h"

#define SET_CONFIG "select pg_catalog.set_config($1, $2, false)"

/* The body of the message of KIND at the front of *REST, which moves behind it. */
static inline bool
batch_message(struct span *rest, char kind, struct span *body)
{
	struct frame_head head;

	if (frame_look(rest->at, rest->len, &head) != FRAME_HEADER || head.kind != kind ||
	    head.size > rest->len)
		return false;
	*body = span_of(rest->at + FRAME_HEAD, head.size - FRAME_HEAD);
	*rest = span_skip(*rest, head.size);
	return true;
}

/* The Parse at the front of *REST: the unnamed statement, SET_CONFIG, no types. */
static inline bool
batch_parse(struct span *rest)
{
	struct parse_view v;
	struct span body;

	return batch_message(rest, 'P', &body) && query_parse(body, &v) == WIRE_OK &&
	    v.name.len == 0 && span_is(v.text, SET_CONFIG) && v.types.len == 2;
}

static inline struct span
batch_value(struct reader *r)
{
	uint32_t len = read_u32(r);

	return len == UINT32_MAX ? span_of(NULL, 0) : read_bytes(r, len);
}

/* The next Bind and Execute: NAME becomes VALUE, whose at is NULL for the default. */
static inline bool
batch_change(struct span *rest, struct span *name, struct span *value)
{
	struct bind_view v;
	struct reader r;
	struct span body;

	if (!batch_message(rest, 'B', &body) ||
	    query_bind_head(body, body.len, &v) != WIRE_OK ||
	    v.name.len + v.portal.len > 0)
		return false;
	r = read_begin(span_skip(body, v.head));
	if (read_u16(&r) != 0 || read_u16(&r) != 2)
		return false;
	*name = batch_value(&r);
	*value = batch_value(&r);
	if (read_u16(&r) != 0 || !read_done(&r) || name->at == NULL)
		return false;
	return batch_message(rest, 'E', &body) &&
	    span_same(body, SPAN_LITERAL("\0\0\0\0\0"));
}

#endif
