/*
 * reply.c - tests of wire/reply.h.
 */
#include "unit/unit.h"

#include "wire/frame.h"
#include "wire/read.h"
#include "wire/reply.h"

static struct buf b;

static int
buf_begin(void **state)
{
	(void)state;
	buf_clear(&b);
	return 0;
}

static int
buf_end(void **state)
{
	(void)state;
	buf_fini(&b);
	return 0;
}

/* The body of the one message in b, which must be of KIND and whole. */
static struct span
body(char kind)
{
	struct frame_head head;

	assert_false(b.failed);
	assert_int_equal(frame_look(b.at, b.len, &head), FRAME_HEADER);
	assert_int_equal(head.kind, kind);
	assert_int_equal(head.size, b.len);
	return span_skip(buf_span(&b), FRAME_HEAD);
}

static void
an_error_has_its_fields_in_order(void **state)
{
	static const char full[] = "SFATAL\0VFATAL\0C53300\0Mtoo many\0Dmore\0Hless\0";
	static const char few[] = "SERROR\0VERROR\0CXX000\0Mbad\0";
	struct err e;

	(void)state;
	err_set(&e, SQLSTATE_TOO_MANY, "too many");
	err_detail(&e, "more");
	err_hint(&e, "less");
	reply_write_error(&b, "FATAL", &e);
	assert_true(span_same(body('E'), span_of(full, sizeof(full))));
	buf_clear(&b);
	err_set(&e, "", "bad");
	reply_write_error(&b, "ERROR", &e);
	assert_true(span_same(body('E'), span_of(few, sizeof(few))));
}

static void
errors_are_read_back(void **state)
{
	struct error_view v;
	struct err e;

	(void)state;
	err_set(&e, SQLSTATE_PROTOCOL, "text");
	err_hint(&e, "hint");
	reply_write_error(&b, "ERROR", &e);
	assert_true(reply_error(body('E'), &v));
	assert_span(v.severity, "ERROR");
	assert_span(v.plain_severity, "ERROR");
	assert_span(v.sqlstate, "08P01");
	assert_span(v.text, "text");
	assert_span(v.hint, "hint");
	assert_null(v.detail.at);
	buf_clear(&b);
	reply_write_notice(&b, "00000", "wait", "a bit");
	assert_true(reply_error(body('N'), &v));
	assert_span(v.severity, "NOTICE");
	assert_span(v.detail, "a bit");
	buf_clear(&b);
	reply_write_notice(&b, "00000", "wait", NULL);
	assert_true(reply_error(body('N'), &v));
	assert_null(v.detail.at);
}

static void
errors_of_strangers_may_lack_anything(void **state)
{
	static const char text[] = "SERROR\0C42P01\0Mno\0Fx.c\0L7\0?new\0";
	size_t len, whole = sizeof(text);
	struct error_view v;

	(void)state;
	for (len = 0; len <= whole; len++) {
		char *block = exact_copy(text, len);

		assert_int_equal(reply_error(span_of(block, len), &v), len == whole);
		/* what came whole is there, what did not is empty */
		if (len >= 7)
			assert_span(v.severity, "ERROR");
		else
			assert_null(v.severity.at);
		assert_int_equal(v.sqlstate.len, len >= 14 ? 5 : 0);
		assert_null(v.plain_severity.at);
		free(block);
	}
	assert_false(reply_error(SPAN_LITERAL("Mgood\0Mbro"), &v));
	assert_span(v.text, "good");
	assert_true(reply_error(span_of("", 1), &v));
	assert_null(v.text.at);
	assert_false(reply_error(span_of(NULL, 0), &v));
	assert_false(reply_error(span_of("\0x", 2), &v));
}

