/*
 * client_statements.c - Parse, Bind, Describe and Close. Where statements are ours to
 * keep, a client's names are turned into the server's; a statement the server lacks is
 * prepared there first, in the same write; answers the server need not give are given by
 * us, in their turn.
 *
 * Everything is assumed to go well when it is sent; what the server skips because of an
 * error is undone by the notes (pair.c).
 */
#include <string.h>

#include "base/mem.h"
#include "pool/client_talk.h"
#include "pool/pair.h"
#include "wire/query.h"
#include "wire/write.h"

#define TARGET_MOST 65536u	/* largest Describe or Close */
#define PARSE_MOST 67108864u	/* largest Parse that is kept */
#define UNNAMED_KEEP 4096u	/* a shorter text does not stay in a larger block than this */

static const struct span NO_NAME = { "", 0 };

/* --- what the server must have first --- */

/* Leave S with fewer statements than MOST. */
static bool
evict(struct server *s, struct flow *f, size_t most)
{
	while (shelf_count(&s->shelf) >= most) {
		struct stmt *old = shelf_oldest(&s->shelf);

		query_write_target(flow_put(f), 'C', 'S', stmt_name(old));
		if (!server_ask_noted(s, ASK_CLOSE | ASK_HIDDEN, NOTE_EVICT, old,
		    span_of(NULL, 0)))
			return false;
		shelf_remove(&s->shelf, old);
	}
	return true;
}

/*
 * What S has may be planned by definitions of before: let it have nothing, so that all is prepared anew when used.
 * Only where nothing can skip that: at the head of a batch, and of a transaction that has not failed.
 */
static bool
renew(struct server *s, struct flow *f)
{
	if (likely(shelf_current(&s->shelf)) || !talk_quiet(&s->talk) || s->talk.status == 'E')
		return true;
	if (!evict(s, f, 1))
		return false;
	shelf_clear(&s->shelf);
	return true;
}

/* Put STMT, which S lacks, there. The Parse may be the client's own (NAME) or ours. */
static bool
prepare(struct server *s, struct flow *f, struct stmt *stmt, const struct span *name)
{
	bool good;

	if (!evict(s, f, s->lane->rules.max_prepared))
		return false;
	query_write_parse(flow_put(f), stmt_name(stmt), stmt->tail);
	good = name != NULL ?
	    server_ask_noted(s, ASK_PARSE, NOTE_PARSE, stmt, *name) :
	    server_ask_noted(s, ASK_PARSE | ASK_HIDDEN, NOTE_REPARSE, stmt, span_of(NULL, 0));
	if (!good)
		return false;
	count_one(s->lane, server_parses);
	if (shelf_add(&s->shelf, stmt))
		return true;
	server_close(s, CLOSE_out_of_memory);
	return false;
}

static bool
ensure(struct server *s, struct flow *f, struct stmt *stmt)
{
	return shelf_use(&s->shelf, stmt) || prepare(s, f, stmt, NULL);
}

/* The unnamed statement of C must be the one S has; or S must have none, if C has none. */
static bool
ensure_unnamed(struct client *c, struct server *s, struct flow *f)
{
	if (likely(s->unnamed == c->unnamed_serial && s->unnamed != 0))
		return true;
	s->unnamed = c->unnamed_serial;
	if (c->unnamed_serial == 0) {
		query_write_target(flow_put(f), 'C', 'S', NO_NAME);
		return server_ask(s, ASK_CLOSE | ASK_HIDDEN);
	}
	query_write_parse(flow_put(f), NO_NAME, span_of(c->unnamed, c->unnamed_len));
	return server_ask_noted(s, ASK_PARSE | ASK_HIDDEN, NOTE_REPARSE, NULL,
	    span_of(NULL, 0));
}

/*
 * What NAME stands for, and whether the server has STMT (NULL: none yet), may depend on how an earlier batch
 * ends, which the client has not waited for: then we do. (Within one batch an error skips what depends on it.)
 * Where room must be made, any doubt about what the server has is enough.
 */
static bool
must_wait(struct client *c, struct span name, const struct stmt *stmt)
{
	struct server *s = c->server;
	bool full = shelf_count(&s->shelf) >= s->lane->rules.max_prepared;

	for (uint32_t i = 0; i < s->notes.count && !c->stalled; i++) {
		const struct note *note = notes_at(&s->notes, i);
		bool matters = (note->name != NULL && span_is(name, note->name)) ||
		    (note->stmt != NULL && (note->stmt == stmt || full));

		c->stalled = matters && talk_synced_after(&s->talk, i);
	}
	return c->stalled;
}

/* --- Parse --- */

/* Remember the text: the next Bind may find another server. */
static bool
keep_unnamed(struct client *c, struct span tail)
{
	if (tail.len > c->unnamed_cap ||
	    (c->unnamed_cap > UNNAMED_KEEP && tail.len < UNNAMED_KEEP)) {
		char *mine = mem_resize(c->unnamed, tail.len);

		if (mine == NULL)
			return false;
		c->unnamed = mine;
		c->unnamed_cap = (uint32_t)tail.len;
	}
	memcpy(c->unnamed, tail.at, tail.len);
	c->unnamed_len = (uint32_t)tail.len;
	return true;
}

