/*
 * fuzz_reply.c - bodies of servers' messages: the first byte is the kind. What is read
 * lies within the body and can be written again.
 */
#include "fuzz/fuzz.h"

#include "base/buf.h"
#include "wire/frame.h"
#include "wire/reply.h"

/* Does B hold one message of KIND whose body is BODY? */
static bool
is_message(const struct buf *b, char kind, struct span body)
{
	struct frame_head head;

	return !b->failed && frame_look(b->at, b->len, &head) == FRAME_HEADER &&
	    head.kind == kind && head.size == b->len &&
	    span_same(span_skip(buf_span(b), FRAME_HEAD), body);
}

/* Renaming to a name of the same length and back gives the same body. */
static void
check_error(struct span body, struct buf *b)
{
	struct span from = SPAN_LITERAL("W1"), to = SPAN_LITERAL("\1\2"), once;
	struct error_view v;
	bool good = reply_error(body, &v);
	struct buf back = { 0 };

	must(lies_in(v.severity, body) && lies_in(v.plain_severity, body));
	must(lies_in(v.sqlstate, body) && lies_in(v.text, body));
	must(lies_in(v.detail, body) && lies_in(v.hint, body));
	reply_write_renamed(b, body, SPAN_LITERAL(""), to);
	must(is_message(b, 'E', body));
	buf_clear(b);
	reply_write_renamed(b, body, from, to);
	once = span_skip(buf_span(b), FRAME_HEAD);
	must(is_message(b, 'E', once) && once.len == body.len);
	must(good == reply_error(once, &v));
	if (memmem(body.at, body.len, to.at, to.len) == NULL) {
		reply_write_renamed(&back, once, to, from);
		must(is_message(&back, 'E', body));
	}
	buf_fini(&back);
}

static void
check_pairs(char kind, struct span body, struct buf *b)
{
	struct span name, value;
	uint32_t pid, count;
	char status;

	switch (kind) {
	case 'S':
		if (!reply_parameter(body, &name, &value))
			return;
		must(lies_in(name, body) && lies_in(value, body));
		reply_write_parameter(b, name, value);
		break;
	case 'K':
		if (!reply_key(body, &pid, &value))
			return;
		must(lies_in(value, body) && value.len >= 4 && value.len <= 256);
		reply_write_key(b, pid, value);
		break;
	case 'C':
		if (!reply_tag(body, &name))
			return;
		must(lies_in(name, body) && name.at[name.len] == '\0');
		reply_write_complete(b, name.at);
		break;
	case 'Z':
		status = reply_ready(body);
		if (status == '\0')
			return;
		reply_write_ready(b, status);
		break;
	case 'v':
		if (!reply_negotiate(body, &pid, &count))
			return;
		reply_write_negotiate(b, pid, count, span_skip(body, 8));
		break;
	default:
		return;
	}
	must(is_message(b, kind, body));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct buf b = { 0 };
	struct span body;

	if (len == 0)
		return 0;
	body = copy_of(span_of(bytes + 1, len - 1));
	if (bytes[0] == 'E')
		check_error(body, &b);
	else
		check_pairs((char)bytes[0], body, &b);
	free((void *)body.at);
	buf_fini(&b);
	return 0;
}
