/*
 * ledger.c - who gets which server. Every public function takes the book's mutex once.
 *
 *	open = idle + busy + opening + under way in letters
 *	every want is covered: wants <= kept promises + opening, or nothing is left
 *	no want waits for an opening while an idle server is not promised to one
 *
 * where a promise is kept while its lane still has an idle server behind it. Lanes read
 * their clocks once a turn, so a want may be younger than what another lane calls now.
 */
#include "pool/ledger.h"

#include <string.h>

static struct give give_locked(struct seat *seat, usec_t now);
static struct errand cover_locked(struct seat *seat, usec_t now);
static bool may_open(const struct ledger *l, usec_t now);
static void dequeue(struct want *w, enum want_state state);

static void
lock(struct ledger *l)
{
	pthread_mutex_lock(&l->book->mutex);
}

static void
unlock(struct ledger *l)
{
	pthread_mutex_unlock(&l->book->mutex);
}

void
book_init(struct book *book)
{
	pthread_mutex_init(&book->mutex, NULL);
	book->patience = PATIENCE;
}

void
book_fini(struct book *book)
{
	pthread_mutex_destroy(&book->mutex);
}

void
ledger_init(struct ledger *l, struct book *book)
{
	memset(l, 0, sizeof(*l));
	l->book = book;
	list_init(&l->wants);
}

void
ledger_limit(struct ledger *l, const struct ledger_limits *limits)
{
	lock(l);
	l->limits = *limits;
	unlock(l);
}

void
ledger_pause(struct ledger *l, bool paused)
{
	lock(l);
	l->paused = paused;
	unlock(l);
}

void
ledger_sit(struct ledger *l, struct seat *seat, unsigned lane)
{
	memset(seat, 0, sizeof(*seat));
	seat->ledger = l;
	seat->lane = lane;
	list_init(&seat->wants);
	lock(l);
	l->seats[lane] = seat;
	if (l->seat_count <= lane)
		l->seat_count = lane + 1;
	unlock(l);
}

void
want_init(struct want *w)
{
	memset(w, 0, sizeof(*w));
	node_init(&w->in_ledger);
	node_init(&w->in_seat);
}

bool
ledger_take(struct seat *seat, struct want *w, usec_t now, struct errand *errand)
{
	struct ledger *l = seat->ledger;
	bool got;

	errand->what = ERRAND_NONE;
	lock(l);
	got = seat->idle > seat->promised && !l->paused;
	if (got) {
		seat->idle--;
		l->idle--;
	} else if (l->refusing && l->open == 0 && now < l->retry_at) {
		errand->what = ERRAND_REFUSE;
	} else {
		w->seat = seat;
		w->since = now;
		w->state = WANT_QUEUED;
		list_add_last(&l->wants, &w->in_ledger);
		list_add_last(&seat->wants, &w->in_seat);
		l->waiting++;
		*errand = cover_locked(seat, now);
	}
	unlock(l);
	return got;
}

struct errand
ledger_cover(struct seat *seat, usec_t now)
{
	struct errand errand;

	lock(seat->ledger);
	errand = cover_locked(seat, now);
	unlock(seat->ledger);
	return errand;
}

/* One step towards every want being covered. */
static struct errand
cover_locked(struct seat *seat, usec_t now)
{
	struct ledger *l = seat->ledger;
	struct seat *free_one = NULL;
	unsigned kept = 0;

	if (l->waiting == 0 || l->paused)
		return (struct errand){ ERRAND_NONE, 0 };
	if (l->idle == 0 && (l->waiting <= l->opening || !may_open(l, now)))
		return (struct errand){ ERRAND_NONE, 0 };
	for (unsigned i = 0; i < l->seat_count; i++) {
		struct seat *s = l->seats[i];

		if (s == NULL)
			continue;
		kept += s->idle < s->promised ? s->idle : s->promised;
		if (s->idle > s->promised)
			free_one = s;
	}
	if (l->waiting > kept && free_one != NULL) {
		free_one->promised++;
		return (struct errand){ ERRAND_NUDGE, free_one->lane };
	}
	if (l->waiting <= kept + l->opening || !may_open(l, now))
		return (struct errand){ ERRAND_NONE, 0 };
	l->open++;
	l->opening++;
	return (struct errand){ ERRAND_OPEN, seat->lane };
}

static bool
may_open(const struct ledger *l, usec_t now)
{
	const struct ledger_limits *limits = &l->limits;
	struct want *oldest;

	if (now < l->retry_at)
		return false;
	if (limits->most == 0 || l->open < limits->most)
		return true;
	oldest = LIST_FIRST(&l->wants, struct want, in_ledger);
	return oldest != NULL && limits->reserve_after > 0 &&
	    l->open < limits->most + limits->reserve &&
	    now >= oldest->since + limits->reserve_after;
}

struct give
ledger_give(struct seat *seat, usec_t now)
{
	struct give give;

	lock(seat->ledger);
	give = give_locked(seat, now);
	unlock(seat->ledger);
	return give;
}

struct give
ledger_opened(struct seat *seat, usec_t now)
{
	struct give give;

	lock(seat->ledger);
	seat->ledger->opening--;
	seat->ledger->retry_at = 0;
	seat->ledger->refusing = false;
	give = give_locked(seat, now);
	unlock(seat->ledger);
	return give;
}

