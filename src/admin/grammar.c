/*
 * grammar.c - the words of one console command. What they mean is for command.c to say.
 */
#include "admin/grammar.h"

#include <string.h>

static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool
is_sign(char c)
{
	return c == '=' || c == ',' || c == '(' || c == ')';
}

/* How long is the comment that S begins with? 0: it does not; S.len: at most. */
static size_t
comment_len(struct span s)
{
	unsigned depth = 1;
	size_t i;

	if (span_starts(s, "--")) {
		for (i = 2; i < s.len && s.at[i] != '\n'; i++)
			;
		return i;
	}
	if (!span_starts(s, "/*"))
		return 0;
	/* they may stand in each other */
	for (i = 2; i < s.len && depth > 0; i++) {
		if (span_starts(span_skip(s, i), "/*"))
			depth++, i++;
		else if (span_starts(span_skip(s, i), "*/"))
			depth--, i++;
	}
	return i < s.len ? i : s.len;
}

static struct span
skip_blanks(struct span s)
{
	size_t n;

	for (;;) {
		if (s.len > 0 && is_blank(s.at[0]))
			n = 1;
		else
			n = comment_len(s);
		if (n == 0)
			return s;
		s = span_skip(s, n);
	}
}

static bool
put(struct words *words, char c)
{
	if (words->used == sizeof(words->bytes))
		return false;
	words->bytes[words->used++] = c;
	return true;
}

/* The text of a word in quotes, S behind the opening one; a doubled quote is one. */
static enum grammar
read_quoted(struct span *s, char quote, struct words *words)
{
	while (s->len > 0) {
		char c = s->at[0];

		*s = span_skip(*s, 1);
		if (c == quote) {
			if (s->len == 0 || s->at[0] != quote)
				return GRAMMAR_OK;
			*s = span_skip(*s, 1);
		}
		if (!put(words, c))
			return GRAMMAR_LONG;
	}
	return GRAMMAR_BAD;
}

static enum grammar
read_bare(struct span *s, struct words *words)
{
	while (s->len > 0 && !is_blank(s->at[0]) && !is_sign(s->at[0]) &&
	    strchr(";'\"", s->at[0]) == NULL && comment_len(*s) == 0) {
		if (!put(words, s->at[0]))
			return GRAMMAR_LONG;
		*s = span_skip(*s, 1);
	}
	return GRAMMAR_OK;
}

/* The word that S begins with. */
static enum grammar
read_word(struct span *s, struct words *words)
{
	size_t begin = words->used;
	enum grammar result = GRAMMAR_OK;
	struct word word = { .kind = WORD_BARE };
	char first = s->at[0];

	if (first == '\0')
		return GRAMMAR_BAD;
	if (first == '"' || first == '\'') {
		word.kind = first == '"' ? WORD_QUOTED : WORD_STRING;
		*s = span_skip(*s, 1);
		result = read_quoted(s, first, words);
	} else if (is_sign(first)) {
		word.kind = WORD_SIGN;
		*s = span_skip(*s, 1);
		result = put(words, first) ? GRAMMAR_OK : GRAMMAR_LONG;
	} else {
		result = read_bare(s, words);
	}
	word.text = words->bytes + begin;
	word.len = words->used - begin;
	if (result != GRAMMAR_OK)
		return result;
	if (!put(words, '\0'))
		return GRAMMAR_LONG;
	if (words->count < WORDS_MOST)
		words->list[words->count++] = word;
	else
		words->used = begin;
	return GRAMMAR_OK;
}

enum grammar
grammar_read(struct span text, struct words *words)
{
	bool ended = false;

	words->count = 0;
	words->used = 0;
	for (text = skip_blanks(text); text.len > 0; text = skip_blanks(text)) {
		enum grammar result;

		if (text.at[0] == ';') {
			ended = words->count > 0;
			text = span_skip(text, 1);
			continue;
		}
		if (ended)
			return GRAMMAR_BAD;
		result = read_word(&text, words);
		if (result != GRAMMAR_OK)
			return result;
	}
	return words->count > 0 ? GRAMMAR_OK : GRAMMAR_EMPTY;
}

void
words_copy(struct words *to, const struct words *from)
{
	*to = *from;
	for (unsigned i = 0; i < to->count; i++)
		to->list[i].text = to->bytes + (from->list[i].text - from->bytes);
}

bool
words_is(const struct words *words, unsigned index, const char *text)
{
	return index < words->count && words->list[index].kind == WORD_BARE &&
	    span_is_nocase(words_at(words, index), text);
}

struct span
words_at(const struct words *words, unsigned index)
{
	if (index >= words->count)
		return span_of("", 0);
	return span_of(words->list[index].text, words->list[index].len);
}
