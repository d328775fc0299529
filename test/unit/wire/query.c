/*
 * query.c - tests of wire/query.h.
 */
#include "unit/unit.h"

#include "wire/frame.h"
#include "wire/query.h"
#include "wire/read.h"
#include "wire/write.h"

/* The body of the one message in B, which must be of KIND and whole. */
static struct span
body_of(const struct buf *b, char kind)
{
	struct frame_head head;

	assert_false(b->failed);
	assert_int_equal(frame_look(b->at, b->len, &head), FRAME_HEADER);
	assert_int_equal(head.kind, kind);
	assert_int_equal(head.size, b->len);
	return span_skip(buf_span(b), FRAME_HEAD);
}

static void
parse_is_read_whole(void **state)
{
	static const char body[] = "s1\0select $1, $2\0\0\2\0\0\0\x17\0\0\0\x19";
	size_t len, whole = sizeof(body) - 1;
	struct parse_view v;

	(void)state;
	for (len = 0; len <= whole; len++) {
		char *block = exact_copy(body, len);

		assert_int_equal(query_parse(span_of(block, len), &v),
		    len == whole ? WIRE_OK : WIRE_BAD);
		free(block);
	}
	assert_int_equal(query_parse(span_of(body, whole), &v), WIRE_OK);
	assert_span(v.name, "s1");
	assert_span(v.text, "select $1, $2");
	assert_int_equal(v.types.len, 10);
	assert_int_equal(v.tail.len, whole - 3);
	assert_ptr_equal(v.tail.at, v.text.at);
	/* one byte too many */
	assert_int_equal(query_parse(span_of(body, whole + 1), &v), WIRE_BAD);
}

static void
parse_counts_its_types(void **state)
{
	static const struct {
		struct span	 body;
		enum wire	 seen;
	} rows[] = {
		{ SPAN_LITERAL("\0\0\0\0"), WIRE_OK },
		{ SPAN_LITERAL("\0q\0\0\1\0\0\0\x17"), WIRE_OK },
		{ SPAN_LITERAL("\0q\0\0\2\0\0\0\x17"), WIRE_BAD },
		{ SPAN_LITERAL("\0q\0\0\0\0\0\0\x17"), WIRE_BAD },
		{ SPAN_LITERAL("\0q\0\xff\xff\0\0\0\x17"), WIRE_BAD },
		{ SPAN_LITERAL("\0q\0"), WIRE_BAD },
		{ SPAN_LITERAL(""), WIRE_BAD },
	};
	struct parse_view v;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(query_parse(rows[i].body, &v), rows[i].seen);
}

static void
a_parse_keeps_its_tail_under_a_new_name(void **state)
{
	static const char body[] = "s1\0select $1\0\0\1\0\0\0\x17";
	struct parse_view v, again;
	struct buf b = { 0 };

	(void)state;
	assert_int_equal(query_parse(span_of(body, sizeof(body) - 1), &v), WIRE_OK);
	query_write_parse(&b, SPAN_LITERAL("other"), v.tail);
	assert_int_equal(query_parse(body_of(&b, 'P'), &again), WIRE_OK);
	assert_span(again.name, "other");
	assert_true(span_same(again.tail, v.tail));
	assert_true(span_same(again.types, v.types));
	buf_clear(&b);
	query_write_parse_text(&b, span_text(NULL), SPAN_LITERAL("select 1"));
	assert_int_equal(query_parse(body_of(&b, 'P'), &again), WIRE_OK);
	assert_span(again.name, "");
	assert_span(again.text, "select 1");
	assert_int_equal(again.types.len, 2);
	buf_fini(&b);
}

static void
a_bind_head_needs_its_names_only(void **state)
{
	static const char body[] = "portal\0name\0\0\0\0\0\0\0";
	size_t len, whole = sizeof(body) - 1;
	struct bind_view v;

	(void)state;
	for (len = 0; len <= whole; len++) {
		char *block = exact_copy(body, len);
		enum wire seen = query_bind_head(span_of(block, len), whole, &v);

		assert_int_equal(seen, len < 12 ? WIRE_MORE : WIRE_OK);
		if (seen == WIRE_OK) {
			assert_span(v.portal, "portal");
			assert_span(v.name, "name");
			assert_int_equal(v.head, 12);
		}
		free(block);
	}
}

static void
a_bind_head_lies_within_its_message(void **state)
{
	static const char body[] = "portal\0name\0\0\0\0\0\0\0";
	size_t size;
	struct bind_view v;

	(void)state;
	/* what stands behind a shorter message belongs to the next one */
	for (size = 0; size < 18; size++) {
		char *block = exact_copy(body, size);

		assert_int_equal(query_bind_head(span_of(body, 18), size, &v), WIRE_BAD);
		assert_int_equal(query_bind_head(span_of(block, size), size, &v),
		    WIRE_BAD);
		free(block);
	}
	assert_int_equal(query_bind_head(span_of(body, 18), 18, &v), WIRE_OK);
	assert_int_equal(query_bind_head(span_of(NULL, 0), 0, &v), WIRE_BAD);
	assert_int_equal(query_bind_head(span_of(NULL, 0), 100, &v), WIRE_MORE);
}

