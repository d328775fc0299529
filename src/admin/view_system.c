/*
 * view_system.c - rows: VERSION, STATE, LISTS, MEM, and what is never shown. The parameters of
 * PostgreSQL that clients ask for to see whom they talk to are here, too.
 */
#include <malloc.h>
#include <string.h>

#include "admin/admin.h"
#include "admin/load.h"
#include "admin/version.h"
#include "admin/view.h"
#include "net/resolve.h"
#include "pool/client.h"
#include "pool/lane.h"
#include "pool/place.h"
#include "pool/server.h"

struct text_row {
	const char	*key, *value;
};

static void
add_text(struct sheet *rows, const char *key, const char *value)
{
	struct text_row *row = sheet_add(rows);

	if (row != NULL)
		*row = (struct text_row){ key, value };
}

static int
compare_keys(const void *a, const void *b)
{
	return strcmp(((const struct text_row *)a)->key, ((const struct text_row *)b)->key);
}

static void
drop(void *to, const void *from)
{
	(void)to;
	(void)from;
}

/* --- VERSION, STATE --- */

static void
finish_version(const struct view_source *from, struct sheet *rows)
{
	(void)from;
	add_text(rows, NULL, VERSION_TEXT);
}

static const struct column version_columns[] = {
	COLUMN(text_row, TEXT, value, "version",
	    "Whose console ours is like, and our own version."),
};

/* Rows that PgBouncer has none of, and only while they say something. */
static void
add_drain(const struct view_source *from, struct sheet *rows)
{
	struct pooler *p = from->admin->pooler;
	usec_t took = loop_wall(from->loop) - atomic_load(&p->drain_began);

	add_text(rows, "draining", "yes");
	add_text(rows, "draining_seconds", sheet_printf(rows, "%.1f", (double)took / SECOND));
	add_text(rows, "draining_accepts", atomic_load(&p->shutting) ? "no" : "yes");
}

static void
finish_state(const struct view_source *from, struct sheet *rows)
{
	bool paused = place_paused(from->admin->pooler, span_of(NULL, 0));
	bool suspended = place_suspended(from->admin->pooler);

	add_text(rows, "active", paused || suspended ? "no" : "yes");
	add_text(rows, "paused", paused ? "yes" : "no");
	add_text(rows, "suspended", suspended ? "yes" : "no");
	if (atomic_load(&from->admin->pooler->draining))
		add_drain(from, rows);
}

static const struct column state_columns[] = {
	COLUMN(text_row, TEXT, key, "key", "active, paused, suspended; while SIGTERM's drain goes on also draining, draining_seconds, "
	    "draining_accepts."),
	COLUMN(text_row, TEXT, value, "value", "yes or no, or seconds."),
};

/* --- LISTS --- */

struct list_row {
	const char	*list;
	uint64_t	 items;
};

static void
add_item(struct sheet *rows, const char *list, uint64_t items)
{
	struct list_row *row = sheet_add(rows);

	if (row != NULL)
		*row = (struct list_row){ list, items };
}

/* What a worker has of each kind, and a row more for each host name it knows. */
struct stock {
	uint64_t	 clients, newcomers, servers, lanes;
	uint64_t	 queries, pending;
	const char	*name;		/* NULL: the first row */
};

static void
count_name(void *owner, const struct resolver_name *name)
{
	struct sheet *part = owner;
	struct stock *row = sheet_add(part);

	if (row == NULL)
		return;
	row->name = sheet_text(part, span_text(name->name));
	row->queries = name->asking;
}

static void
count_zone(void *owner, const struct resolver_zone *zone)
{
	((struct stock *)sheet_row(owner, 0))->pending += zone->asking;
}

static void
fill_names(struct sheet *part, struct worker *w)
{
	struct resolver *r = resolver_of(w->loop);

	if (r == NULL)
		return;
	resolver_each_zone(r, count_zone, part);
	resolver_each_name(r, count_name, part);
}

static void
fill_stock(struct sheet *part, struct worker *w)
{
	struct stock *stock = sheet_add(part);

	if (stock == NULL)
		return;
	fill_names(part, w);
	stock = sheet_row(part, 0);
	LIST_EACH(n, &w->clients)
		stock->clients++;
	LIST_EACH(n, &w->newcomers)
		stock->newcomers++;
	LIST_EACH(n, &w->lanes) {
		const struct lane *lane = CONTAINER_OF(n, struct lane, in_worker);

		stock->lanes++;
		stock->servers += lane->idle_count + lane->busy_count +
		    lane->opening_count;
	}
}

