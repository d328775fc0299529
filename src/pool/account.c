/*
 * account.c - which of the pools that share a limit gets a slot. Looks at the books and
 * decides; changing them is ledger.c's.
 */
#include "pool/account.h"

#include "pool/ledger.h"

#define LOOK_MOST 32u	/* hungry ledgers looked at when a server is free */
#define TELL_MOST 8u	/* hungry ledgers told that there may be something; the others look at the next tick */

void
account_init(struct account *a)
{
	*a = (struct account){ 0 };
	list_init(&a->ties);
	list_init(&a->hungry);
}

void
account_look(struct book *book, struct account *a)
{
	bool over;

	a->limit = a->learnt > 0 && (a->wish == 0 || a->learnt < a->wish) ? a->learnt : a->wish;
	over = a->limit > 0 && a->used > a->limit;
	if (likely(over == a->over))
		return;
	a->over = over;
	book->over += over ? 1 : -1;
}

static bool
is_full(const struct account *a)
{
	return a->limit > 0 && a->used >= a->limit;
}

bool
chain_has_room(const struct ledger *l)
{
	for (unsigned i = 0; i < l->tie_count; i++) {
		const struct account *a = l->ties[i].account;

		if (is_full(a) || (a->parallel > 0 && a->opening >= a->parallel))
			return false;
	}
	return true;
}

bool
chain_is_over(const struct ledger *l)
{
	for (unsigned i = 0; i < l->tie_count; i++)
		if (l->ties[i].account->over)
			return true;
	return false;
}

void
chain_add(struct ledger *l)
{
	for (unsigned i = 0; i < l->tie_count; i++) {
		l->ties[i].account->used++;
		l->ties[i].account->opening++;
	}
}

void
chain_opened(struct ledger *l)
{
	for (unsigned i = 0; i < l->tie_count; i++)
		l->ties[i].account->opening--;
}

void
chain_sub(struct ledger *l)
{
	for (unsigned i = 0; i < l->tie_count; i++) {
		l->ties[i].account->used--;
		account_look(l->book, l->ties[i].account);
	}
}

RARE void
chain_hunger(struct ledger *l, bool hungry)
{
	if (l->hungry == hungry)
		return;
	l->hungry = hungry;
	l->book->hungry += hungry ? 1 : -1;
	for (unsigned i = 0; i < l->tie_count; i++) {
		struct tie *tie = &l->ties[i];

		if (hungry)
			list_add_last(&tie->account->hungry, &tie->in_hungry);
		else
			list_remove(&tie->in_hungry);
	}
}

static bool
counts_in(const struct ledger *l, const struct account *a)
{
	for (unsigned i = 0; i < l->tie_count; i++)
		if (l->ties[i].account == a)
			return true;
	return false;
}

/* Would the end of a server of L be all the room that NEEDY lacks? */
static bool
makes_room(const struct ledger *l, const struct ledger *needy)
{
	bool any = false;

	for (unsigned i = 0; i < needy->tie_count; i++) {
		if (!is_full(needy->ties[i].account))
			continue;
		if (!counts_in(l, needy->ties[i].account))
			return false;
		any = true;
	}
	return any;
}

/* Servers L has and keeps. */
static unsigned
level(const struct ledger *l)
{
	return l->open > l->leaving ? l->open - l->leaving : 0;
}

static usec_t
oldest(const struct ledger *l)
{
	const struct want *first = LIST_FIRST(&l->wants, struct want, in_ledger);

	return first != NULL ? first->since : UINT64_MAX;
}

static bool
yields_to(struct ledger *l, bool wanted, struct ledger *hungry, usec_t now)
{
	if (level(l) <= level(hungry))
		return false;
	if (wanted && level(l) == level(hungry) + 1 && oldest(hungry) + TURN_AFTER >= oldest(l))
		return false;
	return makes_room(l, hungry) && ledger_lacks(hungry, now);
}

