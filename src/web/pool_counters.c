/*
 * pool_counters.c - rows: all that is counted, one a pool. SHOW has the same by database
 * (view_stats.c).
 */
#include <string.h>

#include "admin/gather.h"
#include "pool/counters.h"
#include "pool/lane.h"
#include "web/metric.h"

struct counters_row {
	const char	*database, *user;
	struct counters	 counters;
};

static void
fill(struct sheet *part, struct worker *w)
{
	LIST_EACH(n, &w->lanes) {
		const struct lane *lane = CONTAINER_OF(n, struct lane, in_worker);
		struct counters_row *row = sheet_add(part);

		if (row == NULL)
			return;
		row->database = sheet_text(part, span_text(lane->pool->database));
		row->user = sheet_text(part, span_text(lane->pool->user));
		row->counters = lane->counters;
		latencies_sum(&lane->latencies, &row->counters);
	}
}

static int
compare(const void *a, const void *b)
{
	const struct counters_row *x = a, *y = b;
	int order = strcmp(x->database, y->database);

	return order != 0 ? order : strcmp(x->user, y->user);
}

static void
add(void *to, const void *from)
{
	counters_add(&((struct counters_row *)to)->counters,
	    &((const struct counters_row *)from)->counters);
}

static void
finish(const struct view_source *from, struct sheet *rows)
{
	gathering_join(from->parts, rows);
	sheet_sort(rows, compare);
	sheet_merge(rows, compare, add);
}

static const struct column columns[] = {
	COLUMN(counters_row, TEXT, database, "database", "Entry of [databases]."),
	COLUMN(counters_row, TEXT, user, "user", "Whom its servers log in as."),
#define COUNTER_COLUMN(name_, unit_, text_)                                           \
	COLUMN(counters_row, NUMERIC, counters.n[COUNT_##name_], #name_, text_),
	COUNTERS(COUNTER_COLUMN)
#undef COUNTER_COLUMN
};

const struct view pool_counters_view = {
	.columns = columns,
	.column_count = ARRAY_SIZE(columns),
	.row_size = sizeof(struct counters_row),
	.part_size = sizeof(struct counters_row),
	.fill = fill,
	.finish = finish,
};
