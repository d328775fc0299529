/*
 * sheet.c - rows of plain structs and the texts in them. What they mean is for views to
 * say.
 */
#include "admin/sheet.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

void
sheet_init(struct sheet *sheet, size_t row_size)
{
	memset(sheet, 0, sizeof(*sheet));
	sheet->row_size = row_size;
}

void
sheet_fini(struct sheet *sheet)
{
	store_fini(&sheet->texts);
	mem_free(sheet->rows);
	sheet->rows = NULL;
	sheet->count = sheet->room = 0;
}

/* See to it that MORE rows fit. */
static bool
make_room(struct sheet *sheet, size_t more)
{
	size_t room = sheet->room > 0 ? sheet->room : 16;
	char *rows;

	if (more <= sheet->room - sheet->count)
		return true;
	while (room - sheet->count < more)
		room *= 2;
	rows = mem_resize(sheet->rows, room * sheet->row_size);
	if (rows == NULL) {
		sheet->failed = true;
		return false;
	}
	sheet->rows = rows;
	sheet->room = room;
	return true;
}

void *
sheet_add(struct sheet *sheet)
{
	char *row;

	if (!make_room(sheet, 1))
		return NULL;
	row = sheet->rows + sheet->count++ * sheet->row_size;
	memset(row, 0, sheet->row_size);
	return row;
}

const char *
sheet_text(struct sheet *sheet, struct span text)
{
	const char *copy = store_text(&sheet->texts, text);

	if (copy != NULL)
		return copy;
	sheet->failed = true;
	return "";
}

/* Bytes of the character that TEXT begins with; 0: it is not to be shown. */
static size_t
shown_char(struct span text)
{
	size_t len = text_utf8_char(text);
	unsigned char first = (unsigned char)text.at[0];

	if (len == 1 && (first < ' ' || first == 0x7f))
		return 0;
	/* U+0080 to U+009F are control characters, too */
	if (len == 2 && first == 0xc2 && (unsigned char)text.at[1] < 0xa0)
		return 0;
	return len;
}

const char *
sheet_shown(struct sheet *sheet, struct span text)
{
	struct buf out = { 0 };
	const char *kept;

	while (text.len > 0) {
		size_t len = shown_char(text);

		if (len > 0)
			buf_put(&out, text.at, len);
		else
			buf_printf(&out, "\\x%02x", (unsigned char)text.at[0]);
		text = span_skip(text, len > 0 ? len : 1);
	}
	sheet->failed |= out.failed;
	kept = sheet_text(sheet, buf_span(&out));
	buf_fini(&out);
	return kept;
}

const char *
sheet_printf(struct sheet *sheet, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return sheet_text(sheet, span_text(text));
}

void *
sheet_row(const struct sheet *sheet, size_t index)
{
	return sheet->rows + index * sheet->row_size;
}

void
sheet_sort(struct sheet *sheet, int (*compare)(const void *a, const void *b))
{
	if (sheet->count > 1)
		qsort(sheet->rows, sheet->count, sheet->row_size, compare);
}

void
sheet_merge(struct sheet *sheet, int (*same)(const void *a, const void *b),
    void (*add)(void *to, const void *from))
{
	size_t kept = 0;

	for (size_t i = 1; i < sheet->count; i++) {
		if (same(sheet_row(sheet, kept), sheet_row(sheet, i)) == 0)
			add(sheet_row(sheet, kept), sheet_row(sheet, i));
		else if (++kept != i)
			memcpy(sheet_row(sheet, kept), sheet_row(sheet, i),
			    sheet->row_size);
	}
	if (sheet->count > 0)
		sheet->count = kept + 1;
}

void
sheet_append(struct sheet *sheet, const struct sheet *from)
{
	sheet->failed |= from->failed;
	if (from->count == 0 || !make_room(sheet, from->count))
		return;
	memcpy(sheet_row(sheet, sheet->count), from->rows, from->count * from->row_size);
	sheet->count += from->count;
}
