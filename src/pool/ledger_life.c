/*
 * ledger_life.c - a ledger's beginning, its terms and its end.
 */
#include <string.h>

#include "pool/slot.h"

void
book_init(struct book *book)
{
	lock_init(&book->lock);
	book->patience = PATIENCE;
	book->hungry = 0;
	book->over = 0;
	atomic_init(&book->learnt, false);
	list_init(&book->calls);
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
	ledger_lock(l);
	l->limits = *limits;
	l->look_at = 0;
	ledger_unlock(l);
}

void
ledger_pause(struct ledger *l, bool paused)
{
	ledger_lock(l);
	l->paused = paused;
	l->look_at = 0;
	ledger_unlock(l);
}

void
ledger_hope(struct ledger *l)
{
	ledger_lock(l);
	l->retry_at = 0;
	l->refusing = false;
	ledger_unlock(l);
}

void
ledger_doubt(struct ledger *l)
{
	ledger_lock(l);
	l->doubted = true;
	l->refusing = false;
	l->retry_at = 0;
	ledger_unlock(l);
}

void
ledger_sit(struct ledger *l, struct seat *seat, unsigned lane)
{
	memset(seat, 0, sizeof(*seat));
	node_init(&seat->in_calls);
	seat->ledger = l;
	seat->lane = lane;
	list_init(&seat->wants);
	ledger_lock(l);
	l->seats[lane] = seat;
	if (l->seat_count <= lane)
		l->seat_count = lane + 1;
	ledger_unlock(l);
}

void
ledger_rise(struct seat *seat)
{
	struct ledger *l = seat->ledger;

	ledger_lock(l);
	l->seats[seat->lane] = NULL;
	list_remove(&seat->in_calls);
	ledger_unlock(l);
}

static bool
is_empty(const struct ledger *l)
{
	return l->open == 0 && l->waiting == 0 && !l->paused;
}

bool
ledger_is_empty(struct ledger *l)
{
	bool empty;

	ledger_lock(l);
	empty = is_empty(l);
	ledger_unlock(l);
	return empty;
}

bool
ledger_close(struct ledger *l)
{
	bool empty;

	ledger_lock(l);
	empty = is_empty(l);
	l->paused |= empty;
	ledger_unlock(l);
	return empty;
}
