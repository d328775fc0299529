/*
 * status.c - /status.json: what the status page shows, from the rows of SHOW. The page asks for
 * it once a second, so it is bounded: of pools and accounts those that matter most.
 */
#include <string.h>
#include <unistd.h>

#include "admin/version.h"
#include "base/json.h"
#include "pool/place.h"
#include "web/rows.h"
#include "web/status_latency.h"
#include "web/visit.h"
#include "web/web_private.h"

#define POOLS_MOST 200u
#define ACCOUNTS_MOST 200u
#define CAUSES_MOST 5u

enum part { POOLS, BUDGET, TOTALS, LISTS, LATENCY, WAITING, PARTS };

struct status {
	const struct web *web;		/* borrowed */
	const struct view *views[PARTS];
	const struct sheet *sheets;	/* borrowed; one a view */
	struct buf	 text;
	bool		 failed;	/* no memory */
};

static void
find_views(const struct view *views[PARTS])
{
	views[POOLS] = view_find(SPAN_LITERAL("pools"));
	views[BUDGET] = view_find(SPAN_LITERAL("budget"));
	views[TOTALS] = view_find(SPAN_LITERAL("totals"));
	views[LISTS] = view_find(SPAN_LITERAL("lists"));
	views[LATENCY] = &status_latency_view;
	views[WAITING] = view_find(SPAN_LITERAL("waiting"));
}

/* --- the process --- */

static const char *
state_of(struct pooler *p)
{
	if (atomic_load(&p->shutting))
		return "shutting down";
	if (atomic_load(&p->draining))
		return "draining";
	if (place_suspended(p))
		return "suspended";
	return place_paused(p, span_of(NULL, 0)) ? "paused" : "running";
}

static void
put_process(struct status *s)
{
	struct pooler *p = s->web->pooler;
	usec_t now = loop_wall(s->web->loop);
	char host[256];

	if (gethostname(host, sizeof(host)) != 0)
		host[0] = '\0';
	host[sizeof(host) - 1] = '\0';
	buf_printf(&s->text, "{\"version\":\"%s\",\n\"host\":", VERSION_TEXT);
	json_put_text(&s->text, span_text(host));
	buf_printf(&s->text,
	    ",\n\"state\":\"%s\",\n\"time\":%.3f,\n\"started\":%.6f,\n\"stats_period\":%.6g,\n",
	    state_of(p), (double)now / SECOND, (double)p->started / SECOND,
	    (double)s->web->setup->conf->stats_period / SECOND);
}

/* --- pools --- */

/* Who has clients that wait, then who has most to do. */
static uint64_t
rank_pool(const struct view *view, const void *row)
{
	uint64_t waiting = row_number(view, row, "cl_waiting");
	uint64_t busy = row_number(view, row, "sv_active");
	uint64_t clients = row_number(view, row, "cl_active");

	return waiting << 40 | (busy & 0xfffff) << 20 | (clients & 0xfffff) | 1;
}

/* A reading that is null when nothing was counted lately. */
static void
put_reading(struct buf *b, const char *name, const struct status_latency *from, uint64_t value)
{
	if (from != NULL && from->recent_count > 0)
		buf_printf(b, ",\"%s\":%llu", name, (unsigned long long)value);
	else
		buf_printf(b, ",\"%s\":null", name);
}

static void
put_pool(struct status *s, const void *row)
{
	const char *database = row_text(s->views[POOLS], row, "database");
	const char *user = row_text(s->views[POOLS], row, "user");
	const struct sheet *latency = &s->sheets[LATENCY];
	const struct status_latency *xact, *wait;

	xact = status_latency_find(latency, database, user, LATENCY_transaction);
	wait = status_latency_find(latency, database, user, LATENCY_wait);
	row_put(&s->text, s->views[POOLS], row);
	buf_printf(&s->text, ",\"paused\":%s,\"xact_count\":%llu",
	    place_paused(s->web->pooler, span_text(database)) ? "true" : "false",
	    (unsigned long long)(xact != NULL ? xact->total_count : 0));
	put_reading(&s->text, "xact_p50", xact, xact != NULL ? xact->p50 : 0);
	put_reading(&s->text, "xact_p99", xact, xact != NULL ? xact->p99 : 0);
	put_reading(&s->text, "wait_p99", wait, wait != NULL ? wait->p99 : 0);
}

