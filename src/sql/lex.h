/*
 * lex.h - PostgreSQL's SQL as words, values and the rest ("SQL Syntax", 4.1 Lexical Structure). Knows no grammar.
 */
#ifndef SRC_SQL_LEX_H
#define SRC_SQL_LEX_H

#include "base/span.h"

enum token_kind {
	TOKEN_SPACE,		/* blanks and comments, as many as there are */
	TOKEN_WORD,		/* a key word or name without quotes */
	TOKEN_NAME,		/* a name in double quotes, its prefix U& included */
	TOKEN_VALUE,		/* a string of any kind, a number */
	TOKEN_PARAMETER,	/* $1 */
	TOKEN_SIGN,		/* any other byte */
};

/* Cut the first token off REST, which is not empty. */
enum token_kind lex(struct span *rest, struct span *token);

#endif
