/*
 * pair.c - a client and a server together.
 *
 *	client.link ==bytes==> client_talk ==run==> server.link
 *	client.link <==run== server_talk <==bytes== server.link
 *
 * Each direction slows only itself: when a link has unsent bytes, the other side's reading rests
 * until they are gone (client.slow, server.slow).
 */
#include "pool/pair.h"

#include <string.h>

#include "base/mem.h"
#include "pool/goodbye.h"
#include "pool/settle.h"
#include "wire/reply.h"
#include "wire/write.h"

/* Undo the link between the two, and whatever one was paused for the other. */
static void
unlink_pair(struct client *c, struct server *s)
{
	s->cut_short = client_mid_message(c);
	c->server = NULL;
	s->client = NULL;
	if (s->slow && !c->dead)
		link_resume(c->link);
	if (c->slow && !s->dead && s->link != NULL)
		link_resume(s->link);
	s->slow = c->slow = false;
}

bool
pair_join(struct client *client, struct server *server)
{
	insist(client->server == NULL && server->client == NULL);
	client->server = server;
	server->client = client;
	count_one(client->lane, server_assignments);
	server_become(server, &SERVER_ACTIVE);
	client_become(client, &CLIENT_ACTIVE);
	if (likely(settle_fits(server, client, client->since)))
		return true;
	switch (settle_begin(server)) {
	case SETTLE_FITS:
		return true;
	case SETTLE_SENT:
		client_become(client, &CLIENT_SETTLING);
		server_become(server, &SERVER_SETTLING);
		return false;
	case SETTLE_LOST:
		return false;
	}
	return false;
}

void
pair_settled(struct server *server)
{
	struct client *client = server->client;

	server_become(server, &SERVER_ACTIVE);
	client_become(client, &CLIENT_ACTIVE);
	link_kick(client->link);
}

void
pair_part(struct server *server)
{
	struct client *client = server->client;

	unlink_pair(client, server);
	client_become(client, &CLIENT_IDLE);
	lane_release(server->lane, server);
	if (unlikely(goodbye_begun(client->worker)))
		goodbye_parted(client);
}

void
pair_abandon(struct client *client)
{
	struct server *server = client->server;

	unlink_pair(client, server);
	if (server->cut_short)
		server_close(server, CLOSE_client_left_mid_message);
	else if (server->frame.left == 0 && talk_at_rest(&server->talk))
		lane_release(server->lane, server);
	else if (!settle_rescue(server))
		server_close(server, CLOSE_client_left_mid_query);
}

void
pair_bereave(struct server *server, enum reason why, const struct err *e)
{
	struct client *client = server->client;
	/* In the middle of an answer's message no other can be put. */
	bool cut_short = server->frame.left > 0 && !server->skip_frame;

	unlink_pair(client, server);
	if (e != NULL && !cut_short)
		client_refuse(client, why, e);
	else
		client_close_saying(client, why, e != NULL ? e->text : reason_text(CLOSE_server_closed));
}

/* --- answers of ours --- */

void
pair_answer_local(struct server *server, struct buf *out)
{
	unsigned asked;

	while ((asked = talk_local(&server->talk, pair_notes_left, server)) != 0)
		write_empty(out, (asked & ASK_KIND) == ASK_PARSE ? '1' : '3');
}

/* --- notes --- */

static bool
is_unnamed(const struct note *note)
{
	return note->kind == NOTE_UNNAMED || (note->kind == NOTE_REPARSE && note->stmt == NULL);
}

/* Is an unnamed statement under way behind the COUNT oldest notes? Then it is the one that counts. */
static bool
unnamed_behind(const struct notes *notes, uint32_t count)
{
	while (count < notes->count && !is_unnamed(notes_at(notes, count)))
		count++;
	return count < notes->count;
}

