/*
 * account_count.c - what must be so in every state of an account_world.
 */
#include <string.h>

#include "base/span.h"
#include "unit/pool/account_world.h"

static void
complain(struct account_world *w, const char *what)
{
	if (w->wrong == NULL)
		w->wrong = what;
}

/* One pool's lanes added up. */
struct sums {
	unsigned	 open, opening, granted, idle, free, kept, queued;
	unsigned	 under_way;	/* letters, openings, servers in use */
};

static struct sums
sum_up(struct account_world *w, unsigned p)
{
	struct sums s = { 0 };

	for (unsigned k = 0; k < w->rules.per; k++) {
		const struct account_lane *lane = &w->lanes[p * w->rules.per + k];
		const struct seat *seat = &lane->seat;
		unsigned spoken_for = seat->promised + seat->evictions;

		if (seat->idle != lane->idle)
			complain(w, "the ledger has another number of idle servers");
		if (seat->promised != lane->nudges + lane->nudging)
			complain(w, "a promise and no nudge, or a nudge and no promise");
		if ((seat->granted > 0 || seat->evictions > 0) && !lane->call && !lane->to_cover &&
		    !lane->evicting && !node_linked(&seat->in_calls))
			complain(w, "a grant or an eviction, and nobody is told");
		s.granted += seat->granted;
		s.opening += lane->opening + seat->granted;
		s.idle += lane->idle;
		s.kept += seat->idle < seat->promised ? seat->idle : seat->promised;
		s.free += seat->idle > spoken_for ? seat->idle - spoken_for : 0;
		s.open += lane->idle + lane->busy + lane->opening + seat->granted + lane->letters;
		for (unsigned c = 0; c < lane->waiting_count; c++)
			s.queued += w->wants[lane->waiting[c]].state == WANT_QUEUED;
		s.under_way += lane->nudges + lane->nudging + lane->letters + lane->busy +
		    lane->opening + lane->call + lane->evicting + lane->to_cover;
	}
	return s;
}

static void
check_accounts(struct account_world *w)
{
	for (unsigned a = 0; a < ACCOUNTS; a++) {
		struct account *account = &w->accounts[a];
		unsigned used = 0;

		for (unsigned p = 0; p < w->rules.pools; p++)
			used += w->rules.in[a][p] ? w->ledgers[p].open : 0;
		if (account->used != used)
			complain(w, "an account has counted other servers");
		/* after a smaller limit no more than there are, until there are few enough */
		if (w->allowed[a] > used)
			w->allowed[a] = used;
		if (account->limit == 0 || w->allowed[a] < account->limit)
			w->allowed[a] = account->limit == 0 ? UINT32_MAX : account->limit;
		if (used > w->allowed[a])
			complain(w, "an account is over its limit");
	}
}

static unsigned
full_accounts(const struct ledger *l)
{
	unsigned full = 0;

	for (unsigned i = 0; i < l->tie_count; i++) {
		const struct account *a = l->ties[i].account;

		full += a->limit > 0 && a->used >= a->limit;
	}
	return full;
}

/* Nothing is under way: whoever waits waits for time to pass, or for ever. */
static void
check_quiet(struct account_world *w, unsigned p, const struct sums *s)
{
	bool barren;
	struct ledger *l = &w->ledgers[p];

	if (l->paused || s->queued == 0)
		return;
	if (s->free > 0)
		complain(w, "somebody waits beside an idle server of his pool");
	if (!ledger_lacks(l, w->now))
		return;
	if (chain_has_room(l))
		complain(w, "somebody waits beside a free slot");
	if (!l->hungry)
		complain(w, "somebody waits and nobody knows");
	/* where two accounts are full the next tick sees it */
	if (full_accounts(l) == 1 && chain_victim(l, w->now, &barren) != NULL)
		complain(w, "somebody waits beside an idle server that could go");
}

const char *
account_world_check(struct account_world *w)
{
	struct sums sums[POOLS];
	unsigned under_way = 0, hungry = 0;

	for (unsigned p = 0; p < w->rules.pools; p++) {
		struct ledger *l = &w->ledgers[p];

		sums[p] = sum_up(w, p);
		under_way += sums[p].under_way;
		hungry += l->hungry;
		if (!ledger_check(l))
			complain(w, "the books do not balance");
		if (l->open != sums[p].open)
			complain(w, "a server is lost");
		if (l->opening != sums[p].opening || l->waiting != sums[p].queued)
			complain(w, "the ledger has counted other openings or wants");
		if (l->limits.most > 0 && l->open > l->limits.most)
			complain(w, "a pool is larger than its size");
		if (l->hungry && l->waiting == 0)
			complain(w, "a ledger is hungry and nobody waits");
	}
	if (w->book.hungry != hungry)
		complain(w, "the book has counted other hungry ledgers");
	check_accounts(w);
	for (unsigned p = 0; p < w->rules.pools && under_way == 0; p++)
		check_quiet(w, p, &sums[p]);
	return w->wrong;
}

/* --- states --- */

static unsigned
rank_of(const struct ledger *l, const struct want *want)
{
	unsigned rank = 0;

	LIST_EACH(n, &l->wants) {
		if (n == &want->in_ledger)
			return rank;
		rank++;
	}
	return 255;
}

/* Times as numbers that do not grow with the clock. */
static uint8_t
age(const struct account_world *w, usec_t when)
{
	usec_t age = (w->now - when) / AGED_AFTER;

	return (uint8_t)(age > 2 ? 2 : age);
}

uint64_t
account_world_hash(const struct account_world *w)
{
	static const uint64_t key[2] = { 0x1234, 0x5678 };
	uint8_t text[HAPPENINGS + POOLS * 8 + LANES * (10 + 2 * CLIENTS) + 16], *at = text;

	for (unsigned k = 0; k < HAPPENINGS; k++)
		*at++ = (uint8_t)(w->rules.budget[k] < 255 ? w->rules.budget[k] : 255);
	*at++ = w->shrunk;
	for (unsigned p = 0; p < w->rules.pools; p++) {
		const struct ledger *l = &w->ledgers[p];

		*at++ = (uint8_t)(l->paused + 2 * l->hungry);
		*at++ = (uint8_t)l->leaving;
		*at++ = age(w, l->active_at);
	}
	for (unsigned i = 0; i < account_world_lanes(w); i++) {
		const struct account_lane *lane = &w->lanes[i];

		*at++ = (uint8_t)lane->idle;
		*at++ = (uint8_t)lane->busy;
		*at++ = (uint8_t)lane->opening;
		*at++ = (uint8_t)lane->nudges;
		*at++ = (uint8_t)lane->nudging;
		*at++ = (uint8_t)lane->letters;
		*at++ = (uint8_t)lane->seat.granted;
		*at++ = (uint8_t)lane->seat.evictions;
		*at++ = (uint8_t)(lane->to_cover + 2 * lane->call + 4 * lane->evicting);
		*at++ = (uint8_t)lane->waiting_count;
		for (unsigned k = 0; k < lane->waiting_count; k++) {
			const struct want *want = &w->wants[lane->waiting[k]];

			*at++ = (uint8_t)rank_of(want->seat->ledger, want);
			*at++ = age(w, want->since);
		}
	}
	return span_hash_keyed(span_of(text, (size_t)(at - text)), key);
}

const char *
happening_name(enum happening what)
{
	static const char *const names[HAPPENINGS] = { "go_on", "take", "leave", "release",
		"opened", "nudged", "called", "arrived", "die_busy", "die_idle", "failed",
		"fill", "pause", "resume", "shrink", "time" };

	return names[what];
}
