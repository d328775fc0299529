/*
 * console_bind.c - the extended protocol of a console (protocol 3, 55.2.3): Parse, Bind,
 * Describe, Execute, Close. There are no parameters; results may be asked for in binary
 * format, as asyncpg and pgx do.
 */
#include <string.h>

#include "admin/console.h"
#include "base/mem.h"
#include "pool/client.h"
#include "wire/query.h"
#include "wire/read.h"
#include "wire/write.h"

static bool
fail(struct console *s, const char *sqlstate, const char *text)
{
	struct err e = { 0 };

	err_set(&e, sqlstate, "%s", text);
	console_error(s, &e);
	return false;
}

static bool
fail_broken(struct console *s, const char *what)
{
	struct err e = { 0 };

	err_set(&e, SQLSTATE_PROTOCOL, "broken %s message", what);
	console_error(s, &e);
	return false;
}

/* --- names --- */

static struct prepared *
find_prepared(const struct console *s, struct span name)
{
	LIST_EACH(n, &s->prepared) {
		struct prepared *p = CONTAINER_OF(n, struct prepared, in_console);

		if (span_is(name, p->name))
			return p;
	}
	return NULL;
}

static struct portal *
find_portal(const struct console *s, struct span name)
{
	LIST_EACH(n, &s->portals) {
		struct portal *p = CONTAINER_OF(n, struct portal, in_console);

		if (span_is(name, p->name))
			return p;
	}
	return NULL;
}

static void
drop_prepared(struct console *s, struct prepared *p)
{
	if (p == NULL)
		return;
	list_remove(&p->in_console);
	s->prepared_count--;
	mem_free(p);
}

static void
drop_portal(struct console *s, struct portal *p)
{
	if (p == NULL)
		return;
	list_remove(&p->in_console);
	s->portal_count--;
	portal_free(p);
}

void
console_drop_portals(struct console *s)
{
	LIST_EACH(n, &s->portals)
		drop_portal(s, CONTAINER_OF(n, struct portal, in_console));
}

void
console_deallocate(struct console *s, struct span name)
{
	if (name.at != NULL) {
		drop_prepared(s, find_prepared(s, name));
		return;
	}
	LIST_EACH(n, &s->prepared)
		drop_prepared(s, CONTAINER_OF(n, struct prepared, in_console));
}

void
console_drop_names(struct console *s)
{
	console_drop_portals(s);
	console_deallocate(s, span_of(NULL, 0));
}

/* May NAME be added, when COUNT are there and the one of that name is TAKEN? */
static bool
name_fits(struct console *s, struct span name, unsigned count, bool taken,
    const char *taken_sqlstate, const char *taken_text)
{
	if (name.len >= sizeof(((struct portal *)0)->name))
		return fail(s, SQLSTATE_PROTOCOL, "name too long for the console");
	if (taken)
		return fail(s, taken_sqlstate, taken_text);
	if (count >= CONSOLE_NAMES_MOST)
		return fail(s, SQLSTATE_TOO_MANY,
		    "too many statements or portals for the console");
	return true;
}

/* --- messages --- */

static void
parse(struct console *s, struct span body)
{
	struct parse_view view;
	struct prepared *p;
	struct err e = { 0 };

	if (query_parse(body, &view) != WIRE_OK) {
		fail_broken(s, "Parse");
		return;
	}
	if (view.name.len == 0)
		drop_prepared(s, find_prepared(s, view.name));
	if (!name_fits(s, view.name, s->prepared_count,
		find_prepared(s, view.name) != NULL, "42P05",
		"prepared statement already exists"))
		return;
	p = mem_new(sizeof(*p));
	if (p == NULL) {
		fail(s, SQLSTATE_NO_MEMORY, "out of memory");
		return;
	}
	if (!request_read(&p->request, view.text, s->client->admin, &e)) {
		mem_free(p);
		console_error(s, &e);
		return;
	}
	span_copy(view.name, p->name, sizeof(p->name));
	node_init(&p->in_console);
	list_add_last(&s->prepared, &p->in_console);
	s->prepared_count++;
	write_empty(&s->out, '1');	/* ParseComplete */
}

/* The format codes of a Bind as bits, one a column: none, one for all, or one each. */
static bool
read_formats(struct reader *r, unsigned columns, uint64_t *binary)
{
	unsigned count = read_u16(r);
	uint64_t bits = 0, all = columns < 64 ? ((uint64_t)1 << columns) - 1 : UINT64_MAX;

	if (count > 1 && count != columns)
		return false;
	for (unsigned i = 0; i < count; i++) {
		uint16_t code = read_u16(r);

		if (code > 1)
			return false;
		bits |= (uint64_t)code << i;
	}
	*binary = count == 1 && bits != 0 ? all : bits;
	return read_done(r);
}

