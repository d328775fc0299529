/*
 * enquiry.c - how many connections does this server take? Asked of the first server of a
 * host, before its first use. One that does not answer as PostgreSQL does is not asked
 * about it further.
 */
#include "pool/enquiry.h"

#include "base/mem.h"
#include "pool/settle.h"
#include "wire/read.h"

#define COLUMNS 5

/* A superuser's logins are not counted against the limits of roles and databases. */
static const char question[] =
    "SELECT pg_catalog.current_setting('max_connections'), "
    "pg_catalog.current_setting('superuser_reserved_connections'), "
    "pg_catalog.current_setting('reserved_connections', true), "
    "CASE WHEN r.rolsuper THEN -1 ELSE r.rolconnlimit END, "
    "CASE WHEN r.rolsuper THEN -1 ELSE d.datconnlimit END "
    "FROM pg_catalog.pg_roles r, pg_catalog.pg_database d "
    "WHERE r.rolname OPERATOR(pg_catalog.=) CURRENT_USER "
    "AND d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()";

/* All connections to all databases; anybody may see these numbers. */
static const char count[] =
    "SELECT pg_catalog.sum(numbackends) FROM pg_catalog.pg_stat_database";

static bool
enquire(struct server *s, const char *sql)
{
	s->said = mem_new(sizeof(*s->said));
	if (s->said == NULL)
		return false;
	s->said->max_connections = -1;
	server_become(s, &SERVER_ENQUIRY);
	return settle_ask(s, sql);
}

bool
enquiry_begin(struct server *s)
{
	struct lane *lane = s->lane;

	if (lane->pool->replication != NULL ||
	    !budget_asks(lane->worker->pooler, lane->pool, loop_now(lane->worker->loop)))
		return false;
	return enquire(s, question);
}

bool
enquiry_count(struct server *s)
{
	if (!enquire(s, count))
		return false;
	s->said->counted = true;
	return true;
}

/* A whole number, or NULL as *OUT unchanged; false: something else. */
static bool
read_int(struct reader *r, int *out)
{
	uint32_t len = read_u32(r);
	struct span text;
	int number = 0;
	bool minus;

	if (len == UINT32_MAX)
		return !r->failed;
	text = read_bytes(r, len);
	if (r->failed || text.len == 0 || text.len > 9)
		return false;
	minus = text.at[0] == '-';
	for (size_t i = minus; i < text.len; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
		number = number * 10 + (text.at[i] - '0');
	}
	*out = minus ? -1 : number;
	return true;
}

void
enquiry_row(struct server *s, struct span body)
{
	struct reader r = read_begin(body);
	struct capacity c = { .of_role = -1, .of_database = -1 };
	int superusers = 0, others = 0;

	if (s->said->counted) {
		if (read_u16(&r) == 1)
			read_int(&r, &s->said->max_connections);
		return;
	}
	if (read_u16(&r) != COLUMNS || !read_int(&r, &c.max_connections) ||
	    !read_int(&r, &superusers) || !read_int(&r, &others) || !read_int(&r, &c.of_role) ||
	    !read_int(&r, &c.of_database) || !read_done(&r) || c.max_connections <= 0)
		return;
	c.reserved = superusers + others;
	*s->said = c;
}

bool
enquiry_done(struct server *s)
{
	struct lane *lane = s->lane;
	struct pooler *p = lane->worker->pooler;
	const struct conf *conf = lane->worker->setup->conf;
	bool counted = s->said->counted;

	if (s->said->max_connections > 0 && counted)
		budget_counted(p, lane->pool, conf, (unsigned)s->said->max_connections);
	else if (s->said->max_connections > 0)
		budget_learn(p, lane->pool, conf, s->said);
	mem_free(s->said);
	s->said = NULL;
	return counted;
}
