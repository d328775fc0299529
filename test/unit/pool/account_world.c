/*
 * account_world.c - see account_world.h; read beside lane.c.
 */
#include "unit/pool/account_world.h"

#include <string.h>

#include "base/span.h"

static void place(struct account_world *w, unsigned i, struct give give);

static void
complain(struct account_world *w, const char *what)
{
	if (w->wrong == NULL)
		w->wrong = what;
}

unsigned
account_world_lanes(const struct account_world *w)
{
	return w->rules.pools * w->rules.per;
}

static struct ledger *
ledger_of(struct account_world *w, unsigned i)
{
	return &w->ledgers[i / w->rules.per];
}

void
account_world_init(struct account_world *w, const struct account_rules *rules)
{
	memset(w, 0, sizeof(*w));
	w->rules = *rules;
	w->now = SECOND;
	book_init(&w->book);
	w->book.patience = 0;
	for (unsigned a = 0; a < ACCOUNTS; a++) {
		account_init(&w->accounts[a]);
		ledger_limit_account(&w->book, &w->accounts[a], rules->limit[a], 0);
	}
	for (unsigned p = 0; p < rules->pools; p++) {
		struct ledger_limits limits = { .most = rules->size[p], .least = rules->least[p] };

		ledger_init(&w->ledgers[p], &w->book);
		ledger_limit(&w->ledgers[p], &limits);
		for (unsigned a = 0; a < ACCOUNTS; a++)
			if (rules->in[a][p])
				ledger_tie(&w->ledgers[p], &w->accounts[a]);
		for (unsigned k = 0; k < rules->per; k++)
			ledger_sit(&w->ledgers[p], &w->lanes[p * rules->per + k].seat, k);
	}
}

void
account_world_fini(struct account_world *w)
{
	for (unsigned p = 0; p < w->rules.pools; p++)
		ledger_untie(&w->ledgers[p]);
}

/* --- clients --- */

static void
stop_waiting(struct account_world *w, unsigned i, unsigned at)
{
	struct account_lane *lane = &w->lanes[i];

	w->taken[lane->waiting[at]] = false;
	lane->waiting_count--;
	memmove(&lane->waiting[at], &lane->waiting[at + 1],
	    (lane->waiting_count - at) * sizeof(lane->waiting[0]));
}

static bool
leave(struct account_world *w, unsigned i)
{
	if (w->lanes[i].waiting_count == 0)
		return false;
	ledger_leave(&w->wants[w->lanes[i].waiting[0]]);
	stop_waiting(w, i, 0);
	return true;
}

/* --- as lane.c --- */

/* call_others() */
static void
deliver_calls(struct account_world *w)
{
	struct seat *seat;

	while ((seat = ledger_call(&w->book)) != NULL)
		CONTAINER_OF(seat, struct account_lane, seat)->call = true;
}

static void
do_errand(struct account_world *w, unsigned i, struct errand errand)
{
	unsigned first = i - i % w->rules.per;

	if (errand.what == ERRAND_OPEN)
		w->lanes[i].opening++;
	if (errand.what == ERRAND_NUDGE)
		w->lanes[first + errand.lane].nudges++;
}

static bool
take(struct account_world *w, unsigned i)
{
	struct account_lane *lane = &w->lanes[i];
	struct errand errand;
	unsigned c = 0;

	while (c < CLIENTS && w->taken[c])
		c++;
	if (c == CLIENTS)
		return false;
	want_init(&w->wants[c]);
	if (ledger_take(&lane->seat, &w->wants[c], w->now, &errand)) {
		if (lane->idle == 0)
			complain(w, "a client takes what is not there");
		lane->idle--;
		lane->busy++;
		w->served++;
		return true;
	}
	w->taken[c] = true;
	lane->waiting[lane->waiting_count++] = c;
	do_errand(w, i, errand);
	lane->to_cover = lane->to_cover || errand.what != ERRAND_NONE || errand.calls;
	return true;
}

