/*
 * rows.c - tests of web/rows.h.
 */
#include "unit/unit.h"

#include "web/rows.h"

struct fruit {
	const char	*name, *note;
	uint64_t	 weight, picked;
};

static const struct column columns[] = {
	COLUMN(fruit, TEXT, name, "name", "Its name."),
	COLUMN(fruit, INT, weight, "weight", "Its weight."),
	COLUMN(fruit, TIME, picked, "picked", "When it was picked."),
	COLUMN(fruit, TEXT, note, "note", "More."),
};
static const struct view view = { .topic = "fruits", .columns = columns, .column_count = 4,
	.row_size = sizeof(struct fruit) };

static void
add(struct sheet *sheet, const char *name, uint64_t weight)
{
	struct fruit *f = sheet_add(sheet);

	*f = (struct fruit){ .name = name, .weight = weight };
}

/* Heavy ones matter; those without weight do not. */
static uint64_t
rank(const struct view *v, const void *row)
{
	return row_number(v, row, "weight");
}

static void
expect_picked(const struct sheet *sheet, row_rank *by, size_t most, size_t count, const char *names)
{
	char found[64] = "";
	struct pick p;

	assert_true(pick_rows(&p, &view, sheet, by, most));
	assert_int_equal(p.count, count);
	for (size_t i = 0; i < p.wanted; i++)
		strcat(found, row_text(&view, p.rows[i], "name"));
	assert_string_equal(found, names);
	pick_fini(&p);
}

static void
rows_that_matter_are_picked(void **state)
{
	struct sheet sheet;

	(void)state;
	sheet_init(&sheet, sizeof(struct fruit));
	expect_picked(&sheet, rank, 3, 0, "");
	add(&sheet, "a", 2);
	add(&sheet, "b", 0);
	add(&sheet, "c", 3);
	add(&sheet, "d", 2);
	expect_picked(&sheet, rank, 9, 3, "cad");
	expect_picked(&sheet, rank, 2, 3, "ca");
	expect_picked(&sheet, rank, 0, 3, "");
	expect_picked(&sheet, NULL, 3, 4, "abc");
	sheet_fini(&sheet);
}

static void
rows_are_objects(void **state)
{
	struct sheet sheet;
	struct buf b = { 0 };
	struct fruit *f;
	struct pick p;

	(void)state;
	sheet_init(&sheet, sizeof(struct fruit));
	assert_true(pick_rows(&p, &view, &sheet, NULL, 9));
	rows_put(&b, &view, &p);
	assert_string_equal(buf_text(&b), "[]");
	pick_fini(&p);
	buf_clear(&b);
	add(&sheet, "fig \"x\"", UINT64_MAX);
	add(&sheet, NULL, 7);
	f = sheet_row(&sheet, 1);
	f->picked = SECOND;
	f->note = "";
	assert_true(pick_rows(&p, &view, &sheet, NULL, 9));
	rows_put(&b, &view, &p);
	assert_string_equal(buf_text(&b),
	    "[{\"name\":\"fig \\\"x\\\"\",\"weight\":18446744073709551615,\"picked\":null,\"note\":null},\n"
	    "{\"name\":null,\"weight\":7,\"picked\":\"1970-01-01 00:00:01 UTC\",\"note\":\"\"}]");
	pick_fini(&p);
	buf_fini(&b);
	sheet_fini(&sheet);
}

static void
pairs_are_one_object(void **state)
{
	struct sheet sheet;
	struct buf b = { 0 };

	(void)state;
	sheet_init(&sheet, sizeof(struct fruit));
	rows_put_pairs(&b, &view, &sheet, "name", "weight");
	add(&sheet, "fig", 7);
	add(&sheet, "<", 0);
	rows_put_pairs(&b, &view, &sheet, "name", "weight");
	assert_string_equal(buf_text(&b), "{}{\"fig\":7,\"\\u003c\":0}");
	buf_fini(&b);
	sheet_fini(&sheet);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_that_matter_are_picked),
		cmocka_unit_test(rows_are_objects),
		cmocka_unit_test(pairs_are_one_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
