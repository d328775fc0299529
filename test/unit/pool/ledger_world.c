/*
 * ledger_world.c - see ledger_world.h; read beside lane.c.
 */
#include "unit/pool/ledger_world.h"

#include <string.h>

#include "base/span.h"

#define RETRY (5 * MSEC)

static void place(struct world *w, unsigned i, struct give give);

void
world_init(struct world *w, const struct world_rules *rules)
{
	memset(w, 0, sizeof(*w));
	w->rules = *rules;
	w->now = SECOND;
	book_init(&w->book);
	w->book.patience = rules->patience;
	ledger_init(&w->ledger, &w->book);
	ledger_limit(&w->ledger, &rules->limits[0]);
	for (unsigned i = 0; i < rules->lanes; i++)
		ledger_sit(&w->ledger, &w->lanes[i].seat, i);
}

static void
complain(struct world *w, const char *what)
{
	if (w->wrong == NULL)
		w->wrong = what;
}

static usec_t
clock_of(const struct world *w, unsigned i)
{
	return w->now - w->lanes[i].late;
}

/* --- clients --- */

/* The client at PLACE in the lane's line waits no more. */
static void
stop_waiting(struct world *w, unsigned i, unsigned at)
{
	struct world_lane *lane = &w->lanes[i];

	w->taken[lane->waiting[at]] = false;
	lane->waiting_count--;
	memmove(&lane->waiting[at], &lane->waiting[at + 1],
	    (lane->waiting_count - at) * sizeof(lane->waiting[0]));
}

static bool
leave(struct world *w, unsigned i, unsigned at)
{
	if (at >= w->lanes[i].waiting_count)
		return false;
	ledger_leave(&w->wants[w->lanes[i].waiting[at]]);
	stop_waiting(w, i, at);
	return true;
}

static bool
called(struct world *w, unsigned i, unsigned at)
{
	return at < w->lanes[i].waiting_count &&
	    ledger_called(&w->wants[w->lanes[i].waiting[at]]);
}

/* --- as lane.c --- */

static void
do_errand(struct world *w, unsigned i, struct errand errand)
{
	switch (errand.what) {
	case ERRAND_NONE:
	case ERRAND_REFUSE:
		return;
	case ERRAND_OPEN:
		w->lanes[i].opening++;
		return;
	case ERRAND_NUDGE:
		w->lanes[errand.lane].nudges++;
		return;
	}
}

static bool
take(struct world *w, unsigned i)
{
	struct world_lane *lane = &w->lanes[i];
	struct errand errand;
	unsigned c = 0;

	while (c < WORLD_CLIENTS && w->taken[c])
		c++;
	if (c == WORLD_CLIENTS)
		return false;
	want_init(&w->wants[c]);
	if (ledger_take(&lane->seat, &w->wants[c], clock_of(w, i), &errand)) {
		if (w->ledger.paused || lane->idle == 0)
			complain(w, "a client takes what may not be taken");
		lane->idle--;
		lane->busy++;
		w->served++;
		return true;
	}
	if (errand.what == ERRAND_REFUSE)
		return true;
	w->taken[c] = true;
	lane->waiting[lane->waiting_count++] = c;
	do_errand(w, i, errand);
	lane->to_cover = lane->to_cover || errand.what != ERRAND_NONE;
	return true;
}

static void
go_on(struct world *w, unsigned i)
{
	struct world_lane *lane = &w->lanes[i];
	struct errand errand;
	struct give give;

	if (lane->nudging > 0) {
		lane->to_cover = true;
		lane->nudging--;
		if (!ledger_nudged(&lane->seat, clock_of(w, i), &give))
			return;
		lane->idle--;
		lane->busy++;
		place(w, i, give);
		return;
	}
	errand = ledger_cover(&lane->seat, clock_of(w, i));
	lane->to_cover = errand.what != ERRAND_NONE;
	do_errand(w, i, errand);
}

static void
gone_busy(struct world *w, unsigned i)
{
	w->lanes[i].busy--;
	ledger_gone_busy(&w->lanes[i].seat, clock_of(w, i));
	w->lanes[i].to_cover = true;
}