static struct stock
sum_stock(const struct gathering *parts)
{
	struct stock sum = { 0 };

	for (unsigned i = 0; i < parts->count; i++) {
		for (size_t j = 0; j < parts->parts[i].count; j++) {
			const struct stock *s = sheet_row(&parts->parts[i], j);

			sum.clients += s->clients;
			sum.newcomers += s->newcomers;
			sum.servers += s->servers;
			sum.lanes += s->lanes;
			sum.queries += s->queries;
			sum.pending += s->pending;
		}
	}
	return sum;
}

/* Rows of what SHOW DNS_HOSTS, or DNS_ZONES, would have. */
static uint64_t
count_texts(const struct gathering *parts, bool zones)
{
	struct sheet texts;
	uint64_t count;

	sheet_init(&texts, sizeof(struct text_row));
	for (unsigned i = 0; i < parts->count; i++) {
		for (size_t j = 0; j < parts->parts[i].count; j++) {
			const struct stock *s = sheet_row(&parts->parts[i], j);
			const char *text = s->name;

			if (text != NULL && zones)
				text = strchr(text, '.') != NULL ? strchr(text, '.') + 1 : "";
			if (text != NULL && text[0] != '\0')
				add_text(&texts, text, NULL);
		}
	}
	sheet_sort(&texts, compare_keys);
	sheet_merge(&texts, compare_keys, drop);
	count = texts.count;
	sheet_fini(&texts);
	return count;
}

static void
count_pool(void *owner, struct pool *pool)
{
	(void)pool;
	++*(uint64_t *)owner;
}

/* Databases and users, as many as SHOW has rows of. */
static uint64_t
count_names(const struct view_source *from, bool users)
{
	static const struct gathering nobody = { .count = 0 };
	struct sheet loads;
	uint64_t count;

	sheet_init(&loads, sizeof(struct load));
	if (users)
		load_users(&nobody, from->conf, from->admin->pooler, &loads);
	else
		load_databases(&nobody, from->conf, from->admin->pooler, &loads);
	count = loads.count;
	sheet_fini(&loads);
	return count;
}

static void
finish_lists(const struct view_source *from, struct sheet *rows)
{
	struct stock stock = sum_stock(from->parts);
	uint64_t pools = 0;

	place_each(from->admin->pooler, count_pool, &pools);
	add_item(rows, "databases", count_names(from, false));
	add_item(rows, "users", count_names(from, true));
	add_item(rows, "peers", from->conf->n_peers);
	add_item(rows, "pools", pools);
	add_item(rows, "peer_pools", from->conf->n_peers);
	/* lists of unused ones are something PgBouncer keeps and we do not */
	add_item(rows, "free_clients", 0);
	add_item(rows, "used_clients", stock.clients);
	add_item(rows, "login_clients", stock.newcomers);
	add_item(rows, "free_servers", 0);
	add_item(rows, "used_servers", stock.servers);
	add_item(rows, "dns_names", count_texts(from->parts, false));
	add_item(rows, "dns_zones", count_texts(from->parts, true));
	add_item(rows, "dns_queries", stock.queries);
	add_item(rows, "dns_pending", stock.pending);
}

static const struct column list_columns[] = {
	COLUMN(list_row, TEXT, list, "list",
	    "What is counted. Names that pgweir has no list for "
	    "are there for PgBouncer's clients."),
	COLUMN(list_row, INT, items, "items", "How many."),
};

/* --- MEM --- */

struct mem_row {
	const char	*name;
	uint64_t	 size, used, free, memtotal;
};

static void
add_mem(struct sheet *rows, const char *name, uint64_t size, uint64_t used)
{
	struct mem_row *row = sheet_add(rows);

	if (row != NULL)
		*row = (struct mem_row){ name, size, used, 0, size * used };
}

