/*
 * manual.c - the tables of the console as Markdown. The words are the tables'.
 */
#include "admin/manual.h"

#include "admin/command.h"
#include "admin/view.h"
#include "pool/counters.h"
#include "pool/latency.h"

/* A cell: a bar would end it. */
static void
put_cell(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '|')
			buf_put_byte(out, '\\');
		buf_put_byte(out, *text);
	}
}

void
manual_commands(struct buf *out)
{
	buf_put_text(out,
	    "# The console\n\n"
	    "Made by `pgweir --describe commands` and `--describe views` from the tables in\n"
	    "`src/admin`; edit those.\n\n"
	    "Connect to the database `pgbouncer` (or `pgweir`) as one of `admin_users`, who may do\n"
	    "everything, or of `stats_users`, who may look. The unix user that pgweir runs as may\n"
	    "enter by the unix socket as user `pgbouncer` without a password, and do everything.\n"
	    "Commands are one a query, by simple query or extended protocol. A name with other\n"
	    "characters than letters, digits and `_` may stand in double quotes.\n\n"
	    "| command | who | what it does |\n| --- | --- | --- |\n");
	for (size_t i = 0; i < command_count; i++) {
		if (commands[i].usage == NULL)
			continue;
		buf_put_text(out, "| `");
		put_cell(out, commands[i].usage);
		buf_printf(out, "` | %s | ",
		    commands[i].role == ROLE_ADMIN ? "admin" : "all");
		put_cell(out, commands[i].text);
		buf_put_text(out, " |\n");
	}
	buf_put_text(out, "\nTaken without effect, as drivers send it:");
	for (size_t i = 0; i < command_count; i++) {
		if (commands[i].usage == NULL && commands[i].args == ARGS_ANY)
			buf_printf(out, " `%s`", commands[i].word);
	}
	buf_put_text(out, ".\n\n");
}

static const char *
kind_name(enum column_kind kind)
{
	switch (kind) {
	case COLUMN_TEXT:
	case COLUMN_TIME:
		return "text";
	case COLUMN_INT:
		return "int4";
	case COLUMN_BIG:
		return "int8";
	case COLUMN_NUMERIC:
		return "numeric";
	}
	return "";
}

void
manual_views(struct buf *out)
{
	const struct view *view = NULL;

	buf_put_text(out, "# SHOW\n");
	while ((view = view_next(view)) != NULL) {
		if (view->pretended)
			continue;
		if (view->refused != NULL) {
			buf_printf(out, "\n## SHOW %s\n\n%s\n", view->topic,
			    view->refused);
			continue;
		}
		buf_printf(out,
		    "\n## SHOW %s\n\n%s%s\n\n| column | type | what it says |\n"
		    "| --- | --- | --- |\n",
		    view->topic, view->text,
		    view->role == ROLE_ADMIN ? " Needs admin rights." : "");
		for (unsigned i = 0; i < view->column_count; i++) {
			buf_printf(out, "| %s | %s | ", view->columns[i].name,
			    kind_name(view->columns[i].kind));
			put_cell(out, view->columns[i].text);
			buf_put_text(out, " |\n");
		}
	}
}

void
manual_counters(struct buf *out)
{
	buf_put_text(out,
	    "# What is counted\n\n"
	    "Made by `pgweir --describe counters` from `include/pool/counters.h`; edit that.\n\n"
	    "| counter | unit | what it counts |\n| --- | --- | --- |\n");
	for (size_t i = 0; i < COUNTERS_MOST; i++) {
		buf_printf(out, "| %s | %s | ", counter_rows[i].name,
		    counter_rows[i].unit);
		put_cell(out, counter_rows[i].text);
		buf_put_text(out, " |\n");
	}
}

void
manual_latencies(struct buf *out)
{
	buf_put_text(out,
	    "\n## How long it takes\n\n"
	    "Made by `pgweir --describe latencies` from `include/pool/latency.h`. What is cut off, by a timeout or a lost "
	    "connection, is not counted, but for waits.\n\n"
	    "| kind | from when to when |\n| --- | --- |\n");
	for (size_t i = 0; i < LATENCIES_MOST; i++) {
		buf_printf(out, "| %s | ", latency_kind_rows[i].name);
		put_cell(out, latency_kind_rows[i].text);
		buf_put_text(out, " |\n");
	}
}
