/*
 * rows.h - rows of a view as JSON (RFC 8259): objects by the names of the columns. Numbers are
 * written in full: a reader whose numbers are doubles rounds those beyond 2^53.
 */
#ifndef WEB_ROWS_H
#define WEB_ROWS_H

#include "admin/view.h"
#include "base/buf.h"

/* The column NAME of ROW, which VIEW must have, and which must be a number. */
uint64_t row_number(const struct view *view, const void *row, const char *name);
/* The same of a text. */
const char *row_text(const struct view *view, const void *row, const char *name);

/* How much a row matters; 0: leave it out. */
typedef uint64_t row_rank(const struct view *view, const void *row);

/* Rows of a sheet, those that matter most first. */
struct pick {
	const void	**rows;		/* owned; the rows are the sheet's */
	size_t		 count, wanted;	/* how many they are, how many of them are wanted */
};

/* Pick at most MOST of ROWS by RANK (NULL: the first ones). False: no memory, nothing is picked. */
bool pick_rows(struct pick *p, const struct view *view, const struct sheet *rows, row_rank *rank,
    size_t most) MUST_USE;
void pick_fini(struct pick *p);

/* Append ROW's columns as members of an object: "name":value, with commas between them. */
void row_put(struct buf *b, const struct view *view, const void *row);
/* Append an array of objects: the wanted ones of P. */
void rows_put(struct buf *b, const struct view *view, const struct pick *p);
/* Append one object: of each row the text NAME, and the number VALUE. */
void rows_put_pairs(struct buf *b, const struct view *view, const struct sheet *rows,
    const char *name, const char *value);

#endif
