/*
 * history.h - what all lanes have counted, database by database, now and at the ends of
 * the last two periods: averages are taken from the older of the two.
 */
#ifndef ADMIN_HISTORY_H
#define ADMIN_HISTORY_H

#include <pthread.h>

#include "admin/sheet.h"
#include "pool/counters.h"
#include "pool/worker.h"

struct gathering;

/* One database's counters; rows of a sheet. */
struct tally {
	const char	*database;
	struct counters	 counters;
};

struct snapshot {
	usec_t		 taken;		/* wall clock */
	struct sheet	 tallies;	/* sorted by database */
};

struct history {
	struct pooler	*pooler;	/* borrowed */
	pthread_mutex_t	 mutex;		/* of the rest */
	struct snapshot	 older, newer;
	void		(*told)(const char *line);	/* hears each period's line too, on any thread; or NULL */
};

void history_init(struct history *h, struct pooler *p);
void history_fini(struct history *h);

/* Log the period that ends now, and begin the next. From the keeper; ends on a worker. */
void history_turn(struct history *h);

/* Add the lanes of W up by database (for gather()). */
void history_fill(struct sheet *part, struct worker *w);
/* All of G together, sorted by database, into OUT; texts are copied. */
void history_total(const struct gathering *g, struct sheet *out);

/*
 * What was counted a second (times: in microseconds an event) from the older snapshot to
 * NOW, of one DATABASE (NULL: of all), whose totals at NOW are TOTAL.
 */
void history_average(struct history *h, const char *database,
    const struct counters *total, usec_t now, struct counters *out);

#endif
