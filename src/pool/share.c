/*
 * share.c - see share.h.
 */
#include "pool/share.h"

#include <string.h>

void
share_init(struct share *s, bool known)
{
	*s = (struct share){ .now = { known ? 1 : SHARE_GUESS, 0 }, .guess = !known };
	if (!known)
		s->now.rank = SHARE_GUESS - 1;
	s->next = s->now;
}

static bool
same(struct split a, struct split b)
{
	return a.count == b.count && a.rank == b.rank;
}

static unsigned
part(struct split split, unsigned limit)
{
	return limit / split.count + (split.rank < limit % split.count);
}

/* Is the part of A larger than that of B, of some limit? */
static bool
may_be_larger(struct split a, struct split b)
{
	return a.count < b.count || (a.count == b.count && a.rank < b.rank);
}

bool
share_set(struct share *s, struct split to, usec_t now)
{
	if (same(s->next, to))
		return false;
	s->next = to;
	if (may_be_larger(to, s->now)) {
		s->grows_at = now + SHARE_GROWS_AFTER;
	} else {
		s->now = to;
		s->grows_at = 0;
		s->guess = false;
	}
	return true;
}

bool
share_tick(struct share *s, usec_t now)
{
	if (s->grows_at == 0 || now < s->grows_at)
		return false;
	s->now = s->next;
	s->grows_at = 0;
	s->guess = false;
	return true;
}

unsigned
share_of(const struct share *s, unsigned limit)
{
	unsigned ours = part(s->now, limit), then = part(s->next, limit);

	if (then < ours)
		ours = then;	/* more of them, but a better rank: the smaller of both is safe */
	return ours > 0 ? ours : 1;
}

unsigned
share_coming(const struct share *s, unsigned limit)
{
	unsigned ours = share_of(s, limit), then = part(s->next, limit);
	bool somebody_left = !s->guess && s->next.count < s->now.count;

	return somebody_left && then > ours ? then : ours;
}

bool
share_alone(const struct share *s)
{
	return s->next.count <= 1 && s->grows_at == 0;
}

static unsigned
others_have(const struct share_look *look)
{
	return look->used > look->ours ? look->used - look->ours : 0;
}

/* How many may want more than they have, we included? Those who do have all of their parts. */
static unsigned
hungry(const struct share_look *look)
{
	unsigned others = others_have(look) / (look->part > 0 ? look->part : 1);

	return others + 1 < look->poolers ? others + 1 : look->poolers;
}

/* So few cannot swing far: taking half and giving back all is what serves their clients best, as measured. */
static bool
are_few(const struct share_look *look)
{
	return look->poolers <= 4;
}

/* What is not divisible goes to some, by chance: as many as there is, on the average; to a single one all the same in the end. */
static unsigned
take(const struct share_look *look, unsigned surplus, uint32_t dice)
{
	unsigned takers = hungry(look);
	unsigned rest = surplus % takers + (surplus < takers);

	if (are_few(look))
		return (surplus + 1) / 2;
	return surplus / takers + (dice % takers < rest);
}

/* Ours of what is missing: others have borrowed at least what they have beyond their parts. */
static unsigned
give_back(const struct share_look *look, unsigned missing)
{
	unsigned theirs = others_have(look);
	uint64_t parts = (uint64_t)look->part * (look->poolers - 1);
	uint64_t all = look->borrowed + (theirs > parts ? theirs - parts : 0);
	uint64_t ours = all > 0 ? ((uint64_t)missing * look->borrowed + all - 1) / all : 0;

	if (are_few(look))
		ours = missing;
	return ours < look->borrowed ? (unsigned)ours : look->borrowed;
}

unsigned
share_borrow(const struct share_look *look, uint32_t dice)
{
	if (look->used < look->limit)
		return look->borrowed + take(look, look->limit - look->used, dice);
	return look->borrowed - give_back(look, look->used - look->limit);
}

/* Any order will do as long as all have the same. */
static int
order_of(const struct addr *a, const struct addr *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->kind == ADDR_IP4)
		return memcmp(&a->u.ip4, &b->u.ip4, sizeof(a->u.ip4));
	return memcmp(&a->u.ip6, &b->u.ip6, sizeof(a->u.ip6));
}

static bool
has(const struct addr *addrs, unsigned count, const struct addr *a)
{
	for (unsigned i = 0; i < count; i++)
		if (order_of(&addrs[i], a) == 0)
			return true;
	return false;
}

/* How many different ADDRS are of KIND? */
static unsigned
count_kind(const struct addr *addrs, unsigned count, enum addr_kind kind)
{
	unsigned n = 0;

	for (unsigned i = 0; i < count; i++)
		n += addrs[i].kind == kind && !has(addrs, i, &addrs[i]);
	return n;
}

/* The first of ADDRS that is of KIND (ADDR_NONE: any) and among OWN, or NULL. */
static const struct addr *
find_self(const struct addr *addrs, unsigned count, const struct addr *own, unsigned own_count,
    enum addr_kind kind)
{
	for (unsigned i = 0; i < count; i++)
		if ((kind == ADDR_NONE || addrs[i].kind == kind) && has(own, own_count, &addrs[i]))
			return &addrs[i];
	return NULL;
}

/*
 * The family of which alone addresses are counted, or ADDR_NONE. Each pooler may have an address of both; all of them
 * must choose the same one then, and in doubt count too many rather than too few.
 */
static enum addr_kind
counted_kind(const struct addr *addrs, unsigned count, const struct addr *own, unsigned own_count)
{
	bool both = find_self(addrs, count, own, own_count, ADDR_IP4) != NULL &&
	    find_self(addrs, count, own, own_count, ADDR_IP6) != NULL;

	if (both)
		return ADDR_IP4;
	if (count_kind(addrs, count, ADDR_IP4) != count_kind(addrs, count, ADDR_IP6))
		return ADDR_NONE;
	return find_self(addrs, count, own, own_count, ADDR_IP6) != NULL ? ADDR_IP6 : ADDR_IP4;
}

struct split
share_split(const struct addr *addrs, unsigned count, const struct addr *own, unsigned own_count)
{
	enum addr_kind kind = counted_kind(addrs, count, own, own_count);
	const struct addr *self = find_self(addrs, count, own, own_count, kind);
	struct split split = { 0, 0 };

	for (unsigned i = 0; i < count; i++) {
		if (has(addrs, i, &addrs[i]) || (kind != ADDR_NONE && addrs[i].kind != kind))
			continue;	/* once is enough */
		split.count++;
		split.rank += self == NULL || order_of(&addrs[i], self) < 0;
	}
	split.count += self == NULL;
	return split;
}
