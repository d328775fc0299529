/*
 * write.c - tests of wire/write.h.
 */
#include "unit/unit.h"

#include "base/mem.h"
#include "wire/frame.h"
#include "wire/read.h"
#include "wire/write.h"

#define assert_bytes(b, bytes) \
	do { \
		assert_int_equal((b).len, sizeof(bytes) - 1); \
		assert_memory_equal((b).at, bytes, sizeof(bytes) - 1); \
	} while (0)

static void
messages_are_big_endian_and_count_themselves(void **state)
{
	struct buf b = { 0 };
	size_t mark = write_begin(&b, 'X');

	(void)state;
	write_u8(&b, 0xfe);
	write_u16(&b, 0x0102);
	write_u32(&b, 0x80000001);
	write_text(&b, "name");
	write_string(&b, span_of("stranger", 5));
	write_end(&b, mark);
	assert_bytes(b, "X\0\0\0\x16\xfe\1\2\x80\0\0\1name\0stran\0");
	buf_fini(&b);
}

static void
one_may_follow_another(void **state)
{
	struct buf b = { 0 };
	size_t mark;

	(void)state;
	write_empty(&b, 'S');
	mark = write_begin(&b, '\0');
	write_u32(&b, 7);
	write_end(&b, mark);
	write_empty(&b, 'H');
	assert_bytes(b, "S\0\0\0\4\0\0\0\x8\0\0\0\7H\0\0\0\4");
	buf_fini(&b);
}

static void
what_is_written_reads_the_same(void **state)
{
	struct buf b = { 0 };
	struct frame_head head;
	struct reader r;
	size_t mark = write_begin(&b, 'M');

	(void)state;
	write_u32(&b, UINT32_MAX);
	write_u16(&b, UINT16_MAX);
	write_string(&b, span_text(NULL));
	write_end(&b, mark);
	assert_int_equal(frame_look(b.at, b.len, &head), FRAME_HEADER);
	assert_int_equal(head.kind, 'M');
	assert_int_equal(head.size, b.len);
	r = read_begin(span_skip(buf_span(&b), FRAME_HEAD));
	assert_true(read_u32(&r) == UINT32_MAX);
	assert_int_equal(read_u16(&r), UINT16_MAX);
	assert_span(read_string(&r), "");
	assert_true(read_done(&r));
	buf_fini(&b);
}

static void
a_string_cannot_smuggle_a_field(void **state)
{
	struct buf b = { 0 };

	(void)state;
	write_string(&b, SPAN_LITERAL("bob\0database"));
	assert_true(b.failed);
	buf_fini(&b);
}

static void
failure_lasts_to_the_end(void **state)
{
	struct buf b = { 0 };
	unsigned at;

	(void)state;
	/* wherever memory ends, the whole message has failed and nothing crashes */
	for (at = 1;; at++) {
		size_t mark, i;

		mem_fail_after(at);
		mark = write_begin(&b, 'X');
		for (i = 0; i < 100; i++) {
			write_u8(&b, 1);
			write_u16(&b, 2);
			write_u32(&b, 3);
			write_text(&b, "text");
		}
		write_end(&b, mark);
		mem_fail_after(0);
		if (!b.failed)
			break;
		buf_fini(&b);
	}
	assert_true(at > 3);
	assert_int_equal(b.len, 1 + 4 + 100 * 12);
	assert_int_equal(read_be32(b.at + 1), b.len - 1);
	buf_fini(&b);
}

static void
a_message_has_a_most(void **state)
{
	/* a buf that lies about its length: write_end() looks at nothing else */
	char first[5] = "X";
	struct buf b = { .at = first, .len = (size_t)FRAME_MOST + 1, .cap = BUF_MOST };

	(void)state;
	write_end(&b, 1);
	assert_false(b.failed);
	assert_int_equal(read_be32(first + 1), FRAME_MOST);
	b.len++;
	write_end(&b, 1);
	assert_true(b.failed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(messages_are_big_endian_and_count_themselves),
		UNIT_TEST(one_may_follow_another),
		UNIT_TEST(what_is_written_reads_the_same),
		UNIT_TEST(a_string_cannot_smuggle_a_field),
		UNIT_TEST(failure_lasts_to_the_end),
		UNIT_TEST(a_message_has_a_most),
	};

	return cmocka_run_group_tests_name("wire/write", tests, NULL, NULL);
}
