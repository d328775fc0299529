/*
 * store.c - tests of conf/store.h.
 */
#include "unit/unit.h"

#include <stdalign.h>

#include "base/mem.h"
#include "conf/store.h"

static void
pieces_are_zeroed_aligned_and_apart(void **state)
{
	struct store store = { 0 };
	char *before = NULL;

	(void)state;
	for (size_t size = 1; size < 3000; size += 7) {
		char *piece = store_new(&store, size);

		assert_non_null(piece);
		assert_int_equal((uintptr_t)piece % alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(piece[i], 0);
		memset(piece, 0xff, size);
		if (before != NULL)
			assert_int_equal((unsigned char)before[0], 0xff);
		before = piece;
		assert_string_equal(store_text(&store, SPAN_LITERAL("odd")), "odd");
	}
	store_fini(&store);
}

static void
large_pieces_get_a_block_of_their_own(void **state)
{
	struct store store = { 0 };
	char *large = store_new(&store, 1000000);

	(void)state;
	assert_non_null(large);
	memset(large, 1, 1000000);
	assert_null(store_new(&store, SIZE_MAX - 8));
	store_fini(&store);
}

static void
texts_are_copies(void **state)
{
	struct store store = { 0 };
	char text[] = "bob";
	const char *copy = store_text(&store, span_of(text, 2));

	(void)state;
	text[0] = 'x';
	assert_string_equal(copy, "bo");
	assert_string_equal(store_text(&store, span_text(NULL)), "");
	store_fini(&store);
	assert_string_equal(store_text(&store, SPAN_LITERAL("again")), "again");
	store_fini(&store);
}

static void
no_memory_is_said(void **state)
{
	struct store store = { 0 };

	(void)state;
	mem_fail_after(1);
	assert_null(store_new(&store, 8));
	assert_non_null(store_new(&store, 8));
	store_fini(&store);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(pieces_are_zeroed_aligned_and_apart),
		UNIT_TEST(large_pieces_get_a_block_of_their_own),
		UNIT_TEST(texts_are_copies),
		UNIT_TEST(no_memory_is_said),
	};

	return cmocka_run_group_tests_name("conf/store", tests, NULL, NULL);
}