static enum step
parse_unnamed(struct client *c, struct piece *p, const struct parse_view *v)
{
	struct server *s = c->server;

	if (!keep_unnamed(c, v->tail))
		return client_over(c, CLOSE_out_of_memory);
	c->unnamed_serial = s->unnamed = ++c->worker->last_unnamed;
	if (!server_ask_noted(s, ASK_PARSE, NOTE_UNNAMED, NULL, span_of(NULL, 0)))
		return STEP_OVER;
	return client_pass(c, p);
}

/* The server says itself that the name is taken: it is asked to prepare what it has. */
static enum step
parse_again(struct client *c, struct piece *p, struct stmt *existing)
{
	struct server *s = c->server;

	if (!ensure(s, p->flow, existing))
		return STEP_OVER;
	query_write_parse(flow_put(p->flow), stmt_name(existing), existing->tail);
	if (!server_ask(s, ASK_PARSE))
		return STEP_OVER;
	p->used = p->head.size;
	return STEP_ON;
}

/*
 * The server has the statement: the answer is ours to give, unless the transaction has failed or may have failed when its
 * turn comes. Then the server is asked to parse the text again, without a name.
 */
static bool
parse_known(struct server *s, struct flow *f, struct stmt *stmt, struct span name)
{
	if (s->talk.status != 'E' && talk_owes_ready(&s->talk) == 0)
		return server_ask_noted(s, ASK_PARSE | ASK_LOCAL, NOTE_NAME, stmt, name);
	query_write_parse(flow_put(f), NO_NAME, stmt->tail);
	s->unnamed = 0;
	return server_ask_noted(s, ASK_PARSE, NOTE_NAME, stmt, name);
}

static enum step
parse_named(struct client *c, struct piece *p, const struct parse_view *v)
{
	struct server *s = c->server;
	struct stmt *stmt = names_find(&c->names, v->name);
	bool good;

	if (unlikely(s->notes.count > 0) && must_wait(c, v->name, stmt))
		return STEP_WAIT;
	if (stmt != NULL && talk_owes_ready(&s->talk) > 0) {
		c->stalled = true;	/* a DISCARD ALL under way may free the name */
		return STEP_WAIT;
	}
	if (stmt != NULL) {
		count_one(c->lane, client_parses);
		return parse_again(c, p, stmt);
	}
	stmt = stmt_intern(v->tail);
	if (unlikely(s->notes.count > 0) && must_wait(c, v->name, stmt)) {
		stmt_drop(stmt);
		return STEP_WAIT;
	}
	count_one(c->lane, client_parses);
	if (stmt == NULL || !names_add(&c->names, v->name, stmt)) {
		stmt_drop(stmt);
		return client_over(c, CLOSE_out_of_memory);
	}
	if (shelf_use(&s->shelf, stmt)) {
		good = parse_known(s, p->flow, stmt, v->name);
	} else {
		good = prepare(s, p->flow, stmt, &v->name);
	}
	stmt_drop(stmt);
	p->used = p->head.size;
	return good ? STEP_ON : STEP_OVER;
}

static enum step
parse(struct client *c, struct piece *p)
{
	struct parse_view v;

	if (p->head.size > PARSE_MOST)
		return client_broke(c, "failed to parse packet: Parse is too long");
	if (!piece_whole(p)) {
		link_expect(c->link, p->head.size);
		return STEP_WAIT;
	}
	if (query_parse(piece_body(p), &v) != WIRE_OK)
		return client_broke(c, "failed to parse packet: Parse");
	return v.name.len == 0 ? parse_unnamed(c, p, &v) : parse_named(c, p, &v);
}

/* --- Bind, Describe, Close --- */

/*
 * What NAME is called on the server, which has it after this. A name the client does not have
 * becomes one nobody has, so that the server itself says so. False: the server is gone.
 */
static bool
server_name(struct client *c, struct piece *p, struct span name, struct buf *unknown,
    struct span *out)
{
	struct stmt *stmt = names_find(&c->names, name);

	if (stmt != NULL) {
		*out = stmt_name(stmt);
		return ensure(c->server, p->flow, stmt);
	}
	buf_put_text(unknown, UNKNOWN_PREFIX);
	buf_put_span(unknown, name);
	*out = buf_span(unknown);
	return !unknown->failed;
}

static enum step
bind_message(struct client *c, struct piece *p)
{
	struct buf unknown = { 0 };
	struct bind_view v;
	struct span name;
	bool good;

	switch (query_bind_head(piece_body(p), p->head.size - FRAME_HEAD, &v)) {
	case WIRE_MORE:
		if (p->len >= KEEP_MOST)
			return client_broke(c, "failed to parse packet: a name in Bind is too long");
		return STEP_WAIT;
	case WIRE_BAD:
		return client_broke(c, "failed to parse packet: Bind");
	case WIRE_OK:
		break;
	}
	if (v.name.len == 0) {
		if (!ensure_unnamed(c, c->server, p->flow) || !server_ask(c->server, ASK_BIND))
			return STEP_OVER;
		return client_pass(c, p);
	}
	if (unlikely(c->server->notes.count > 0) &&
	    must_wait(c, v.name, names_find(&c->names, v.name)))
		return STEP_WAIT;
	count_one(c->lane, binds);
	good = server_name(c, p, v.name, &unknown, &name);
	if (good)
		query_write_bind_head(flow_put(p->flow), &v, p->head.size - FRAME_HEAD, name);
	buf_fini(&unknown);
	if (!good || !server_ask(c->server, ASK_BIND))
		return STEP_OVER;
	return client_pass_rest(c, p, FRAME_HEAD + v.head);
}

