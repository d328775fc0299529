/*
 * sheet.c - tests of admin/sheet.h.
 */
#include "unit/unit.h"

#include "admin/sheet.h"
#include "base/mem.h"

struct row {
	const char	*name;
	uint64_t	 count;
};

static int
compare(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->name, ((const struct row *)b)->name);
}

static void
add_up(void *to, const void *from)
{
	((struct row *)to)->count += ((const struct row *)from)->count;
}

static void
put(struct sheet *sheet, const char *name, uint64_t count)
{
	struct row *row = sheet_add(sheet);

	assert_non_null(row);
	assert_null(row->name);
	row->name = sheet_text(sheet, span_text(name));
	row->count = count;
}

static void
equal_rows_become_one(void **state)
{
	struct sheet sheet;

	(void)state;
	sheet_init(&sheet, sizeof(struct row));
	for (unsigned i = 0; i < 100; i++)
		put(&sheet, i % 3 == 0 ? "b" : i % 3 == 1 ? "c" : "a", 1);
	sheet_sort(&sheet, compare);
	sheet_merge(&sheet, compare, add_up);
	assert_int_equal(sheet.count, 3);
	assert_string_equal(((struct row *)sheet_row(&sheet, 0))->name, "a");
	assert_int_equal(((struct row *)sheet_row(&sheet, 0))->count, 33);
	assert_string_equal(((struct row *)sheet_row(&sheet, 1))->name, "b");
	assert_int_equal(((struct row *)sheet_row(&sheet, 1))->count, 34);
	assert_string_equal(((struct row *)sheet_row(&sheet, 2))->name, "c");
	sheet_fini(&sheet);
}

static void
what_strangers_say_is_shown_harmlessly(void **state)
{
	static const char bad[] = "a\nb\x7f\x80\xc2\x85\xc3\xa4\\\xf0\x9f";
	struct sheet sheet;

	(void)state;
	sheet_init(&sheet, sizeof(struct row));
	assert_string_equal(sheet_shown(&sheet, SPAN_LITERAL("DOMAIN\\bob")), "DOMAIN\\bob");
	assert_string_equal(sheet_shown(&sheet, span_text(bad)),
	    "a\\x0ab\\x7f\\x80\\xc2\\x85\xc3\xa4\\\\xf0\\x9f");
	assert_string_equal(sheet_shown(&sheet, span_of(NULL, 0)), "");
	assert_false(sheet.failed);
	sheet_fini(&sheet);
}

static void
an_empty_sheet_merges_to_nothing(void **state)
{
	struct sheet a, b;

	(void)state;
	sheet_init(&a, sizeof(struct row));
	sheet_init(&b, sizeof(struct row));
	sheet_sort(&a, compare);
	sheet_merge(&a, compare, add_up);
	sheet_append(&a, &b);
	assert_int_equal(a.count, 0);
	put(&b, "x", 1);
	sheet_append(&a, &b);
	sheet_append(&a, &b);
	assert_int_equal(a.count, 2);
	sheet_fini(&a);
	sheet_fini(&b);
}

static void
no_memory_is_remembered(void **state)
{
	struct sheet a, b;

	(void)state;
	sheet_init(&a, sizeof(struct row));
	sheet_init(&b, sizeof(struct row));
	mem_fail_after(1);
	assert_null(sheet_add(&a));
	assert_true(a.failed);
	assert_int_equal(a.count, 0);
	mem_fail_after(1);
	assert_string_equal(sheet_printf(&b, "%d", 1), "");
	assert_true(b.failed);
	b.failed = false;
	sheet_append(&b, &a);
	assert_true(b.failed);
	sheet_fini(&a);
	sheet_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(equal_rows_become_one),
		UNIT_TEST(what_strangers_say_is_shown_harmlessly),
		UNIT_TEST(an_empty_sheet_merges_to_nothing),
		UNIT_TEST(no_memory_is_remembered),
	};

	return cmocka_run_group_tests_name("sheet", tests, NULL, NULL);
}
