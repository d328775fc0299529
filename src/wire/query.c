/*
 * query.c - the client's messages: what their bodies say, and how we write our own.
 * Which statement a name stands for is session/'s to know, what is owed for a message
 * talk.c's.
 */
#include "wire/query.h"

#include "wire/frame.h"
#include "wire/read.h"
#include "wire/write.h"

#define NULL_VALUE UINT32_MAX	/* the length -1 */

/* Behind a Bind's names come at least three counts of two bytes. */
#define BIND_COUNTS 6u

enum wire
query_parse(struct span body, struct parse_view *out)
{
	struct reader r = read_begin(body), all;
	size_t count;

	*out = (struct parse_view){ 0 };
	out->name = read_string(&r);
	all = r;
	out->tail = read_rest(&all);
	out->text = read_string(&r);
	all = r;
	out->types = read_rest(&all);
	count = read_u16(&r);
	read_bytes(&r, count * 4);
	return read_done(&r) ? WIRE_OK : WIRE_BAD;
}

enum wire
query_bind_head(struct span here, size_t size, struct bind_view *out)
{
	struct span rest = here.len > size ? span_of(here.at, size) : here;
	const char *portal_end, *name_end = NULL;

	portal_end = rest.len > 0 ? memchr(rest.at, '\0', rest.len) : NULL;
	if (portal_end != NULL) {
		out->portal = span_of(rest.at, (size_t)(portal_end - rest.at));
		rest = span_skip(rest, out->portal.len + 1);
		name_end = rest.len > 0 ? memchr(rest.at, '\0', rest.len) : NULL;
	}
	if (name_end == NULL)
		return here.len < size ? WIRE_MORE : WIRE_BAD;
	out->name = span_of(rest.at, (size_t)(name_end - rest.at));
	out->head = out->portal.len + out->name.len + 2;
	return size - out->head < BIND_COUNTS ? WIRE_BAD : WIRE_OK;
}

enum wire
query_target(struct span body, struct target_view *out)
{
	struct reader r = read_begin(body);

	*out = (struct target_view){ 0 };
	out->what = (char)read_u8(&r);
	out->name = read_string(&r);
	if (!read_done(&r) || (out->what != 'S' && out->what != 'P'))
		return WIRE_BAD;
	return WIRE_OK;
}

void
query_write(struct buf *b, struct span sql)
{
	size_t mark = write_begin(b, 'Q');

	write_string(b, sql);
	write_end(b, mark);
}

void
query_write_parse(struct buf *b, struct span name, struct span tail)
{
	size_t mark = write_begin(b, 'P');

	write_string(b, name);
	buf_put_span(b, tail);
	write_end(b, mark);
}

void
query_write_parse_text(struct buf *b, struct span name, struct span text)
{
	size_t mark = write_begin(b, 'P');

	write_string(b, name);
	write_string(b, text);
	write_u16(b, 0);
	write_end(b, mark);
}

/* S and a NUL at TO, where there is room; what is behind it. */
static char *
put_string(char *to, struct span s)
{
	if (s.len > 0)
		memcpy(to, s.at, s.len);
	to[s.len] = '\0';
	return to + s.len + 1;
}

/* On the way of each named Bind: one reservation, no scan; views and our names have no NUL inside. */
void
query_write_bind_head(struct buf *b, const struct bind_view *v, size_t size,
    struct span name)
{
	uint64_t length = (uint64_t)(size - v->head) + v->portal.len + name.len + 6;
	char *to;

	if (!insist(v->head <= size) || length > FRAME_MOST) {
		b->failed = true;
		return;
	}
	to = buf_reserve(b, FRAME_HEAD + v->portal.len + name.len + 2);
	if (to == NULL)
		return;
	to[0] = 'B';
	write_be32(to + 1, (uint32_t)length);
	to = put_string(to + FRAME_HEAD, v->portal);
	b->len = (size_t)(put_string(to, name) - b->at);
}

void
query_write_bind_text(struct buf *b, struct span name, const struct span *values,
    unsigned count)
{
	size_t mark = write_begin(b, 'B');
	unsigned i;

	if (count > UINT16_MAX)
		b->failed = true;
	write_text(b, "");
	write_string(b, name);
	write_u16(b, 0);
	write_u16(b, (uint16_t)count);
	for (i = 0; i < count && !b->failed; i++) {
		write_u32(b, values[i].at == NULL ? NULL_VALUE : (uint32_t)values[i].len);
		buf_put_span(b, values[i]);
	}
	write_u16(b, 0);
	write_end(b, mark);
}

void
query_write_target(struct buf *b, char kind, char what, struct span name)
{
	size_t mark = write_begin(b, kind);

	write_u8(b, (uint8_t)what);
	write_string(b, name);
	write_end(b, mark);
}

void
query_write_execute(struct buf *b)
{
	size_t mark = write_begin(b, 'E');

	write_text(b, "");
	write_u32(b, 0);
	write_end(b, mark);
}
