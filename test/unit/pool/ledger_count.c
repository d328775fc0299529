/*
 * ledger_count.c - what must be so in every state of a ledger_world.
 */
#include <string.h>

#include "base/span.h"
#include "unit/pool/ledger_world.h"

static void
complain(struct world *w, const char *what)
{
	if (w->wrong == NULL)
		w->wrong = what;
}

/* All lanes added up. */
struct sums {
	unsigned	 open, opening, idle, kept, free, queued, under_way;
	bool		 at_something;	/* some lane still has to go on */
};

static void
count_lane(struct world *w, unsigned i, struct sums *sums)
{
	struct world_lane *lane = &w->lanes[i];
	const struct seat *seat = &lane->seat;
	unsigned calls = 0;
	bool prefix = true;

	for (unsigned k = 0; k < lane->waiting_count; k++) {
		bool is_called = w->wants[lane->waiting[k]].state == WANT_CALLED;

		prefix = prefix && is_called;
		if (is_called && !prefix)
			complain(w, "one is called who waits behind one who is not");
		calls += is_called;
	}
	if (calls > lane->letters)
		complain(w, "somebody is called and no server is on its way");
	if (seat->idle != lane->idle)
		complain(w, "the ledger has another number of idle servers");
	if (seat->promised != lane->nudges + lane->nudging)
		complain(w, "a promise and no nudge, or a nudge and no promise");
	sums->idle += lane->idle;
	sums->kept += seat->idle < seat->promised ? seat->idle : seat->promised;
	sums->free += seat->idle > seat->promised ? seat->idle - seat->promised : 0;
	sums->opening += lane->opening;
	sums->open += lane->idle + lane->busy + lane->opening + lane->letters;
	sums->queued += lane->waiting_count - calls;
	sums->under_way += lane->nudges + lane->letters + lane->opening;
	sums->at_something = sums->at_something || lane->to_cover || lane->nudging > 0;
}

static void
check_limit(struct world *w)
{
	const struct ledger_limits *limits = &w->rules.limits[w->limits];
	unsigned most = limits->most > 0 ? limits->most + limits->reserve : UINT32_MAX;

	/* after a smaller limit no more than there are, until there are few enough */
	if (w->allowed > w->ledger.open)
		w->allowed = w->ledger.open;
	if (w->allowed < most)
		w->allowed = most;
	if (w->ledger.open > w->allowed)
		complain(w, "more servers than allowed");
}

static bool
may_open(const struct world *w)
{
	const struct ledger *l = &w->ledger;
	const struct want *oldest = LIST_FIRST(&l->wants, struct want, in_ledger);

	if (w->now - WORLD_LATE < l->retry_at)
		return false;
	if (l->opening > 0 && (l->opening == l->open || l->doubted))
		return false;	/* one login shows whether others work */
	if (l->limits.most == 0 || l->open < l->limits.most)
		return true;
	/* The queue may be out of order by as much as a clock is late. */
	return l->limits.reserve_after > 0 &&
	    l->open < l->limits.most + l->limits.reserve &&
	    w->now - oldest->since >= l->limits.reserve_after + 2 * WORLD_LATE;
}

const char *
world_check(struct world *w)
{
	struct sums sums = { 0 };

	for (unsigned i = 0; i < w->rules.lanes; i++)
		count_lane(w, i, &sums);
	if (!ledger_check(&w->ledger))
		complain(w, "the books do not balance");
	if (w->ledger.open != sums.open)
		complain(w, "a server is lost");
	if (w->ledger.opening != sums.opening || w->ledger.waiting != sums.queued)
		complain(w, "the ledger has counted other openings or wants");
	check_limit(w);
	if (w->wrong != NULL || w->ledger.paused || sums.at_something)
		return w->wrong;
	if (sums.queued > sums.kept && sums.free > 0)
		complain(w,
		    "somebody waits beside an idle server that is promised to nobody");
	if (sums.queued > sums.kept + sums.opening && may_open(w))
		complain(w, "somebody waits and no server is opened");
	if (sums.under_way == 0 && sums.queued > 0 && sums.idle > 0)
		complain(w, "all is quiet and somebody waits beside an idle server");
	return w->wrong;
}

/* --- states --- */

static unsigned
rank_of(const struct world *w, const struct want *want)
{
	unsigned rank = 0;

	LIST_EACH(n, &w->ledger.wants) {
		if (n == &want->in_ledger)
			return rank;
		rank++;
	}
	return 255;
}

/* Times as numbers that do not grow with the clock. */
static uint8_t
age(const struct world *w, usec_t when)
{
	return (uint8_t)((w->now + 8 * WORLD_WAIT - when) / MSEC);
}

uint64_t
world_hash(const struct world *w)
{
	static const uint64_t key[2] = { 0x1234, 0x5678 };
	uint8_t text[EVENTS + WORLD_LANES * (10 + 2 * WORLD_CLIENTS) + 16], *at = text;

	for (unsigned k = 0; k < EVENTS; k++)
		*at++ = (uint8_t)(w->rules.budget[k] < 255 ? w->rules.budget[k] : 255);
	*at++ = w->ledger.paused;
	*at++ = (uint8_t)w->limits;
	*at++ = (uint8_t)(w->ledger.refusing + 2 * w->ledger.doubted);
	*at++ = w->ledger.retry_at > w->now ? age(w, w->ledger.retry_at) : 0;
	*at++ = (uint8_t)(w->allowed < 200 ? w->allowed : 200);
	for (unsigned i = 0; i < w->rules.lanes; i++) {
		const struct world_lane *lane = &w->lanes[i];

		*at++ = (uint8_t)lane->idle;
		*at++ = (uint8_t)lane->busy;
		*at++ = (uint8_t)lane->opening;
		*at++ = (uint8_t)lane->nudges;
		*at++ = (uint8_t)lane->nudging;
		*at++ = (uint8_t)lane->letters;
		*at++ = (uint8_t)(lane->to_cover + 2 * (lane->late > 0));
		*at++ = (uint8_t)lane->waiting_count;
		for (unsigned k = 0; k < lane->waiting_count; k++) {
			const struct want *want = &w->wants[lane->waiting[k]];

			*at++ = (uint8_t)rank_of(w, want);
			*at++ = age(w, want->since);
		}
	}
	return span_hash_keyed(span_of(text, (size_t)(at - text)), key);
}

const char *
world_event_name(enum world_event event)
{
	static const char *const names[EVENTS] = { "go_on", "take", "leave_oldest",
		"leave_newest", "release", "die_busy", "die_idle", "opened", "failed",
		"refused", "nudged", "arrived", "broken", "fill", "close_idle", "late",
		"pause", "resume", "limit", "doubt", "wait" };

	return names[event];
}
