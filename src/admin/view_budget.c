/*
 * view_budget.c - rows: BUDGET: the accounts that server connections are counted in.
 */
#include <string.h>

#include "admin/admin.h"
#include "admin/view.h"
#include "net/loop.h"
#include "pool/budget.h"

struct budget_row {
	const char	*kind, *name, *source;
	uint64_t	 used, opening, idle, limit, guaranteed, waiting, longest_us;
	uint64_t	 server_limit, reserved, refused;
};

struct collection {
	struct sheet	*rows;
	usec_t		 now;
};

static void
add(void *owner, const struct budget *b, const struct account_view *v)
{
	struct collection *c = owner;
	struct budget_row *row = sheet_add(c->rows);
	char name[300];

	if (row == NULL)
		return;
	budget_name(b, name, sizeof(name));
	row->kind = budget_kind_text(b->kind);
	row->name = sheet_text(c->rows, span_text(name));
	row->used = v->used;
	row->opening = v->opening;
	row->idle = v->idle;
	row->limit = v->limit;
	row->source = budget_source(b, v);
	row->guaranteed = v->guaranteed;
	row->waiting = v->waiting;
	row->longest_us = v->oldest > 0 && c->now > v->oldest ? c->now - v->oldest : 0;
	row->server_limit = b->found > 0 ? (uint64_t)b->found : 0;
	row->reserved = (uint64_t)b->reserved;
	row->refused = b->fulls;
}

static int
row_compare(const void *a, const void *b)
{
	const struct budget_row *x = a, *y = b;
	int order = strcmp(x->kind, y->kind);

	return order != 0 ? order : strcmp(x->name, y->name);
}

static void
finish_budget(const struct view_source *from, struct sheet *rows)
{
	struct collection c = { rows, loop_now(from->loop) };

	budget_each(from->admin->pooler, add, &c);
	sheet_sort(rows, row_compare);
}

#define ACCOUNT(kind, field, name, text) COLUMN(budget_row, kind, field, name, text)
static const struct column budget_columns[] = {
	ACCOUNT(TEXT, kind, "kind", "pool, database, user, host, role or catalog (a database of a host)."),
	ACCOUNT(TEXT, name, "name", "Whose account it is."),
	ACCOUNT(INT, used, "used", "Server connections, those being opened included."),
	ACCOUNT(INT, opening, "opening", "Of these, being opened."),
	ACCOUNT(INT, idle, "idle", "Of these, idle."),
	ACCOUNT(INT, limit, "limit", "Most there may be; 0: no limit."),
	ACCOUNT(TEXT, source, "source", "Whence the limit is: configured, discovered from the server, learnt from its refusal, none."),
	ACCOUNT(INT, guaranteed, "guaranteed", "What min_pool_size keeps from being taken for others."),
	ACCOUNT(INT, waiting, "waiting", "Clients that wait for one of its servers."),
	ACCOUNT(BIG, longest_us, "longest_wait_us", "How long the longest of them has waited, in microseconds."),
	ACCOUNT(INT, server_limit, "server_limit", "What the server says: its max_connections, or the limit of the role or database; 0: none, or not known."),
	ACCOUNT(INT, reserved, "server_reserved", "Of max_connections, reserved for superusers and others."),
	ACCOUNT(BIG, refused, "refused", "How often the server had no room."),
};

static const struct view views[] = {
	{ .topic = "budget",
	    .text = "One row an account that server connections are counted in.",
	    .role = ROLE_STATS,
	    .columns = budget_columns,
	    .column_count = ARRAY_SIZE(budget_columns),
	    .row_size = sizeof(struct budget_row),
	    .finish = finish_budget },
};

const struct view_table budget_views = { views, ARRAY_SIZE(views) };
