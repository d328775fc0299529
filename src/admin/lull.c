/*
 * lull.c - PAUSEs that end by themselves: which, and when.
 */
#include "admin/lull.h"

#include <string.h>

#include "admin/admin.h"
#include "base/log.h"
#include "base/mem.h"

struct lull {
	struct node	 in_lulls;
	usec_t		 began, until;
	bool		 all;
	char		 database[256];
};

void
lulls_init(struct lulls *lulls)
{
	pthread_mutex_init(&lulls->mutex, NULL);
	list_init(&lulls->list);
}

void
lulls_fini(struct lulls *lulls)
{
	LIST_EACH(n, &lulls->list)
		mem_free(CONTAINER_OF(n, struct lull, in_lulls));
	pthread_mutex_destroy(&lulls->mutex);
}

static bool
is_about(const struct lull *lull, struct span database)
{
	return database.at == NULL ? lull->all :
	    !lull->all && span_is(database, lull->database);
}

static void
order_free(struct order *order)
{
	mem_free(order);
}

/* Let the keeper look when the next one ends. */
static bool
wake_keeper(struct admin *a)
{
	struct order *order = mem_new(sizeof(*order));

	if (order == NULL)
		return false;
	order->kind = ORDER_LULL;
	order->done = order_free;
	if (admin_order(a, order))
		return true;
	mem_free(order);
	return false;
}

bool
lull_begin(struct admin *a, struct span database, usec_t now, usec_t length)
{
	struct lull *lull = mem_new(sizeof(*lull));

	if (lull == NULL)
		return false;
	node_init(&lull->in_lulls);
	lull->began = now;
	lull->until = now + length;
	lull->all = database.at == NULL;
	if (!lull->all && !span_copy(database, lull->database, sizeof(lull->database))) {
		mem_free(lull);
		return false;
	}
	lull_forget(a, database);
	pthread_mutex_lock(&a->lulls.mutex);
	list_add_last(&a->lulls.list, &lull->in_lulls);
	pthread_mutex_unlock(&a->lulls.mutex);
	if (wake_keeper(a))
		return true;
	lull_forget(a, database);
	return false;
}

static void
forget(struct lull *lull)
{
	list_remove(&lull->in_lulls);
	mem_free(lull);
}

void
lull_forget(struct admin *a, struct span database)
{
	pthread_mutex_lock(&a->lulls.mutex);
	LIST_EACH(n, &a->lulls.list) {
		struct lull *lull = CONTAINER_OF(n, struct lull, in_lulls);

		if (is_about(lull, database))
			forget(lull);
	}
	pthread_mutex_unlock(&a->lulls.mutex);
}

void
lull_forget_named(struct admin *a)
{
	pthread_mutex_lock(&a->lulls.mutex);
	LIST_EACH(n, &a->lulls.list) {
		struct lull *lull = CONTAINER_OF(n, struct lull, in_lulls);

		if (!lull->all)
			forget(lull);
	}
	pthread_mutex_unlock(&a->lulls.mutex);
}

/* Take out one that is over NOW; NULL: there is none, and *NEXT is when there will be, 0 for never. */
static struct lull *
take_due(struct admin *a, usec_t now, usec_t *next)
{
	struct lull *due = NULL;

	*next = 0;
	pthread_mutex_lock(&a->lulls.mutex);
	LIST_EACH(n, &a->lulls.list) {
		struct lull *lull = CONTAINER_OF(n, struct lull, in_lulls);

		if (due == NULL && now >= lull->until)
			due = lull;
		if (*next == 0 || lull->until < *next)
			*next = lull->until;
	}
	if (due != NULL)
		list_remove(&due->in_lulls);
	pthread_mutex_unlock(&a->lulls.mutex);
	return due;
}

usec_t
lulls_look(struct admin *a, usec_t now)
{
	struct lull *lull;
	usec_t next;

	while ((lull = take_due(a, now, &next)) != NULL) {
		struct span name = lull->all ? span_of(NULL, 0) : span_text(lull->database);
		char shown[64];

		if (admin_resume(a, name))
			log_line(LOG_LEVEL_LOG, NULL, "PAUSE%s%s has ended by itself after %.1f s",
			    lull->all ? "" : " ",
			    log_escape(span_text(lull->database), shown, sizeof(shown)),
			    (double)(now - lull->began) / SECOND);
		mem_free(lull);
	}
	return next;
}
