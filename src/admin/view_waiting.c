/*
 * view_waiting.c - rows: WAITING: who waits for a server, for want of what, and who has that.
 *
 * Each worker adds its waiting clients, the account that keeps their pool from more servers, and for each
 * pool the one of its servers that is busy longest. Which of those counts in the account is found when all have.
 */
#include <inttypes.h>
#include <string.h>

#include "admin/gather.h"
#include "base/log.h"
#include "pool/budget.h"
#include "pool/place.h"
#include "pool/server.h"
#include "view_client.h"

#define ROWS_MOST 1000u		/* who waits longest; it is for people */

struct waiting_row {
	struct client_cells who;
	const char	*pool, *waits_for, *account, *most_pool, *setting;
	const char	*holder, *holder_addr, *holder_application_name, *holder_state;
	uint64_t	 wait_us, place, used, most, waiting, most_used, holder_pid, holder_us;
	/* Not shown. The pointers are compared only: what they point to may be gone. */
	bool		 holds;		/* no client that waits: it is about who holds a server */
	const struct pool *pool_at;
	/* The accounts that the server counts in; of a client that waits the one that binds. */
	const struct budget *budgets[ACCOUNT_KINDS];
};

/* --- on each worker --- */

/* What the clients of a pool wait for. */
struct want_of {
	const char	*pool, *waits_for, *account, *most_pool, *setting;
	struct obstacle	 obstacle;
};

/* Is the pool's last login attempt to blame? Its error, or NULL. */
static const char *
last_error(struct sheet *part, struct pool *pool, struct pooler *p)
{
	struct err e;

	if (atomic_load(&pool->failures) == 0)
		return NULL;
	pthread_mutex_lock(&p->mutex);
	e = pool->last_error;
	pthread_mutex_unlock(&p->mutex);
	return e.text[0] != '\0' ? sheet_shown(part, span_text(e.text)) : NULL;
}

static void
look_at_pool(struct want_of *want, struct sheet *part, struct lane *lane)
{
	struct pooler *p = lane->worker->pooler;
	struct pool *pool = lane->pool;
	struct ledger_view view;
	char database[120], user[120];

	*want = (struct want_of){ .waits_for = "turn" };
	want->pool = sheet_printf(part, "%s/%s",
	    log_escape(span_text(pool->database), database, sizeof(database)),
	    log_escape(span_text(pool->user), user, sizeof(user)));
	ledger_look(&pool->ledger, &view);
	if (view.paused || place_suspended(p)) {
		want->waits_for = "pause";
		want->setting = "RESUME ends it";
		return;
	}
	want->account = last_error(part, pool, p);
	if (want->account != NULL) {
		want->waits_for = "login";
		want->setting = "server_login_retry says when the next attempt is";
		return;
	}
	if (!budget_obstacle(p, pool, &want->obstacle)) {
		if (view.opening > 0)
			want->waits_for = "opening";
		return;
	}
	want->waits_for = budget_kind_text(want->obstacle.kind);
	want->account = sheet_text(part, span_text(want->obstacle.name));
	want->most_pool = sheet_text(part, span_text(want->obstacle.holder));
	want->setting = want->obstacle.hint;
}

static void
add_waiting(struct sheet *part, struct worker *w, const struct client *c,
    const struct want_of *want)
{
	struct waiting_row *row = sheet_add(part);

	if (row == NULL)
		return;
	client_cells(&row->who, part, w, c);
	row->pool = want->pool;
	row->waits_for = want->waits_for;
	row->account = want->account;
	row->most_pool = want->most_pool;
	row->setting = want->setting;
	row->wait_us = time_since(w, c->since);
	row->used = want->obstacle.view.used;
	row->most = want->obstacle.view.limit;
	row->waiting = want->obstacle.view.waiting;
	row->most_used = want->obstacle.view.most;
	row->pool_at = c->lane->pool;
	row->budgets[0] = want->obstacle.budget;
}

/* The busy server of LANE that has been so longest; one with a client before one without. */
static const struct server *
longest_busy(const struct lane *lane)
{
	const struct server *longest = NULL;

	LIST_EACH(n, &lane->busy) {
		const struct server *s = CONTAINER_OF(n, struct server, in_lane);

		if (longest == NULL || (s->client != NULL && longest->client == NULL) ||
		    ((s->client != NULL) == (longest->client != NULL) && s->since < longest->since))
			longest = s;
	}
	return longest;
}

static void
add_holder(struct sheet *part, struct worker *w, const struct lane *lane)
{
	const struct server *s = longest_busy(lane);
	struct waiting_row *row = s != NULL ? sheet_add(part) : NULL;
	struct client_cells cells;

	if (row == NULL)
		return;
	row->holds = true;
	row->holder_us = time_since(w, s->since);
	row->holder_pid = s->pid;
	row->holder_state = s->client != NULL ? pair_state(s) : s->state->name;
	if (s->client != NULL) {
		client_cells(&cells, part, w, s->client);
		row->holder = cells.client;
		row->holder_addr = sheet_printf(part, "%s:%" PRIu64, cells.addr, cells.port);
		row->holder_application_name = cells.application_name;
	}
	pthread_mutex_lock(&w->pooler->mutex);
	memcpy(row->budgets, lane->pool->budgets, sizeof(row->budgets));
	pthread_mutex_unlock(&w->pooler->mutex);
}

