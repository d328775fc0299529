/*
 * latencies.h - the histograms of all lanes together, pool by pool, for SHOW LATENCY and metrics.
 */
#ifndef ADMIN_LATENCIES_H
#define ADMIN_LATENCIES_H

#include "admin/gather.h"
#include "pool/latency.h"

/* A histogram of one lane: rows of the sheets that latencies_fill() fills. */
struct latency_part {
	const char	*database, *user;
	enum latency_kind kind;
	bool		 recent;	/* of this stats_period or the one before */
	struct histogram histogram;	/* its counts are in the sheet's store: read only */
};

/* Those of one pool. */
struct latency_pool {
	const char	*database, *user;
	enum latency_kind kind;
	struct histogram total;		/* since the start */
	struct histogram recent;	/* of that, in the last one to two stats_periods */
};

/* For gather(): all that the lanes of W have counted, rows of struct latency_part. */
void latencies_fill(struct sheet *part, struct worker *w);
/*
 * Call FN for each pool and kind of which anything was counted, in the order of kind, database,
 * user; POOL lasts until FN returns, its texts as long as G. False: no memory, some are missing.
 */
bool latencies_each(const struct gathering *g,
    void (*fn)(void *owner, const struct latency_pool *pool), void *owner);

#endif
