/*
 * settings.c - joins the tables: find a row, walk rows by name.
 *
 * What values look like is kind.c's business, what rows say that of the set_*.c.
 */
#include "conf/settings.h"

#include "base/text.h"

/* The tables of SCOPE, NULL-terminated. */
static const struct setting_table *const *
tables_of(enum setting_scope scope)
{
	static const struct setting_table *const global[] = { &pool_settings,
		&auth_settings, &tls_settings, &net_settings, &log_settings, &budget_settings,
		&drain_settings,
		&web_settings, NULL };
	static const struct setting_table *const database[] = { &database_settings, NULL };
	static const struct setting_table *const user[] = { &user_settings, NULL };
	static const struct setting_table *const peer[] = { &peer_settings, NULL };

	switch (scope) {
	case SCOPE_GLOBAL:
		return global;
	case SCOPE_DATABASE:
		return database;
	case SCOPE_USER:
		return user;
	case SCOPE_PEER:
		return peer;
	}
	return NULL;
}

const struct setting *
setting_find(enum setting_scope scope, struct span name)
{
	for (const struct setting_table *const *t = tables_of(scope); *t != NULL; t++) {
		for (size_t i = 0; i < (*t)->count; i++) {
			if (span_is(name, (*t)->rows[i].name))
				return &(*t)->rows[i];
		}
	}
	return NULL;
}

/* A walk compares all names for each step: 100 rows, and nothing to keep sorted. */
const struct setting *
setting_next(enum setting_scope scope, const struct setting *after)
{
	const struct setting *next = NULL;

	for (const struct setting_table *const *t = tables_of(scope); *t != NULL; t++) {
		for (size_t i = 0; i < (*t)->count; i++) {
			const struct setting *row = &(*t)->rows[i];

			if (after != NULL && strcmp(row->name, after->name) <= 0)
				continue;
			if (next == NULL || strcmp(row->name, next->name) < 0)
				next = row;
		}
	}
	return next;
}

const char *
setting_nearest(enum setting_scope scope, struct span name)
{
	const char *words[SETTINGS_MOST + 1];
	const struct setting *row = NULL;
	size_t n = 0;

	while (n < SETTINGS_MOST && (row = setting_next(scope, row)) != NULL)
		words[n++] = row->name;
	words[n] = NULL;
	return text_nearest(name, words);
}

unsigned
setting_index(const struct setting *row)
{
	unsigned before = 0;

	for (const struct setting_table *const *t = tables_of(row->scope); *t != NULL; t++) {
		uintptr_t first = (uintptr_t)(*t)->rows, at = (uintptr_t)row;

		if (at >= first && at - first < (*t)->count * sizeof(*row))
			return before + (unsigned)((at - first) / sizeof(*row));
		before += (unsigned)(*t)->count;
	}
	return SETTINGS_MOST - 1;
}

const struct setting *
conf_setting_find(struct span name)
{
	return setting_find(SCOPE_GLOBAL, name);
}

const struct setting *
conf_setting_next(const struct setting *after)
{
	return setting_next(SCOPE_GLOBAL, after);
}
