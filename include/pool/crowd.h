/*
 * crowd.h - how many clients a database, a user, an address has in the whole process. A crowd lives as long as somebody is
 * in it: names that nobody knows cost no more than the connections they come by.
 */
#ifndef POOL_CROWD_H
#define POOL_CROWD_H

#include "base/span.h"

enum crowd_kind { CROWD_DATABASE, CROWD_USER, CROWD_ADDRESS };

struct crowd;
struct crowds;

/* NULL: no memory. */
struct crowds *crowds_new(void);
/* Only when all have left. NULL is fine. */
void crowds_free(struct crowds *crowds);

/* One more in the crowd of NAME (copied), from any thread; *COUNT: how many that makes. NULL: no memory. */
struct crowd *crowd_enter(struct crowds *crowds, enum crowd_kind kind, struct span name,
    unsigned *count);
/* One fewer; CROWD is not to be used any more. NULL is fine. */
void crowd_leave(struct crowds *crowds, struct crowd *crowd);
/* How many there are now. */
unsigned crowd_count(struct crowds *crowds, enum crowd_kind kind, struct span name);

#endif
