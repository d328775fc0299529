/*
 * slot.h - between ledger.c, ledger_life.c and slot.c: the book's lock, and under it a ledger's
 * slots in its accounts.
 */
#ifndef POOL_SLOT_H
#define POOL_SLOT_H

#include "pool/ledger.h"

static inline void
ledger_lock(struct ledger *l)
{
	lock_take(&l->book->lock);
}

static inline void
ledger_unlock(struct ledger *l)
{
	lock_give(&l->book->lock);
}

/* Wants of L for which an idle server is promised (ledger.c). */
unsigned ledger_kept(const struct ledger *l);

/* L has one server more, which is being opened. */
void slot_take(struct ledger *l);
/* SEAT's ledger needs a server and may have it: take a slot and open, or be hungry and have others evicted. */
struct errand slot_or_hunger(struct seat *seat, usec_t now);
/* Does a free server of L, WANTED there or not, end because its slot is another ledger's or there are too many? */
bool slot_leaves(struct ledger *l, bool wanted, usec_t now);
/* A server of L has been opened, or has failed to be and is counted out next. */
void slot_opened(struct ledger *l, usec_t now);
/* A's limit has grown. */
void slot_grant_in(struct account *a, usec_t now);
/* L has one server fewer: a hungry ledger is granted the slot, which counts at once. */
void slot_freed(struct ledger *l, usec_t now);
/* What hungry ledgers may have counted on has come to nothing, or was not enough: they look again. */
void slot_again(struct ledger *l);
/* SEAT was granted a slot. True: open. False: nobody wants it here any more, others may. */
bool slot_redeem(struct seat *seat, usec_t now);

#endif
