/*
 * read.c - tests of wire/read.h.
 */
#include "unit/unit.h"

#include "wire/read.h"

static const char body[] = "\xfe\x01\x02\x80\x00\x00\x01name\0rest";
#define LEN (sizeof(body) - 1)

static void
fields_come_in_order(void **state)
{
	char *block = exact_copy(body, LEN);
	struct reader r = read_begin(span_of(block, LEN));
	struct span name;

	(void)state;
	assert_int_equal(read_u8(&r), 0xfe);
	assert_int_equal(read_u16(&r), 0x0102);
	assert_true(read_u32(&r) == 0x80000001);
	name = read_string(&r);
	assert_span(name, "name");
	assert_int_equal(name.at[name.len], 0);
	assert_span(read_bytes(&r, 1), "r");
	assert_false(read_done(&r));
	assert_span(read_rest(&r), "est");
	assert_true(read_done(&r));
	free(block);
}

static void
every_truncation_fails(void **state)
{
	size_t len;

	(void)state;
	/* up to the name's NUL everything is asked for */
	for (len = 0; len < 12; len++) {
		char *block = exact_copy(body, len);
		struct reader r = read_begin(span_of(block, len));

		read_u8(&r);
		read_u16(&r);
		read_u32(&r);
		read_string(&r);
		assert_true(r.failed);
		assert_false(read_done(&r));
		free(block);
	}
}

static void
failure_is_sticky_and_gives_nothing(void **state)
{
	struct reader r = read_begin(span_of("\1\2\3\0\5", 5));
	struct span s;

	(void)state;
	assert_int_equal(read_bytes(&r, 6).len, 0);
	assert_true(r.failed);
	assert_int_equal(read_u8(&r), 0);
	assert_int_equal(read_u16(&r), 0);
	assert_int_equal(read_u32(&r), 0);
	s = read_string(&r);
	assert_null(s.at);
	assert_int_equal(s.len, 0);
	s = read_rest(&r);
	assert_int_equal(s.len, 0);
	s = read_bytes(&r, 0);
	assert_null(s.at);
	assert_false(read_done(&r));
}

static void
lengths_cannot_wrap(void **state)
{
	struct reader r = read_begin(span_of("abc", 3));

	(void)state;
	read_u8(&r);
	assert_int_equal(read_bytes(&r, SIZE_MAX).len, 0);
	assert_true(r.failed);
	r = read_begin(span_of("abc", 3));
	read_u8(&r);
	assert_int_equal(read_bytes(&r, SIZE_MAX - 1).len, 0);
	assert_true(r.failed);
}

static void
an_empty_body_is_done(void **state)
{
	struct reader r = read_begin(span_of(NULL, 0));

	(void)state;
	assert_true(read_done(&r));
	assert_int_equal(read_rest(&r).len, 0);
	assert_int_equal(read_bytes(&r, 0).len, 0);
	assert_true(read_done(&r));
	read_string(&r);
	assert_false(read_done(&r));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(fields_come_in_order),
		UNIT_TEST(every_truncation_fails),
		UNIT_TEST(failure_is_sticky_and_gives_nothing),
		UNIT_TEST(lengths_cannot_wrap),
		UNIT_TEST(an_empty_body_is_done),
	};

	return cmocka_run_group_tests_name("wire/read", tests, NULL, NULL);
}