bool
chain_yields(struct ledger *l, bool wanted, usec_t now)
{
	unsigned looked = 0;

	for (unsigned i = 0; i < l->tie_count; i++) {
		struct account *a = l->ties[i].account;

		if (!is_full(a))
			continue;
		LIST_EACH(n, &a->hungry) {
			struct ledger *hungry = CONTAINER_OF(n, struct tie, in_hungry)->ledger;

			if (hungry != l && yields_to(l, wanted, hungry, now))
				return true;
			if (++looked == LOOK_MOST)
				return false;
		}
	}
	return false;
}

/* Is A to be served before B? The emptiest first, the longest waiting among equals. */
static bool
goes_before(const struct ledger *a, const struct ledger *b)
{
	if (level(a) != level(b))
		return level(a) < level(b);
	return oldest(a) < oldest(b);
}

struct ledger *
chain_next(struct ledger *l, usec_t now)
{
	struct ledger *best = NULL;

	for (unsigned i = 0; i < l->tie_count; i++) {
		LIST_EACH(n, &l->ties[i].account->hungry) {
			struct ledger *hungry = CONTAINER_OF(n, struct tie, in_hungry)->ledger;

			if ((best == NULL || goes_before(hungry, best)) &&
			    chain_has_room(hungry) && ledger_lacks(hungry, now))
				best = hungry;
		}
	}
	return best;
}

/* Has L an idle server that may go for HUNGRY? A client without any server at all comes before readiness. */
static bool
may_lose(struct ledger *l, const struct ledger *hungry, usec_t now)
{
	return l != hungry && l->idle > l->evictions &&
	    (level(l) > l->limits.least || level(hungry) == 0) &&
	    (level(l) > level(hungry) || now >= l->active_at + AGED_AFTER) &&
	    ledger_free_seat(l) != NULL;
}

static bool
loses_before(const struct ledger *a, const struct ledger *b)
{
	if (level(a) != level(b))
		return level(a) > level(b);
	return a->active_at < b->active_at;
}

/* Which of A's ledgers loses an idle server for L first, or NULL. *LEAVING: how many are going already. */
static struct ledger *
worst_of(struct account *a, struct ledger *l, usec_t now, unsigned *leaving)
{
	struct ledger *worst = NULL;

	*leaving = 0;
	LIST_EACH(n, &a->ties) {
		struct ledger *other = CONTAINER_OF(n, struct tie, in_account)->ledger;

		if (other != l)
			*leaving += other->leaving;
		if (may_lose(other, l, now) && (worst == NULL || loses_before(other, worst)))
			worst = other;
	}
	return worst;
}

/*
 * Where several accounts have no room one server may make it in all of them; if not, they
 * are seen to one after the other, but only if something can be done in each.
 */
struct seat *
chain_victim(struct ledger *l, usec_t now, bool *barren)
{
	struct ledger *victim = NULL;

	*barren = false;
	for (unsigned i = 0; i < l->tie_count; i++) {
		struct account *a = l->ties[i].account;
		struct ledger *worst;
		unsigned leaving;

		if (!is_full(a))
			continue;
		worst = worst_of(a, l, now, &leaving);
		if (leaving >= l->waiting)
			continue;	/* one on its way is enough for one want */
		if (worst == NULL && leaving == 0) {
			*barren = true;
			return NULL;
		}
		if (worst != NULL && (victim == NULL || makes_room(worst, l)))
			victim = worst;
	}
	return victim != NULL ? ledger_free_seat(victim) : NULL;
}

void
chain_each_hungry(struct ledger *l, void (*fn)(struct ledger *hungry))
{
	for (unsigned i = 0; i < l->tie_count; i++) {
		unsigned told = 0;

		LIST_EACH(n, &l->ties[i].account->hungry) {
			if (++told > TELL_MOST)
				break;
			fn(CONTAINER_OF(n, struct tie, in_hungry)->ledger);
		}
	}
}