/* Bind without parameters: codes for them are allowed, values are not. */
static bool
read_bind(struct console *s, struct span body, struct bind_view *names, uint64_t *binary,
    struct prepared **statement)
{
	struct reader r = read_begin(body);
	unsigned columns, codes;

	names->portal = read_string(&r);
	names->name = read_string(&r);
	codes = read_u16(&r);
	read_bytes(&r, (size_t)codes * 2);
	if (read_u16(&r) != 0 && !r.failed)
		return fail(s, SQLSTATE_PROTOCOL, "expected no parameters");
	if (r.failed)
		return fail_broken(s, "Bind");
	*statement = find_prepared(s, names->name);
	if (*statement == NULL)
		return fail(s, SQLSTATE_NO_STATEMENT,
		    "prepared statement does not exist");
	columns = (*statement)->request.view != NULL ?
	    (*statement)->request.view->column_count : 0;
	return read_formats(&r, columns, binary) || fail_broken(s, "Bind");
}

static void
bind_portal(struct console *s, struct span body)
{
	struct bind_view names;
	struct prepared *statement = NULL;
	struct portal *portal;
	uint64_t binary = 0;

	if (!read_bind(s, body, &names, &binary, &statement))
		return;
	if (names.portal.len == 0)
		drop_portal(s, find_portal(s, names.portal));
	if (!name_fits(s, names.portal, s->portal_count,
		find_portal(s, names.portal) != NULL, "42P03", "portal already exists"))
		return;
	portal = portal_new(&statement->request);
	if (portal == NULL) {
		fail(s, SQLSTATE_NO_MEMORY, "out of memory");
		return;
	}
	span_copy(names.portal, portal->name, sizeof(portal->name));
	portal->binary = binary;
	list_add_last(&s->portals, &portal->in_console);
	s->portal_count++;
	write_empty(&s->out, '2');	/* BindComplete */
}

static void
write_description(struct console *s, const struct view *view, uint64_t binary)
{
	if (view != NULL)
		view_write_columns(&s->out, view, binary);
	else
		write_empty(&s->out, 'n');	/* NoData */
}

static void
describe_statement(struct console *s, struct span name)
{
	const struct prepared *p = find_prepared(s, name);
	size_t mark;

	if (p == NULL) {
		fail(s, SQLSTATE_NO_STATEMENT, "prepared statement does not exist");
		return;
	}
	mark = write_begin(&s->out, 't');	/* ParameterDescription: none */
	write_u16(&s->out, 0);
	write_end(&s->out, mark);
	write_description(s, p->request.view, 0);
}

static void
describe_portal(struct console *s, struct span name)
{
	const struct portal *p = find_portal(s, name);

	if (p == NULL)
		fail(s, "34000", "portal does not exist");
	else
		write_description(s, p->request.view, p->binary);
}

static void
execute(struct console *s, struct span body)
{
	struct reader r = read_begin(body);
	struct span name = read_string(&r);
	uint32_t limit = read_u32(&r);
	struct portal *portal = find_portal(s, name);

	if (!read_done(&r))
		fail_broken(s, "Execute");
	else if (portal == NULL)
		fail(s, "34000", "portal does not exist");
	else
		console_execute(s, portal, limit <= INT32_MAX ? limit : 0);
}

static void
describe_or_close(struct console *s, char kind, struct span body)
{
	struct target_view target;

	if (query_target(body, &target) != WIRE_OK) {
		fail_broken(s, kind == 'D' ? "Describe" : "Close");
		return;
	}
	if (kind == 'D') {
		if (target.what == 'S')
			describe_statement(s, target.name);
		else
			describe_portal(s, target.name);
		return;
	}
	if (target.what == 'S')
		drop_prepared(s, find_prepared(s, target.name));
	else
		drop_portal(s, find_portal(s, target.name));
	write_empty(&s->out, '3');	/* CloseComplete */
}

bool
console_extended(struct console *s, char kind, struct span body)
{
	switch (kind) {
	case 'P':
		parse(s, body);
		return true;
	case 'B':
		bind_portal(s, body);
		return true;
	case 'E':
		execute(s, body);
		return true;
	case 'D':
	case 'C':
		describe_or_close(s, kind, body);
		return true;
	case 'F':
		fail(s, SQLSTATE_PROTOCOL, "the console has no functions to call");
		return true;
	}
	return false;
}
