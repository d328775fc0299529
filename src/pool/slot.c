/*
 * slot.c - slots in accounts: taken, wanted in vain, freed, granted. All that one ledger
 * does to another is done here, and told to its lane by a call.
 */
#include "pool/slot.h"

#include "base/log.h"

/* A look that shows room is worth so many steps of growing blindly. */
#define ROOM_STEPS 4u

void
ledger_tie(struct ledger *l, struct account *a)
{
	struct tie *tie;

	ledger_lock(l);
	insist(l->tie_count < TIES_MOST);
	tie = &l->ties[l->tie_count++];
	tie->account = a;
	tie->ledger = l;
	node_init(&tie->in_account);
	node_init(&tie->in_hungry);
	list_add_last(&a->ties, &tie->in_account);
	ledger_unlock(l);
}

void
ledger_retie(struct ledger *l, unsigned at, struct account *a)
{
	struct tie *tie = &l->ties[at];

	ledger_lock(l);
	if (tie->account != a) {
		chain_hunger(l, false);
		list_remove(&tie->in_account);
		tie->account->used -= l->open;
		tie->account->opening -= l->opening;
		account_look(l->book, tie->account);
		a->used += l->open;
		a->opening += l->opening;
		account_look(l->book, a);
		tie->account = a;
		list_add_last(&a->ties, &tie->in_account);
	}
	ledger_unlock(l);
}

void
ledger_untie(struct ledger *l)
{
	ledger_lock(l);
	chain_hunger(l, false);
	for (unsigned i = 0; i < l->tie_count; i++)
		list_remove(&l->ties[i].in_account);
	for (unsigned i = 0; i < l->seat_count; i++)
		if (l->seats[i] != NULL && node_linked(&l->seats[i]->in_calls))
			list_remove(&l->seats[i]->in_calls);
	l->tie_count = 0;
	ledger_unlock(l);
}

void
ledger_limit_account(struct book *book, struct account *a, unsigned limit, unsigned parallel)
{
	lock_take(&book->lock);
	a->wish = limit;
	a->parallel = parallel;
	account_look(book, a);
	lock_give(&book->lock);
}

void
ledger_look_account(struct book *book, const struct account *a, struct account_view *out)
{
	lock_take(&book->lock);
	*out = (struct account_view){ .used = a->used, .opening = a->opening, .limit = a->limit,
		.wish = a->wish, .learnt = a->learnt };
	LIST_EACH(n, &a->ties) {
		const struct ledger *l = CONTAINER_OF(n, struct tie, in_account)->ledger;
		const struct want *first = LIST_FIRST(&l->wants, struct want, in_ledger);

		out->idle += l->idle;
		out->waiting += l->waiting;
		out->guaranteed += l->limits.least;
		if (first != NULL && (out->oldest == 0 || first->since < out->oldest))
			out->oldest = first->since;
		if (l->open > out->most)
			out->most = l->open, out->holder = l;
	}
	lock_give(&book->lock);
}

/* --- a server without room --- */

unsigned
ledger_full(struct book *book, struct account *a, usec_t now)
{
	unsigned learnt;

	lock_take(&book->lock);
	/* the one that was refused is still counted */
	a->learnt = a->used > 1 ? a->used - 1 : 1;
	a->step = 1;
	a->probe_at = now + PROBE_EVERY;
	a->refused_at = now;
	account_look(book, a);
	learnt = a->learnt;
	atomic_store(&book->learnt, true);
	lock_give(&book->lock);
	return learnt;
}

void
ledger_room(struct book *book, struct account *a, unsigned room, usec_t now)
{
	lock_take(&book->lock);
	if (room > ROOM_STEPS * a->step)
		room = ROOM_STEPS * a->step;
	if (a->learnt > 0 && a->learnt < a->used + room && usec_since(a->refused_at, now) >= PROBE_EVERY) {
		a->learnt = a->used + room < a->wish ? a->used + room : 0;
		account_look(book, a);
		slot_grant_in(a, now);
	}
	lock_give(&book->lock);
}

bool
ledger_probe(struct book *book, struct account *a, usec_t now)
{
	bool still;

	lock_take(&book->lock);
	if (a->learnt > 0 && now >= a->probe_at) {
		a->probe_at = now + PROBE_EVERY;
		a->learnt += a->step;
		a->step *= 2;
		/* it may have what it asked for again, or has long had more room than it needs */
		if (a->wish > 0 ? a->learnt >= a->wish : a->learnt > 2 * a->used + 8)
			a->learnt = 0;
		account_look(book, a);
		slot_grant_in(a, now);
	}
	still = a->learnt > 0;
	lock_give(&book->lock);
	return still;
}

