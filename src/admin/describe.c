/*
 * describe.c - the tables of the source as pages for people.
 *
 * A table that should become a page gets a row in pages[]; what its rows say is the
 * business of who wrote them.
 */
#include "admin/describe.h"

#include <inttypes.h>
#include <string.h>

#include "admin/manual.h"
#include "conf/settings.h"

/* "one, two", the words of an enum. */
static void
put_words(struct buf *out, const char *const *words)
{
	for (size_t i = 0; words[i] != NULL; i++)
		buf_printf(out, "%s`%s`", i > 0 ? ", " : "", words[i]);
}

/* What may be written, for people. */
static void
put_kind(struct buf *out, const struct setting *row)
{
	switch (row->kind) {
	case KIND_COUNT:
		buf_put_text(out, "number");
		break;
	case KIND_BOOL:
		buf_put_text(out, "0 or 1");
		break;
	case KIND_TIME:
		buf_put_text(out, "seconds");
		break;
	case KIND_SECONDS:
		buf_put_text(out, "whole seconds");
		break;
	case KIND_ENUM:
		put_words(out, row->words);
		break;
	case KIND_TEXT:
		buf_put_text(out, "text");
		break;
	case KIND_LIST:
		buf_put_text(out, "list");
		break;
	case KIND_PATH:
		buf_put_text(out, "file or folder");
		break;
	}
	if (row->most != 0)
		buf_printf(out, ", %" PRId64 " to %" PRId64, row->least, row->most);
	else if (row->least != 0)
		buf_printf(out, ", %" PRId64 " or more", row->least);
}

static void
put_default(struct buf *out, const struct setting *row)
{
	if (row->fallback == NULL)
		buf_put_text(out, "unset");
	else if (row->fallback[0] == '\0')
		buf_put_text(out, "empty");
	else
		buf_printf(out, "`%s`", row->fallback);
}

/* Append TEXT as a cell: a bar would end it. */
static void
put_cell(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '|')
			buf_put_byte(out, '\\');
		buf_put_byte(out, *text);
	}
}

/* A table of the rows of SCOPE. */
static void
put_scope(struct buf *out, enum setting_scope scope)
{
	const struct setting *row = NULL;
	bool global = scope == SCOPE_GLOBAL;

	buf_printf(out, "| name | value | default |%s meaning |\n| --- | --- | --- |%s --- "
	    "|\n", global ? " changes |" : "", global ? " --- |" : "");
	while ((row = setting_next(scope, row)) != NULL) {
		buf_printf(out, "| `%s` | ", row->name);
		put_kind(out, row);
		buf_put_text(out, " | ");
		put_default(out, row);
		if (global)
			buf_put_text(out, row->reload == RESTART ? " | restart" : " | at once");
		buf_put_text(out, " | ");
		put_cell(out, row->text);
		if (row->moot != NULL)
			buf_printf(out, " **No effect:** %s.", row->moot);
		else if (!row->ready)
			buf_put_text(out, " **Accepted, not honoured yet.**");
		buf_put_text(out, " |\n");
	}
}

static void
put_settings(struct buf *out)
{
	buf_put_text(out,
	    "# Settings\n\n"
	    "Made by `pgweir --describe settings` from the tables in `src/conf`; edit those.\n\n"
	    "The file is PgBouncer's: sections `[pgbouncer]`, `[databases]`, `[users]` and\n"
	    "`[peers]` of lines `key = value`. A line that begins with `;` or `#` is a\n"
	    "comment. `%include FILE` reads another file, found from the working folder. A\n"
	    "key with other characters than letters, digits and `_.-*` stands in quotes.\n\n"
	    "The environment wins over the file: `PGWEIR_POOL_MODE=session` is the setting\n"
	    "`pool_mode`, and so on for every setting of `[pgbouncer]`.\n\n"
	    "A file with a fault changes nothing: the message says file, line, key, what was\n"
	    "expected and the closest known name. `pgweir --check FILE` reads it and stops.\n\n"
	    "## [pgbouncer]\n\n"
	    "*at once*: RELOAD and SET change it in a running pgweir. *restart*: RELOAD says\n"
	    "that it waits for a restart. What was SET lasts until the next RELOAD; settings\n"
	    "whose default is *unset* and that the file leaves out keep it.\n\n");
	put_scope(out, SCOPE_GLOBAL);
	buf_put_text(out,
	    "\n## Entries of [databases]\n\n"
	    "`name = key=value key=value ...`, with spaces between. A value with spaces\n"
	    "stands in single quotes, in which two are one. The entry `*` stands for all\n"
	    "names that are not listed. What is *unset* here is taken from `[pgbouncer]`.\n\n");
	put_scope(out, SCOPE_DATABASE);
	buf_put_text(out,
	    "\n## Entries of [users]\n\n"
	    "As above. They win over the database's and the global setting.\n\n");
	put_scope(out, SCOPE_USER);
	buf_put_text(out, "\n## Entries of [peers]\n\nThe name is the peer's `peer_id`.\n\n");
	put_scope(out, SCOPE_PEER);
}

