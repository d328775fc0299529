/*
 * lookup_shelf.c - lines of auth_query between two errands: at most so many, for at most
 * so long. Lines are closed outside the mutex, as they say goodbye to a peer that may
 * be slow.
 */
#include "auth/lookup_shelf.h"

#include "auth/clerk.h"
#include "base/mem.h"

#define IDLE_MOST (60 * SECOND)		/* unused for so long: closed */
#define LIFE_MOST (600 * SECOND)	/* by then the name may lead elsewhere */
#define KEPT_MOST 8u

void
lookup_shelf_init(struct lookup_shelf *s)
{
	pthread_mutex_init(&s->mutex, NULL);
	list_init(&s->lines);
	s->count = s->open = 0;
	s->generation = s->opened = 0;
	s->idle_most = IDLE_MOST;
	s->life_most = LIFE_MOST;
}

static void
kept_free(struct kept *k)
{
	line_close(k->line);
	mem_free(k->target);
	mem_free(k);
}

void
lookup_shelf_fini(struct lookup_shelf *s)
{
	LIST_EACH(n, &s->lines)
		kept_free(CONTAINER_OF(n, struct kept, in_shelf));
	pthread_mutex_destroy(&s->mutex);
}

void
lookup_shelf_renew(struct lookup_shelf *s)
{
	pthread_mutex_lock(&s->mutex);
	s->generation++;
	pthread_mutex_unlock(&s->mutex);
}

/* May K still be used? */
static bool
is_fresh(const struct lookup_shelf *s, const struct kept *k, usec_t now)
{
	return k->generation == s->generation && now - k->idle_since < s->idle_most &&
	    now - k->since < s->life_most;
}

static void
take_off(struct lookup_shelf *s, struct kept *k)
{
	list_remove(&k->in_shelf);
	s->count--;
}

/* Close all of DOOMED. */
static void
bury(struct lookup_shelf *s, struct list *doomed)
{
	unsigned count = 0;

	LIST_EACH(n, doomed) {
		list_remove(n);
		kept_free(CONTAINER_OF(n, struct kept, in_shelf));
		count++;
	}
	if (count == 0)
		return;
	pthread_mutex_lock(&s->mutex);
	s->open -= count;
	pthread_mutex_unlock(&s->mutex);
}

struct kept *
lookup_shelf_find(struct lookup_shelf *s, struct span target, uint64_t means)
{
	struct kept *found = NULL;
	struct list doomed;
	usec_t now = clerk_now();

	list_init(&doomed);
	pthread_mutex_lock(&s->mutex);
	LIST_EACH(n, &s->lines) {
		struct kept *k = CONTAINER_OF(n, struct kept, in_shelf);

		if (!span_same(span_of(k->target, k->target_len), target))
			continue;
		take_off(s, k);
		if (k->means == means && is_fresh(s, k, now) && line_usable(k->line)) {
			found = k;
			break;
		}
		list_add_last(&doomed, n);
	}
	pthread_mutex_unlock(&s->mutex);
	bury(s, &doomed);
	return found;
}

/* Without a line yet; counted as open. NULL: no memory. */
static struct kept *
kept_new(struct lookup_shelf *s, struct span target, uint64_t means)
{
	struct kept *k = mem_new(sizeof(*k));

	if (k == NULL)
		return NULL;
	node_init(&k->in_shelf);
	k->means = means;
	k->since = clerk_now();
	k->target_len = target.len;
	k->target = mem_copy_text(target.at, target.len);
	if (k->target == NULL) {
		mem_free(k);
		return NULL;
	}
	pthread_mutex_lock(&s->mutex);
	k->generation = s->generation;
	s->open++;
	pthread_mutex_unlock(&s->mutex);
	return k;
}

struct kept *
lookup_shelf_open(struct lookup_shelf *s, struct span target, uint64_t means,
    const struct line_to *to, usec_t deadline, struct err *e)
{
	struct kept *k = kept_new(s, target, means);

	if (k == NULL) {
		err_set(e, SQLSTATE_NO_MEMORY, "out of memory");
		return NULL;
	}
	k->line = line_open(to, deadline, e);
	if (k->line == NULL) {
		lookup_shelf_discard(s, k);
		return NULL;
	}
	pthread_mutex_lock(&s->mutex);
	s->opened++;
	pthread_mutex_unlock(&s->mutex);
	return k;
}

void
lookup_shelf_put(struct lookup_shelf *s, struct kept *k)
{
	struct list doomed;

	list_init(&doomed);
	k->idle_since = clerk_now();
	pthread_mutex_lock(&s->mutex);
	list_add_first(&s->lines, &k->in_shelf);
	s->count++;
	if (s->count > KEPT_MOST) {
		struct kept *last = CONTAINER_OF(list_last(&s->lines), struct kept,
		    in_shelf);

		take_off(s, last);
		list_add_last(&doomed, &last->in_shelf);
	}
	pthread_mutex_unlock(&s->mutex);
	bury(s, &doomed);
}

void
lookup_shelf_discard(struct lookup_shelf *s, struct kept *k)
{
	struct list doomed;

	list_init(&doomed);
	list_add_last(&doomed, &k->in_shelf);
	bury(s, &doomed);
}

usec_t
lookup_shelf_tidy(void *arg)
{
	struct lookup_shelf *s = arg;
	struct list doomed;
	usec_t now = clerk_now(), nap = 0;

	list_init(&doomed);
	pthread_mutex_lock(&s->mutex);
	LIST_EACH(n, &s->lines) {
		struct kept *k = CONTAINER_OF(n, struct kept, in_shelf);
		usec_t idle = now - k->idle_since;

		if (!is_fresh(s, k, now)) {
			take_off(s, k);
			list_add_last(&doomed, n);
		} else if (nap == 0 || s->idle_most - idle < nap) {
			nap = s->idle_most - idle;
		}
	}
	pthread_mutex_unlock(&s->mutex);
	bury(s, &doomed);
	return nap;
}
