/*
 * capacity.c - how much room servers have: what they say when asked, what they say when
 * they have none, and what can be said about it to others.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/rand.h"
#include "conf/budget.h"
#include "pool/budget_private.h"
#include "pool/lane.h"

#define ASK_AGAIN (10 * SECOND)	/* a server that was just asked is not asked again */
#define TELL_AGAIN (30 * SECOND)	/* that a server is full is a line in the log so often */
#define ASK_PATIENCE (5 * SECOND)	/* the one that was asked first may have died */

bool
budget_asks(struct pooler *p, struct pool *pool, usec_t now)
{
	struct account_view view;
	struct budget *b;
	bool yes = false;

	pthread_mutex_lock(&p->mutex);
	b = pool->budgets[ACCOUNT_HOST];
	if (b != NULL) {
		ledger_look_account(&p->book, &b->account, &view);
		/* the first after none at all: it may be another server now */
		if (b->asked_at == 0)
			yes = true;
		else if (b->found < 0)
			yes = usec_since(b->asked_at, now) > ASK_PATIENCE;
		else
			yes = view.used <= 1 && usec_since(b->asked_at, now) > ASK_AGAIN;
		if (yes)
			b->asked_at = now;
	}
	pthread_mutex_unlock(&p->mutex);
	return yes;
}

void
budget_learn(struct pooler *p, struct pool *pool, const struct conf *conf, const struct capacity *c)
{
	int found[ACCOUNT_KINDS] = { [ACCOUNT_HOST] = c->max_connections,
		[ACCOUNT_ROLE] = c->of_role, [ACCOUNT_CATALOG] = c->of_database };
	char name[200];

	pthread_mutex_lock(&p->mutex);
	for (unsigned kind = ACCOUNT_HOST; kind < ACCOUNT_KINDS; kind++) {
		struct budget *b = pool->budgets[kind];
		int reserved = kind == ACCOUNT_HOST ? c->reserved : 0;

		if (b == NULL || (b->found == found[kind] && b->reserved == reserved))
			continue;
		b->found = found[kind];
		b->reserved = reserved;
		budget_set_limit(p, b, conf);
		if (b->account.wish > 0)
			log_line(LOG_LEVEL_LOG, NULL, "budget of %s: at most %u connections, as the server "
			    "has %d, %d of them reserved", budget_name(b, name, sizeof(name)),
			    b->account.wish, b->found, b->reserved);
	}
	pthread_mutex_unlock(&p->mutex);
}

/* Routines of PostgreSQL's that refuse a login because of a limit of the role's or the database's own. */
static enum account_kind
whose_limit(struct span routine)
{
	if (span_is(routine, "InitializeSessionUserId"))
		return ACCOUNT_ROLE;
	if (span_is(routine, "CheckMyDatabase"))
		return ACCOUNT_CATALOG;
	return ACCOUNT_HOST;
}

bool
budget_full(struct pooler *p, struct pool *pool, struct span routine, usec_t now)
{
	struct budget *b;
	unsigned learnt = 0;
	char name[200];

	pthread_mutex_lock(&p->mutex);
	b = pool->budgets[whose_limit(routine)];
	if (b != NULL) {
		learnt = ledger_full(&p->book, &b->account, now);
		b->fulls++;
		if (b->told_at == 0 || usec_since(b->told_at, now) >= TELL_AGAIN) {
			b->told_at = now;
			log_line(LOG_LEVEL_LOG, NULL, "budget of %s: the server has no room for more than %u "
			    "connections of ours now", budget_name(b, name, sizeof(name)), learnt);
		}
	}
	pthread_mutex_unlock(&p->mutex);
	return learnt > 1;
}

/* --- what others leave unused --- */

bool
budget_counts(struct pooler *p, struct pool *pool)
{
	struct budget *b;
	bool yes;

	if (likely(!atomic_load_explicit(&p->looking, memory_order_relaxed)))
		return false;
	pthread_mutex_lock(&p->mutex);
	b = pool->budgets[ACCOUNT_HOST];
	yes = b != NULL && b->look;
	if (yes)
		b->look = false;
	pthread_mutex_unlock(&p->mutex);
	return yes;
}

/* With LIMIT for all poolers, how many may there be if headroom is used? A number or a part of the server's has none. */
static unsigned
with_headroom(const struct conf *conf, unsigned limit)
{
	struct server_limit wish;

	conf_server_limit(conf, &wish);
	return wish.number > 0 || wish.share > 0 ? limit : limit + conf->server_connection_headroom;
}

/*
 * How much beyond its part may B have? If something is left all the same it looks again soon. What is to be its part as
 * somebody has left may take the headroom, as a part does.
 */
static unsigned
borrow(const struct pooler *p, const struct conf *conf, const struct share_look *look)
{
	unsigned most = look->limit > look->part ? look->limit - look->part : 0;
	unsigned heritage = share_coming(&p->share, look->limit) - look->part;
	unsigned had = look->borrowed, now = share_borrow(look, rand_u32());
	unsigned room = with_headroom(conf, look->limit);

	if (look->used < room)
		had += (room - look->used + 1) / 2;
	if (heritage > had)
		heritage = had;
	if (now < heritage)
		now = heritage;
	return now < most ? now : most;
}

/* Sooner than it was going to, by three quarters of INTERVAL. */
static void
look_soon(struct budget *b, usec_t interval, usec_t now)
{
	usec_t sooner = interval - interval / 4, left = b->probe_at > now ? b->probe_at - now : 0;

	b->probe_at -= sooner < left ? sooner : left;
}