static void
gone_busy(struct account_world *w, unsigned i)
{
	w->lanes[i].busy--;
	ledger_gone_busy(&w->lanes[i].seat, w->now);
	w->lanes[i].to_cover = true;
}

static void
cover(struct account_world *w, unsigned i)
{
	struct account_lane *lane = &w->lanes[i];
	struct errand errand = ledger_cover(&lane->seat, w->now);

	lane->to_cover = errand.what != ERRAND_NONE;
	do_errand(w, i, errand);
	if (!lane->to_cover && errand.calls)
		deliver_calls(w);
}

static void
go_on(struct account_world *w, unsigned i)
{
	struct account_lane *lane = &w->lanes[i];
	struct give give;

	if (lane->nudging > 0) {
		lane->to_cover = true;
		lane->nudging--;
		if (!ledger_nudged(&lane->seat, w->now, &give))
			return;
		lane->idle--;
		lane->busy++;
		place(w, i, give);
	} else if (lane->evicting) {
		lane->to_cover = true;
		lane->evicting = ledger_evicts(&lane->seat);
		if (!lane->evicting)
			return;
		if (lane->idle == 0)
			complain(w, "what is not there is evicted");
		w->evicted++;
		lane->idle--;
		lane->busy++;
		gone_busy(w, i);
	} else {
		cover(w, i);
	}
}

static void
place(struct account_world *w, unsigned i, struct give give)
{
	struct account_lane *lane = &w->lanes[i];
	unsigned at = 0;

	switch (give.what) {
	case GIVE_IDLE:
		lane->busy--;
		lane->idle++;
		return;
	case GIVE_YIELD:
		w->yielded++;
		gone_busy(w, i);
		return;
	case GIVE_CLOSE:
		gone_busy(w, i);
		return;
	case GIVE_AWAY:
		lane->busy--;
		w->lanes[i - i % w->rules.per + give.lane].letters++;
		return;
	case GIVE_HERE:
		while (at < lane->waiting_count && &w->wants[lane->waiting[at]] != give.want)
			at++;
		if (at == lane->waiting_count) {
			complain(w, "a server is given to somebody who does not wait here");
			return;
		}
		stop_waiting(w, i, at);
		w->served++;
		return;
	}
}

static void
arrived(struct account_world *w, unsigned i)
{
	struct account_lane *lane = &w->lanes[i];

	lane->letters--;
	lane->busy++;
	if (lane->waiting_count > 0 && ledger_called(&w->wants[lane->waiting[0]])) {
		leave(w, i);
		w->served++;
	} else {
		place(w, i, ledger_give(&lane->seat, w->now));
	}
}

/* --- what happens --- */

static void
time_passes(struct account_world *w)
{
	w->now += AGED_AFTER;
	for (unsigned i = 0; i < account_world_lanes(w); i++)
		w->lanes[i].to_cover = w->lanes[i].to_cover || w->lanes[i].waiting_count > 0;
}

static bool
pause_pool(struct account_world *w, unsigned i, bool paused)
{
	unsigned first = i - i % w->rules.per;

	if (ledger_of(w, i)->paused == paused)
		return false;
	ledger_pause(ledger_of(w, i), paused);
	for (unsigned k = first; k < first + w->rules.per; k++)
		w->lanes[k].to_cover = true;
	return true;
}

static void
shrink(struct account_world *w)
{
	w->shrunk = !w->shrunk;
	ledger_limit_account(&w->book, &w->accounts[0], w->rules.limit[0] - w->shrunk, 0);
	for (unsigned i = 0; i < account_world_lanes(w); i++)
		w->lanes[i].to_cover = true;
}

static bool
server_ends(struct account_world *w, enum happening what, unsigned i)
{
	struct account_lane *lane = &w->lanes[i];
	unsigned *count = what == DIE_BUSY ? &lane->busy :
	    what == DIE_IDLE ? &lane->idle : &lane->opening;

	if (*count == 0)
		return false;
	--*count;
	lane->to_cover = true;
	if (what == DIE_BUSY)
		ledger_gone_busy(&lane->seat, w->now);
	else if (what == DIE_IDLE)
		ledger_gone_idle(&lane->seat, w->now);
	else
		ledger_gone_opening(&lane->seat, w->now, 0, false);
	return true;
}