/* Describe or Close, whole. */
static enum step
target(struct client *c, struct piece *p, struct target_view *v)
{
	if (p->head.size > TARGET_MOST)
		return client_broke(c, "failed to parse packet: a name is too long");
	if (!piece_whole(p)) {
		link_expect(c->link, p->head.size);
		return STEP_WAIT;
	}
	if (query_target(piece_body(p), v) != WIRE_OK)
		return client_broke(c, "failed to parse packet: expected a statement or portal");
	return STEP_ON;
}

static enum step
describe(struct client *c, struct piece *p)
{
	struct buf unknown = { 0 };
	struct target_view v;
	struct span name;
	enum step step = target(c, p, &v);
	bool good;

	if (step != STEP_ON)
		return step;
	if (v.what == 'P')
		return server_ask(c->server, ASK_DESCRIBE_PORTAL) ? client_pass(c, p) : STEP_OVER;
	if (v.name.len == 0) {
		if (!ensure_unnamed(c, c->server, p->flow) ||
		    !server_ask(c->server, ASK_DESCRIBE_STATEMENT))
			return STEP_OVER;
		return client_pass(c, p);
	}
	if (must_wait(c, v.name, names_find(&c->names, v.name)))
		return STEP_WAIT;
	good = server_name(c, p, v.name, &unknown, &name);
	if (good)
		query_write_target(flow_put(p->flow), 'D', 'S', name);
	buf_fini(&unknown);
	p->used = p->head.size;
	return good && server_ask(c->server, ASK_DESCRIBE_STATEMENT) ? STEP_ON : STEP_OVER;
}

static enum step
close_message(struct client *c, struct piece *p)
{
	struct server *s = c->server;
	struct target_view v;
	enum step step = target(c, p, &v);

	if (step != STEP_ON)
		return step;
	if (v.what == 'P' || v.name.len == 0) {
		if (v.what == 'S')
			c->unnamed_serial = s->unnamed = 0;
		return server_ask(s, ASK_CLOSE) ? client_pass(c, p) : STEP_OVER;
	}
	if (must_wait(c, v.name, names_find(&c->names, v.name)))
		return STEP_WAIT;
	if (!server_ask_noted(s, ASK_CLOSE | ASK_LOCAL, NOTE_CLOSE,
	    names_find(&c->names, v.name), v.name))
		return STEP_OVER;
	names_remove(&c->names, v.name);
	p->used = p->head.size;
	return STEP_ON;
}

/* --- all of them --- */

/* Nothing is kept here, or the server skips to the next Sync anyhow. */
static enum step
pass_untracked(struct client *c, struct piece *p)
{
	enum ask asked = p->head.kind == 'P' ? ASK_PARSE : p->head.kind == 'B' ? ASK_BIND :
	    ASK_CLOSE;

	if (p->head.kind == 'D') {
		if (p->head.size <= FRAME_HEAD)
			return client_broke(c, "failed to parse packet: Describe");
		if (p->len <= FRAME_HEAD)
			return STEP_WAIT;
		asked = p->at[FRAME_HEAD] == 'S' ? ASK_DESCRIBE_STATEMENT : ASK_DESCRIBE_PORTAL;
	}
	return server_ask(c->server, asked) ? client_pass(c, p) : STEP_OVER;
}

enum step
client_statement(struct client *c, struct piece *p)
{
	if (!c->lane->rules.tracking || c->server->talk.skipping)
		return pass_untracked(c, p);
	if (!renew(c->server, p->flow))
		return STEP_OVER;
	switch (p->head.kind) {
	case 'P':
		return parse(c, p);
	case 'B':
		return bind_message(c, p);
	case 'D':
		return describe(c, p);
	default:
		return close_message(c, p);
	}
}

/* The name is ours: no server is needed to forget it. */
enum step
client_close_alone(struct client *c, struct piece *p)
{
	static const char closed[5] = { '3', 0, 0, 0, 4 };
	struct target_view v;
	enum step step = target(c, p, &v);

	if (step != STEP_ON)
		return step;
	if (v.what == 'S' && v.name.len > 0)
		names_remove(&c->names, v.name);
	else if (v.what == 'S')
		c->unnamed_serial = 0;
	if (!link_send(c->link, closed, sizeof(closed))) {
		client_close(c, CLOSE_client_unexpected_eof);
		return STEP_OVER;
	}
	c->closed_locally = true;
	p->used = p->head.size;
	return STEP_ON;
}
