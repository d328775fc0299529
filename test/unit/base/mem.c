/*
 * mem.c - tests of base/mem.h.
 */
#include "unit/unit.h"

#include "base/mem.h"

static void
new_memory_is_zero(void **state)
{
	unsigned char *p = mem_new(100);
	size_t i;

	(void)state;
	assert_non_null(p);
	for (i = 0; i < 100; i++)
		assert_int_equal(p[i], 0);
	mem_free(p);
}

static void
nothing_is_also_something(void **state)
{
	void *p = mem_new(0);

	(void)state;
	assert_non_null(p);
	p = mem_resize(p, 0);
	assert_non_null(p);
	mem_free(p);
	mem_free(NULL);
}

static void
resizing_keeps_contents(void **state)
{
	char *p = mem_resize(NULL, 4);

	(void)state;
	assert_non_null(p);
	memcpy(p, "abcd", 4);
	p = mem_resize(p, 10000);
	assert_non_null(p);
	assert_memory_equal(p, "abcd", 4);
	mem_free(p);
}

static void
copies_end_with_nul(void **state)
{
	char *block = exact_copy("hello", 5), *p = mem_copy_text(block, 4);

	(void)state;
	assert_string_equal(p, "hell");
	mem_free(p);
	p = mem_copy_text(NULL, 0);
	assert_string_equal(p, "");
	mem_free(p);
	free(block);
	assert_null(mem_copy_text("x", SIZE_MAX));
}

static void
the_chosen_allocation_fails_once(void **state)
{
	char *first, *third, *old;

	(void)state;
	mem_fail_after(2);
	first = mem_new(1);
	assert_non_null(first);
	assert_null(mem_new(1));
	third = mem_new(1);
	assert_non_null(third);

	old = mem_copy_text("old", 3);
	mem_fail_after(1);
	assert_null(mem_resize(old, 100));
	assert_string_equal(old, "old");
	mem_fail_after(1);
	assert_null(mem_copy_text("new", 3));

	mem_fail_after(1);
	mem_fail_after(0);
	mem_free(old);
	old = mem_new(1);
	assert_non_null(old);
	mem_free(old);
	mem_free(first);
	mem_free(third);
}

static void
wiped_is_zero(void **state)
{
	char secret[] = "secret";

	(void)state;
	mem_wipe(secret, 3);
	assert_memory_equal(secret, "\0\0\0ret", 7);
	mem_wipe(NULL, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(new_memory_is_zero),
		UNIT_TEST(nothing_is_also_something),
		UNIT_TEST(resizing_keeps_contents),
		UNIT_TEST(copies_end_with_nul),
		UNIT_TEST(the_chosen_allocation_fails_once),
		UNIT_TEST(wiped_is_zero),
	};

	return cmocka_run_group_tests_name("base/mem", tests, NULL, NULL);
}