/* Was WANT's turn not later than patience allows? */
static void
check_turn(struct world *w, const struct want *want)
{
	LIST_EACH(n, &w->ledger.wants) {
		const struct want *other = CONTAINER_OF(n, struct want, in_ledger);

		if (other->since + w->book.patience + WORLD_LATE < want->since)
			complain(w, "somebody is served long before an older one");
	}
}

/* A server among the busy ones of lane I goes where GIVE says. */
static void
place(struct world *w, unsigned i, struct give give)
{
	struct world_lane *lane = &w->lanes[i];
	unsigned at = 0;

	if (w->ledger.paused && give.what != GIVE_CLOSE)
		complain(w, "a server is given away during a pause");
	switch (give.what) {
	case GIVE_IDLE:
		lane->busy--;
		lane->idle++;
		return;
	case GIVE_YIELD:
		complain(w, "a server ends for another pool, and there is none");
		return;
	case GIVE_CLOSE:
		gone_busy(w, i);
		return;
	case GIVE_AWAY:
		lane->busy--;
		w->lanes[give.lane].letters++;
		w->moved++;
		return;
	case GIVE_HERE:
		while (at < lane->waiting_count &&
		    &w->wants[lane->waiting[at]] != give.want)
			at++;
		if (at == lane->waiting_count || give.want->state != WANT_NONE) {
			complain(w,
			    "a server is given to somebody who does not wait here");
			return;
		}
		check_turn(w, give.want);
		stop_waiting(w, i, at);
		w->served++;
		return;
	}
}

static void
arrived(struct world *w, unsigned i)
{
	struct world_lane *lane = &w->lanes[i];

	lane->letters--;
	lane->busy++;
	if (called(w, i, 0)) {
		leave(w, i, 0);
		w->served++;
	} else {
		place(w, i, ledger_give(&lane->seat, clock_of(w, i)));
	}
}

static void
broken(struct world *w, unsigned i)
{
	struct world_lane *lane = &w->lanes[i];
	unsigned count = 0;

	lane->letters--;
	lane->busy++;
	while (called(w, i, count))
		count++;
	if (count > 0)
		ledger_recall(&w->wants[lane->waiting[count - 1]]);
	gone_busy(w, i);
}

static void
failed(struct world *w, unsigned i, bool refusing)
{
	bool none;

	w->lanes[i].opening--;
	none = ledger_gone_opening(&w->lanes[i].seat, clock_of(w, i), clock_of(w, i) + RETRY, refusing);
	if (!none || !refusing)
		return;
	for (unsigned k = 0; k < w->rules.lanes; k++)
		for (unsigned at = w->lanes[k].waiting_count; at-- > 0;)
			if (!called(w, k, at))
				leave(w, k, at);
}

/* Lanes cover when they are told to, and when they tick with somebody waiting. */
static void
all_cover(struct world *w, bool ticks)
{
	for (unsigned i = 0; i < w->rules.lanes; i++)
		if (!ticks || w->lanes[i].waiting_count > 0)
			w->lanes[i].to_cover = true;
}

/* --- events --- */

static bool
happen_to_all(struct world *w, enum world_event event)
{
	switch (event) {
	case EVENT_PAUSE:
	case EVENT_RESUME:
		if (w->ledger.paused == (event == EVENT_PAUSE))
			return false;
		ledger_pause(&w->ledger, event == EVENT_PAUSE);
		all_cover(w, false);
		return true;
	case EVENT_LIMIT:
		w->limits = !w->limits;
		ledger_limit(&w->ledger, &w->rules.limits[w->limits]);
		all_cover(w, false);
		return true;
	case EVENT_DOUBT:
		ledger_doubt(&w->ledger);
		all_cover(w, false);
		return true;
	case EVENT_WAIT:
		w->now += WORLD_WAIT;
		for (unsigned i = 0; i < w->rules.lanes; i++)
			w->lanes[i].late = 0;
		all_cover(w, true);
		return true;
	default:
		return false;
	}
}

