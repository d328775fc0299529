/*
 * deadline.c - every timeout, one row each: what it is about, since when it counts, how long it may take,
 * what its end is called. PgBouncer's names and texts.
 */
#include "pool/deadline.h"

#include <string.h>

#include "pool/budget.h"
#include "pool/client.h"
#include "pool/client_limits.h"
#include "pool/courier.h"
#include "pool/lane.h"
#include "pool/pair.h"
#include "pool/place.h"
#include "pool/readiness.h"
#include "pool/server.h"

#define LEAVING_MOST SECOND		/* PostgreSQL takes some milliseconds to end a session */
#define HIDDEN_MOST (10 * SECOND)	/* a clean-up or a change of settings that takes longer is given up */

/* --- servers with something under way --- */

struct server_deadline {
	usec_t		(*since)(const struct server *s);	/* 0: does not apply now */
	usec_t		(*most)(const struct server *s);	/* 0: no limit */
	enum reason	 why;		/* its client hears it, the log too */
};

static usec_t
query_since(const struct server *s)
{
	return s->client != NULL && s->in_query ? s->query_began : 0;
}

static usec_t
query_most(const struct server *s)
{
	return s->lane->rules.query_timeout;
}

/* In a transaction, everything answered: it is the client that takes its time. */
static usec_t
idle_transaction_since(const struct server *s)
{
	return s->client != NULL && talk_quiet(&s->talk) && s->talk.status != 'I' ? s->heard : 0;
}

static usec_t
idle_transaction_most(const struct server *s)
{
	return s->lane->rules.idle_transaction_timeout;
}

static usec_t
transaction_since(const struct server *s)
{
	return s->client != NULL && s->in_xact ? s->xact_began : 0;
}

static usec_t
transaction_most(const struct server *s)
{
	return s->lane->rules.transaction_timeout;
}

static usec_t
hidden_since(const struct server *s)
{
	return s->state == &SERVER_SETTLING || s->state == &SERVER_RESET ||
	    s->state == &SERVER_RESCUE || s->state == &SERVER_ENQUIRY ? s->since : 0;
}

static usec_t
hidden_most(const struct server *s)
{
	(void)s;
	return HIDDEN_MOST;
}

static usec_t
leaving_since(const struct server *s)
{
	return s->state == &SERVER_LEAVING ? s->since : 0;
}

static usec_t
leaving_most(const struct server *s)
{
	(void)s;
	return LEAVING_MOST;
}

static const struct server_deadline server_deadlines[] = {
	{ query_since, query_most, CLOSE_query_timeout },
	{ idle_transaction_since, idle_transaction_most, CLOSE_idle_transaction_timeout },
	{ transaction_since, transaction_most, CLOSE_transaction_timeout },
	{ hidden_since, hidden_most, CLOSE_server_silent },
	{ leaving_since, leaving_most, CLOSE_server_lingers },
};

/* It must go, and its session's end is not waited for: between two transactions, or at once if it is a walsender. */
static bool
goes_now(const struct server *s)
{
	const struct lane *lane = s->lane;

	if (!s->doomed || s->client == NULL || !lane->rules.fast_close ||
	    lane->rules.mode != POOL_MODE_SESSION)
		return false;
	return lane->pool->replication != NULL ||
	    (talk_at_rest(&s->talk) && !client_mid_message(s->client));
}

/* Does nobody at the other end of its connection hear what is sent? Looked at once a second, after a second's work. */
static bool
is_cut_off(struct server *s, const struct conf *conf, usec_t now)
{
	if (conf->tcp_dead_timeout == 0 || now - s->felt < SECOND || s->link == NULL)
		return false;
	s->felt = now;
	return link_is_dead(s->link, conf->tcp_dead_timeout);
}

static void
look_at_server(struct server *s, const struct conf *conf, usec_t now)
{
	if (goes_now(s)) {
		server_close(s, CLOSE_configuration_changed);
		return;
	}
	if (is_cut_off(s, conf, now)) {
		server_host_doubted(s, true);
		server_close(s, CLOSE_server_machine_dead);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(server_deadlines); i++) {
		const struct server_deadline *d = &server_deadlines[i];
		usec_t since = d->since(s), most = d->most(s);

		if (since != 0 && most > 0 && usec_since(since, now) >= most) {
			server_close(s, d->why);
			return;
		}
	}
}

/* --- servers being opened --- */

static void
look_at_opening(struct server *s, usec_t now)
{
	usec_t most = s->patience;
	struct err e = { 0 };

	if (most == 0 || now - s->born < most)
		return;
	err_set(&e, SQLSTATE_CONNECT, "connect timeout");
	server_open_failed(s, &e, MISS_UNREACHABLE);
}

/* --- clients that wait for a server --- */

/* TEXT is PgBouncer's, which its clients know; why it came to that is in the detail. */
static void
give_up_waiting(struct client *c, enum reason why, const char *text, usec_t waited,
    usec_t now)
{
	struct lane *lane = c->lane;
	struct err e = { 0 };
	char obstacle[400];
	const char *hint;

	err_set(&e, SQLSTATE_PROTOCOL, "%s", text);
	budget_explain(lane->worker->pooler, lane->pool, now, obstacle, sizeof(obstacle), &hint);
	err_detail(&e, "waited %.1f s for a server connection%s%s", (double)waited / SECOND,
	    hint != NULL ? "; " : "", obstacle);
	if (hint != NULL)
		err_hint(&e, "%s", hint);
	client_refuse(c, why, &e);
}

