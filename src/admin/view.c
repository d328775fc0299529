/*
 * view.c - views by name, and their rows on the wire (protocol 3, 55.7). What they show
 * is written in view_*.c.
 */
#include "admin/view.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "wire/reply.h"
#include "wire/write.h"

static const struct view_table *const tables[] = { &traffic_views, &active_views, &waiting_views,
	&stats_views,
	&config_views, &budget_views, &hba_views, &helpers_views, &latency_views,
	&names_views, &replica_views, &system_views,
	&pretended_views };

const struct view *
view_next(const struct view *after)
{
	bool found = after == NULL;

	for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
		for (size_t i = 0; i < tables[t]->count; i++) {
			if (found)
				return &tables[t]->views[i];
			found = &tables[t]->views[i] == after;
		}
	}
	return NULL;
}

const struct view *
view_find(struct span topic)
{
	const struct view *view = NULL;

	while ((view = view_next(view)) != NULL) {
		if (span_is_nocase(topic, view->topic))
			break;
	}
	return view;
}

/* --- columns --- */

/* OIDs and sizes of pg_type. */
static const struct {
	uint32_t	 oid;
	int16_t		 size;
} types[] = {
	[COLUMN_TEXT] = { 25, -1 },
	[COLUMN_INT] = { 23, 4 },
	[COLUMN_BIG] = { 20, 8 },
	[COLUMN_NUMERIC] = { 1700, -1 },
	[COLUMN_TIME] = { 25, -1 },
};

void
view_write_columns(struct buf *b, const struct view *view, uint64_t binary)
{
	size_t mark = write_begin(b, 'T');

	write_u16(b, (uint16_t)view->column_count);
	for (unsigned i = 0; i < view->column_count; i++) {
		const struct column *column = &view->columns[i];

		write_text(b, column->name);
		write_u32(b, 0);	/* of no table */
		write_u16(b, 0);
		write_u32(b, types[column->kind].oid);
		write_u16(b, (uint16_t)types[column->kind].size);
		write_u32(b, UINT32_MAX);	/* no type modifier */
		write_u16(b, (uint16_t)(binary >> i & 1));
	}
	write_end(b, mark);
}

/* --- values --- */

static uint64_t
number_at(const struct column *column, const void *row)
{
	uint64_t n;

	memcpy(&n, (const char *)row + column->at, sizeof(n));
	if (column->kind == COLUMN_INT && n > INT32_MAX)
		return INT32_MAX;
	return n > INT64_MAX ? INT64_MAX : n;
}

static void
write_value_head(struct buf *b, uint32_t len)
{
	write_u32(b, len);
}

static void
write_digits(struct buf *b, uint64_t n)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%llu", (unsigned long long)n);

	reply_row_value(b, span_of(text, (size_t)len));
}

/* numeric as its receive function wants it: digits of base 10000, the highest first. */
static void
write_numeric(struct buf *b, uint64_t n)
{
	uint16_t digits[5];
	unsigned count = 0;

	for (; n > 0; n /= 10000)
		digits[count++] = (uint16_t)(n % 10000);
	write_value_head(b, 8 + 2 * count);
	write_u16(b, (uint16_t)count);
	write_u16(b, (uint16_t)(count > 0 ? count - 1 : 0));	/* weight of the first */
	write_u16(b, 0);	/* sign */
	write_u16(b, 0);	/* digits after the point */
	while (count > 0)
		write_u16(b, digits[--count]);
}

static void
write_number(struct buf *b, const struct column *column, uint64_t n, bool binary)
{
	if (!binary) {
		write_digits(b, n);
	} else if (column->kind == COLUMN_NUMERIC) {
		write_numeric(b, n);
	} else if (column->kind == COLUMN_BIG) {
		write_value_head(b, 8);
		write_u32(b, (uint32_t)(n >> 32));
		write_u32(b, (uint32_t)n);
	} else {
		write_value_head(b, 4);
		write_u32(b, (uint32_t)n);
	}
}

static void
write_value(struct buf *b, const struct column *column, const void *row, bool binary)
{
	const char *text;
	char stamp[32];
	uint64_t n;

	switch (column->kind) {
	case COLUMN_TEXT:
		memcpy(&text, (const char *)row + column->at, sizeof(text));
		reply_row_value(b, span_text(text));
		break;
	case COLUMN_TIME:
		n = number_at(column, row);
		reply_row_value(b, span_text(n > 0 ? text_timestamp(n, stamp) : NULL));
		break;
	case COLUMN_INT:
	case COLUMN_BIG:
	case COLUMN_NUMERIC:
		write_number(b, column, number_at(column, row), binary);
		break;
	}
}

void
view_write_row(struct buf *b, const struct view *view, const void *row, uint64_t binary)
{
	size_t mark = reply_row_begin(b, view->column_count);

	for (unsigned i = 0; i < view->column_count; i++)
		write_value(b, &view->columns[i], row, binary >> i & 1);
	reply_row_end(b, mark);
}
