/*
 * gather.h - ask every worker for rows: each fills a sheet of its own on its own thread,
 * the last one calls back.
 */
#ifndef ADMIN_GATHER_H
#define ADMIN_GATHER_H

#include "admin/sheet.h"
#include "pool/worker.h"

struct gathering {
	void		(*fill)(struct sheet *part, struct worker *w);
	void		(*done)(struct gathering *g);
	void		*owner;
	unsigned	 count;		/* of parts */
	struct sheet	 parts[];	/* one a worker */
};

/* One for P's workers, whom nobody has asked yet. NULL: no memory. */
struct gathering *gathering_new(const struct pooler *p, size_t row_size);
/*
 * Let all workers FILL a part with rows of ROW_SIZE; then DONE is called once, on HOME's
 * thread (NULL: on whichever worker was last), and owns the gathering. NULL: no memory,
 * nothing happens.
 */
struct gathering *gather(struct pooler *p, struct worker *home, size_t row_size,
    void (*fill)(struct sheet *part, struct worker *w), void (*done)(struct gathering *g),
    void *owner);
void gathering_free(struct gathering *g);
/* Did a part run out of memory? */
bool gathering_failed(const struct gathering *g);
/* Append the rows of all parts to SHEET; G must outlive it. */
void gathering_join(const struct gathering *g, struct sheet *sheet);

#endif
