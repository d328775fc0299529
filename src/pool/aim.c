/*
 * aim.c - see aim.h. Workers read their clocks once a turn: what another one has noted may
 * be a little later than now.
 */
#include "pool/aim.h"

#include <string.h>

/* In this lap it has had its turn; and while others serve it is left alone for a while. */
static bool
is_valid(const struct aim *a, const struct aim_mark *m, usec_t now)
{
	if (m->at >= a->lap_began && a->tries > 0)
		return true;
	return a->laps == 0 && now < m->at + AIM_MARK_KEPT;
}

/* The mark at WHERE, or NULL. */
static const struct aim_mark *
find(const struct aim *a, const struct addr *where)
{
	unsigned count = a->mark_count < AIM_MARKS ? a->mark_count : AIM_MARKS;

	for (unsigned i = 0; i < count; i++)
		if (addr_same(&a->marks[i].where, where))
			return &a->marks[i];
	return NULL;
}

bool
aim_skips(const struct aim *a, const struct addr *where, usec_t now)
{
	const struct aim_mark *m = find(a, where);

	return m != NULL && !aim_takes_less(a, now) && is_valid(a, m, now);
}

static void
mark(struct aim *a, const struct addr *where, usec_t now)
{
	const struct aim_mark *old = find(a, where);
	size_t at = old != NULL ? (size_t)(old - a->marks) : a->mark_count++ % AIM_MARKS;

	a->marks[at] = (struct aim_mark){ *where, now };
}

/* Longer with each lap, a little more or less each time, so that not all come back together. */
static usec_t
pause_of(const struct aim *a, const struct aim_rules *rules, uint32_t dice)
{
	usec_t most = rules->hosts > 1 || rules->addrs > 1 || rules->roles ? AIM_PAUSE_MOST :
	    AIM_PAUSE_MOST_ALONE;
	usec_t pause = AIM_PAUSE_LEAST;

	for (unsigned i = 1; i < a->laps && pause < most; i++)
		pause *= 2;
	if (pause > most)
		pause = most;
	if (rules->retry > 0 && pause > rules->retry)
		pause = rules->retry;
	return pause * 3 / 4 + pause / 2 * (dice % 1024) / 1024;
}

/* A host has had a turn, or all of its turns. Have all hosts had all of theirs? */
static bool
is_lap_over(struct aim *a, const struct aim_rules *rules)
{
	unsigned at = rules->host % AIM_HOSTS;
	uint64_t all = rules->hosts < AIM_HOSTS ? (UINT64_C(1) << rules->hosts) - 1 : UINT64_MAX;

	if (a->turns[at] < AIM_TURNS)
		a->turns[at]++;
	if (rules->whole || a->turns[at] >= rules->addrs || a->turns[at] == AIM_TURNS)
		a->done |= UINT64_C(1) << at;
	return (a->done & all) == all;
}

static void
begin_lap(struct aim *a)
{
	a->tries = a->refusals = 0;
	a->done = 0;
	memset(a->turns, 0, sizeof(a->turns));
}

/* All have been tried. */
static void
end_lap(struct aim *a, const struct aim_rules *rules, usec_t now)
{
	begin_lap(a);
	a->laps++;
	if (rules->prefers)
		a->less_until = now + AIM_LESS_FOR;
}

usec_t
aim_missed(struct aim *a, enum aim_miss why, const struct addr *where,
    const struct aim_rules *rules, usec_t now, uint32_t dice, bool *refused)
{
	bool settles;

	*refused = false;
	if (why == MISS_FULL)
		return AIM_PAUSE_LEAST;
	if (a->tries == 0)
		a->lap_began = now;
	if (why == MISS_UNFIT && where->kind != ADDR_NONE)
		mark(a, where, now);
	if (why == MISS_REFUSED)
		a->refusals++;
	a->tries++;
	if (!is_lap_over(a, rules))
		return a->tries % AIM_BURST == 0 ? pause_of(a, rules, dice) : 0;
	*refused = a->refusals == a->tries;
	settles = rules->prefers && !aim_takes_less(a, now);
	end_lap(a, rules, now);
	if (settles)
		return 0;
	return *refused ? rules->retry : pause_of(a, rules, dice);
}

bool
aim_alarms(struct aim *a, usec_t now)
{
	if (a->alarmed_at > 0 && now < a->alarmed_at + AIM_ALARM_EVERY)
		return false;
	a->alarmed_at = now;
	return true;
}

bool
aim_tells(struct aim *a, usec_t now)
{
	if (a->laps > 0 && now < a->told_at + AIM_TELL_EVERY)
		return false;
	a->told_at = now;
	return true;
}

void
aim_hit(struct aim *a, const struct addr *where)
{
	const struct aim_mark *m = find(a, where);

	if (m != NULL)
		a->marks[m - a->marks].where.kind = ADDR_NONE;
	begin_lap(a);
	a->laps = 0;
}

bool
aim_takes_less(const struct aim *a, usec_t now)
{
	return now < a->less_until;
}

usec_t
aim_patience(const struct aim *a, unsigned choices, usec_t most)
{
	usec_t patience = AIM_PATIENCE;

	if (choices <= 1)
		return most;
	for (unsigned i = 0; i < a->laps && i < 16; i++)
		patience *= 2;
	return most > 0 && patience > most ? most : patience;
}
