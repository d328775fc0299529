/*
 * actor_say.c - what an actor says: queries, and batches in a shorthand.
 */
#include <stdarg.h>
#include <stdio.h>

#include "story/story.h"
#include "wire/query.h"
#include "wire/write.h"

void
actor_send(struct actor *a, const void *at, size_t len)
{
	if (a->link != NULL)
		link_send(a->link, at, len);
}

void
say(struct actor *a, const char *format, ...)
{
	struct buf b = { 0 };
	char text[1000];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	query_write(&b, span_text(text));
	actor_send(a, b.at, b.len);
	buf_fini(&b);
}

static struct span
name_of(struct span word)
{
	return span_is(word, "-") ? span_of("", 0) : word;
}

static void
write_copy(struct buf *b, struct span size)
{
	char text[20];
	size_t mark = write_begin(b, 'd');

	span_copy(size, text, sizeof(text));
	for (long n = strtol(text, NULL, 10); n > 0; n--)
		buf_put_byte(b, 'y');
	write_end(b, mark);
}

static void
write_one(struct buf *b, struct span words)
{
	struct span kind = words, name = { "", 0 };
	size_t mark;

	span_cut(&words, " ", &kind);
	if (kind.at[0] != 'Q' && kind.at[0] != 'd')
		span_cut(&words, " ", &name);
	name = name_of(name);
	switch (kind.at[0]) {
	case 'Q':
		query_write(b, words);
		return;
	case 'P':
		query_write_parse_text(b, name, words);
		return;
	case 'B':
		query_write_bind_text(b, name, NULL, 0);
		return;
	case 'D':
	case 'C':
		query_write_target(b, kind.at[0], 'S', name);
		return;
	case 'E':
		query_write_execute(b);
		return;
	case 'd':
		write_copy(b, words);
		return;
	case 'f':
		mark = write_begin(b, 'f');
		write_text(b, "no");
		write_end(b, mark);
		return;
	default:
		write_empty(b, kind.at[0]);
		return;
	}
}

void
actor_write(struct buf *b, const char *text)
{
	struct span rest = span_text(text), part;

	while (span_cut(&rest, "/", &part)) {
		part = span_trim(part);
		if (part.len > 0)
			write_one(b, part);
	}
}

void
sends(struct actor *a, const char *format, ...)
{
	struct buf b = { 0 };
	char text[1000];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	actor_write(&b, text);
	actor_send(a, b.at, b.len);
	buf_fini(&b);
}