static void
fill_waiting(struct sheet *part, struct worker *w)
{
	LIST_EACH(n, &w->lanes) {
		struct lane *lane = CONTAINER_OF(n, struct lane, in_worker);
		struct want_of want;
		unsigned count = 0;

		add_holder(part, w, lane);
		if (list_empty(&lane->waiting))
			continue;
		look_at_pool(&want, part, lane);
		LIST_EACH(m, &lane->waiting) {
			if (count++ == ROWS_MOST)
				break;
			add_waiting(part, w, CONTAINER_OF(m, struct client, in_lane), &want);
		}
	}
}

/* --- on the console's thread --- */

/* Holders first; of those and of who waits, the longest first. */
static int
compare_waiting(const void *a, const void *b)
{
	const struct waiting_row *x = a, *y = b;
	usec_t mine = x->holds ? x->holder_us : x->wait_us;
	usec_t other = y->holds ? y->holder_us : y->wait_us;

	if (x->holds != y->holds)
		return x->holds ? -1 : 1;
	if (mine != other)
		return mine > other ? -1 : 1;
	return x->holds ? 0 : strcmp(x->who.client, y->who.client);
}

static bool
counts_in(const struct waiting_row *holder, const struct budget *budget)
{
	for (unsigned i = 0; i < ACCOUNT_KINDS; i++) {
		if (holder->budgets[i] == budget)
			return true;
	}
	return false;
}

/* The first of the HOLDERS rows at the front of ROWS that counts in ROW's account. */
static void
set_holder(struct waiting_row *row, const struct sheet *rows, size_t holders)
{
	if (row->budgets[0] == NULL)
		return;
	for (size_t i = 0; i < holders; i++) {
		const struct waiting_row *h = sheet_row(rows, i);

		if (!counts_in(h, row->budgets[0]))
			continue;
		row->holder = h->holder;
		row->holder_addr = h->holder_addr;
		row->holder_application_name = h->holder_application_name;
		row->holder_state = h->holder_state;
		row->holder_pid = h->holder_pid;
		row->holder_us = h->holder_us;
		return;
	}
}

/* Its number in the queue of its pool, whose elder members stand between FIRST and it. */
static uint64_t
place_of(const struct sheet *rows, size_t first, size_t at)
{
	const struct waiting_row *row = sheet_row(rows, at);
	uint64_t place = 1;

	for (size_t i = first; i < at; i++) {
		const struct waiting_row *elder = sheet_row(rows, i);

		place += elder->pool_at == row->pool_at;
	}
	return place;
}

static void
finish_waiting(const struct view_source *from, struct sheet *rows)
{
	size_t holders = 0, count;

	gathering_join(from->parts, rows);
	sheet_sort(rows, compare_waiting);
	while (holders < rows->count && ((struct waiting_row *)sheet_row(rows, holders))->holds)
		holders++;
	count = rows->count - holders < ROWS_MOST ? rows->count - holders : ROWS_MOST;
	for (size_t i = holders; i < holders + count; i++) {
		struct waiting_row *row = sheet_row(rows, i);

		set_holder(row, rows, holders);
		row->place = place_of(rows, holders, i);
	}
	if (holders > 0)
		memmove(rows->rows, sheet_row(rows, holders), count * rows->row_size);
	rows->count = count;
}

#define WAITING(kind, field, name, text) COLUMN(waiting_row, kind, field, name, text)
static const struct column waiting_columns[] = {
	CLIENT_COLUMNS(waiting_row),
	WAITING(BIG, wait_us, "wait_us", "How long it has waited, in microseconds."),
	WAITING(INT, place, "place", "Its place in the queue of its pool."),
	WAITING(TEXT, pool, "pool", "Its pool: database/user of the server connections."),
	WAITING(TEXT, waits_for, "waits_for",
	    "What it waits for: room in an account of that kind (pool, database, user, host, role, "
	    "catalog; SHOW BUDGET has them all), opening (a server is on its way), login (logins fail), "
	    "pause, or just its turn."),
	WAITING(TEXT, account, "account", "The account's name; of login: the last error."),
	WAITING(INT, used, "used", "Servers that count in the account."),
	WAITING(INT, most, "limit", "Most there may be."),
	WAITING(INT, waiting, "waiting", "Clients that wait for one of them."),
	WAITING(TEXT, most_pool, "most_pool", "The pool that has most of them."),
	WAITING(INT, most_used, "most_used", "How many that has."),
	WAITING(TEXT, holder, "holder",
	    "The client that has had one of them longest, as the log names it. NULL: none has a client."),
	WAITING(TEXT, holder_addr, "holder_addr", "Its address and port."),
	WAITING(TEXT, holder_application_name, "holder_application_name", "As it set it."),
	WAITING(TEXT, holder_state, "holder_state", "What it does, as in SHOW ACTIVE."),
	WAITING(INT, holder_pid, "holder_pid", "PostgreSQL's process, as in pg_stat_activity."),
	WAITING(BIG, holder_us, "holder_us", "How long it has had that, in microseconds."),
	WAITING(TEXT, setting, "setting", "What could be changed."),
};

static const struct view views[] = {
	{ .topic = "waiting",
	    .text = "One row a client that waits for a server, who waits longest first, 1000 at most.",
	    .role = ROLE_STATS,
	    .columns = waiting_columns,
	    .column_count = ARRAY_SIZE(waiting_columns),
	    .row_size = sizeof(struct waiting_row),
	    .part_size = sizeof(struct waiting_row),
	    .fill = fill_waiting,
	    .finish = finish_waiting },
};

const struct view_table waiting_views = { views, ARRAY_SIZE(views) };
