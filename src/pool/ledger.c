/*
 * ledger.c - who gets which server. Every public function takes the book's lock once.
 *
 *	open = idle + busy + opening + under way in letters
 *	every want is covered: wants <= kept promises + opening, or nothing is left
 *	no want waits for an opening while an idle server is not promised to one
 *	while nothing shows that logins work, one is tried at a time
 *
 * where a promise is kept while its lane still has an idle server behind it. Lanes read
 * their clocks once a turn, so a want may be younger than what another lane calls now.
 */
#include "pool/ledger.h"

#include <string.h>

#include "pool/slot.h"

static inline struct give give_locked(struct seat *seat, usec_t now);
static inline struct errand cover_locked(struct seat *seat, usec_t now);
static struct errand cover_once(struct seat *seat, usec_t now);
static bool may_open(const struct ledger *l, usec_t now);
static void dequeue(struct want *w, enum want_state state);

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

	*errand = (struct errand){ .what = ERRAND_NONE };
	ledger_lock(l);
	got = seat->idle > seat->promised + seat->evictions && !l->paused;
	if (got) {
		seat->idle--;
		l->idle--;
		l->active_at = now;
	} else if (l->refusing && l->open == 0 && now < l->retry_at) {
		errand->what = ERRAND_REFUSE;
	} else {
		w->seat = seat;
		w->since = now;
		w->state = WANT_QUEUED;
		list_add_last(&l->wants, &w->in_ledger);
		list_add_last(&seat->wants, &w->in_seat);
		l->waiting++;
		*errand = cover_once(seat, now);
	}
	ledger_unlock(l);
	return got;
}

struct errand
ledger_cover(struct seat *seat, usec_t now)
{
	struct errand errand;

	ledger_lock(seat->ledger);
	errand = cover_once(seat, now);
	ledger_unlock(seat->ledger);
	return errand;
}

/* Wants for which an idle server is promised. */
unsigned
ledger_kept(const struct ledger *l)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < l->seat_count; i++) {
		const struct seat *s = l->seats[i];

		if (s != NULL)
			kept += s->idle < s->promised ? s->idle : s->promised;
	}
	return kept;
}

struct seat *
ledger_free_seat(struct ledger *l)
{
	for (unsigned i = 0; i < l->seat_count; i++) {
		struct seat *s = l->seats[i];

		if (s != NULL && s->idle > s->promised + s->evictions)
			return s;
	}
	return NULL;
}

/* There is something to do for a want, or at least to look at more closely. */
static RARE struct errand
cover_closely(struct seat *seat, usec_t now)
{
	struct ledger *l = seat->ledger;
	struct seat *free_one;
	unsigned kept;

	if (seat->granted > 0 && slot_redeem(seat, now))
		return (struct errand){ .what = ERRAND_OPEN, .lane = seat->lane };
	if (l->waiting == 0 || l->paused)
		return (struct errand){ .what = ERRAND_NONE };
	kept = ledger_kept(l);
	if (l->waiting > kept && (free_one = ledger_free_seat(l)) != NULL) {
		free_one->promised++;
		return (struct errand){ .what = ERRAND_NUDGE, .lane = free_one->lane };
	}
	if (l->waiting <= kept + l->opening || !may_open(l, now))
		return (struct errand){ .what = ERRAND_NONE };
	return slot_or_hunger(seat, now);
}

/* One step towards every want being covered. */
static inline struct errand
cover_locked(struct seat *seat, usec_t now)
{
	const struct ledger *l = seat->ledger;

	if (seat->granted == 0 && l->idle == 0 &&
	    (l->waiting <= l->opening || !may_open(l, now)))
		return (struct errand){ .what = ERRAND_NONE };
	return cover_closely(seat, now);
}

static struct errand
cover_once(struct seat *seat, usec_t now)
{
	const struct ledger *l = seat->ledger;
	struct errand errand = cover_locked(seat, now);

	errand.reserve = errand.what == ERRAND_OPEN && l->limits.most > 0 &&
	    l->open > l->limits.most;
	errand.calls = !list_empty(&l->book->calls);
	return errand;
}

bool
ledger_lacks(struct ledger *l, usec_t now)
{
	return !l->paused && l->waiting > l->opening && may_open(l, now) &&
	    l->waiting > ledger_kept(l) + l->opening && ledger_free_seat(l) == NULL;
}

static bool
may_open(const struct ledger *l, usec_t now)
{
	const struct ledger_limits *limits = &l->limits;
	struct want *oldest;

	if (now < l->retry_at)
		return false;
	/* Nothing is connected: one failing login is enough to know, and for the server to see. */
	if (l->opening > 0 && (l->opening == l->open || l->doubted))
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

	ledger_lock(seat->ledger);
	give = give_locked(seat, now);
	ledger_unlock(seat->ledger);
	return give;
}

struct give
ledger_opened(struct seat *seat, usec_t now)
{
	struct give give;

	ledger_lock(seat->ledger);
	seat->ledger->retry_at = 0;
	seat->ledger->refusing = seat->ledger->doubted = false;
	slot_opened(seat->ledger, now);
	give = give_locked(seat, now);
	ledger_unlock(seat->ledger);
	return give;
}