/* There are USED connections of all poolers and strangers. Who may borrow has its own back first. */
static void
look_at_all(struct pooler *p, struct budget *b, const struct conf *conf, unsigned used, usec_t now)
{
	struct share_look look = { .poolers = p->share.next.count, .used = used,
		.limit = budget_whole(conf, b), .borrowed = b->borrowed };
	unsigned room = b->found > b->reserved ? (unsigned)(b->found - b->reserved) : 1, had = b->borrowed, both;
	struct offer_look offer = { .used = used, .room = room };
	struct account_view view;
	bool lasts;

	ledger_look_account(&p->book, &b->account, &view);
	look.ours = offer.ours = view.used;
	look.part = offer.part = share_of(&p->share, look.limit);
	offer.waited = view.oldest > 0 ? usec_since(view.oldest, now) : 0;
	if (used + 1 < look.limit)
		look_soon(b, conf->budget_probe_interval, now);
	b->borrowed = borrow(p, conf, &look);
	if (view.waiting == 0 && b->borrowed > had)
		b->borrowed = had;
	lasts = offer_look(&b->offer, &offer, now);
	both = b->borrowed < b->offer.size ? b->borrowed : b->offer.size;
	b->borrowed -= both;
	b->offer.size -= both;
	budget_set_limit(p, b, conf);
	if (lasts && used < room)
		ledger_room(&p->book, &b->account, room - used, now);
}

void
budget_counted(struct pooler *p, struct pool *pool, const struct conf *conf, unsigned used, usec_t now)
{
	struct budget *b;

	pthread_mutex_lock(&p->mutex);
	b = pool->budgets[ACCOUNT_HOST];
	if (b != NULL && b->found > 0)
		look_at_all(p, b, conf, used, now);
	pthread_mutex_unlock(&p->mutex);
}

/*
 * How long after one look comes the next? Shorter while it matters most: connections are offered, or the server was
 * full; longer while none of our clients waits.
 */
static usec_t
pause_of(const struct budget *b, const struct account_view *v, usec_t interval)
{
	if (v->waiting == 0)
		return 2 * interval;
	return b->offer.size > 0 || v->learnt > 0 ? interval / 3 : interval;
}

/* Whose share is used up asks; whose clients need no more gives back what is not its own. */
static void
look_around(struct pooler *p, struct budget *b, const struct conf *conf, usec_t now)
{
	struct account_view v;

	if (now < b->probe_at || share_alone(&p->share) || conf->budget_probe_interval == 0)
		return;
	ledger_look_account(&p->book, &b->account, &v);
	b->probe_at = now + pause_of(b, &v, conf->budget_probe_interval);
	if (v.used >= v.limit && v.limit > 0) {
		b->look = true;
		atomic_store(&p->looking, true);
	} else if (b->borrowed > 0 && v.used < v.limit) {
		b->borrowed--;
		budget_set_limit(p, b, conf);
	}
}

void
budget_tick(struct pooler *p, const struct conf *conf, usec_t now)
{
	bool learnt = atomic_exchange(&p->book.learnt, false);
	struct map_node *node = NULL;

	atomic_store(&p->looking, false);
	pthread_mutex_lock(&p->mutex);
	if (!learnt && share_alone(&p->share)) {
		pthread_mutex_unlock(&p->mutex);
		return;
	}
	while ((node = map_next(&p->budgets, node)) != NULL) {
		struct budget *b = CONTAINER_OF(node, struct budget, in_pooler);

		if (b->kind == ACCOUNT_HOST)
			look_around(p, b, conf, now);
		if (learnt && ledger_probe(&p->book, &b->account, now))
			atomic_store(&p->book.learnt, true);
	}
	pthread_mutex_unlock(&p->mutex);
	lanes_call(&p->book);
}

/* --- for people --- */

const char *
budget_kind_text(enum account_kind kind)
{
	static const char *const texts[ACCOUNT_KINDS] = { "pool", "database", "user", "host", "role",
		"catalog" };

	return texts[kind];
}

const char *
budget_source(const struct budget *b, const struct account_view *view)
{
	if (view->limit == 0)
		return "none";
	if (view->limit != view->wish)
		return "learnt";
	return b->kind >= ACCOUNT_HOST && b->found >= 0 ? "discovered" : "configured";
}

const char *
budget_name(const struct budget *b, char *out, size_t cap)
{
	size_t first = strlen(b->name);
	const char *second = first < b->len ? b->name + first + 1 : NULL;
	char one[120], two[120];

	log_escape(span_of(b->name, first), one, sizeof(one));
	if (second != NULL)
		log_escape(span_text(second), two, sizeof(two));
	if (second == NULL)
		snprintf(out, cap, "%s", one);
	else if (b->kind == ACCOUNT_POOL)
		snprintf(out, cap, "%s/%s", one, two);
	else
		snprintf(out, cap, "%s at %s", two, one);
	return out;
}

void
budget_each(struct pooler *p, void (*fn)(void *owner, const struct budget *b,
    const struct account_view *view), void *owner)
{
	struct map_node *node = NULL;
	struct account_view view;

	pthread_mutex_lock(&p->mutex);
	while ((node = map_next(&p->budgets, node)) != NULL) {
		const struct budget *b = CONTAINER_OF(node, struct budget, in_pooler);

		ledger_look_account(&p->book, &b->account, &view);
		fn(owner, b, &view);
	}
	pthread_mutex_unlock(&p->mutex);
}