static void
finish_mem(const struct view_source *from, struct sheet *rows)
{
	struct stock stock = sum_stock(from->parts);
	struct mallinfo2 heap = mallinfo2();
	size_t texts, bytes;
	uint64_t pools = 0;

	place_each(from->admin->pooler, count_pool, &pools);
	stmt_totals(&texts, &bytes);
	add_mem(rows, "client", sizeof(struct client), stock.clients);
	add_mem(rows, "server", sizeof(struct server), stock.servers);
	add_mem(rows, "lane", sizeof(struct lane), stock.lanes);
	add_mem(rows, "pool", sizeof(struct pool), pools);
	add_mem(rows, "statement", texts > 0 ? bytes / texts : 0, texts);
	add_mem(rows, "heap", 1, heap.uordblks + heap.hblkhd);
	if (rows->count > 0 && !rows->failed)
		((struct mem_row *)sheet_row(rows, rows->count - 1))->free =
		    heap.fordblks;
}

static const struct column mem_columns[] = {
	COLUMN(mem_row, TEXT, name, "name",
	    "Kind of thing; heap: all that was allocated."),
	COLUMN(mem_row, INT, size, "size", "Bytes of one (statements: on average)."),
	COLUMN(mem_row, INT, used, "used", "How many there are."),
	COLUMN(mem_row, INT, free, "free", "How many are kept for reuse."),
	COLUMN(mem_row, INT, memtotal, "memtotal", "Bytes of all."),
};

#define TEXT_VIEW(topic_, text_, columns_, finish_)                                   \
	{                                                                             \
		.topic = topic_, .text = text_, .role = ROLE_STATS, .columns = columns_, \
		.column_count = ARRAY_SIZE(columns_), .row_size = sizeof(struct text_row), \
		.finish = finish_                                                     \
	}

static const struct view views[] = {
	TEXT_VIEW("version", "One row: what we are.", version_columns, finish_version),
	TEXT_VIEW("state", "Whether clients are served.", state_columns, finish_state),
	{ .topic = "lists",
	    .text = "How many there are of everything.",
	    .role = ROLE_STATS,
	    .columns = list_columns,
	    .column_count = ARRAY_SIZE(list_columns),
	    .row_size = sizeof(struct list_row),
	    .part_size = sizeof(struct stock),
	    .fill = fill_stock,
	    .finish = finish_lists },
	{ .topic = "fds",
	    .text = "Refused.",
	    .role = ROLE_ADMIN,
	    .refused = "SHOW FDS, which hands open connections to another process, is not "
		       "supported: let both processes listen with so_reuseport, name each other "
		       "in [peers], then end this one by SHUTDOWN WAIT_FOR_CLIENTS" },
	{ .topic = "mem",
	    .text = "What takes memory.",
	    .role = ROLE_STATS,
	    .columns = mem_columns,
	    .column_count = ARRAY_SIZE(mem_columns),
	    .row_size = sizeof(struct mem_row),
	    .part_size = sizeof(struct stock),
	    .fill = fill_stock,
	    .finish = finish_mem },
};

const struct view_table system_views = { views, ARRAY_SIZE(views) };

/* --- pretended parameters --- */

#define EACH_PRETENDED(X)                                                             \
	X(client_encoding, "UTF-8")                                                   \
	X(datestyle, "ISO")                                                           \
	X(default_transaction_isolation, "read committed")                            \
	X(standard_conforming_strings, "on")                                          \
	X(timezone, "GMT")                                                            \
	X(transaction_isolation, "read committed")

#define PRETEND(parameter, constant)                                                  \
	static void finish_##parameter(const struct view_source *from, struct sheet *rows) \
	{                                                                             \
		(void)from;                                                           \
		add_text(rows, NULL, constant);                                       \
	}                                                                             \
	static const struct column parameter##_columns[] = {                          \
		COLUMN(text_row, TEXT, value, #parameter, "A constant."),             \
	};
EACH_PRETENDED(PRETEND)
#undef PRETEND

static const struct view pretended[] = {
#define PRETEND(parameter, constant)                                                  \
	{ .topic = #parameter, .text = "Always " constant ".", .role = ROLE_STATS,    \
	  .pretended = true, .columns = parameter##_columns, .column_count = 1,       \
	  .row_size = sizeof(struct text_row), .finish = finish_##parameter },
	EACH_PRETENDED(PRETEND)
#undef PRETEND
};

const struct view_table pretended_views = { pretended, ARRAY_SIZE(pretended) };
