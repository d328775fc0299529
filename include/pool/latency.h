/*
 * latency.h - what a lane keeps histograms of: THE table. Written by the lane's own thread only,
 * read there for SHOW LATENCY and metrics (admin/latencies.h).
 */
#ifndef POOL_LATENCY_H
#define POOL_LATENCY_H

#include "base/histogram.h"
#include "pool/counters.h"

/* name, what is counted in microseconds */
#define LATENCIES(X)                                                                              \
	X(wait, "From having something to ask to having a server, or giving up; 0 if one is idle.") \
	X(transaction, "From a transaction's first message to its last answer, without the wait.") \
	X(query, "From a query's first message to its ReadyForQuery, without the wait.")           \
	X(login, "From a client's connection to its first ReadyForQuery.")                         \
	X(connect, "From looking a server up to when it can be used, its login included.")

enum latency_kind {
#define LATENCY_ENUM(name, text) LATENCY_##name,
	LATENCIES(LATENCY_ENUM)
#undef LATENCY_ENUM
	LATENCIES_MOST
};

/* All that was counted is the sum of the three. */
struct latency {
	struct histogram now;		/* in this stats_period */
	struct histogram last;		/* in the one before */
	struct histogram past;		/* earlier */
};

struct latencies {
	struct latency	 of[LATENCIES_MOST];
};

struct latency_kind_row {
	const char	*name, *text;
};
extern const struct latency_kind_row latency_kind_rows[LATENCIES_MOST];

/* Count TOOK (usec_t) in LANE's histogram of KIND. */
#define latency_add(lane, kind, took) \
	histogram_add(&(lane)->latencies.of[LATENCY_##kind].now, (took))

/* Into C: what the histograms add up anyway is not counted again. */
void latencies_sum(const struct latencies *l, struct counters *c);
/* A stats_period ends; without memory it goes on. */
void latencies_turn(struct latencies *l);
void latencies_fini(struct latencies *l);

#endif