static bool
happen_to(struct world *w, enum world_event event, unsigned i)
{
	struct world_lane *lane = &w->lanes[i];
	unsigned most = w->ledger.limits.most + w->ledger.limits.reserve;

	switch (event) {
	case EVENT_TAKE:
		return take(w, i);
	case EVENT_LEAVE_OLDEST:
		return leave(w, i, 0);
	case EVENT_LEAVE_NEWEST:
		return lane->waiting_count > 1 && leave(w, i, lane->waiting_count - 1);
	case EVENT_RELEASE:
		if (lane->busy == 0)
			return false;
		place(w, i, ledger_give(&lane->seat, clock_of(w, i)));
		return true;
	case EVENT_DIE_BUSY:
		if (lane->busy == 0)
			return false;
		gone_busy(w, i);
		return true;
	case EVENT_CLOSE_IDLE:
		if (!w->ledger.paused && (most == 0 || w->ledger.open <= most))
			return false;
		/* fall through */
	case EVENT_DIE_IDLE:
		if (lane->idle == 0)
			return false;
		lane->idle--;
		ledger_gone_idle(&lane->seat, clock_of(w, i));
		lane->to_cover = true;
		return true;
	case EVENT_OPENED:
		if (lane->opening == 0)
			return false;
		lane->opening--;
		lane->busy++;
		lane->to_cover = true;
		w->opened++;
		place(w, i, ledger_opened(&lane->seat, clock_of(w, i)));
		return true;
	case EVENT_FAILED:
	case EVENT_REFUSED:
		if (lane->opening == 0)
			return false;
		failed(w, i, event == EVENT_REFUSED);
		return true;
	case EVENT_NUDGED:
		if (lane->nudges == 0)
			return false;
		lane->nudging = lane->nudges;
		lane->nudges = 0;
		return true;
	case EVENT_ARRIVED:
	case EVENT_BROKEN:
		if (lane->letters == 0)
			return false;
		event == EVENT_ARRIVED ? arrived(w, i) : broken(w, i);
		return true;
	case EVENT_FILL:
		if (!ledger_fill(&lane->seat, w->rules.least, clock_of(w, i)))
			return false;
		lane->opening++;
		return true;
	case EVENT_LATE:
		/* the others read their clocks, this one does not; or catches up */
		w->now += lane->late > 0 ? 0 : WORLD_LATE;
		lane->late = lane->late > 0 ? 0 : WORLD_LATE;
		all_cover(w, true);
		return true;
	default:
		return happen_to_all(w, event);
	}
}

bool
world_happen(struct world *w, enum world_event event, unsigned i)
{
	struct world_lane *lane = &w->lanes[i];

	if (w->rules.budget[event] == 0)
		return false;
	if (event == EVENT_GO_ON) {
		if (!lane->to_cover && lane->nudging == 0)
			return false;
		go_on(w, i);
		return true;
	}
	if (event < EVENT_PAUSE && (lane->to_cover || lane->nudging > 0))
		return false;
	if (!happen_to(w, event, i))
		return false;
	if (w->rules.budget[event] != WORLD_EVER)
		w->rules.budget[event]--;
	return true;
}

static void
let_all_happen(struct world *w)
{
	static const enum world_event good[] = { EVENT_GO_ON, EVENT_NUDGED, EVENT_ARRIVED,
		EVENT_OPENED, EVENT_RELEASE };
	bool more = true;

	while (more && w->wrong == NULL) {
		more = false;
		for (size_t k = 0; k < ARRAY_SIZE(good); k++)
			for (unsigned i = 0; i < w->rules.lanes; i++)
				more = world_happen(w, good[k], i) || more;
		world_check(w);
	}
}

void
world_finish(struct world *w)
{
	for (size_t k = 0; k < EVENTS; k++)
		w->rules.budget[k] = WORLD_EVER;
	world_happen(w, EVENT_RESUME, 0);
	let_all_happen(w);
	world_happen(w, EVENT_WAIT, 0);
	let_all_happen(w);
	for (unsigned i = 0; i < w->rules.lanes; i++)
		if (w->lanes[i].waiting_count > 0)
			complain(w, "somebody waits for ever");
	if (w->ledger.waiting > 0)
		complain(w, "a want has stayed behind");
}
