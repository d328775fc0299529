/*
 * rows.c - rows of a view as JSON. Which rows a page needs is for status.c to say.
 */
#include "web/rows.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

/* --- values --- */

static const struct column *
column_of(const struct view *view, const char *name)
{
	for (unsigned i = 0; i < view->column_count; i++) {
		if (strcmp(view->columns[i].name, name) == 0)
			return &view->columns[i];
	}
	return NULL;
}

static uint64_t
number_at(const struct column *column, const void *row)
{
	uint64_t n = 0;

	if (insist(column != NULL && column->kind != COLUMN_TEXT))
		memcpy(&n, (const char *)row + column->at, sizeof(n));
	return n;
}

static const char *
text_at(const struct column *column, const void *row)
{
	const char *text = NULL;

	if (insist(column != NULL && column->kind == COLUMN_TEXT))
		memcpy(&text, (const char *)row + column->at, sizeof(text));
	return text;
}

uint64_t
row_number(const struct view *view, const void *row, const char *name)
{
	return number_at(column_of(view, name), row);
}

const char *
row_text(const struct view *view, const void *row, const char *name)
{
	return text_at(column_of(view, name), row);
}

/* --- picking --- */

struct ranked {
	const void	*row;
	uint64_t	 rank;
	size_t		 at;		/* among equals the order stays */
};

static int
compare_ranked(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank > y->rank ? -1 : 1;
	return x->at < y->at ? -1 : 1;
}

bool
pick_rows(struct pick *p, const struct view *view, const struct sheet *rows, row_rank *rank,
    size_t most)
{
	struct ranked *ranked = mem_new((rows->count + 1) * sizeof(*ranked));

	*p = (struct pick){ .rows = mem_new((rows->count + 1) * sizeof(*p->rows)) };
	if (ranked == NULL || p->rows == NULL) {
		mem_free(ranked);
		pick_fini(p);
		return false;
	}
	for (size_t i = 0; i < rows->count; i++) {
		const void *row = sheet_row(rows, i);
		uint64_t r = rank != NULL ? rank(view, row) : 1;

		if (r > 0)
			ranked[p->count++] = (struct ranked){ row, r, i };
	}
	qsort(ranked, p->count, sizeof(*ranked), compare_ranked);
	for (size_t i = 0; i < p->count; i++)
		p->rows[i] = ranked[i].row;
	p->wanted = p->count < most ? p->count : most;
	mem_free(ranked);
	return true;
}

void
pick_fini(struct pick *p)
{
	mem_free(p->rows);
	*p = (struct pick){ 0 };
}

/* --- writing --- */

static void
put_text(struct buf *b, const char *text)
{
	if (text != NULL)
		json_put_text(b, span_text(text));
	else
		buf_put_text(b, "null");
}

static void
put_value(struct buf *b, const struct column *column, const void *row)
{
	char stamp[32];

	switch (column->kind) {
	case COLUMN_TEXT:
		put_text(b, text_at(column, row));
		break;
	case COLUMN_TIME:
		put_text(b, number_at(column, row) == 0 ? NULL :
			text_timestamp(number_at(column, row), stamp));
		break;
	case COLUMN_INT:
	case COLUMN_BIG:
	case COLUMN_NUMERIC:
		buf_printf(b, "%llu", (unsigned long long)number_at(column, row));
		break;
	}
}

void
row_put(struct buf *b, const struct view *view, const void *row)
{
	for (unsigned i = 0; i < view->column_count; i++) {
		buf_printf(b, "%s\"%s\":", i > 0 ? "," : "", view->columns[i].name);
		put_value(b, &view->columns[i], row);
	}
}

void
rows_put(struct buf *b, const struct view *view, const struct pick *p)
{
	buf_put_byte(b, '[');
	for (size_t i = 0; i < p->wanted; i++) {
		buf_put_text(b, i > 0 ? ",\n{" : "{");
		row_put(b, view, p->rows[i]);
		buf_put_byte(b, '}');
	}
	buf_put_byte(b, ']');
}

void
rows_put_pairs(struct buf *b, const struct view *view, const struct sheet *rows,
    const char *name, const char *value)
{
	buf_put_byte(b, '{');
	for (size_t i = 0; i < rows->count; i++) {
		const void *row = sheet_row(rows, i);

		if (i > 0)
			buf_put_byte(b, ',');
		put_text(b, row_text(view, row, name));
		buf_printf(b, ":%llu", (unsigned long long)row_number(view, row, value));
	}
	buf_put_byte(b, '}');
}
