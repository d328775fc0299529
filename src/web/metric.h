/*
 * metric.h - what /metrics shows: one row a metric. Its value is a column of a view, so that
 * metrics and SHOW cannot differ, and so is its help text unless the row has another.
 */
#ifndef WEB_METRIC_H
#define WEB_METRIC_H

#include "admin/view.h"
#include "base/buf.h"
#include "conf/conf.h"
#include "web/exposition.h"

struct metric {
	const char	*name;		/* behind the group's prefix */
	const char	*column;	/* of the group's view */
	const char	*micros;	/* column with the microseconds beside whole seconds, or NULL */
	const char	*key;		/* only the row whose key column is this; NULL: every row */
	const char	*unit;		/* as in pool/counters.h; "us" is written in seconds; NULL: none */
	bool		 bare;		/* the name is without unit and _total, which follow */
	bool		 counter;	/* it never falls; else it is a gauge */
	bool		 greatest;	/* of several rows the greatest counts, not their sum */
	bool		 some;		/* 0 means that there is none: nothing is written */
	const char	*text;		/* help; NULL: the column's */
};

struct metric_label {
	const char	*name;		/* NULL: no more */
	const char	*column;
};
#define METRIC_LABELS_MOST 6u

/* Metrics of the rows of one view. */
struct metric_group {
	enum metrics_names names;	/* METRICS_NAMES_PGWEIR or _PGBOUNCER: whose they are */
	const char	*prefix;
	const char	*topic;		/* the view's */
	const struct view *view;	/* in place of TOPIC: one that SHOW has not */
	const char	*where, *is;	/* only rows whose column WHERE is IS; NULL: all */
	const char	*key;		/* column that metric.key is about */
	struct metric_label labels[METRIC_LABELS_MOST + 1];
	const struct metric *metrics;
	size_t		 count;
};

extern const struct metric_group metric_groups[];
extern const size_t metric_group_count;

/* The view of GROUP. */
const struct view *metric_view(const struct metric_group *group);
/* The column NAME of VIEW, which has it. */
const struct column *metric_column(const struct view *view, const char *name);
/* METRIC's help. */
const char *metric_text(const struct metric_group *group, const struct metric *metric);
/* Append METRIC's whole name. */
void metric_put_name(const struct metric_group *group, const struct metric *metric,
    struct buf *out);
/* Is METRIC's column in microseconds? */
bool metric_is_usec(const struct metric *metric);

/* Append the metrics of GROUP, whose view has the rows of SHEET, MOST of them by name. */
void metric_group_write(const struct metric_group *group, const struct sheet *sheet, size_t most,
    struct exposition *x);
/* How many rows of a group have names of their own: all of COUNT, or MOST; then the rest is one. */
static inline size_t
metric_named(size_t count, size_t most)
{
	return count < most ? count : most;
}
#define METRIC_OTHERS "(others)"

/* Rows of all that is counted, one a pool; not for SHOW (pool_counters.c). */
extern const struct view pool_counters_view;

#endif
