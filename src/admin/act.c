/*
 * act.c - what an operator's order does to the clients and servers of one worker.
 */
#include "admin/act.h"

#include <string.h>

#include "pool/client.h"
#include "pool/lane.h"
#include "pool/place.h"
#include "pool/server.h"

bool
scope_has(const struct scope *scope, const struct pool *pool)
{
	return !pool->console &&
	    (scope->all || strcmp(scope->database, pool->database) == 0);
}

#define LANES_EACH(lane, w, scope)                                                   \
	LIST_EACH(lane##_node, &(w)->lanes)                                          \
	for (struct lane *lane = CONTAINER_OF(lane##_node, struct lane, in_worker);  \
	    lane != NULL && scope_has(scope, lane->pool); lane = NULL)

/* Close the servers of LIST that were born before NOW. */
static void
close_list(struct list *list, usec_t now, enum reason why)
{
	LIST_EACH(n, list) {
		struct server *s = CONTAINER_OF(n, struct server, in_lane);

		if (s->born <= now)
			server_close(s, why);
	}
}

void
act_close_idle(struct worker *w, const struct scope *scope)
{
	LANES_EACH(lane, w, scope) {
		lane_close_idle(lane, true, CLOSE_pause);
		close_list(&lane->opening, UINT64_MAX, CLOSE_pause);
	}
}

/* --- SUSPEND --- */

static void
hold_list(struct list *list, bool held)
{
	LIST_EACH(n, list) {
		struct server *s = CONTAINER_OF(n, struct server, in_lane);

		if (s->link != NULL)
			link_hold(s->link, held);
	}
}

static void
hold_all(struct worker *w, bool held)
{
	LIST_EACH(n, &w->clients) {
		struct client *c = CONTAINER_OF(n, struct client, in_worker);

		if (c->lane != NULL && c->console == NULL)
			link_hold(c->link, held);
	}
	LIST_EACH(m, &w->lanes) {
		struct lane *lane = CONTAINER_OF(m, struct lane, in_worker);

		hold_list(&lane->idle, held);
		hold_list(&lane->busy, held);
		hold_list(&lane->opening, held);
	}
}

void
act_hold(struct worker *w)
{
	/* Who resumes may be faster than this letter. */
	if (place_suspended(w->pooler))
		hold_all(w, true);
}

static unsigned
count_unsent(struct list *list)
{
	unsigned count = 0;

	LIST_EACH(n, list) {
		const struct server *s = CONTAINER_OF(n, struct server, in_lane);

		count += s->link != NULL && link_unsent(s->link) > 0;
	}
	return count;
}

static void
close_unsent(struct list *list)
{
	LIST_EACH(n, list) {
		struct server *s = CONTAINER_OF(n, struct server, in_lane);

		if (s->link != NULL && link_unsent(s->link) > 0)
			server_close(s, CLOSE_suspend_timeout);
	}
}

unsigned
act_count_unsent(struct worker *w, bool late)
{
	unsigned count = 0;

	LIST_EACH(n, &w->clients) {
		struct client *c = CONTAINER_OF(n, struct client, in_worker);

		if (c->lane == NULL || c->console != NULL || link_unsent(c->link) == 0)
			continue;
		if (late)
			client_dismiss(c, CLOSE_suspend_timeout);
		else
			count++;
	}
	LIST_EACH(m, &w->lanes) {
		struct lane *lane = CONTAINER_OF(m, struct lane, in_worker);

		if (late)
			close_unsent(&lane->busy);
		count += count_unsent(&lane->busy);
	}
	return count;
}

void
act_cover(struct worker *w, const struct scope *scope)
{
	if (scope->all && !place_suspended(w->pooler))
		hold_all(w, false);
	LANES_EACH(lane, w, scope)
		lane_cover(lane);
}

static void
doom_list(struct list *list, usec_t now)
{
	LIST_EACH(n, list) {
		struct server *s = CONTAINER_OF(n, struct server, in_lane);

		if (s->born <= now)
			s->doomed = true;
	}
}

void
act_retire(struct worker *w, const struct scope *scope, usec_t now)
{
	LANES_EACH(lane, w, scope) {
		doom_list(&lane->busy, now);
		doom_list(&lane->idle, now);
		ledger_doubt(&lane->pool->ledger);
		lane_close_idle(lane, false, CLOSE_reconnect);
		close_list(&lane->opening, now, CLOSE_reconnect);
		lane_cover(lane);
	}
}

void
act_kill(struct worker *w, const struct scope *scope)
{
	LIST_EACH(n, &w->clients) {
		struct client *c = CONTAINER_OF(n, struct client, in_worker);

		if (c->lane != NULL && scope_has(scope, c->lane->pool))
			client_dismiss(c, CLOSE_database_removed);
	}
	LANES_EACH(lane, w, scope) {
		lane_close_idle(lane, true, CLOSE_database_removed);
		close_list(&lane->opening, UINT64_MAX, CLOSE_database_removed);
		close_list(&lane->busy, UINT64_MAX, CLOSE_database_removed);
	}
}

void
act_send_away(struct worker *w)
{
	LIST_EACH(n, &w->lanes) {
		struct lane *lane = CONTAINER_OF(n, struct lane, in_worker);

		LIST_EACH(m, &lane->waiting)
			client_dismiss(CONTAINER_OF(m, struct client, in_lane), CLOSE_server_shutting_down);
	}
}

bool
act_kill_client(struct worker *w, uint64_t id)
{
	LIST_EACH(n, &w->clients) {
		struct client *c = CONTAINER_OF(n, struct client, in_worker);

		if (c->id != id || c->lane == NULL)
			continue;
		client_dismiss(c, CLOSE_admin_disconnect);
		return true;
	}
	return false;
}

static unsigned
count_doomed(const struct list *list)
{
	unsigned count = 0;

	LIST_EACH(n, list)
		count += CONTAINER_OF(n, struct server, in_lane)->doomed;
	return count;
}

unsigned
act_count_doomed(struct worker *w, const struct scope *scope)
{
	unsigned count = 0;

	LANES_EACH(lane, w, scope)
		count += count_doomed(&lane->idle) + count_doomed(&lane->busy) +
		    count_doomed(&lane->opening);
	return count;
}

/* --- all pools, from any thread --- */

struct sum {
	const struct scope *scope;
	unsigned	 open;
};

static void
add_open(void *owner, struct pool *pool)
{
	struct sum *sum = owner;
	struct ledger_view view;

	if (!scope_has(sum->scope, pool))
		return;
	ledger_look(&pool->ledger, &view);
	sum->open += view.open;
}

unsigned
scope_servers(struct pooler *p, const struct scope *scope)
{
	struct sum sum = { scope, 0 };

	place_each(p, add_open, &sum);
	return sum.open;
}

struct forgetting {
	struct pooler	*pooler;
	const struct scope *scope;
};

static void
forget(void *owner, struct pool *pool)
{
	struct forgetting *f = owner;
	const struct profile *welcome;

	if (!scope_has(f->scope, pool))
		return;
	pthread_mutex_lock(&f->pooler->mutex);
	welcome = pool->welcome;
	pool->welcome = NULL;
	pthread_mutex_unlock(&f->pooler->mutex);
	profile_drop(welcome);
}

void
scope_forget_welcome(struct pooler *p, const struct scope *scope)
{
	struct forgetting f = { p, scope };

	place_each(p, forget, &f);
}
