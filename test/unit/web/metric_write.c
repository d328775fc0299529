/*
 * metric_write.c - tests of web/metric.h and web/exposition.h: from rows to text.
 */
#include "unit/unit.h"

#include <stdio.h>

#include "admin/sheet.h"
#include "web/metric.h"

struct row {
	const char	*database, *user;
	uint64_t	 count, longest, micros;
};

static const struct column columns[] = {
	COLUMN(row, TEXT, database, "database", "Where."),
	COLUMN(row, TEXT, user, "user", "Who."),
	COLUMN(row, INT, count, "count", "How \"many\"\\."),
	COLUMN(row, INT, longest, "longest", "How long."),
	COLUMN(row, INT, micros, "micros", "The rest of it."),
};

static const struct view view = {
	.topic = "test", .columns = columns, .column_count = ARRAY_SIZE(columns),
	.row_size = sizeof(struct row),
};

static const struct metric metrics[] = {
	{ .name = "things_total", .column = "count", .counter = true },
	{ .name = "longest_seconds", .column = "longest", .micros = "micros", .greatest = true,
	  .text = "Seconds." },
};

static const struct metric_group group = { .prefix = "x_", .view = &view,
	.labels = { { "database", "database" }, { "user", "user" } },
	.metrics = metrics, .count = ARRAY_SIZE(metrics) };

static void
put(struct sheet *sheet, const char *database, uint64_t count, uint64_t longest, uint64_t micros)
{
	*(struct row *)sheet_add(sheet) = (struct row){ sheet_text(sheet, span_text(database)),
		"bob", count, longest, micros };
}

/* What GROUP writes of SHEET. */
static char *
written(const struct metric_group *of, const struct sheet *sheet, size_t most, bool open_metrics)
{
	struct buf out = { 0 };
	struct exposition x = { &out, open_metrics };

	metric_group_write(of, sheet, most, &x);
	exposition_end(&x);
	assert_false(out.failed);
	buf_text(&out);
	return out.at;
}

static void
each_format_has_its_own_spelling(void **state)
{
	struct sheet sheet;
	char *text;

	(void)state;
	sheet_init(&sheet, sizeof(struct row));
	put(&sheet, "a\"\\\n\xff\xc3\xa4", 7, 2, 500000);
	text = written(&group, &sheet, 10, false);
	assert_string_equal(text,
	    "# HELP x_things_total How \"many\"\\\\.\n"
	    "# TYPE x_things_total counter\n"
	    "x_things_total{database=\"a\\\"\\\\\\n\\\\xff\xc3\xa4\",user=\"bob\"} 7\n"
	    "# HELP x_longest_seconds Seconds.\n"
	    "# TYPE x_longest_seconds gauge\n"
	    "x_longest_seconds{database=\"a\\\"\\\\\\n\\\\xff\xc3\xa4\",user=\"bob\"} 2.500000\n");
	free(text);
	text = written(&group, &sheet, 10, true);
	assert_string_equal(text,
	    "# HELP x_things How \\\"many\\\"\\\\.\n"
	    "# TYPE x_things counter\n"
	    "x_things_total{database=\"a\\\"\\\\\\n\\\\xff\xc3\xa4\",user=\"bob\"} 7\n"
	    "# HELP x_longest_seconds Seconds.\n"
	    "# TYPE x_longest_seconds gauge\n"
	    "x_longest_seconds{database=\"a\\\"\\\\\\n\\\\xff\xc3\xa4\",user=\"bob\"} 2.500000\n"
	    "# EOF\n");
	free(text);
	sheet_fini(&sheet);
}

/* How many lines of TEXT are samples. */
static unsigned
count_samples(const char *text)
{
	unsigned count = 0;

	for (; *text != '\0'; text = strchr(text, '\n') + 1)
		count += *text != '#';
	return count;
}

static void
of_many_rows_most_are_one(void **state)
{
	struct sheet sheet;
	char name[16], *text;

	(void)state;
	sheet_init(&sheet, sizeof(struct row));
	for (unsigned i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "db%04u", i);
		put(&sheet, name, i, i % 100, 0);
	}
	text = written(&group, &sheet, 1000, false);
	assert_int_equal(count_samples(text), 2 * 1001);
	assert_non_null(strstr(text, "x_things_total{database=\"db0999\",user=\"bob\"} 999\n"));
	assert_null(strstr(text, "db1000"));
	/* 1000 + ... + 1999, and the longest of them */
	assert_non_null(strstr(text,
	    "x_things_total{database=\"(others)\",user=\"(others)\"} 1499500\n"));
	assert_non_null(strstr(text,
	    "x_longest_seconds{database=\"(others)\",user=\"(others)\"} 99\n"));
	free(text);
	text = written(&group, &sheet, 0, false);
	assert_int_equal(count_samples(text), 2);
	free(text);
	sheet_fini(&sheet);
}

static void
rows_may_be_chosen(void **state)
{
	struct metric keyed[] = { { .name = "b", .column = "count", .key = "b" } };
	struct metric_group some = group;
	struct sheet sheet;
	char *text;

	(void)state;
	sheet_init(&sheet, sizeof(struct row));
	put(&sheet, "a", 1, 0, 0);
	put(&sheet, "b", 2, 0, 0);
	some.where = "database";
	some.is = "b";
	text = written(&some, &sheet, 1, false);
	assert_int_equal(count_samples(text), 2);
	assert_non_null(strstr(text, "x_things_total{database=\"b\",user=\"bob\"} 2\n"));
	free(text);
	some = (struct metric_group){ .prefix = "x_", .view = &view, .key = "database",
		.metrics = keyed, .count = 1 };
	text = written(&some, &sheet, 1, false);
	assert_string_equal(text,
	    "# HELP x_b How \"many\"\\\\.\n# TYPE x_b gauge\nx_b 2\n");
	free(text);
	sheet_fini(&sheet);
}

static void
every_row_of_the_table_has_its_columns(void **state)
{
	(void)state;
	for (size_t i = 0; i < metric_group_count; i++) {
		const struct metric_group *g = &metric_groups[i];
		const struct view *v = metric_view(g);

		assert_non_null(v);
		for (size_t l = 0; g->labels[l].name != NULL; l++)
			assert_non_null(metric_column(v, g->labels[l].column));
		for (size_t m = 0; m < g->count; m++) {
			const struct metric *metric = &g->metrics[m];
			const struct column *c = metric_column(v, metric->column);

			assert_non_null(c);
			assert_int_not_equal(c->kind, COLUMN_TEXT);
			assert_true(metric_text(g, metric)[0] != '\0');
			assert_true((metric->key != NULL) == (g->key != NULL));
			assert_true(metric->micros == NULL ||
			    metric_column(v, metric->micros) != NULL);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(each_format_has_its_own_spelling),
		UNIT_TEST(of_many_rows_most_are_one),
		UNIT_TEST(rows_may_be_chosen),
		UNIT_TEST(every_row_of_the_table_has_its_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