static void
renaming_touches_texts_only(void **state)
{
	static const char in[] =
		"SW1\0C26000\0Mstatement \"W1\" and W1\0DW1W1\0Hno\0qselect W1\0RW1\0";
	static const char out[] =
		"SW1\0C26000\0Mstatement \"name\" and name\0Dnamename\0Hno\0"
		"qselect W1\0RW1\0";
	static const char gone[] =
		"SW1\0C26000\0Mstatement \"\" and \0D\0Hno\0qselect W1\0RW1\0";
	struct span bytes = span_of(in, sizeof(in)), broken = span_of(in, sizeof(in) - 1);

	(void)state;
	reply_write_renamed(&b, bytes, SPAN_LITERAL("W1"), SPAN_LITERAL("name"));
	assert_true(span_same(body('E'), span_of(out, sizeof(out))));
	buf_clear(&b);
	reply_write_renamed(&b, bytes, SPAN_LITERAL("W1"), span_text(NULL));
	assert_true(span_same(body('E'), span_of(gone, sizeof(gone))));
	buf_clear(&b);
	reply_write_renamed(&b, bytes, SPAN_LITERAL("W2"), SPAN_LITERAL("name"));
	assert_true(span_same(body('E'), bytes));
	buf_clear(&b);
	reply_write_renamed(&b, bytes, span_text(NULL), SPAN_LITERAL("name"));
	assert_true(span_same(body('E'), bytes));
	buf_clear(&b);
	reply_write_renamed(&b, broken, SPAN_LITERAL("W1"), SPAN_LITERAL("name"));
	assert_true(span_same(body('E'), broken));
	buf_clear(&b);
	reply_write_renamed(&b, bytes, SPAN_LITERAL("W1"), SPAN_LITERAL("a\0Mb"));
	assert_true(b.failed);
}

static void
parameters_are_pairs(void **state)
{
	static const char text[] = "TimeZone\0UTC\0";
	size_t len, whole = sizeof(text) - 1;
	struct span name, value;

	(void)state;
	reply_write_parameter(&b, SPAN_LITERAL("TimeZone"), SPAN_LITERAL("UTC"));
	assert_true(span_same(body('S'), span_of(text, whole)));
	for (len = 0; len <= sizeof(text); len++) {
		char *block = exact_copy(text, len);

		assert_int_equal(reply_parameter(span_of(block, len), &name, &value),
		    len == whole);
		free(block);
	}
	assert_true(reply_parameter(body('S'), &name, &value));
	assert_span(name, "TimeZone");
	assert_span(value, "UTC");
}

static void
keys_are_4_to_256_bytes(void **state)
{
	char bytes[4 + 257] = { 0, 0, 1, 2, 'k' };
	struct span key;
	uint32_t pid;
	size_t len;

	(void)state;
	for (len = 0; len <= sizeof(bytes); len++) {
		char *block = exact_copy(bytes, len);

		assert_int_equal(reply_key(span_of(block, len), &pid, &key),
		    len >= 8 && len <= 260);
		free(block);
	}
	reply_write_key(&b, 0x80000001, span_of(bytes, 32));
	assert_true(reply_key(body('K'), &pid, &key));
	assert_true(pid == 0x80000001);
	assert_true(span_same(key, span_of(bytes, 32)));
}

static void
tags_end_with_their_body(void **state)
{
	struct span tag;

	(void)state;
	reply_write_complete(&b, "SELECT 1");
	assert_true(reply_tag(body('C'), &tag));
	assert_span(tag, "SELECT 1");
	assert_false(reply_tag(span_of("SELECT", 6), &tag));
	assert_false(reply_tag(span_of("SELECT\0x", 8), &tag));
	assert_false(reply_tag(span_of(NULL, 0), &tag));
}

static void
ready_has_three_states(void **state)
{
	int c;

	(void)state;
	for (c = 0; c < 256; c++) {
		char byte = (char)c;
		bool known = c == 'I' || c == 'T' || c == 'E';

		assert_int_equal(reply_ready(span_of(&byte, 1)), known ? c : 0);
	}
	assert_int_equal(reply_ready(span_of("II", 2)), 0);
	assert_int_equal(reply_ready(span_of(NULL, 0)), 0);
	reply_write_ready(&b, 'T');
	assert_int_equal(reply_ready(body('Z')), 'T');
}

