/*
 * view_names.c - rows: DNS_HOSTS, DNS_ZONES. Every worker looks names up for itself; here
 * one row a name stands for what any of them knows.
 */
#include <string.h>

#include "admin/gather.h"
#include "admin/view.h"
#include "net/resolve.h"

struct host_row {
	const char	*hostname, *addrs;
	uint64_t	 ttl;
};

struct zone_row {
	const char	*zonename;
	const char	*name;		/* whom the row counts; "": nobody */
	uint64_t	 serial, count;
};

/* --- DNS_HOSTS --- */

/* As PgBouncer writes them: "192.0.2.1:0,192.0.2.2:0". */
static const char *
addrs_text(struct sheet *part, const struct resolver_name *name)
{
	struct buf text = { 0 };
	char one[80];
	const char *kept;

	for (unsigned i = 0; i < name->count; i++)
		buf_printf(&text, "%s%s", i > 0 ? "," : "", addr_text(&name->addrs[i], one));
	part->failed |= text.failed;
	kept = sheet_text(part, buf_span(&text));
	buf_fini(&text);
	return kept;
}

static void
add_host(void *owner, const struct resolver_name *name)
{
	struct sheet *part = owner;
	struct host_row *row = sheet_add(part);

	if (row == NULL)
		return;
	row->hostname = sheet_text(part, span_text(name->name));
	row->addrs = addrs_text(part, name);
	row->ttl = name->left / SECOND;
}

static void
fill_hosts(struct sheet *part, struct worker *w)
{
	struct resolver *r = resolver_of(w->loop);

	if (r != NULL)
		resolver_each_name(r, add_host, part);
}

static int
compare_hosts(const void *a, const void *b)
{
	return strcmp(((const struct host_row *)a)->hostname,
	    ((const struct host_row *)b)->hostname);
}

/* The newest answer counts. */
static void
take_newer(void *to, const void *from)
{
	struct host_row *t = to;
	const struct host_row *f = from;

	if (f->ttl > t->ttl || t->addrs[0] == '\0')
		*t = *f;
}

static void
finish_hosts(const struct view_source *from, struct sheet *rows)
{
	gathering_join(from->parts, rows);
	sheet_sort(rows, compare_hosts);
	sheet_merge(rows, compare_hosts, take_newer);
}

static const struct column host_columns[] = {
	COLUMN(host_row, TEXT, hostname, "hostname", "Name that was looked up."),
	COLUMN(host_row, BIG, ttl, "ttl", "Seconds until it is asked for again."),
	COLUMN(host_row, TEXT, addrs, "addrs",
	    "Its addresses; empty: it has none. Ports are not looked up: 0."),
};

/* --- DNS_ZONES --- */

static void
add_zone(void *owner, const struct resolver_zone *zone)
{
	struct sheet *part = owner;
	struct zone_row *row = sheet_add(part);

	if (row == NULL)
		return;
	row->zonename = sheet_text(part, span_text(zone->zone));
	row->name = "";
	row->serial = zone->serial;
}

static void
add_name(void *owner, const struct resolver_name *name)
{
	struct sheet *part = owner;
	const char *dot = strchr(name->name, '.');
	struct zone_row *row = dot != NULL && dot[1] != '\0' ? sheet_add(part) : NULL;

	if (row == NULL)
		return;
	row->zonename = sheet_text(part, span_text(dot + 1));
	row->name = sheet_text(part, span_text(name->name));
	row->count = 1;
}

static void
fill_zones(struct sheet *part, struct worker *w)
{
	struct resolver *r = resolver_of(w->loop);

	if (r == NULL)
		return;
	resolver_each_zone(r, add_zone, part);
	resolver_each_name(r, add_name, part);
}

static int
same_zone(const void *a, const void *b)
{
	return strcmp(((const struct zone_row *)a)->zonename,
	    ((const struct zone_row *)b)->zonename);
}

static int
compare_zones(const void *a, const void *b)
{
	int order = same_zone(a, b);

	return order != 0 ? order : strcmp(((const struct zone_row *)a)->name,
	    ((const struct zone_row *)b)->name);
}

static void
same_twice(void *to, const void *from)
{
	struct zone_row *t = to;
	const struct zone_row *f = from;

	if (f->serial > t->serial)
		t->serial = f->serial;
}

static void
one_more(void *to, const void *from)
{
	same_twice(to, from);
	((struct zone_row *)to)->count += ((const struct zone_row *)from)->count;
}

static void
finish_zones(const struct view_source *from, struct sheet *rows)
{
	gathering_join(from->parts, rows);
	sheet_sort(rows, compare_zones);
	sheet_merge(rows, compare_zones, same_twice);
	sheet_merge(rows, same_zone, one_more);
}

static const struct column zone_columns[] = {
	COLUMN(zone_row, TEXT, zonename, "zonename",
	    "What stands behind the first dot of a name."),
	COLUMN(zone_row, BIG, serial, "serial",
	    "Serial number; 0: not known, see dns_zone_check_period."),
	COLUMN(zone_row, INT, count, "count", "Names that are in it."),
};

static const struct view views[] = {
	{ .topic = "dns_hosts",
	    .text = "One row a host name that was looked up.",
	    .role = ROLE_STATS,
	    .columns = host_columns,
	    .column_count = ARRAY_SIZE(host_columns),
	    .row_size = sizeof(struct host_row),
	    .part_size = sizeof(struct host_row),
	    .fill = fill_hosts,
	    .finish = finish_hosts },
	{ .topic = "dns_zones",
	    .text = "One row a zone of such names.",
	    .role = ROLE_STATS,
	    .columns = zone_columns,
	    .column_count = ARRAY_SIZE(zone_columns),
	    .row_size = sizeof(struct zone_row),
	    .part_size = sizeof(struct zone_row),
	    .fill = fill_zones,
	    .finish = finish_zones },
};

const struct view_table names_views = { views, ARRAY_SIZE(views) };
