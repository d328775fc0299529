/*
 * load.c - how much each database, or each user, is used now: names are asked of the
 * workers and the configuration, servers of the ledgers, clients of those who limit them.
 */
#include "admin/load.h"

#include <string.h>

#include "pool/client.h"
#include "pool/client_limits.h"
#include "pool/lane.h"
#include "pool/place.h"

static void
add(struct sheet *sheet, const char *name, uint64_t servers)
{
	struct load *load = sheet_add(sheet);

	if (load != NULL)
		*load = (struct load){ sheet_text(sheet, span_text(name)), 0, servers };
}

void
load_fill_databases(struct sheet *part, struct worker *w)
{
	LIST_EACH(n, &w->lanes) {
		const struct lane *lane = CONTAINER_OF(n, struct lane, in_worker);

		add(part, lane->pool->database, 0);
	}
}

void
load_fill_users(struct sheet *part, struct worker *w)
{
	LIST_EACH(n, &w->clients) {
		const struct client *c = CONTAINER_OF(n, struct client, in_worker);

		if (c->lane != NULL && c->user != NULL)
			add(part, c->user, 0);
	}
}

static int
compare(const void *a, const void *b)
{
	return strcmp(((const struct load *)a)->name, ((const struct load *)b)->name);
}

static void
sum(void *to, const void *from)
{
	((struct load *)to)->servers += ((const struct load *)from)->servers;
}

static void
add_database_of(void *owner, struct pool *pool)
{
	struct ledger_view view;

	ledger_look(&pool->ledger, &view);
	add(owner, pool->database, view.open);
}

static void
add_user_of(void *owner, struct pool *pool)
{
	struct ledger_view view;

	ledger_look(&pool->ledger, &view);
	add(owner, pool->user, view.open);
}

/* One row a name, with the clients that COUNT says. */
static void
sort_out(struct sheet *out, struct pooler *p,
    unsigned (*count)(struct pooler *p, struct span name))
{
	sheet_sort(out, compare);
	sheet_merge(out, compare, sum);
	for (size_t i = 0; i < out->count; i++) {
		struct load *load = sheet_row(out, i);

		load->clients = count(p, span_text(load->name));
	}
}

void
load_databases(const struct gathering *parts, const struct conf *conf, struct pooler *p,
    struct sheet *out)
{
	gathering_join(parts, out);
	place_each(p, add_database_of, out);
	for (size_t i = 0; i < conf->n_databases; i++)
		add(out, conf->databases[i].name, 0);
	add(out, "pgbouncer", 0);
	sort_out(out, p, client_limits_of_database);
}

void
load_users(const struct gathering *parts, const struct conf *conf, struct pooler *p,
    struct sheet *out)
{
	gathering_join(parts, out);
	place_each(p, add_user_of, out);
	for (size_t i = 0; i < conf->n_users; i++)
		add(out, conf->users[i].name, 0);
	for (size_t i = 0; i < conf->n_databases; i++) {
		if (conf->databases[i].user != NULL)
			add(out, conf->databases[i].user, 0);
	}
	sort_out(out, p, client_limits_of_user);
}