/* What all pools have together that are not shown one by one. */
static void
put_rest(struct status *s, const struct pick *p)
{
	static const char *const columns[] = { "cl_active", "cl_waiting", "sv_active", "sv_idle" };

	buf_printf(&s->text, "\"other_pools\":{\"count\":%zu", p->count - p->wanted);
	for (size_t c = 0; c < ARRAY_SIZE(columns); c++) {
		uint64_t sum = 0;

		for (size_t i = p->wanted; i < p->count; i++)
			sum += row_number(s->views[POOLS], p->rows[i], columns[c]);
		buf_printf(&s->text, ",\"%s\":%llu", columns[c], (unsigned long long)sum);
	}
	buf_put_text(&s->text, "},\n");
}

static void
put_pools(struct status *s)
{
	struct pick p;

	if (!pick_rows(&p, s->views[POOLS], &s->sheets[POOLS], rank_pool, POOLS_MOST)) {
		s->failed = true;
		return;
	}
	buf_put_text(&s->text, "\"pools\":[");
	for (size_t i = 0; i < p.wanted; i++) {
		buf_put_text(&s->text, i > 0 ? ",\n{" : "{");
		put_pool(s, p.rows[i]);
		buf_put_byte(&s->text, '}');
	}
	buf_put_text(&s->text, "],\n");
	put_rest(s, &p);
	pick_fini(&p);
}

/* --- the rest --- */

/* Hosts, and accounts that somebody waits for. */
static uint64_t
rank_account(const struct view *view, const void *row)
{
	uint64_t host = strcmp(row_text(view, row, "kind"), "host") == 0;

	return host << 40 | row_number(view, row, "waiting");
}

static void
put_rows(struct status *s, enum part part, row_rank *rank, size_t most)
{
	struct pick p;

	if (!pick_rows(&p, s->views[part], &s->sheets[part], rank, most)) {
		s->failed = true;
		return;
	}
	buf_printf(&s->text, "\"%s\":", s->views[part]->topic);
	rows_put(&s->text, s->views[part], &p);
	buf_put_text(&s->text, ",\n");
	pick_fini(&p);
}

static uint64_t
rank_latency(const struct view *view, const void *row)
{
	(void)view;
	return ((const struct status_latency *)row)->database == NULL;
}

/* Do both clients wait for the same? What is no account is the pool's own affair. */
static bool
is_same_cause(const struct view *view, const void *a, const void *b)
{
	const char *x = row_text(view, a, "account"), *y = row_text(view, b, "account");

	if (x == NULL || y == NULL) {
		x = row_text(view, a, "pool");
		y = row_text(view, b, "pool");
	}
	return strcmp(x, y) == 0 &&
	    strcmp(row_text(view, a, "waits_for"), row_text(view, b, "waits_for")) == 0;
}

/* Of all that wait for the same, the one that has waited longest. */
static void
put_causes(struct status *s)
{
	const struct view *view = s->views[WAITING];
	const struct sheet *rows = &s->sheets[WAITING];
	const void *causes[CAUSES_MOST];
	struct pick p = { .rows = causes };

	for (size_t i = 0; i < rows->count && p.wanted < CAUSES_MOST; i++) {
		const void *row = sheet_row(rows, i);
		size_t at = 0;

		while (at < p.wanted && !is_same_cause(view, causes[at], row))
			at++;
		if (at == p.wanted)
			causes[p.wanted++] = row;
	}
	buf_put_text(&s->text, "\"waiting\":");
	rows_put(&s->text, view, &p);
	buf_put_text(&s->text, ",\n");
}

static void
put_status(struct status *s)
{
	put_process(s);
	put_pools(s);
	put_rows(s, BUDGET, rank_account, ACCOUNTS_MOST);
	put_rows(s, LATENCY, rank_latency, LATENCIES_MOST);
	put_causes(s);
	buf_put_text(&s->text, "\"totals\":");
	rows_put_pairs(&s->text, s->views[TOTALS], &s->sheets[TOTALS], "name", "value");
	buf_put_text(&s->text, ",\n\"lists\":");
	rows_put_pairs(&s->text, s->views[LISTS], &s->sheets[LISTS], "list", "items");
	buf_put_text(&s->text, "}\n");
}

static void
answer(struct visit *v, const struct sheet *sheets)
{
	struct status s = { .web = v->web, .sheets = sheets };

	find_views(s.views);
	put_status(&s);
	s.text.failed |= s.failed;
	visit_answer(v, 200, "application/json", &s.text);
}

void
run_status(struct visit *v)
{
	const struct view *views[PARTS];

	find_views(views);
	visit_survey(v, views, PARTS, answer);
}