/* --- calls --- */

/* Its lane is to be told to cover. */
static void
call(struct seat *seat)
{
	if (!node_linked(&seat->in_calls))
		list_add_last(&seat->ledger->book->calls, &seat->in_calls);
}

struct seat *
ledger_call(struct book *book)
{
	struct seat *seat;

	lock_take(&book->lock);
	seat = LIST_FIRST(&book->calls, struct seat, in_calls);
	if (seat != NULL)
		list_remove(&seat->in_calls);
	lock_give(&book->lock);
	return seat;
}

/* For slot_again(). */
static void
call_again(struct ledger *hungry)
{
	struct want *first = LIST_FIRST(&hungry->wants, struct want, in_ledger);

	hungry->look_at = 0;
	if (first != NULL)
		call(first->seat);
}

void
slot_again(struct ledger *l)
{
	chain_each_hungry(l, call_again);
}

/* --- slots --- */

void
slot_take(struct ledger *l)
{
	l->open++;
	l->opening++;
	chain_add(l);
}

/* Open, if the accounts have room; else be hungry, and see who can do with less. */
struct errand
slot_or_hunger(struct seat *seat, usec_t now)
{
	struct ledger *l = seat->ledger;
	struct seat *victim;
	bool barren;

	if (chain_has_room(l)) {
		chain_hunger(l, false);
		slot_take(l);
		return (struct errand){ .what = ERRAND_OPEN, .lane = seat->lane };
	}
	if (l->hungry && now < l->look_at)
		return (struct errand){ .what = ERRAND_NONE };
	chain_hunger(l, true);
	while ((victim = chain_victim(l, now, &barren)) != NULL) {
		victim->evictions++;
		victim->ledger->evictions++;
		victim->ledger->leaving++;
		call(victim);
	}
	l->look_at = barren ? now + LOOK_AGAIN_AFTER : 0;
	return (struct errand){ .what = ERRAND_NONE };
}

/* Does a free server end here, because its slot is another ledger's or there are too many? */
RARE bool
slot_leaves(struct ledger *l, bool wanted, usec_t now)
{
	if (!(l->book->over > 0 && chain_is_over(l)) && !chain_yields(l, wanted, now))
		return false;
	l->leaving++;
	return true;
}

/* It counts at once, before its lane has heard of it. */
static void
grant(struct ledger *next)
{
	struct seat *seat = LIST_FIRST(&next->wants, struct want, in_ledger)->seat;

	slot_take(next);
	seat->granted++;
	call(seat);
}

static void
grant_all(struct ledger *l, usec_t now)
{
	struct ledger *next;

	while ((next = chain_next(l, now)) != NULL)
		grant(next);
}

void
slot_grant_in(struct account *a, usec_t now)
{
	struct tie *first = LIST_FIRST(&a->hungry, struct tie, in_hungry);

	if (first == NULL)
		return;
	grant_all(first->ledger, now);
	slot_again(first->ledger);
}

void
slot_freed(struct ledger *l, usec_t now)
{
	chain_sub(l);
	if (l->leaving > l->evictions)
		l->leaving--;
	if (likely(l->book->hungry == 0))
		return;
	grant_all(l, now);
	/* It was not enough for these; together with an idle server of somebody's it may be. */
	slot_again(l);
}

void
slot_opened(struct ledger *l, usec_t now)
{
	l->opening--;
	chain_opened(l);
	if (unlikely(l->book->hungry > 0))
		grant_all(l, now);
}

/* A slot was granted. True: open. False: nobody wants it here any more, others may. */
bool
slot_redeem(struct seat *seat, usec_t now)
{
	struct ledger *l = seat->ledger;

	while (seat->granted > 0) {
		seat->granted--;
		if (!l->paused && l->waiting > ledger_kept(l) + l->opening - 1)
			return true;
		l->opening--;
		l->open--;
		chain_opened(l);
		chain_hunger(l, false);
		slot_freed(l, now);
	}
	return false;
}

bool
ledger_evicts(struct seat *seat)
{
	struct ledger *l = seat->ledger;
	bool yes = false;

	ledger_lock(l);
	while (seat->evictions > 0 && !yes) {
		seat->evictions--;
		l->evictions--;
		yes = seat->idle > seat->promised && l->waiting <= ledger_kept(l);
		if (yes) {
			seat->idle--;
			l->idle--;
		} else {
			l->leaving--;
			slot_again(l);
		}
	}
	ledger_unlock(l);
	return yes;
}
