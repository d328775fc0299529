/*
 * sheet.h - rows of plain structs and the texts in them, and the columns that say what
 * the fields are. A view is written to the wire, to metrics and to the manual from the
 * same columns.
 */
#ifndef ADMIN_SHEET_H
#define ADMIN_SHEET_H

#include "base/port.h"
#include "base/span.h"
#include "conf/store.h"

/* The field's C type, and what the wire calls it. */
enum column_kind {
	COLUMN_TEXT,		/* const char *: text; NULL is SQL's */
	COLUMN_INT,		/* uint64_t: int4; what is greater is cut to its greatest */
	COLUMN_BIG,		/* uint64_t: int8 */
	COLUMN_NUMERIC,		/* uint64_t: numeric */
	COLUMN_TIME,		/* usec_t, wall clock: text; 0 is NULL */
};

struct column {
	const char	*name;
	enum column_kind kind;
	uint16_t	 at;		/* offset of the field in the row */
	const char	*text;		/* what it says; a sentence */
};

/* All rows have one size. Fill on one thread, read on another after a letter. */
struct sheet {
	struct store	 texts;
	char		*rows;		/* owned */
	size_t		 row_size, count, room;
	bool		 failed;	/* no memory: rows are missing */
};

void sheet_init(struct sheet *sheet, size_t row_size);
void sheet_fini(struct sheet *sheet);

/* A new row, zeroed, or NULL. Lasts until the next one is added. */
void *sheet_add(struct sheet *sheet);
/* A copy of TEXT that lasts as long as the sheet; "" when there is no memory. */
const char *sheet_text(struct sheet *sheet, struct span text);
/* The same of what a stranger has said: control characters and what is no UTF-8 as \xNN. */
const char *sheet_shown(struct sheet *sheet, struct span text);
/* The same of formatted text, at most 255 bytes. */
const char *sheet_printf(struct sheet *sheet, const char *format, ...) PRINTF_LIKE(2, 3);
/* The INDEXth row. */
void *sheet_row(const struct sheet *sheet, size_t index);
/* Sort the rows. */
void sheet_sort(struct sheet *sheet, int (*compare)(const void *a, const void *b));
/*
 * Of sorted rows: those that follow each other and are SAME become one; ADD puts the
 * second into the first.
 */
void sheet_merge(struct sheet *sheet, int (*same)(const void *a, const void *b),
    void (*add)(void *to, const void *from));
/* Append the rows of FROM, whose texts stay there: FROM must outlive SHEET. */
void sheet_append(struct sheet *sheet, const struct sheet *from);

#endif