/* The server never did what NOTE says. */
static void
undo(struct server *server, struct note *note)
{
	struct client *c = server->client;
	struct span name = span_text(note->name);

	switch (note->kind) {
	case NOTE_UNNAMED:
		server->unnamed = 0;
		if (c != NULL)
			c->unnamed_serial = 0;
		break;
	case NOTE_PARSE:
		shelf_remove(&server->shelf, note->stmt);
		/* fall through */
	case NOTE_NAME:
		if (c != NULL && names_find(&c->names, name) == note->stmt)
			names_remove(&c->names, name);
		break;
	case NOTE_REPARSE:
		if (note->stmt != NULL)
			shelf_remove(&server->shelf, note->stmt);
		else
			server->unnamed = 0;
		break;
	case NOTE_CLOSE:
		if (c != NULL && note->stmt != NULL && names_find(&c->names, name) == NULL &&
		    !names_add(&c->names, name, note->stmt))
			server->doomed = true;
		break;
	case NOTE_EVICT:
		if (!shelf_use(&server->shelf, note->stmt) &&
		    !shelf_add(&server->shelf, note->stmt))
			server->doomed = true;
		break;
	}
}

/* The latest assumption is undone first: a name may have been closed and given again. */
void
pair_notes_left(void *owner, unsigned notes, bool done)
{
	struct server *server = owner;
	bool stale;

	if (!insist(notes <= server->notes.count))
		notes = server->notes.count;
	stale = !done && unnamed_behind(&server->notes, notes);
	for (unsigned i = notes; !done && i-- > 0;)
		if (!stale || !is_unnamed(notes_at(&server->notes, i)))
			undo(server, notes_at(&server->notes, i));
	notes_drop(&server->notes, notes);
}

/* NOTE was asked behind the command that dropped everything: it still stands. */
static void
still_stands(struct server *server, struct note *note)
{
	struct client *c = server->client;
	struct span name = span_text(note->name);
	bool good = true;

	switch (note->kind) {
	case NOTE_UNNAMED:
		return;
	case NOTE_PARSE:
	case NOTE_REPARSE:
		if (note->stmt != NULL)
			good = shelf_use(&server->shelf, note->stmt) ||
			    shelf_add(&server->shelf, note->stmt);
		if (note->kind == NOTE_REPARSE)
			break;
		/* fall through */
	case NOTE_NAME:
		names_remove(&c->names, name);
		good = good && names_add(&c->names, name, note->stmt);
		break;
	case NOTE_CLOSE:
		names_remove(&c->names, name);
		break;
	case NOTE_EVICT:
		shelf_remove(&server->shelf, note->stmt);
		break;
	}
	if (!good)
		server->doomed = true;
}

void
pair_forget_statements(struct server *server)
{
	struct client *c = server->client;

	shelf_clear(&server->shelf);
	server->unnamed = 0;
	names_clear(&c->names);
	for (uint32_t i = 0; i < server->notes.count; i++)
		still_stands(server, notes_at(&server->notes, i));
}

/* --- errors that speak of statements --- */

/* Find our PREFIX in TEXT; what stands behind it is returned. */
static struct span
behind(struct span text, struct span prefix)
{
	const char *at = text.len > 0 ? memmem(text.at, text.len, prefix.at, prefix.len) : NULL;

	if (at == NULL)
		return span_of(NULL, 0);
	return span_skip(text, (size_t)(at - text.at) + prefix.len);
}

bool
pair_statement_in(const struct client *client, struct span body, struct span *from,
    struct span *to)
{
	struct span rest = behind(body, SPAN_LITERAL(STMT_PREFIX));
	uint64_t id = 0;
	size_t n = 0;

	if (rest.at == NULL)
		return false;
	if (span_starts(rest, &UNKNOWN_PREFIX[strlen(STMT_PREFIX)])) {
		*from = SPAN_LITERAL(UNKNOWN_PREFIX);
		*to = span_of("", 0);
		return true;
	}
	while (n < rest.len && n < 18 && rest.at[n] >= '0' && rest.at[n] <= '9')
		id = id * 10 + (uint64_t)(rest.at[n++] - '0');
	*from = span_of(rest.at - strlen(STMT_PREFIX), strlen(STMT_PREFIX) + n);
	*to = names_of_id(&client->names, id);
	return to->at != NULL;
}
