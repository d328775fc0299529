/*
 * status_latency.h - how long things take, as the status page shows it: of all pools together,
 * and a few readings of each. SHOW LATENCY has all of them.
 */
#ifndef WEB_STATUS_LATENCY_H
#define WEB_STATUS_LATENCY_H

#include "admin/view.h"
#include "pool/latency.h"

/* Microseconds; what is recent is of the last one to two stats_periods. */
struct status_latency {
	const char	*database, *user;	/* NULL: of all pools together */
	enum latency_kind order;
	const char	*kind;
	uint64_t	 total_count, recent_count, mean, p50, p90, p99, p99_9, max;
};

/*
 * Rows of struct status_latency, for a survey; not for SHOW. First those of all pools, one a kind, then
 * each pool's, sorted. The columns are without the pool.
 */
extern const struct view status_latency_view;

/* The row of KIND of the pool (DATABASE, USER), or NULL: nothing has been counted. */
const struct status_latency *status_latency_find(const struct sheet *rows, const char *database,
    const char *user, enum latency_kind kind);

#endif