static bool
letter_comes(struct account_world *w, enum happening what, unsigned i)
{
	struct account_lane *lane = &w->lanes[i];

	switch (what) {
	case NUDGED:
		lane->nudging = lane->nudges;
		lane->nudges = 0;
		return lane->nudging > 0;
	case CALLED:
		lane->evicting = lane->call;
		lane->call = false;
		return lane->evicting;
	default:
		if (lane->letters == 0)
			return false;
		arrived(w, i);
		return true;
	}
}

static bool
happen_to(struct account_world *w, enum happening what, unsigned i)
{
	struct account_lane *lane = &w->lanes[i];

	switch (what) {
	case TAKE:
		return take(w, i);
	case LEAVE:
		return leave(w, i);
	case RELEASE:
		if (lane->busy > 0)
			place(w, i, ledger_give(&lane->seat, w->now));
		else
			return false;
		return true;
	case OPENED:
		if (lane->opening == 0)
			return false;
		lane->opening--;
		lane->busy++;
		lane->to_cover = true;
		place(w, i, ledger_opened(&lane->seat, w->now));
		return true;
	case NUDGED:
	case CALLED:
	case ARRIVED:
		return letter_comes(w, what, i);
	case DIE_BUSY:
	case DIE_IDLE:
	case FAILED:
		return server_ends(w, what, i);
	case FILL:
		if (!ledger_fill(&lane->seat, ledger_of(w, i)->limits.least, w->now))
			return false;
		lane->opening++;
		return true;
	case PAUSE:
	case RESUME:
		return pause_pool(w, i, what == PAUSE);
	case SHRINK:
		if (w->rules.limit[0] < 2 || i > 0)
			return false;
		shrink(w);
		return true;
	case TIME:
		if (i > 0)
			return false;
		time_passes(w);
		return true;
	default:
		return false;
	}
}

bool
account_world_happen(struct account_world *w, enum happening what, unsigned i)
{
	struct account_lane *lane = &w->lanes[i];
	bool at_it = lane->to_cover || lane->nudging > 0 || lane->evicting;

	if (w->rules.budget[what] == 0)
		return false;
	if (what == GO_ON) {
		if (at_it)
			go_on(w, i);
		return at_it;
	}
	if (what < PAUSE && at_it)
		return false;
	if (!happen_to(w, what, i))
		return false;
	if (w->rules.budget[what] != EVER)
		w->rules.budget[what]--;
	return true;
}

static void
let_all_happen(struct account_world *w)
{
	static const enum happening good[] = { GO_ON, NUDGED, CALLED, ARRIVED, OPENED, RELEASE };
	unsigned turns = 0;
	bool more = true;

	while (more && w->wrong == NULL) {
		more = false;
		for (size_t k = 0; k < ARRAY_SIZE(good); k++)
			for (unsigned i = 0; i < account_world_lanes(w); i++)
				more = account_world_happen(w, good[k], i) || more;
		account_world_check(w);
		if (++turns > 10000)
			complain(w, "servers are opened and closed without end");
	}
}

void
account_world_finish(struct account_world *w)
{
	for (size_t k = 0; k < HAPPENINGS; k++)
		w->rules.budget[k] = EVER;
	for (unsigned i = 0; i < account_world_lanes(w); i += w->rules.per)
		account_world_happen(w, RESUME, i);
	/* an eviction takes one tick at most to be decided on, for each client */
	for (unsigned k = 0; k < 2 * CLIENTS; k++) {
		let_all_happen(w);
		account_world_happen(w, TIME, 0);
	}
	let_all_happen(w);
	for (unsigned i = 0; i < account_world_lanes(w); i++)
		if (w->lanes[i].waiting_count > 0)
			complain(w, "somebody waits for ever");
}
