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

/* It was not needed, or is not any more. */
static void
take_back(struct offer *o, unsigned free, usec_t now)
{
	if (o->size == 0)
		return;
	if (o->looks < OFFER_LOOKS_MOST)
		o->pause = o->pause == 0 ? OFFER_AFTER : 2 * o->pause;
	else
		o->pause = 0;
	if (o->pause > OFFER_AFTER_MOST)
		o->pause = OFFER_AFTER_MOST;
	o->again_at = now + o->pause;
	o->size -= o->size < free ? o->size : free;
	o->looks = 0;
}

static void
grow(struct offer *o, unsigned most)
{
	o->size += (most - o->size + 1) / 2;
	o->looks = 0;
}

bool
offer_look(struct offer *o, const struct offer_look *look, usec_t now)
{
	bool room = sees_room(o, look);

	if (o->size > 0 && look->ours + o->size > look->part)
		return room;	/* what was offered is in use yet */
	if (o->looks < OFFER_LOOKS_MOST)
		o->looks++;
	if (room && look->used < look->room && o->looks >= OFFER_LOOKS)
		take_back(o, look->room - look->used, now);
	else if (o->size > most(look))
		o->size = most(look);
	else if (look->used + 1 >= look->room && o->size < most(look) && now >= o->again_at)
		grow(o, most(look));
	return room;
}
