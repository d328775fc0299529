/*
 * settings.c - tests of conf/settings.h: every row of every table.
 */
#include "unit/unit.h"

#include "conf/rows.h"
#include "conf/store.h"

static const enum setting_scope scopes[] = { SCOPE_GLOBAL, SCOPE_DATABASE, SCOPE_USER,
	SCOPE_PEER };
static const struct setting_table *const tables[] = { &pool_settings, &auth_settings,
	&tls_settings, &net_settings, &log_settings, &budget_settings, &database_settings, &user_settings,
	&peer_settings };

/* A struct of any scope. */
union object {
	struct conf	 conf;
	struct conf_database database;
	struct conf_user user;
	struct conf_peer peer;
};

static size_t
size_of(enum setting_scope scope)
{
	switch (scope) {
	case SCOPE_GLOBAL:
		return sizeof(struct conf);
	case SCOPE_DATABASE:
		return sizeof(struct conf_database);
	case SCOPE_USER:
		return sizeof(struct conf_user);
	case SCOPE_PEER:
		return sizeof(struct conf_peer);
	}
	return 0;
}

/* Does what TEXT says of ROW read like a sentence? */
static bool
is_prose(const char *text)
{
	size_t len = text != NULL ? strlen(text) : 0;

	return len > 10 && text[len - 1] == '.' && strstr(text, "  ") == NULL &&
	    strchr(text, '\n') == NULL;
}

static void
every_row_is_complete(void **state)
{
	(void)state;
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
		for (size_t i = 0; i < tables[t]->count; i++) {
			const struct setting *row = &tables[t]->rows[i];

			if (!is_prose(row->text))
				fail_msg("%s: expected a text with a full stop", row->name);
			if ((row->kind == KIND_ENUM) != (row->words != NULL))
				fail_msg("%s: expected words for an enum only", row->name);
			if (row->most != 0 && row->most < row->least)
				fail_msg("%s: expected least up to most", row->name);
			if (row->field >= size_of(row->scope))
				fail_msg("%s: expected a place in its struct", row->name);
		}
	}
}

static void
names_are_sorted_in_each_table(void **state)
{
	(void)state;
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
		for (size_t i = 1; i < tables[t]->count; i++) {
			const char *a = tables[t]->rows[i - 1].name;
			const char *b = tables[t]->rows[i].name;

			if (strcmp(a, b) >= 0)
				fail_msg("expected %s behind %s", a, b);
		}
	}
}

static void
words_of_an_enum_are_unique(void **state)
{
	(void)state;
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
		for (size_t i = 0; i < tables[t]->count; i++) {
			const char *const *words = tables[t]->rows[i].words;

			for (size_t a = 0; words != NULL && words[a] != NULL; a++) {
				for (size_t b = 0; b < a; b++)
					assert_false(span_is_nocase(span_text(words[a]),
					    words[b]));
			}
		}
	}
}

static void
every_default_parses_and_shows_again(void **state)
{
	struct store store = { 0 };
	char expected[160];
	union object object;

	(void)state;
	for (size_t s = 0; s < ARRAY_SIZE(scopes); s++) {
		const struct setting *row = NULL;

		while ((row = setting_next(scopes[s], row)) != NULL) {
			struct buf shown = { 0 };
			union object again;

			memset(&object, 0xa5, sizeof(object));
			memset(&again, 0x5a, sizeof(again));
			if (!setting_reset(row, &object, &store))
				fail_msg("%s: expected its default to parse", row->name);
			if (row->fallback == NULL || row->secret)
				continue;
			assert_true(setting_show(row, &object, &shown));
			assert_true(setting_parse(row, buf_span(&shown), &again, &store,
			    expected));
			if (!setting_same(row, &object, &again))
				fail_msg("%s: expected %s twice", row->name, buf_text(&shown));
			buf_fini(&shown);
		}
	}
	store_fini(&store);
}

static void
no_two_rows_share_a_place_but_aliases(void **state)
{
	(void)state;
	for (size_t s = 0; s < ARRAY_SIZE(scopes); s++) {
		const struct setting *a = NULL, *b;

		while ((a = setting_next(scopes[s], a)) != NULL) {
			for (b = setting_next(scopes[s], a); b != NULL;
			    b = setting_next(scopes[s], b)) {
				if (a->field == b->field &&
				    strcmp(a->name, "reserve_pool") != 0)
					fail_msg("%s and %s share a place", a->name, b->name);
				if (setting_index(a) == setting_index(b))
					fail_msg("%s and %s share an index", a->name, b->name);
			}
			assert_true(setting_index(a) < SETTINGS_MOST);
		}
	}
}

static size_t
count_of(enum setting_scope scope)
{
	const struct setting *row = NULL;
	size_t n = 0;

	while ((row = setting_next(scope, row)) != NULL)
		n++;
	return n;
}

static void
all_of_pgbouncer_is_there(void **state)
{
	(void)state;
	/* and our own beside them; which are whose is compared in doc/compatibility.md */
	assert_true(count_of(SCOPE_GLOBAL) > 100);
	assert_true(count_of(SCOPE_DATABASE) >= 23);
	assert_true(count_of(SCOPE_USER) >= 10);
	assert_true(count_of(SCOPE_PEER) >= 3);
}

static void
a_walk_is_in_ascii_order(void **state)
{
	const struct setting *row = conf_setting_next(NULL), *next;

	(void)state;
	assert_string_equal(row->name, "admin_users");
	while ((next = conf_setting_next(row)) != NULL) {
		assert_true(strcmp(row->name, next->name) < 0);
		row = next;
	}
	assert_string_equal(row->name, "workers");
}

static void
names_are_exact_and_the_nearest_is_told(void **state)
{
	(void)state;
	assert_non_null(conf_setting_find(SPAN_LITERAL("pool_mode")));
	assert_null(conf_setting_find(SPAN_LITERAL("Pool_mode")));
	assert_null(conf_setting_find(SPAN_LITERAL("pool_mod")));
	assert_null(conf_setting_find(SPAN_LITERAL("pool_mode\0")));
	assert_null(conf_setting_find(span_text(NULL)));
	assert_string_equal(setting_nearest(SCOPE_GLOBAL, SPAN_LITERAL("defalt_pool_size")),
	    "default_pool_size");
	assert_null(setting_nearest(SCOPE_GLOBAL, SPAN_LITERAL("zzzzzz")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(every_row_is_complete),
		UNIT_TEST(names_are_sorted_in_each_table),
		UNIT_TEST(words_of_an_enum_are_unique),
		UNIT_TEST(every_default_parses_and_shows_again),
		UNIT_TEST(no_two_rows_share_a_place_but_aliases),
		UNIT_TEST(all_of_pgbouncer_is_there),
		UNIT_TEST(a_walk_is_in_ascii_order),
		UNIT_TEST(names_are_exact_and_the_nearest_is_told),
	};

	return cmocka_run_group_tests_name("conf/settings", tests, NULL, NULL);
}
