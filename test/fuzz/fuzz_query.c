/*
 * fuzz_query.c - bodies of clients' messages: the first byte chooses which. A Bind's
 * head is the same wherever its body is cut; what is read can be written again.
 */
#include "fuzz/fuzz.h"

#include "base/buf.h"
#include "wire/frame.h"
#include "wire/query.h"

/* Does B hold one message of KIND whose body is BODY? */
static bool
is_message(const struct buf *b, char kind, struct span body)
{
	struct frame_head head;

	return !b->failed && frame_look(b->at, b->len, &head) == FRAME_HEADER &&
	    head.kind == kind && head.size == b->len &&
	    span_same(span_skip(buf_span(b), FRAME_HEAD), body);
}

static void
check_parse(struct span body)
{
	struct parse_view v;
	struct buf b = { 0 };

	if (query_parse(body, &v) != WIRE_OK)
		return;
	must(lies_in(v.name, body) && lies_in(v.text, body));
	must(lies_in(v.types, body) && lies_in(v.tail, body));
	must(v.name.at[v.name.len] == '\0' && v.text.at[v.text.len] == '\0');
	must(v.types.len >= 2 && v.types.len % 4 == 2);
	query_write_parse(&b, v.name, v.tail);
	must(is_message(&b, 'P', body));
	buf_fini(&b);
}

static void
check_target(struct span body)
{
	struct target_view v;
	struct buf b = { 0 };

	if (query_target(body, &v) != WIRE_OK)
		return;
	must(lies_in(v.name, body));
	query_write_target(&b, 'D', v.what, v.name);
	must(is_message(&b, 'D', body));
	buf_fini(&b);
}

/* The head of a Bind of SIZE bytes, of which HERE has come, is MORE before it is V. */
static void
check_bind_cuts(struct span body, enum wire seen, const struct bind_view *v)
{
	struct bind_view cut_view;
	size_t len;

	for (len = 0; len < body.len; len += 1 + len / 64) {
		struct span cut = copy_of(span_of(body.at, len));
		enum wire cut_seen = query_bind_head(cut, body.len, &cut_view);

		if (cut_seen == WIRE_OK)
			must(seen == WIRE_OK && cut_view.head == v->head);
		else
			must(cut_seen == WIRE_BAD ? seen == WIRE_BAD :
			    seen != WIRE_OK || len < v->head);
		free((void *)cut.at);
	}
}

static void
check_bind(struct span body)
{
	struct bind_view v;
	struct buf b = { 0 };
	enum wire seen = query_bind_head(body, body.len, &v);

	must(seen != WIRE_MORE);
	check_bind_cuts(body, seen, &v);
	if (seen != WIRE_OK)
		return;
	must(lies_in(v.portal, body) && lies_in(v.name, body));
	must(v.head == v.portal.len + v.name.len + 2 && v.head <= body.len - 6);
	query_write_bind_head(&b, &v, body.len, v.name);
	buf_put_span(&b, span_skip(body, v.head));
	must(is_message(&b, 'B', body));
	buf_fini(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct span body;

	if (len == 0)
		return 0;
	body = copy_of(span_of(bytes + 1, len - 1));
	switch (bytes[0]) {
	case 'P':
		check_parse(body);
		break;
	case 'B':
		check_bind(body);
		break;
	case 'D':
		check_target(body);
		break;
	}
	free((void *)body.at);
	return 0;
}
