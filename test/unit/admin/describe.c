/*
 * describe.c - tests of admin/describe.h: pages are whole, and the sample file is a
 * good one and up to date.
 */
#include "unit/unit.h"

#include <stdio.h>

#include "admin/describe.h"
#include "conf/conf.h"

/* What describe() says of TABLE; the caller frees by buf_fini(). */
static struct buf
page(const char *table)
{
	struct buf text = { 0 };

	assert_true(describe(table, &text));
	assert_false(text.failed);
	assert_true(text.len > 0);
	return text;
}

/* The text of $srcdir/NAME, which the caller frees. */
static char *
source_file(const char *name)
{
	const char *srcdir = getenv("srcdir");
	char path[4096];
	char *text = calloc(1, 1000000);
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", srcdir != NULL ? srcdir : ".", name);
	file = fopen(path, "r");
	if (file == NULL)
		fail_msg("expected %s", path);
	assert_non_null(text);
	assert_true(fread(text, 1, 999999, file) > 0);
	fclose(file);
	return text;
}

static void
every_setting_has_a_line(void **state)
{
	struct buf text = page("settings");
	const struct setting *row = NULL;
	char cell[128];

	(void)state;
	while ((row = conf_setting_next(row)) != NULL) {
		snprintf(cell, sizeof(cell), "\n| `%s` | ", row->name);
		if (strstr(buf_text(&text), cell) == NULL)
			fail_msg("expected a line for %s", row->name);
	}
	buf_fini(&text);
}

static void
the_page_of_settings_is_up_to_date(void **state)
{
	struct buf text = page("settings");
	char *there = source_file("doc/settings.md");

	(void)state;
	assert_string_equal(there, buf_text(&text));
	free(there);
	buf_fini(&text);
}

static void
the_sample_is_up_to_date(void **state)
{
	struct buf text = page("sample");
	char *there = source_file("etc/pgweir.ini");

	(void)state;
	assert_string_equal(there, buf_text(&text));
	free(there);
	buf_fini(&text);
}

/* TEXT with every ";name = value" made a setting, but for the auth file. */
static void
uncomment(struct buf *text)
{
	char *at = text->at;

	for (size_t i = 0; i + 1 < text->len; i++) {
		if (at[i] == ';' && at[i + 1] != ' ' && (i == 0 || at[i - 1] == '\n'))
			at[i] = ' ';
	}
	at = strstr(at, "auth_file =");
	assert_non_null(at);
	at[0] = ';';
}

static void
the_sample_loads_with_all_its_defaults(void **state)
{
	struct buf text = page("sample");
	struct err err = { 0 };
	struct conf *conf;
	char *at;

	(void)state;
	(void)buf_text(&text);
	uncomment(&text);
	/* an unset number has no spelling */
	at = strstr(text.at, " verbose =");
	assert_non_null(at);
	at[0] = ';';
	conf = conf_parse(buf_span(&text), "sample", NULL, &err);
	if (conf == NULL)
		fail_msg("expected a conf, got %s", err.text);
	assert_int_equal(conf->n_warnings, 0);
	assert_int_equal(conf->pool_mode, POOL_MODE_TRANSACTION);
	assert_int_equal(conf->default_pool_size, 20);
	assert_non_null(conf->template_database);
	assert_int_equal(conf->n_databases, 2);
	conf_drop(conf);
	buf_fini(&text);
}

static void
unknown_tables_are_refused(void **state)
{
	struct buf text = { 0 };

	(void)state;
	assert_false(describe("setting", &text));
	assert_int_equal(text.len, 0);
	describe_names(&text);
	assert_non_null(strstr(buf_text(&text), "settings"));
	buf_fini(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(every_setting_has_a_line),
		UNIT_TEST(the_page_of_settings_is_up_to_date),
		UNIT_TEST(the_sample_is_up_to_date),
		UNIT_TEST(the_sample_loads_with_all_its_defaults),
		UNIT_TEST(unknown_tables_are_refused),
	};

	return cmocka_run_group_tests_name("admin/describe", tests, NULL, NULL);
}
