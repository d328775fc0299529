/*
 * reply.c - the server's messages: what their bodies say, and how we write our own.
 * What becomes of them is talk.c's and the pool's business.
 */
#include "wire/reply.h"

#include "wire/read.h"
#include "wire/startup.h"
#include "wire/write.h"

#define NULL_VALUE UINT32_MAX	/* the length -1 */

/* Where OUT keeps the field CODE, or NULL for those nobody asks for. */
static struct span *
field_of(struct error_view *out, uint8_t code)
{
	switch (code) {
	case 'S':
		return &out->severity;
	case 'V':
		return &out->plain_severity;
	case 'C':
		return &out->sqlstate;
	case 'M':
		return &out->text;
	case 'D':
		return &out->detail;
	case 'H':
		return &out->hint;
	case 'R':
		return &out->routine;
	}
	return NULL;
}

bool
reply_error(struct span body, struct error_view *out)
{
	struct reader r = read_begin(body);
	struct span *field, text;
	uint8_t code;

	*out = (struct error_view){ 0 };
	while ((code = read_u8(&r)) != 0) {
		text = read_string(&r);
		field = field_of(out, code);
		if (!r.failed && field != NULL)
			*field = text;
	}
	return read_done(&r);
}

bool
reply_parameter(struct span body, struct span *name, struct span *value)
{
	struct reader r = read_begin(body);

	*name = read_string(&r);
	*value = read_string(&r);
	return read_done(&r);
}

bool
reply_key(struct span body, uint32_t *pid, struct span *key)
{
	struct reader r = read_begin(body);

	*pid = read_u32(&r);
	*key = read_rest(&r);
	return read_done(&r) && key->len >= CANCEL_KEY_LEAST &&
	    key->len <= CANCEL_KEY_MOST;
}

bool
reply_tag(struct span body, struct span *tag)
{
	struct reader r = read_begin(body);

	*tag = read_string(&r);
	return read_done(&r);
}

char
reply_ready(struct span body)
{
	if (body.len != 1)
		return '\0';
	switch (body.at[0]) {
	case 'I':
	case 'T':
	case 'E':
		return body.at[0];
	}
	return '\0';
}

bool
reply_negotiate(struct span body, uint32_t *newest, uint32_t *options)
{
	struct reader r = read_begin(body);
	uint32_t i;

	*newest = read_u32(&r);
	*options = read_u32(&r);
	for (i = 0; i < *options && !r.failed; i++)
		read_string(&r);
	return read_done(&r);
}

static void
write_field(struct buf *b, char code, const char *text)
{
	buf_put_byte(b, code);
	write_text(b, text);
}

void
reply_write_error(struct buf *b, const char *severity, const struct err *e)
{
	size_t mark = write_begin(b, 'E');

	write_field(b, 'S', severity);
	write_field(b, 'V', severity);
	write_field(b, 'C', e->sqlstate[0] != '\0' ? e->sqlstate : "XX000");
	write_field(b, 'M', e->text);
	if (e->detail[0] != '\0')
		write_field(b, 'D', e->detail);
	if (e->hint[0] != '\0')
		write_field(b, 'H', e->hint);
	write_u8(b, 0);
	write_end(b, mark);
}

void
reply_write_notice(struct buf *b, const char *sqlstate, const char *text,
    const char *detail)
{
	size_t mark = write_begin(b, 'N');

	write_field(b, 'S', "NOTICE");
	write_field(b, 'V', "NOTICE");
	write_field(b, 'C', sqlstate);
	write_field(b, 'M', text);
	if (detail != NULL)
		write_field(b, 'D', detail);
	write_u8(b, 0);
	write_end(b, mark);
}

/* TEXT and a NUL, with every FROM in it replaced by TO. */
static void
write_replaced(struct buf *b, struct span text, struct span from, struct span to)
{
	const char *hit;

	while ((hit = memmem(text.at, text.len, from.at, from.len)) != NULL) {
		size_t before = (size_t)(hit - text.at);

		buf_put(b, text.at, before);
		buf_put_span(b, to);
		text = span_skip(text, before + from.len);
	}
	write_string(b, text);
}

void
reply_write_renamed(struct buf *b, struct span body, struct span from, struct span to)
{
	struct reader r = read_begin(body);
	size_t mark = write_begin(b, 'E');
	struct error_view view;
	uint8_t code;

	if (from.len == 0 || !reply_error(body, &view)) {
		buf_put_span(b, body);
		write_end(b, mark);
		return;
	}
	if (to.len > 0 && memchr(to.at, '\0', to.len) != NULL)
		b->failed = true;
	while ((code = read_u8(&r)) != 0) {
		struct span text = read_string(&r);

		write_u8(b, code);
		if (code == 'M' || code == 'D' || code == 'H')
			write_replaced(b, text, from, to);
		else
			write_string(b, text);
	}
	write_u8(b, 0);
	write_end(b, mark);
}

void
reply_write_auth(struct buf *b, uint32_t code, struct span data)
{
	size_t mark = write_begin(b, 'R');

	write_u32(b, code);
	buf_put_span(b, data);
	write_end(b, mark);
}

void
reply_write_parameter(struct buf *b, struct span name, struct span value)
{
	size_t mark = write_begin(b, 'S');

	write_string(b, name);
	write_string(b, value);
	write_end(b, mark);
}

void
reply_write_key(struct buf *b, uint32_t pid, struct span key)
{
	size_t mark = write_begin(b, 'K');

	write_u32(b, pid);
	buf_put_span(b, key);
	write_end(b, mark);
}

void
reply_write_ready(struct buf *b, char status)
{
	size_t mark = write_begin(b, 'Z');

	write_u8(b, (uint8_t)status);
	write_end(b, mark);
}

void
reply_write_complete(struct buf *b, const char *tag)
{
	size_t mark = write_begin(b, 'C');

	write_text(b, tag);
	write_end(b, mark);
}

void
reply_write_negotiate(struct buf *b, uint32_t newest, uint32_t count, struct span names)
{
	size_t mark = write_begin(b, 'v');

	write_u32(b, newest);
	write_u32(b, count);
	buf_put_span(b, names);
	write_end(b, mark);
}

void
reply_write_columns(struct buf *b, const struct reply_column *columns, unsigned count)
{
	size_t mark = write_begin(b, 'T');
	unsigned i;

	if (count > UINT16_MAX)
		b->failed = true;
	write_u16(b, (uint16_t)count);
	for (i = 0; i < count; i++) {
		write_text(b, columns[i].name);
		write_u32(b, 0);	/* of no table ... */
		write_u16(b, 0);	/* ... and no column there */
		write_u32(b, columns[i].oid);
		write_u16(b, (uint16_t)columns[i].size);
		write_u32(b, UINT32_MAX);	/* type modifier: none */
		write_u16(b, 0);	/* text */
	}
	write_end(b, mark);
}

size_t
reply_row_begin(struct buf *b, unsigned count)
{
	size_t mark = write_begin(b, 'D');

	if (count > UINT16_MAX)
		b->failed = true;
	write_u16(b, (uint16_t)count);
	return mark;
}

void
reply_row_value(struct buf *b, struct span value)
{
	write_u32(b, value.at == NULL ? NULL_VALUE : (uint32_t)value.len);
	buf_put_span(b, value);
}

void
reply_row_end(struct buf *b, size_t mark)
{
	write_end(b, mark);
}
