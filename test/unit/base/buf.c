/*
 * buf.c - tests of base/buf.h.
 */
#include "unit/unit.h"

#include "base/buf.h"
#include "base/mem.h"

static void
an_empty_buf_owns_nothing(void **state)
{
	struct buf b = { 0 };

	(void)state;
	buf_put(&b, NULL, 0);
	buf_put_text(&b, "");
	assert_null(b.at);
	assert_int_equal(buf_span(&b).len, 0);
	buf_fini(&b);
}

static void
what_is_put_stands_in_order(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b);
	buf_put_text(&b, "one ");
	buf_put_span(&b, SPAN_LITERAL("two"));
	buf_put_byte(&b, ' ');
	buf_printf(&b, "%d%s", 3, "!");
	assert_string_equal(buf_text(&b), "one two 3!");
	assert_int_equal(b.len, 10);
	buf_drop(&b, 4);
	assert_span(buf_span(&b), "two 3!");
	buf_drop(&b, 6);
	assert_int_equal(b.len, 0);
	assert_string_equal(buf_text(&b), "");
	buf_fini(&b);
	assert_null(b.at);
}

static void
it_grows_as_far_as_needed(void **state)
{
	struct buf b = { 0 };
	unsigned i;

	(void)state;
	for (i = 0; i < 100000; i++)
		buf_put_byte(&b, (char)(i % 251));
	assert_false(b.failed);
	assert_int_equal(b.len, 100000);
	for (i = 0; i < 100000; i++)
		assert_int_equal((unsigned char)b.at[i], i % 251);
	buf_fini(&b);
}

static void
long_formats_fit(void **state)
{
	struct buf b = { 0 };
	char text[200];
	size_t len;

	(void)state;
	memset(text, 'x', sizeof(text));
	for (len = 0; len < sizeof(text); len++) {
		buf_clear(&b);
		buf_printf(&b, "%.*s", (int)len, text);
		assert_int_equal(b.len, len);
		assert_memory_equal(b.at, text, len);
	}
	buf_fini(&b);
}

static void
reserved_room_is_real(void **state)
{
	struct buf b = { 0 };
	char *to = buf_reserve(&b, 0);

	(void)state;
	assert_non_null(to);
	to = buf_reserve(&b, 1000);
	assert_non_null(to);
	memset(to, 'y', 1000);
	assert_int_equal(b.len, 0);
	b.len = 1000;
	to = buf_reserve(&b, 1);
	assert_ptr_equal(to, b.at + 1000);
	buf_fini(&b);
}

static void
no_memory_is_sticky_until_cleared(void **state)
{
	struct buf b = { 0 };

	(void)state;
	buf_put_text(&b, "here");
	mem_fail_after(1);
	assert_null(buf_reserve(&b, 100000));
	assert_true(b.failed);
	buf_put_text(&b, "more");
	buf_printf(&b, "%d", 1);
	assert_null(buf_reserve(&b, 1));
	assert_string_equal(buf_text(&b), "");
	assert_true(b.failed);
	buf_clear(&b);
	buf_put_text(&b, "again");
	assert_string_equal(buf_text(&b), "again");
	buf_fini(&b);
}

static void
more_than_most_is_refused_without_trying(void **state)
{
	struct buf b = { 0 };

	(void)state;
	assert_null(buf_reserve(&b, BUF_MOST + 1));
	assert_true(b.failed);
	buf_clear(&b);
	buf_put_byte(&b, 'x');
	assert_null(buf_reserve(&b, BUF_MOST));
	assert_true(b.failed);
	buf_clear(&b);
	buf_put_byte(&b, 'x');
	assert_null(buf_reserve(&b, SIZE_MAX));
	assert_true(b.failed);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(an_empty_buf_owns_nothing),
		UNIT_TEST(what_is_put_stands_in_order),
		UNIT_TEST(it_grows_as_far_as_needed),
		UNIT_TEST(long_formats_fit),
		UNIT_TEST(reserved_room_is_real),
		UNIT_TEST(no_memory_is_sticky_until_cleared),
		UNIT_TEST(more_than_most_is_refused_without_trying),
	};

	return cmocka_run_group_tests_name("base/buf", tests, NULL, NULL);
}
