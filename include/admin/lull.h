/*
 * lull.h - PAUSEs that end by themselves. Any thread begins and forgets one, the keeper's
 * ends them.
 */
#ifndef ADMIN_LULL_H
#define ADMIN_LULL_H

#include <pthread.h>

#include "base/list.h"
#include "base/port.h"
#include "base/span.h"

struct admin;

struct lulls {
	pthread_mutex_t	 mutex;
	struct list	 list;		/* under mutex */
};

void lulls_init(struct lulls *lulls);
void lulls_fini(struct lulls *lulls);

/*
 * DATABASE (at == NULL: all), which is paused, is resumed after LENGTH; NOW by a loop's clock. One that was
 * to be before is forgotten. False: no memory, or there is no keeper.
 */
bool lull_begin(struct admin *a, struct span database, usec_t now, usec_t length);
/* DATABASE (at == NULL: all) has been resumed otherwise. */
void lull_forget(struct admin *a, struct span database);
/* So has every database that was named. */
void lull_forget_named(struct admin *a);
/* End what has lasted long enough NOW; when to look again, 0: there is nothing to wait for. */
usec_t lulls_look(struct admin *a, usec_t now);

#endif
