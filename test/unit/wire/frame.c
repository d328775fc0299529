/*
 * frame.c - tests of wire/frame.h.
 */
#include "unit/unit.h"

#include "wire/frame.h"

/* DataRow, DataRow, CommandComplete, ReadyForQuery. */
static const char stream[] =
	"D\0\0\0\x0e\0\1\0\0\0\4ABCD"
	"D\0\0\0\6\0\0"
	"C\0\0\0\x0dSELECT 2\0"
	"Z\0\0\0\5I";
#define LEN (sizeof(stream) - 1)
#define FIRST 15u	/* bytes of the first row */
#define ROWS 22u	/* bytes of both */

static bool rows_pass[256], all_pass[256];

static int
sets_fill(void **state)
{
	(void)state;
	rows_pass['D'] = true;
	memset(all_pass, true, sizeof(all_pass));
	return 0;
}

static void
a_header_needs_five_bytes(void **state)
{
	struct frame_head head;
	size_t len;

	(void)state;
	for (len = 0; len < FRAME_HEAD; len++) {
		char *block = exact_copy(stream, len);

		assert_int_equal(frame_look(block, len, &head), FRAME_SHORT);
		free(block);
	}
	assert_int_equal(frame_look(stream, FRAME_HEAD, &head), FRAME_HEADER);
	assert_int_equal(head.kind, 'D');
	assert_int_equal(head.size, FIRST);
}

static void
lengths_have_bounds(void **state)
{
	static const struct {
		const char	*head;
		enum frame_seen	 seen;
	} rows[] = {
		{ "Q\0\0\0\0", FRAME_BAD },
		{ "Q\0\0\0\3", FRAME_BAD },
		{ "Q\0\0\0\4", FRAME_HEADER },
		{ "Q\x3f\xff\xff\xff", FRAME_HEADER },
		{ "Q\x40\0\0\0", FRAME_BAD },
		{ "Q\x80\0\0\0", FRAME_BAD },
		{ "Q\xff\xff\xff\xff", FRAME_BAD },
	};
	struct frame_head head;
	enum frame_seen seen;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct frame f = { 0 };
		size_t n;

		assert_int_equal(frame_look(rows[i].head, 5, &head), rows[i].seen);
		n = frame_run(&f, rows[i].head, 5, FRAME_MOST, all_pass, &seen);
		if (rows[i].seen == FRAME_BAD) {
			assert_int_equal(seen, FRAME_BAD);
			assert_int_equal(n, 0);
		} else {
			assert_int_equal(seen, FRAME_SHORT);
			assert_int_equal(n, 5);
			assert_int_equal(f.left, read_be32(rows[i].head + 1) - 4);
		}
	}
}

static void
a_run_stops_at_what_must_be_seen(void **state)
{
	struct frame f = { 0 };
	enum frame_seen seen;

	(void)state;
	assert_int_equal(frame_run(&f, stream, LEN, FRAME_MOST, rows_pass, &seen), ROWS);
	assert_int_equal(seen, FRAME_HEADER);
	assert_int_equal(f.left, 0);
	assert_int_equal(frame_run(&f, stream, LEN, FRAME_MOST, all_pass, &seen), LEN);
	assert_int_equal(seen, FRAME_SHORT);
	assert_int_equal(frame_run(&f, stream, 0, FRAME_MOST, all_pass, &seen), 0);
	assert_int_equal(seen, FRAME_SHORT);
}

static void
a_broken_length_ends_a_run(void **state)
{
	static const char bytes[] = "D\0\0\0\4D\0\0\0\2";
	struct frame f = { 0 };
	enum frame_seen seen;

	(void)state;
	assert_int_equal(frame_run(&f, bytes, 10, FRAME_MOST, rows_pass, &seen), 5);
	assert_int_equal(seen, FRAME_BAD);
}

static void
a_length_above_the_callers_ends_a_run(void **state)
{
	static const char bytes[] = "D\0\0\0\5xD\0\0\0\6xx";
	struct frame_head head;
	struct frame f = { 0 };
	enum frame_seen seen;

	(void)state;
	assert_int_equal(frame_run(&f, bytes, 13, 5, rows_pass, &seen), 6);
	assert_int_equal(seen, FRAME_BAD);
	assert_int_equal(frame_look_most(bytes + 6, 5, 5, &head), FRAME_BAD);
	assert_int_equal(frame_look_most(bytes + 6, 5, 6, &head), FRAME_HEADER);
}

/* Feed the stream cut at two places; unread bytes come again with the next piece. */
static size_t
feed(size_t first_cut, size_t second_cut, struct frame *f, enum frame_seen *seen)
{
	size_t cuts[] = { first_cut, second_cut, LEN }, done = 0, i;

	*f = (struct frame){ 0 };
	for (i = 0; i < ARRAY_SIZE(cuts); i++) {
		char *block = exact_copy(stream + done, cuts[i] - done);

		done += frame_run(f, block, cuts[i] - done, FRAME_MOST, rows_pass, seen);
		free(block);
		if (*seen != FRAME_SHORT)
			break;
	}
	return done;
}

static void
chopping_changes_nothing(void **state)
{
	enum frame_seen seen;
	struct frame f;
	size_t i, k;

	(void)state;
	for (i = 0; i <= LEN; i++) {
		for (k = i; k <= LEN; k++) {
			assert_int_equal(feed(i, k, &f, &seen), ROWS);
			assert_int_equal(seen, FRAME_HEADER);
			assert_int_equal(f.left, 0);
		}
	}
}

static void
a_cut_message_is_remembered(void **state)
{
	struct frame f = { 0 };
	enum frame_seen seen;

	(void)state;
	assert_int_equal(frame_run(&f, stream, 4, FRAME_MOST, all_pass, &seen), 0);
	assert_int_equal(f.left, 0);
	assert_int_equal(frame_run(&f, stream, 7, FRAME_MOST, all_pass, &seen), 7);
	assert_int_equal(f.kind, 'D');
	assert_int_equal(f.left, FIRST - 7);
	assert_int_equal(frame_pass(&f, 3), 3);
	assert_int_equal(f.left, FIRST - 10);
	assert_int_equal(frame_pass(&f, 100), FIRST - 10);
	assert_int_equal(f.left, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(a_header_needs_five_bytes),
		UNIT_TEST(lengths_have_bounds),
		UNIT_TEST(a_run_stops_at_what_must_be_seen),
		UNIT_TEST(a_broken_length_ends_a_run),
		UNIT_TEST(a_length_above_the_callers_ends_a_run),
		UNIT_TEST(chopping_changes_nothing),
		UNIT_TEST(a_cut_message_is_remembered),
	};

	return cmocka_run_group_tests_name("wire/frame", tests, sets_fill, NULL);
}
