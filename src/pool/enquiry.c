/*
 * enquiry.c - questions of ours to servers, and their answers. One that does not answer as
 * PostgreSQL does is not asked further; what it says decides nothing here.
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

/* The server's own, whatever its last client has set. */
static const char what_role[] =
    "SELECT pg_catalog.pg_is_in_recovery()::pg_catalog.int4, "
    "(reset_val OPERATOR(pg_catalog.=) 'on')::pg_catalog.int4 "
    "FROM pg_catalog.pg_settings WHERE name OPERATOR(pg_catalog.=) 'default_transaction_read_only'";

struct enquiry {
	enum enquired	 what;
	struct capacity	 capacity;
	int		 count;		/* below 0: not told */
	struct host_role role;
};

static bool
enquire(struct server *s, enum enquired what, const char *sql)
{
	s->enquiry = mem_new(sizeof(*s->enquiry));
	if (s->enquiry == NULL)
		return false;
	*s->enquiry = (struct enquiry){ .what = what, .count = -1 };
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
	return enquire(s, ENQUIRED_CAPACITY, question);
}

bool
enquiry_count(struct server *s)
{
	return enquire(s, ENQUIRED_COUNT, count);
}

bool
enquiry_role(struct server *s)
{
	return enquire(s, ENQUIRED_ROLE, what_role);
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

static void
read_capacity(struct reader *r, struct capacity *out)
{
	struct capacity c = { .of_role = -1, .of_database = -1 };
	int superusers = 0, others = 0;

	if (read_u16(r) != COLUMNS || !read_int(r, &c.max_connections) ||
	    !read_int(r, &superusers) || !read_int(r, &others) || !read_int(r, &c.of_role) ||
	    !read_int(r, &c.of_database) || !read_done(r) || c.max_connections <= 0)
		return;
	c.reserved = superusers + others;
	*out = c;
}

static void
read_role(struct reader *r, struct host_role *out)
{
	int standby = 0, read_only = 0;

	if (read_u16(r) != 2 || !read_int(r, &standby) || !read_int(r, &read_only) || !read_done(r))
		return;
	*out = (struct host_role){ .known = true, .standby = standby != 0,
		.read_only = standby != 0 || read_only != 0 };
}

void
enquiry_row(struct server *s, struct span body)
{
	struct reader r = read_begin(body);
	struct enquiry *q = s->enquiry;

	switch (q->what) {
	case ENQUIRED_CAPACITY:
		read_capacity(&r, &q->capacity);
		return;
	case ENQUIRED_COUNT:
		if (read_u16(&r) == 1)
			read_int(&r, &q->count);
		return;
	case ENQUIRED_ROLE:
		read_role(&r, &q->role);
		return;
	}
}

enum enquired
enquiry_done(struct server *s, struct host_role *role)
{
	struct lane *lane = s->lane;
	struct pooler *p = lane->worker->pooler;
	const struct conf *conf = lane->worker->setup->conf;
	struct enquiry q = *s->enquiry;

	mem_free(s->enquiry);
	s->enquiry = NULL;
	if (q.capacity.max_connections > 0)
		budget_learn(p, lane->pool, conf, &q.capacity);
	if (q.count > 0)
		budget_counted(p, lane->pool, conf, (unsigned)q.count,
		    loop_now(lane->worker->loop));
	*role = q.role;
	return q.what;
}
