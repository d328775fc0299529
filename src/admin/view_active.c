/*
 * view_active.c - rows: ACTIVE: who has a server, and what for; CLOSES: why connections ended.
 */
#include <inttypes.h>
#include <string.h>

#include "admin/gather.h"
#include "pool/server.h"
#include "pool/statement.h"
#include "view_client.h"

/* --- ACTIVE --- */

struct active_row {
	struct client_cells who;
	const char	*state, *server, *server_addr, *fingerprint, *statement;
	uint64_t	 server_port, server_pid, held_us, transaction_us, query_us;
};

/* What it was asked, as far as log_statements allows; NULL is SQL's. */
static void
set_statement(struct active_row *row, struct sheet *part, const struct statement *st)
{
	if (st == NULL)
		return;
	if (st->number != 0)
		row->fingerprint = sheet_printf(part, "%016" PRIx64, st->number);
	row->statement = sheet_shown(part, span_text(st->text));
}

static void
add_active(struct sheet *part, struct worker *w, const struct server *s)
{
	struct active_row *row = sheet_add(part);
	char host[64];

	if (row == NULL)
		return;
	client_cells(&row->who, part, w, s->client);
	row->state = pair_state(s);
	row->server = sheet_printf(part, "S-%" PRIu64, s->id);
	row->server_addr = sheet_text(part, span_text(addr_host(&s->where, host)));
	row->server_port = s->where.port;
	row->server_pid = s->pid;
	row->held_us = time_since(w, s->since);
	row->transaction_us = s->in_xact ? time_since(w, s->xact_began) : 0;
	row->query_us = s->in_query ? time_since(w, s->query_began) : 0;
	set_statement(row, part, statement_of(s));
}

static void
fill_active(struct sheet *part, struct worker *w)
{
	LIST_EACH(n, &w->lanes) {
		const struct lane *lane = CONTAINER_OF(n, struct lane, in_worker);

		LIST_EACH(m, &lane->busy) {
			const struct server *s = CONTAINER_OF(m, struct server, in_lane);

			if (s->client != NULL)
				add_active(part, w, s);
		}
	}
}

/* Who has its server longest comes first. */
static int
compare_active(const void *a, const void *b)
{
	const struct active_row *x = a, *y = b;

	if (x->held_us != y->held_us)
		return x->held_us > y->held_us ? -1 : 1;
	return strcmp(x->who.client, y->who.client);
}

static void
finish_active(const struct view_source *from, struct sheet *rows)
{
	gathering_join(from->parts, rows);
	sheet_sort(rows, compare_active);
}

#define ACTIVE(kind, field, text) COLUMN(active_row, kind, field, #field, text)
static const struct column active_columns[] = {
	CLIENT_COLUMNS(active_row),
	ACTIVE(TEXT, state,
	    "active, idle in transaction, idle in transaction (aborted), idle (it keeps its server), "
	    "settling (its settings are being set), canceling."),
	ACTIVE(TEXT, server, "Its server, as the log names it."),
	ACTIVE(TEXT, server_addr, "The server's address, or unix."),
	ACTIVE(INT, server_port, "The server's port."),
	ACTIVE(INT, server_pid, "PostgreSQL's process, as in pg_stat_activity."),
	ACTIVE(BIG, held_us, "How long it has had the server, in microseconds."),
	ACTIVE(BIG, transaction_us, "How long its transaction has lasted, in microseconds; 0: none."),
	ACTIVE(BIG, query_us, "How long its query has run, in microseconds; 0: none."),
	ACTIVE(TEXT, fingerprint,
	    "The same for statements that differ in values only. Needs log_statements, and a statement "
	    "of at most 16 KiB."),
	ACTIVE(TEXT, statement,
	    "The beginning of what it asked last: without values, or as it is, as log_statements says."),
};

/* --- CLOSES --- */

struct closes_row {
	const char	*reason, *text, *meaning;
	uint64_t	 why, clients, servers;
};

static void
fill_closes(struct sheet *part, struct worker *w)
{
	for (unsigned why = CLOSE_NONE + 1; why < CLOSE_KINDS; why++) {
		struct closes_row *row = sheet_add(part);

		if (row == NULL)
			return;
		row->why = why;
		row->reason = reason_rows[why].code;
		row->text = reason_rows[why].text;
		row->meaning = reason_rows[why].meaning;
		row->clients = w->closes.clients[why];
		row->servers = w->closes.servers[why];
	}
}

static int
compare_closes(const void *a, const void *b)
{
	const struct closes_row *x = a, *y = b;

	return x->why < y->why ? -1 : x->why > y->why;
}

static void
add_closes(void *to, const void *from)
{
	struct closes_row *t = to;
	const struct closes_row *f = from;

	t->clients += f->clients;
	t->servers += f->servers;
}

static void
finish_closes(const struct view_source *from, struct sheet *rows)
{
	gathering_join(from->parts, rows);
	sheet_sort(rows, compare_closes);
	sheet_merge(rows, compare_closes, add_closes);
}

#define CLOSES(kind, field, text) COLUMN(closes_row, kind, field, #field, text)
static const struct column closes_columns[] = {
	CLOSES(TEXT, reason, "The code, as in the log."),
	CLOSES(BIG, clients, "Clients closed for it since the start."),
	CLOSES(BIG, servers, "Servers closed for it since the start."),
	CLOSES(TEXT, text, "What the log says, unless there is more to say."),
	CLOSES(TEXT, meaning, "What it means."),
};

static const struct view views[] = {
	{ .topic = "active",
	    .text = "One row a client that has a server, who has had it longest first.",
	    .role = ROLE_STATS,
	    .columns = active_columns,
	    .column_count = ARRAY_SIZE(active_columns),
	    .row_size = sizeof(struct active_row),
	    .part_size = sizeof(struct active_row),
	    .fill = fill_active,
	    .finish = finish_active },
	{ .topic = "closes",
	    .text = "One row a reason why connections are closed, and how often that was. "
		    "`doc/logs.md` explains the codes.",
	    .role = ROLE_STATS,
	    .columns = closes_columns,
	    .column_count = ARRAY_SIZE(closes_columns),
	    .row_size = sizeof(struct closes_row),
	    .part_size = sizeof(struct closes_row),
	    .fill = fill_closes,
	    .finish = finish_closes },
};

const struct view_table active_views = { views, ARRAY_SIZE(views) };
