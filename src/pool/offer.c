/*
 * offer.c - see offer.h.
 */
#include "pool/offer.h"

/* Whose clients wait less than this can do with less. */
#define HARDLY (300 * MSEC)
#define SIXTEENTHS 16u
/* A place that is free so many looks in a row is not one that changes hands. */
#define SPARE_LOOKS 6u

static unsigned
most(const struct offer_look *look)
{
	unsigned most = look->waited < HARDLY ? look->part / 2 : look->part / 4;

	if (most == 0 && look->part > 1)
		most = 1;
	return most;
}

static bool
sees_room(struct offer *o, const struct offer_look *look)
{
	unsigned used = look->used * SIXTEENTHS;

	o->seen = o->seen == 0 ? used : (o->seen + used) / 2;
	o->spare = look->used < look->room ? o->spare + 1 : 0;
	return o->spare >= SPARE_LOOKS || o->seen + SIXTEENTHS < look->room * SIXTEENTHS;
}

/* FREE of it are ours again: they were not needed, or are not any more. */
static void
take_back(struct offer *o, unsigned free, usec_t now)
{
	o->size -= o->size < free ? o->size : free;
	o->looks = 0;
	if (o->size > 0)
		return;
	if (o->age >= OFFER_LOOKS_MOST)
		o->pause = 0;
	else
		o->pause = o->pause == 0 ? OFFER_AFTER : 2 * o->pause;
	if (o->pause > OFFER_AFTER_MOST)
		o->pause = OFFER_AFTER_MOST;
	o->again_at = now + o->pause;
}

static void
grow(struct offer *o, unsigned most, usec_t now)
{
	if (o->size == 0) {
		o->age = 0;
		if (now > o->again_at + OFFER_AFTER_MOST)
			o->pause = 0;	/* that was long ago */
	}
	o->size += (most - o->size + 1) / 2;
	o->looks = 0;
}

/* It was tried whether there is room that the numbers do not show. If so all of it was in vain. */
static void
conclude(struct offer *o, bool got_it, usec_t now)
{
	o->trying = false;
	o->looks = 0;
	if (!got_it) {
		o->size++;
		return;
	}
	o->size = 0;
	o->pause = OFFER_AFTER_MOST;
	o->again_at = now + o->pause;
}

/* What becomes of it, with ROOM for others to be seen. */
static void
judge(struct offer *o, const struct offer_look *look, bool room, usec_t now)
{
	if (o->trying)
		conclude(o, look->ours + o->size >= look->part, now);
	else if (room && look->used < look->room && o->size > 0 && o->looks >= OFFER_LOOKS)
		take_back(o, look->room - look->used, now);
	else if (look->used + 1 >= look->room && o->size < most(look) && now >= o->again_at)
		grow(o, most(look), now);
	else if (o->size > 0 && o->looks >= OFFER_LOOKS_TRY && look->ours + o->size == look->part) {
		o->size--;
		o->trying = true;
	}
}

bool
offer_look(struct offer *o, const struct offer_look *look, usec_t now)
{
	bool room = sees_room(o, look);

	if (o->size > most(look))
		o->size = most(look);	/* the part has become smaller, or our clients wait longer */
	if (o->size > 0 && look->ours + o->size > look->part)
		return room;		/* what was offered is in use yet */
	o->looks++;
	o->age++;
	judge(o, look, room, now);
	return room;
}
