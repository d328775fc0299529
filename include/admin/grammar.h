/*
 * grammar.h - the words of one console command.
 *
 *	PAUSE "my db";		SET auth_type = 'scram-sha-256'		SHOW pools -- all
 */
#ifndef ADMIN_GRAMMAR_H
#define ADMIN_GRAMMAR_H

#include "base/port.h"
#include "base/span.h"

#define WORDS_MOST 16u		/* more are read over */
#define WORDS_BYTES 1024u

enum word_kind {
	WORD_BARE,		/* as typed */
	WORD_QUOTED,		/* "...", without the quotes */
	WORD_STRING,		/* '...', without the quotes */
	WORD_SIGN,		/* one of = , ( ) */
};

struct word {
	enum word_kind	 kind;
	const char	*text;		/* NUL-terminated, in words->bytes */
	size_t		 len;
};

struct words {
	unsigned	 count;
	struct word	 list[WORDS_MOST];
	size_t		 used;
	char		 bytes[WORDS_BYTES];
};

enum grammar {
	GRAMMAR_OK,
	GRAMMAR_EMPTY,		/* nothing but blanks, comments and semicolons */
	GRAMMAR_BAD,		/* an open quote, or a second command */
	GRAMMAR_LONG,		/* more bytes than any command has */
};

/*
 * Cut TEXT, which may end with a semicolon, into WORDS. Comments are SQL's. WORDS points
 * into itself: see words_copy().
 */
enum grammar grammar_read(struct span text, struct words *words);
/* A copy. */
void words_copy(struct words *to, const struct words *from);
/* Is there a word at INDEX, and is it the bare TEXT, case aside? */
bool words_is(const struct words *words, unsigned index, const char *text);
/* The text of the word at INDEX, empty if there is none. */
struct span words_at(const struct words *words, unsigned index);

#endif