/* To the oldest want, unless our own oldest is hardly younger; nobody wants: idle here. */
static inline struct give
pass_on(struct seat *seat, usec_t now)
{
	struct ledger *l = seat->ledger;
	struct want *first = LIST_FIRST(&l->wants, struct want, in_ledger);
	struct want *own = LIST_FIRST(&seat->wants, struct want, in_seat);

	l->active_at = now;
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

/* The pool has as many servers as it may, or others want them: one more look. */
static RARE struct give
give_closely(struct seat *seat, usec_t now)
{
	struct ledger *l = seat->ledger;
	unsigned most = l->limits.most + l->limits.reserve;

	/* it may have got what it lacked while others of its clients went on waiting */
	if (l->hungry && !ledger_lacks(l, now))
		chain_hunger(l, false);
	if (l->paused || (l->limits.most > 0 && l->open > most))
		return (struct give){ GIVE_CLOSE, 0, NULL };
	if (slot_leaves(l, !list_empty(&l->wants), now))
		return (struct give){ GIVE_YIELD, 0, NULL };
	return pass_on(seat, now);
}

static inline struct give
give_locked(struct seat *seat, usec_t now)
{
	const struct ledger *l = seat->ledger;

	if (unlikely(l->paused || l->book->hungry + l->book->over > 0 ||
	    (l->limits.most > 0 && l->open > l->limits.most)))
		return give_closely(seat, now);
	return pass_on(seat, now);
}

bool
ledger_nudged(struct seat *seat, usec_t now, struct give *give)
{
	struct ledger *l = seat->ledger;
	bool taken = false;

	ledger_lock(l);
	if (seat->promised > 0)
		seat->promised--;
	if (seat->idle > 0 && l->waiting > 0 && !l->paused) {
		seat->idle--;
		l->idle--;
		*give = give_locked(seat, now);
		taken = true;
	} else if (unlikely(l->book->hungry > 0)) {
		slot_again(l);
	}
	ledger_unlock(l);
	return taken;
}

bool
ledger_called(struct want *w)
{
	bool called;

	if (w->seat == NULL)
		return false;
	ledger_lock(w->seat->ledger);
	called = w->state == WANT_CALLED;
	ledger_unlock(w->seat->ledger);
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

	ledger_lock(l);
	if (w->state == WANT_CALLED) {
		w->state = WANT_QUEUED;
		list_put_before(&w->in_ledger, first_not_older(l, w->since));
		list_add_first(&w->seat->wants, &w->in_seat);
		l->waiting++;
	}
	ledger_unlock(l);
}

void
ledger_leave(struct want *w)
{
	struct ledger *l;

	if (w->seat == NULL)
		return;
	l = w->seat->ledger;
	ledger_lock(l);
	if (w->state == WANT_QUEUED)
		dequeue(w, WANT_NONE);
	w->state = WANT_NONE;
	ledger_unlock(l);
}

static void
dequeue(struct want *w, enum want_state state)
{
	list_remove(&w->in_ledger);
	list_remove(&w->in_seat);
	w->state = state;
	if (--w->seat->ledger->waiting == 0 && unlikely(w->seat->ledger->hungry))
		chain_hunger(w->seat->ledger, false);
}

/* --- servers that end --- */

void
ledger_gone_idle(struct seat *seat, usec_t now)
{
	struct ledger *l = seat->ledger;

	ledger_lock(l);
	seat->idle--;
	l->idle--;
	l->open--;
	slot_freed(l, now);
	ledger_unlock(l);
}

void
ledger_gone_busy(struct seat *seat, usec_t now)
{
	struct ledger *l = seat->ledger;

	ledger_lock(l);
	l->open--;
	slot_freed(l, now);
	ledger_unlock(l);
}

bool
ledger_gone_opening(struct seat *seat, usec_t now, usec_t retry_at, bool refusing)
{
	struct ledger *l = seat->ledger;
	bool none;

	ledger_lock(l);
	l->open--;
	/* of several that failed side by side the one that says wait longest is heeded */
	if (retry_at >= l->retry_at) {
		l->retry_at = retry_at;
		l->refusing = refusing;
	}
	none = l->open == 0 || l->doubted;
	l->opening--;
	chain_opened(l);
	slot_freed(l, now);
	ledger_unlock(l);
	return none;
}

bool
ledger_fill(struct seat *seat, unsigned least, usec_t now)
{
	struct ledger *l = seat->ledger;
	bool go;

	ledger_lock(l);
	go = l->open < least && !l->paused && now >= l->retry_at &&
	    (l->limits.most == 0 || l->open < l->limits.most) && chain_has_room(l);
	if (go)
		slot_take(l);
	ledger_unlock(l);
	return go;
}

void
ledger_look(struct ledger *l, struct ledger_view *out)
{
	struct want *first;

	ledger_lock(l);
	first = LIST_FIRST(&l->wants, struct want, in_ledger);
	*out = (struct ledger_view){
		.open = l->open, .opening = l->opening, .waiting = l->waiting,
		.most = l->limits.most > 0 ? l->limits.most + l->limits.reserve : 0,
		.paused = l->paused, .over = chain_is_over(l), .oldest = first != NULL ? first->since : 0,
	};
	ledger_unlock(l);
}

bool
ledger_check(struct ledger *l)
{
	unsigned wants = 0, own = 0, idle = 0;
	bool good;

	ledger_lock(l);
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
	ledger_unlock(l);
	return good;
}
