/*
 * latency_metrics.h - histograms of how long things take, for /metrics.
 */
#ifndef WEB_LATENCY_METRICS_H
#define WEB_LATENCY_METRICS_H

#include "admin/view.h"
#include "web/exposition.h"

/* Most pools that have histograms of their own; the rest is summed up. A histogram is many lines. */
#define LATENCY_POOLS_MOST 100u

/* Rows for a survey; not for SHOW, which has quantiles in LATENCY. */
extern const struct view latency_metrics_view;

/* Append the histograms of ROWS, MOST pools by name. */
void latency_metrics(const struct sheet *rows, size_t most, struct exposition *x);
/* What they are called and what they say, for the manual. */
void latency_metrics_each(void (*fn)(void *owner, const char *name, const char *text),
    void *owner);

#endif
