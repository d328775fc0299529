/*
 * view.h - what SHOW shows: a view is how to collect rows, and its columns. THE table of
 * views is made of the view_*.c.
 */
#ifndef ADMIN_VIEW_H
#define ADMIN_VIEW_H

#include "admin/sheet.h"
#include "base/buf.h"
#include "pool/worker.h"

struct admin;
struct gathering;

/* Who may. Nobody, unless a row says otherwise. */
enum role { ROLE_NOBODY, ROLE_STATS, ROLE_ADMIN };

/* What a view is made from. */
struct view_source {
	const struct view *view;
	struct admin	*admin;		/* borrowed */
	struct loop	*loop;		/* borrowed; of the thread that asks */
	const struct conf *conf;	/* borrowed; in force there */
	const struct gathering *parts;	/* borrowed; NULL if the workers were not asked */
};

struct view {
	const char	*topic;		/* the word after SHOW */
	const char	*text;		/* what it shows; a sentence */
	enum role	 role;
	bool		 pretended;	/* a parameter of PostgreSQL, for who probes */
	const char	*refused;	/* why it is never shown, and what to do instead; NULL: it is */
	const struct column *columns;
	unsigned	 column_count;	/* at most 64 */
	size_t		 row_size;
	/* On each worker's thread: rows of PART_SIZE. NULL: the workers are not asked. */
	void		(*fill)(struct sheet *part, struct worker *w);
	size_t		 part_size;
	/* On the thread that asks: the rows. NULL: those of all parts. */
	void		(*finish)(const struct view_source *from, struct sheet *rows);
};

/* A column that is FIELD of struct ROW. */
#define COLUMN(row, kind_, field, name_, text_)                                       \
	{                                                                             \
		.name = name_, .kind = COLUMN_##kind_, .text = text_,                 \
		.at = offsetof(struct row, field)                                     \
	}

struct view_table {
	const struct view *views;
	size_t		 count;
};
extern const struct view_table traffic_views, active_views, waiting_views, stats_views,
    config_views, budget_views, hba_views, helpers_views, latency_views, names_views,
    replica_views, system_views, pretended_views;

/* The view of TOPIC (any case), or NULL. */
const struct view *view_find(struct span topic);
/* Walk all views: the first (AFTER NULL), the next, NULL at the end. */
const struct view *view_next(const struct view *after);

/* RowDescription. BINARY: bit n is set if column n is sent in binary format. */
void view_write_columns(struct buf *b, const struct view *view, uint64_t binary);
/* DataRow. */
void view_write_row(struct buf *b, const struct view *view, const void *row,
    uint64_t binary);

#endif
