/*
 * fingerprint.c - the text of a statement without its values. What is a value is lex.c's business.
 */
#include "sql/fingerprint.h"

#include <string.h>

#include "base/text.h"
#include "lex.h"

/* FNV-1a, 64 bits (draft-eastlake-fnv). */
#define FNV_BEGIN 0xcbf29ce484222325u
#define FNV_PRIME 0x100000001b3u

/* What was put last, as far as lists of values are concerned. */
enum list { NO_LIST, BEHIND_VALUE, BEHIND_COMMA };

struct writer {
	struct fingerprint *f;	/* borrowed */
	size_t		 len;	/* of the text, what did not fit included */
	enum list	 list;
	bool		 more;	/* "..." stands in this list already */
	bool		 space;	/* to be put before what follows */
	bool		 end;	/* the same of a semicolon, before the space */
};

static void
put(struct writer *w, const char *at, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		w->f->number = (w->f->number ^ (unsigned char)at[i]) * FNV_PRIME;
		if (w->len < FINGERPRINT_TEXT - 1)
			w->f->text[w->len] = at[i];
		w->len++;
	}
}

/* What was held back stands, as something follows it. */
static void
put_held(struct writer *w)
{
	if (w->list == BEHIND_COMMA)
		put(w, ",", 1);
	if (w->end)
		put(w, ";", 1);
	if (w->space && w->len > 0)
		put(w, " ", 1);
	w->space = w->end = false;
}

static void
put_small(struct writer *w, struct span word)
{
	for (size_t i = 0; i < word.len; i++) {
		char c = word.at[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c | ' ');
		put(w, &c, 1);
	}
}

/* The second value of a list stands for all others. */
static void
put_value(struct writer *w)
{
	if (w->list == BEHIND_COMMA) {
		if (!w->more)
			put(w, ", ...", 5);
		w->more = true;
		w->space = false;
	} else {
		put_held(w);
		put(w, "?", 1);
		w->more = false;
	}
	w->list = BEHIND_VALUE;
}

static void
put_sign(struct writer *w, struct span sign)
{
	if (sign.at[0] == ',' && w->list == BEHIND_VALUE) {
		w->list = BEHIND_COMMA;
		w->space = false;
		return;
	}
	if (sign.at[0] == ';') {
		if (w->list == BEHIND_COMMA)
			put(w, ",", 1);
		w->list = NO_LIST;
		w->end = w->len > 0;
		w->space = false;
		return;
	}
	put_held(w);
	put(w, sign.at, 1);
	w->list = NO_LIST;
}

static void
put_token(struct writer *w, enum token_kind kind, struct span token)
{
	switch (kind) {
	case TOKEN_SPACE:
		w->space = true;
		return;
	case TOKEN_VALUE:
		put_value(w);
		return;
	case TOKEN_SIGN:
		put_sign(w, token);
		return;
	case TOKEN_WORD:
	case TOKEN_PARAMETER:
	case TOKEN_NAME:
		break;
	}
	put_held(w);
	if (kind == TOKEN_NAME)
		put(w, token.at, token.len);
	else
		put_small(w, token);
	w->list = NO_LIST;
}

void
fingerprint_take(struct fingerprint *f, struct span sql)
{
	struct writer w = { .f = f };
	struct span token;
	size_t len = sql.len > 0 ? strnlen(sql.at, sql.len) : 0;	/* the protocol's texts end there */

	sql.len = len;
	f->number = FNV_BEGIN;
	while (sql.len > 0) {
		enum token_kind kind = lex(&sql, &token);

		put_token(&w, kind, token);
	}
	if (w.list == BEHIND_COMMA)
		put(&w, ",", 1);
	len = w.len < FINGERPRINT_TEXT - 1 ? w.len : FINGERPRINT_TEXT - 1;
	if (len < w.len)
		len = text_utf8_cut(span_of(f->text, len), len);
	f->text[len] = '\0';
}
