/*
 * exposition.h - the text of /metrics: OpenMetrics 1.0, or Prometheus' text format 0.0.4.
 */
#ifndef WEB_EXPOSITION_H
#define WEB_EXPOSITION_H

#include "base/buf.h"

struct exposition {
	struct buf	*out;		/* borrowed */
	bool		 open_metrics;	/* 1.0, else Prometheus 0.0.4 */
};

enum family_kind { FAMILY_GAUGE, FAMILY_COUNTER, FAMILY_HISTOGRAM, FAMILY_INFO };

/* The Content-Type of X's format. */
const char *exposition_type(const struct exposition *x);
/*
 * Samples of NAME follow, with its suffix _total (counter) or _info (info). TEXT is its help,
 * a sentence.
 */
void exposition_family(struct exposition *x, struct span name, enum family_kind kind,
    const char *text);
/* One sample: LABELS as label_put() writes them, without braces. */
void exposition_number(struct exposition *x, struct span name, struct span labels,
    uint64_t value);
/* The same of microseconds, written in seconds. */
void exposition_usec(struct exposition *x, struct span name, struct span labels, usec_t value);
/* VALUE of what histogram NAME has counted was at most LE. */
void exposition_bucket(struct exposition *x, struct span name, struct span labels,
    const char *le, uint64_t value);
/* The end of that histogram: COUNT in all, which took SUM. */
void exposition_histogram(struct exposition *x, struct span name, struct span labels,
    uint64_t count, usec_t sum);
/* All is said. */
void exposition_end(struct exposition *x);

/* Append the label NAME="VALUE", after a comma if OUT has one already; NULL is "". */
void label_put(struct buf *out, const char *name, const char *value);

#endif
