/*
 * set_budget.c - rows: how many server connections a PostgreSQL server is asked for, by
 * all pools of this process together.
 */
#include <stdlib.h>

#include "conf/budget.h"
#include "conf/rows.h"

/* A number above 0 and nothing else, up to MOST. */
static bool
read_number(struct span text, double most, double *out)
{
	char copy[32], *end;

	if (text.len == 0 || !span_copy(text, copy, sizeof(copy)) || copy[0] < '0' ||
	    copy[0] > '9')
		return false;
	*out = strtod(copy, &end);
	return *end == '\0' && *out > 0 && *out <= most;
}

static bool
read_percent(struct span text, double *out)
{
	if (text.len < 2 || text.at[text.len - 1] != '%')
		return false;
	text.len--;
	if (!read_number(text, 100, out))
		return false;
	*out /= 100;
	return true;
}

static bool
read_limit(struct span text, struct server_limit *out)
{
	double number;

	*out = (struct server_limit){ 0 };
	if (span_is_nocase(text, "auto"))
		return true;
	if (read_percent(text, &out->share))
		return true;
	if (!read_number(text, 1000000, &number) || number != (uint32_t)number)
		return false;
	out->number = (uint32_t)number;
	return true;
}

static bool
read_share(struct span text, double *out)
{
	return read_percent(text, out) || read_number(text, 1, out);
}

static bool
is_limit(struct span value, const char **expected)
{
	struct server_limit limit;

	*expected = "auto, a number of connections, or a part of max_connections such as 80%";
	return read_limit(value, &limit);
}

static bool
is_share(struct span value, const char **expected)
{
	double share;

	*expected = "a part such as 50% or 0.5";
	return read_share(value, &share);
}

void
conf_server_limit(const struct conf *conf, struct server_limit *out)
{
	if (!read_limit(span_text(conf->max_server_connections), out))
		*out = (struct server_limit){ 0 };
}

double
conf_budget_share(const struct conf *conf)
{
	double share;

	return read_share(span_text(conf->budget_share), &share) ? share : 1;
}

static const struct setting rows[] = {
	{ TEXT(budget_peers, ""), .ready = true,
	  .text = "A host name whose addresses are those of all poolers before the same servers, "
		  "this one among them (a headless Service): each takes an equal part. Empty means "
		  "there is only this one." },
	{ TIME(budget_probe_interval, "0.25"), .ready = true,
	  .text = "How often a pooler whose share is used up asks the server whether others have left "
		  "connections unused, and takes a part of them or returns what is missing; while the "
		  "server has no room at all it offers a part of its share. 0 means it has its share, no "
		  "more and no less." },
	{ TEXT(budget_share, "100%"), .check = is_share, .ready = true,
	  .text = "The part of what a PostgreSQL server can take that this process may use; "
		  "the rest is for other poolers before the same server." },
	{ TEXT(max_server_connections, "auto"), .check = is_limit, .ready = true,
	  .text = "Most connections to one PostgreSQL server (host and port of an entry) over "
		  "all databases and users: a number, a part of its max_connections such as 80%, or "
		  "auto: all but those it keeps for superusers and server_connection_headroom." },
	{ COUNT(server_connect_parallel, "8"), .ready = true,
	  .text = "Most connections to one PostgreSQL server that are being opened at a time. 0 "
		  "means no limit." },
	{ COUNT(server_connection_headroom, "3"), .ready = true,
	  .text = "Connections of a PostgreSQL server that are left to others when "
		  "max_server_connections is auto." },
};

const struct setting_table budget_settings = { rows, ARRAY_SIZE(rows) };