/* How long no server could be opened while there was none; 0: that is not so, or has not been tried while C waits. */
static usec_t
failing_for(const struct client *c, usec_t now)
{
	struct pool *pool = c->lane->pool;
	usec_t since = atomic_load_explicit(&pool->failing_since, memory_order_relaxed);
	usec_t last = atomic_load_explicit(&pool->failed_at, memory_order_relaxed);

	return since > 0 && now > since && last >= c->since ? now - since : 0;
}

static void
give_up_failing(struct client *c, usec_t waited)
{
	struct lane *lane = c->lane;
	struct err e;

	pthread_mutex_lock(&lane->worker->pooler->mutex);
	e = lane->pool->last_error;
	pthread_mutex_unlock(&lane->worker->pooler->mutex);
	if (e.text[0] == '\0')
		err_set(&e, SQLSTATE_CONNECT, "no server can be used");
	err_detail(&e, "waited %.1f s for a server connection; none could be opened for longer than "
	    "failover_hold_time", (double)waited / SECOND);
	client_refuse(c, CLOSE_connect_failed, &e);
}

static void
look_at_waiting(struct client *c, const struct conf *conf, usec_t now)
{
	usec_t waited = now - c->since;

	if (c->wait_timeout > 0 && waited >= c->wait_timeout) {
		give_up_waiting(c, CLOSE_query_wait_timeout, "query_wait_timeout", waited, now);
	} else if (conf->query_timeout > 0 && waited >= conf->query_timeout) {
		give_up_waiting(c, CLOSE_query_timeout, "query_timeout", waited, now);
	} else if (failing_for(c, now) > conf->failover_hold_time &&
	    conf->failover_hold_time > 0) {
		give_up_failing(c, waited);
	} else if (c->welcomed && c->wait_notified == 0 && conf->query_wait_notify > 0 &&
	    waited >= conf->query_wait_notify) {
		c->wait_notified = now;
		client_notice(c,
		    "No server connection available in postgres backend, client being queued");
	}
}

/* --- clients that log in, clients that do nothing --- */

static void
look_at_newcomers(struct worker *w, const struct conf *conf, usec_t wall)
{
	usec_t most = conf->client_login_timeout;

	LIST_EACH(n, &w->newcomers) {
		struct client *c = CONTAINER_OF(n, struct client, in_newcomers);

		/* They stand in order of arrival. */
		if (most == 0 || wall - c->connected < most)
			return;
		if (c->state == &CLIENT_CANCELING)
			client_close(c, CLOSE_client_login_timeout);	/* never an answer */
		else
			client_refuse_text(c, CLOSE_client_login_timeout, c->state == &CLIENT_WAITING ?
			    "client_login_timeout (server down)" : "client_login_timeout");
	}
}

static void
look_at_idle(struct worker *w, usec_t now)
{
	LIST_EACH(n, &w->clients) {
		struct client *c = CONTAINER_OF(n, struct client, in_worker);

		if (c->state == &CLIENT_IDLE && c->idle_timeout > 0 &&
		    now - c->since >= c->idle_timeout)
			client_dismiss(c, CLOSE_client_idle_timeout);
	}
}

static bool
anybody_has_idle_timeout(const struct conf *conf)
{
	if (conf->client_idle_timeout > 0)
		return true;
	for (size_t i = 0; i < conf->n_users; i++)
		if (conf->users[i].client_idle_timeout != USEC_UNSET)
			return true;
	return false;
}

/* --- all --- */

static void
look_at_lane(struct lane *lane, const struct conf *conf, usec_t now)
{
	bool leaving = atomic_load(&lane->worker->pooler->no_servers);

	LIST_EACH(a, &lane->busy)
		look_at_server(CONTAINER_OF(a, struct server, in_lane), conf, now);
	LIST_EACH(b, &lane->opening)
		look_at_opening(CONTAINER_OF(b, struct server, in_lane), now);
	LIST_EACH(d, &lane->waiting) {
		struct client *c = CONTAINER_OF(d, struct client, in_lane);

		if (leaving)
			client_dismiss(c, CLOSE_server_shutting_down);
		else
			look_at_waiting(c, conf, now);
	}
	lane_tick(lane, now);
}

void
deadline_tick(struct worker *w, usec_t now)
{
	const struct conf *conf = w->setup->conf;

	look_at_newcomers(w, conf, loop_wall(w->loop));
	client_limits_tick(w);
	readiness_tick(w);
	if (place_suspended(w->pooler))
		return;		/* who is not heard cannot be late */
	if (anybody_has_idle_timeout(conf))
		look_at_idle(w, now);
	LIST_EACH(n, &w->lanes)
		look_at_lane(CONTAINER_OF(n, struct lane, in_worker), conf, now);
	if (!list_empty(&w->couriers))
		courier_tick(w, now, conf->cancel_wait_timeout);
}