/* To the oldest want, unless our own oldest is hardly younger; nobody wants: idle here. */
static struct give
give_locked(struct seat *seat, usec_t now)
{
	struct ledger *l = seat->ledger;
	struct want *first = LIST_FIRST(&l->wants, struct want, in_ledger);
	struct want *own = LIST_FIRST(&seat->wants, struct want, in_seat);
	unsigned most = l->limits.most + l->limits.reserve;

	(void)now;
	if (l->paused || (l->limits.most > 0 && l->open > most))
		return (struct give){ GIVE_CLOSE, 0, NULL };
	if (first == NULL) {
		seat->idle++;
		l->idle++;
		return (struct give){ GIVE_IDLE, 0, NULL };
	}
	if (own != NULL && own->since <= first->since + l->book->patience)
		first = own;
	dequeue(first, first->seat == seat ? WANT_NONE : WANT_CALLED);
	if (first->seat == seat)
		return (struct give){ GIVE_HERE, 0, first };
	return (struct give){ GIVE_AWAY, first->seat->lane, NULL };
}

bool
ledger_nudged(struct seat *seat, usec_t now, struct give *give)
{
	struct ledger *l = seat->ledger;
	bool taken = false;

	lock(l);
	if (seat->promised > 0)
		seat->promised--;
	if (seat->idle > 0 && l->waiting > 0 && !l->paused) {
		seat->idle--;
		l->idle--;
		*give = give_locked(seat, now);
		taken = true;
	}
	unlock(l);
	return taken;
}

bool
ledger_called(struct want *w)
{
	bool called;

	if (w->seat == NULL)
		return false;
	lock(w->seat->ledger);
	called = w->state == WANT_CALLED;
	unlock(w->seat->ledger);
	return called;
}

/* Where in the queue a want SINCE then belongs: before this node. */
static struct node *
first_not_older(struct ledger *l, usec_t since)
{
	LIST_EACH(n, &l->wants)
		if (CONTAINER_OF(n, struct want, in_ledger)->since >= since)
			return n;
	return &l->wants.head;
}

void
ledger_recall(struct want *w)
{
	struct ledger *l = w->seat->ledger;

	lock(l);
	if (w->state == WANT_CALLED) {
		w->state = WANT_QUEUED;
		list_put_before(&w->in_ledger, first_not_older(l, w->since));
		list_add_first(&w->seat->wants, &w->in_seat);
		l->waiting++;
	}
	unlock(l);
}

void
ledger_leave(struct want *w)
{
	struct ledger *l;

	if (w->seat == NULL)
		return;
	l = w->seat->ledger;
	lock(l);
	if (w->state == WANT_QUEUED)
		dequeue(w, WANT_NONE);
	w->state = WANT_NONE;
	unlock(l);
}

static void
dequeue(struct want *w, enum want_state state)
{
	list_remove(&w->in_ledger);
	list_remove(&w->in_seat);
	w->state = state;
	w->seat->ledger->waiting--;
}

void
ledger_gone_idle(struct seat *seat)
{
	lock(seat->ledger);
	seat->idle--;
	seat->ledger->idle--;
	seat->ledger->open--;
	unlock(seat->ledger);
}

void
ledger_gone_busy(struct seat *seat)
{
	lock(seat->ledger);
	seat->ledger->open--;
	unlock(seat->ledger);
}

bool
ledger_gone_opening(struct seat *seat, usec_t retry_at, bool refusing)
{
	struct ledger *l = seat->ledger;
	bool none;

	lock(l);
	l->opening--;
	l->open--;
	l->retry_at = retry_at;
	l->refusing = refusing;
	none = l->open == 0;
	unlock(l);
	return none;
}

bool
ledger_fill(struct seat *seat, unsigned least, usec_t now)
{
	struct ledger *l = seat->ledger;
	bool go;

	lock(l);
	go = l->open < least && !l->paused && now >= l->retry_at &&
	    (l->limits.most == 0 || l->open < l->limits.most);
	if (go) {
		l->open++;
		l->opening++;
	}
	unlock(l);
	return go;
}

void
ledger_look(struct ledger *l, struct ledger_view *out)
{
	struct want *first;

	lock(l);
	first = LIST_FIRST(&l->wants, struct want, in_ledger);
	*out = (struct ledger_view){
		.open = l->open, .opening = l->opening, .waiting = l->waiting,
		.most = l->limits.most > 0 ? l->limits.most + l->limits.reserve : 0,
		.paused = l->paused, .oldest = first != NULL ? first->since : 0,
	};
	unlock(l);
}

bool
ledger_check(struct ledger *l)
{
	unsigned wants = 0, own = 0, idle = 0;
	bool good;

	lock(l);
	LIST_EACH(n, &l->wants)
		wants++;
	for (unsigned i = 0; i < l->seat_count; i++) {
		if (l->seats[i] == NULL)
			continue;
		idle += l->seats[i]->idle;
		LIST_EACH(n, &l->seats[i]->wants)
			own++;
	}
	good = wants == l->waiting && own == l->waiting && idle == l->idle &&
	    l->opening + idle <= l->open;
	unlock(l);
	return good;
}
