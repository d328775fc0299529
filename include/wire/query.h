/*
 * query.h - views of the client's messages whose bodies matter to us (protocol 3, 55.7) and builders of those
 * we send ourselves. A view points into the caller's bytes. "Head" readers need only the first part of a body,
 * so that the rest can stream.
 */
#ifndef WIRE_QUERY_H
#define WIRE_QUERY_H

#include "base/buf.h"
#include "base/span.h"

/* The answer of a view: all there, more bytes are needed, or broken. */
enum wire { WIRE_OK, WIRE_MORE, WIRE_BAD };

struct parse_view {
	struct span	 name;		/* statement */
	struct span	 text;		/* the query */
	struct span	 types;		/* parameter types: count (2 bytes) and OIDs, as on the wire */
	struct span	 tail;		/* text with its NUL, and types: what makes two Parses equal */
};
/* BODY is whole. */
enum wire query_parse(struct span body, struct parse_view *out);

struct bind_view {
	struct span	 portal, name;
	size_t		 head;		/* bytes of the body up to and with the name's NUL */
};
/* HERE is what has arrived of a body of SIZE bytes. */
enum wire query_bind_head(struct span here, size_t size, struct bind_view *out);

struct target_view {
	char		 what;		/* 'S' statement or 'P' portal */
	struct span	 name;
};
/* Describe or Close; BODY is whole. */
enum wire query_target(struct span body, struct target_view *out);

/* A whole Query message. */
void query_write(struct buf *b, struct span sql);
/* Parse NAME with the tail of a parse_view. */
void query_write_parse(struct buf *b, struct span name, struct span tail);
/* Parse NAME as TEXT without parameter types. */
void query_write_parse_text(struct buf *b, struct span name, struct span text);
/* The head of a Bind whose body of SIZE bytes had HEAD bytes up to its name: kind, new length, portal, NAME. */
void query_write_bind_head(struct buf *b, const struct bind_view *v, size_t size, struct span name);
/* Bind the unnamed portal to statement NAME with COUNT text parameters (a span with at == NULL is NULL); results as text. */
void query_write_bind_text(struct buf *b, struct span name, const struct span *values, unsigned count);
/* Describe or Close (KIND 'D' or 'C') of WHAT ('S' or 'P') NAME. */
void query_write_target(struct buf *b, char kind, char what, struct span name);
/* Execute the unnamed portal, all rows. */
void query_write_execute(struct buf *b);

#endif
