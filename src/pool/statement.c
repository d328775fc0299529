/*
 * statement.c - what a server was asked last: the first statement of what a client sends at a time. Which bytes
 * of it are values is sql/fingerprint.h's business, who may look is the operator's.
 */
#include "pool/statement.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "pool/client_talk.h"
#include "pool/server.h"
#include "wire/query.h"

/* A longer statement has no number, as its end may not be here yet; of its text the beginning is enough. */
#define STATEMENT_MOST 16384u

/* TEXT up to its NUL; *WHOLE: it has one. */
static struct span
up_to_nul(struct span text, bool *whole)
{
	size_t len = text.len > 0 ? strnlen(text.at, text.len) : 0;

	*whole = len < text.len && len <= STATEMENT_MOST;
	return span_of(text.at, len < STATEMENT_MOST ? len : STATEMENT_MOST);
}

/* The text of the statement NAME of C's, as far as we keep it. */
static struct span
text_of_name(struct client *c, struct span name, bool *whole)
{
	const struct stmt *stmt = name.len > 0 ? names_find(&c->names, name) : NULL;

	if (stmt != NULL)
		return up_to_nul(stmt->tail, whole);
	if (name.len == 0 && c->unnamed_serial != 0)
		return up_to_nul(span_of(c->unnamed, c->unnamed_len), whole);
	*whole = false;
	return span_of(NULL, 0);
}

/* What PIECE is about; false: it says nothing of statements. */
static bool
text_of(struct client *c, const struct piece *piece, struct span *text, bool *whole)
{
	struct span body = piece_body(piece);
	struct bind_view bind;
	size_t name;

	switch (piece->head.kind) {
	case 'Q':
		*text = up_to_nul(body, whole);
		return true;
	case 'P':
		name = body.len > 0 ? strnlen(body.at, body.len) + 1 : 0;
		*text = up_to_nul(span_skip(body, name), whole);
		return true;
	case 'B':
		if (query_bind_head(body, piece->head.size - FRAME_HEAD, &bind) != WIRE_OK)
			return false;
		*text = text_of_name(c, bind.name, whole);
		return true;
	default:
		return false;
	}
}

static void
copy_text(struct statement *to, struct span text)
{
	size_t len = text_utf8_cut(text, sizeof(to->text) - 1);

	if (len > 0)
		memcpy(to->text, text.at, len);
	to->text[len] = '\0';
}

void
statement_note(struct client *c, const struct piece *piece)
{
	struct server *s = c->server;
	enum statement_detail detail = c->lane->rules.statements;
	struct fingerprint f;
	struct span text;
	bool whole;

	if (!text_of(c, piece, &text, &whole))
		return;
	if (s->statement == NULL)
		s->statement = mem_new(sizeof(*s->statement));
	if (s->statement == NULL)
		return;
	fingerprint_take(&f, text);
	s->statement->client = c->id;
	s->statement->detail = detail;
	s->statement->number = whole ? f.number : 0;
	copy_text(s->statement, detail == STATEMENTS_TEXT ? text : span_text(f.text));
}

const struct statement *
statement_of(const struct server *s)
{
	const struct statement *st = s->statement;

	if (st == NULL || s->client == NULL || st->client != s->client->id ||
	    st->detail != s->lane->rules.statements)
		return NULL;
	return st;
}