static void
negotiation_counts_its_names(void **state)
{
	static const char names[] = "_pq_.a\0_pq_.b";
	uint32_t newest, count;
	struct span text;
	size_t len;

	(void)state;
	reply_write_negotiate(&b, 3 << 16 | 2, 2, span_of(names, sizeof(names)));
	text = body('v');
	assert_true(reply_negotiate(text, &newest, &count));
	assert_int_equal(newest, 3 << 16 | 2);
	assert_int_equal(count, 2);
	for (len = 0; len < text.len; len++) {
		char *block = exact_copy(text.at, len);

		assert_false(reply_negotiate(span_of(block, len), &newest, &count));
		free(block);
	}
	assert_false(reply_negotiate(span_of("\0\3\0\0\0\0\0\0x", 9), &newest, &count));
	assert_false(
	    reply_negotiate(span_of("\0\3\0\0\xff\xff\xff\xff", 8), &newest, &count));
	assert_true(reply_negotiate(span_of("\0\3\0\0\0\0\0\0", 8), &newest, &count));
}

static void
authentication_carries_code_and_data(void **state)
{
	(void)state;
	reply_write_auth(&b, AUTH_MD5, SPAN_LITERAL("salt"));
	assert_true(span_same(body('R'), SPAN_LITERAL("\0\0\0\5salt")));
	buf_clear(&b);
	reply_write_auth(&b, AUTH_OK, span_text(NULL));
	assert_true(span_same(body('R'), SPAN_LITERAL("\0\0\0\0")));
}

static void
tables_have_columns_and_rows(void **state)
{
	static const struct reply_column columns[] = { { "name", 25, -1 },
		{ "n", 23, 4 } };
	struct reader r;
	size_t mark;

	(void)state;
	reply_write_columns(&b, columns, 2);
	r = read_begin(body('T'));
	assert_int_equal(read_u16(&r), 2);
	assert_span(read_string(&r), "name");
	assert_int_equal(read_u32(&r), 0);
	assert_int_equal(read_u16(&r), 0);
	assert_int_equal(read_u32(&r), 25);
	assert_int_equal(read_u16(&r), 0xffff);
	assert_true(read_u32(&r) == UINT32_MAX);
	assert_int_equal(read_u16(&r), 0);
	assert_span(read_string(&r), "n");
	read_bytes(&r, 4 + 2);
	assert_int_equal(read_u32(&r), 23);
	assert_int_equal(read_u16(&r), 4);
	read_bytes(&r, 4 + 2);
	assert_true(read_done(&r));

	buf_clear(&b);
	mark = reply_row_begin(&b, 3);
	reply_row_value(&b, SPAN_LITERAL("bob"));
	reply_row_value(&b, span_of(NULL, 0));
	reply_row_value(&b, SPAN_LITERAL(""));
	reply_row_end(&b, mark);
	assert_true(span_same(body('D'),
	    SPAN_LITERAL("\0\3\0\0\0\3bob\xff\xff\xff\xff\0\0\0\0")));
	buf_clear(&b);
	reply_row_begin(&b, 65536);
	assert_true(b.failed);
}

int
main(void)
{
#define REPLY_TEST(rule) cmocka_unit_test_setup(rule, buf_begin)
	const struct CMUnitTest tests[] = {
		REPLY_TEST(an_error_has_its_fields_in_order),
		REPLY_TEST(errors_are_read_back),
		REPLY_TEST(errors_of_strangers_may_lack_anything),
		REPLY_TEST(renaming_touches_texts_only),
		REPLY_TEST(parameters_are_pairs),
		REPLY_TEST(keys_are_4_to_256_bytes),
		REPLY_TEST(tags_end_with_their_body),
		REPLY_TEST(ready_has_three_states),
		REPLY_TEST(negotiation_counts_its_names),
		REPLY_TEST(authentication_carries_code_and_data),
		REPLY_TEST(tables_have_columns_and_rows),
	};

	return cmocka_run_group_tests_name("wire/reply", tests, NULL, buf_end);
}
