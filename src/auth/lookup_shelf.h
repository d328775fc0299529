/*
 * lookup_shelf.h - lines of auth_query that nobody uses at the moment, by whom they lead
 * to. Thread-safe. It counts all open lines, also those somebody has taken.
 */
#ifndef AUTH_LOOKUP_SHELF_H
#define AUTH_LOOKUP_SHELF_H

#include <pthread.h>

#include "auth/lookup_line.h"
#include "base/list.h"
#include "base/span.h"

/* A line and whom it leads to. */
struct kept {
	struct node	 in_shelf;
	struct line	*line;		/* owned */
	char		*target;	/* owned: bytes that are equal for equal targets */
	size_t		 target_len;
	uint64_t	 means;		/* equal for the same secret and TLS settings */
	uint64_t	 generation;
	usec_t		 since, idle_since;	/* clerk_now() */
};

struct lookup_shelf {
	pthread_mutex_t	 mutex;		/* what follows */
	struct list	 lines;		/* kept.in_shelf, last used first */
	unsigned	 count;		/* of them */
	uint64_t	 generation;	/* lines of older ones are not used again */
	usec_t		 idle_most, life_most;
	unsigned	 open;		/* here, taken, or being opened */
	uint64_t	 opened;	/* so far */
};

void lookup_shelf_init(struct lookup_shelf *s);
/* Close all that are here. */
void lookup_shelf_fini(struct lookup_shelf *s);

/* One that can be used, off the shelf, or NULL. */
struct kept *lookup_shelf_find(struct lookup_shelf *s, struct span target,
    uint64_t means);
/* A new one, opened by DEADLINE; NULL: E says why. */
struct kept *lookup_shelf_open(struct lookup_shelf *s, struct span target, uint64_t means,
    const struct line_to *to, usec_t deadline, struct err *e);
/* Keep K for the next. */
void lookup_shelf_put(struct lookup_shelf *s, struct kept *k);
/* Close K, which is not on the shelf. */
void lookup_shelf_discard(struct lookup_shelf *s, struct kept *k);
/* Close what is too old (ARG is the shelf); how long until the next will be, 0: nothing is here. */
usec_t lookup_shelf_tidy(void *arg);
/* Use none again that is open now. */
void lookup_shelf_renew(struct lookup_shelf *s);

#endif