#define COMMENT_COLUMNS 78

/* What the sample sets; all else is there as a comment with its default. */
static const struct {
	const char	*name, *value;
} chosen[] = {
	{ "admin_users", "postgres" },
	{ "auth_file", "/etc/pgweir/userlist.txt" },
	{ "listen_addr", "127.0.0.1" },
	{ "pool_mode", "transaction" },
};

static const char *
chosen_value(const struct setting *row)
{
	for (size_t i = 0; i < ARRAY_SIZE(chosen); i++) {
		if (strcmp(chosen[i].name, row->name) == 0)
			return chosen[i].value;
	}
	return NULL;
}

/* TEXT as lines of comment, cut between words. */
static void
put_comment(struct buf *out, const char *text)
{
	size_t column = 0;

	while (*text != '\0') {
		size_t n = strcspn(text, " ");

		if (column > 0 && column + 1 + n > COMMENT_COLUMNS) {
			buf_put_byte(out, '\n');
			column = 0;
		}
		buf_put_text(out, column == 0 ? "; " : " ");
		column += n + (column == 0 ? 2 : 1);
		buf_put(out, text, n);
		text += n;
		text += strspn(text, " ");
	}
	buf_put_byte(out, '\n');
}

static void
put_sample(struct buf *out)
{
	const struct setting *row = NULL;

	buf_put_text(out,
	    "; Sample of a pgweir.ini, made by pgweir --describe sample. All settings are in\n"
	    "; doc/settings.md; those below with a ; before them show their defaults.\n\n"
	    "[databases]\n"
	    "; name for clients = where its servers are. Keys:\n");
	while ((row = setting_next(SCOPE_DATABASE, row)) != NULL) {
		struct buf line = { 0 };

		if (!row->ready)
			continue;
		buf_printf(&line, "%s: %s", row->name, row->text);
		put_comment(out, buf_text(&line));
		buf_fini(&line);
	}
	buf_put_text(out,
	    ";app = host=db1.example.com port=5432 dbname=app_production\n"
	    ";reports = host=/var/run/postgresql user=reader pool_mode=session\n"
	    "; any other name: the database of that name here\n"
	    "* = host=127.0.0.1 port=5432\n\n"
	    "[users]\n"
	    ";batch = pool_size=2 query_timeout=3600\n\n"
	    "[pgbouncer]\n");
	while ((row = conf_setting_next(row)) != NULL) {
		const char *value = chosen_value(row);
		const char *fallback = row->fallback != NULL ? row->fallback : "";

		/* the file need not name itself */
		if (!row->ready || strcmp(row->name, "conffile") == 0)
			continue;
		buf_put_byte(out, '\n');
		put_comment(out, row->text);
		buf_printf(out, "%s%s =%s%s\n", value != NULL ? "" : ";", row->name,
		    value != NULL || fallback[0] != '\0' ? " " : "",
		    value != NULL ? value : fallback);
	}
}

static const struct {
	const char	*name;
	void		(*put)(struct buf *out);
} pages[] = {
	{ "settings", put_settings },
	{ "sample", put_sample },
	{ "commands", manual_commands },
	{ "views", manual_views },
	{ "counters", manual_counters },
	{ "latencies", manual_latencies },
	{ "logs", manual_logs },
};

bool
describe(const char *table, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		if (strcmp(pages[i].name, table) == 0) {
			pages[i].put(out);
			return true;
		}
	}
	return false;
}

void
describe_names(struct buf *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
		buf_printf(out, "%s%s", i > 0 ? " " : "", pages[i].name);
}