static void
a_bind_head_is_rewritten_around_its_rest(void **state)
{
	static const char body[] = "p\0s1\0\0\0\0\1\0\0\0\4ABCD\0\0";
	static const char *const names[] = { "", "s1", "a_much_longer_name" };
	size_t size = sizeof(body) - 1, i;
	struct buf b = { 0 };

	(void)state;
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		struct bind_view v, again;
		struct span rest, now;

		assert_int_equal(query_bind_head(span_of(body, 5), size, &v), WIRE_OK);
		buf_clear(&b);
		query_write_bind_head(&b, &v, size, span_text(names[i]));
		rest = span_of(body + v.head, size - v.head);
		buf_put_span(&b, rest);
		now = body_of(&b, 'B');
		assert_int_equal(query_bind_head(now, now.len, &again), WIRE_OK);
		assert_span(again.portal, "p");
		assert_span(again.name, names[i]);
		assert_true(span_same(span_skip(now, again.head), rest));
	}
	buf_fini(&b);
}

static void
a_bind_that_grows_too_large_fails(void **state)
{
	struct buf b = { 0 };
	struct bind_view v = { .portal = SPAN_LITERAL(""), .name = SPAN_LITERAL("a"),
		.head = 3 };

	(void)state;
	query_write_bind_head(&b, &v, FRAME_MOST - 4, SPAN_LITERAL("a"));
	assert_false(b.failed);
	assert_int_equal(read_be32(b.at + 1), FRAME_MOST);
	buf_clear(&b);
	query_write_bind_head(&b, &v, FRAME_MOST - 4, SPAN_LITERAL("ab"));
	assert_true(b.failed);
	buf_fini(&b);
}

static void
binds_of_ours_carry_text(void **state)
{
	const struct span values[] = { SPAN_LITERAL("one"), span_of(NULL, 0),
		SPAN_LITERAL("") };
	struct buf b = { 0 };
	struct span body;
	struct bind_view v;
	struct reader r;

	(void)state;
	query_write_bind_text(&b, SPAN_LITERAL("look"), values, 3);
	body = body_of(&b, 'B');
	assert_int_equal(query_bind_head(body, body.len, &v), WIRE_OK);
	assert_span(v.portal, "");
	assert_span(v.name, "look");
	r = read_begin(span_skip(body, v.head));
	assert_int_equal(read_u16(&r), 0);
	assert_int_equal(read_u16(&r), 3);
	assert_int_equal(read_u32(&r), 3);
	assert_span(read_bytes(&r, 3), "one");
	assert_true(read_u32(&r) == UINT32_MAX);
	assert_int_equal(read_u32(&r), 0);
	assert_int_equal(read_u16(&r), 0);
	assert_true(read_done(&r));
	buf_clear(&b);
	query_write_bind_text(&b, SPAN_LITERAL(""), NULL, 0);
	body = body_of(&b, 'B');
	assert_int_equal(query_bind_head(body, body.len, &v), WIRE_OK);
	buf_clear(&b);
	query_write_bind_text(&b, SPAN_LITERAL(""), values, 65536);
	assert_true(b.failed);
	buf_fini(&b);
}

static void
targets_are_statements_or_portals(void **state)
{
	static const struct {
		struct span	 body;
		enum wire	 seen;
	} rows[] = {
		{ SPAN_LITERAL("Sname\0"), WIRE_OK },
		{ SPAN_LITERAL("P\0"), WIRE_OK },
		{ SPAN_LITERAL("Xname\0"), WIRE_BAD },
		{ SPAN_LITERAL("Sname"), WIRE_BAD },
		{ SPAN_LITERAL("Sname\0x"), WIRE_BAD },
		{ SPAN_LITERAL("S"), WIRE_BAD },
		{ SPAN_LITERAL(""), WIRE_BAD },
	};
	struct target_view v;
	struct buf b = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		char *block = exact_copy(rows[i].body.at, rows[i].body.len);

		assert_int_equal(query_target(span_of(block, rows[i].body.len), &v),
		    rows[i].seen);
		free(block);
	}
	query_write_target(&b, 'D', 'S', SPAN_LITERAL("s1"));
	assert_int_equal(query_target(body_of(&b, 'D'), &v), WIRE_OK);
	assert_int_equal(v.what, 'S');
	assert_span(v.name, "s1");
	buf_clear(&b);
	query_write_target(&b, 'C', 'P', span_text(NULL));
	assert_int_equal(query_target(body_of(&b, 'C'), &v), WIRE_OK);
	assert_int_equal(v.what, 'P');
	assert_span(v.name, "");
	buf_fini(&b);
}

static void
queries_and_executes_have_their_shape(void **state)
{
	struct buf b = { 0 };
	struct reader r;

	(void)state;
	query_write(&b, SPAN_LITERAL("select 1"));
	r = read_begin(body_of(&b, 'Q'));
	assert_span(read_string(&r), "select 1");
	assert_true(read_done(&r));
	buf_clear(&b);
	query_write(&b, SPAN_LITERAL("select 1\0; drop"));
	assert_true(b.failed);
	buf_clear(&b);
	query_write_execute(&b);
	r = read_begin(body_of(&b, 'E'));
	assert_span(read_string(&r), "");
	assert_int_equal(read_u32(&r), 0);
	assert_true(read_done(&r));
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(parse_is_read_whole),
		UNIT_TEST(parse_counts_its_types),
		UNIT_TEST(a_parse_keeps_its_tail_under_a_new_name),
		UNIT_TEST(a_bind_head_needs_its_names_only),
		UNIT_TEST(a_bind_head_lies_within_its_message),
		UNIT_TEST(a_bind_head_is_rewritten_around_its_rest),
		UNIT_TEST(a_bind_that_grows_too_large_fails),
		UNIT_TEST(binds_of_ours_carry_text),
		UNIT_TEST(targets_are_statements_or_portals),
		UNIT_TEST(queries_and_executes_have_their_shape),
	};

	return cmocka_run_group_tests_name("wire/query", tests, NULL, NULL);
}
