/*
 * lane.c - one worker's part of a pool. The ledger decides, this file acts: takes idle
 * servers, lets clients wait, opens servers, passes them on, also to other workers.
 */
#include "pool/lane.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "pool/client.h"
#include "pool/enquiry.h"
#include "pool/lane_private.h"
#include "pool/pair.h"
#include "pool/place.h"
#include "pool/server.h"
#include "pool/settle.h"

#define RETRY_LOST (50 * MSEC)		/* pause after a server was lost while it was opened */
#define FAILURES_APART (60 * SECOND)	/* the one before is old news: nobody has tried meanwhile */

static void do_errand(struct lane *lane, struct errand errand);
static void tell_waiters(struct lane *lane, const struct err *e);

struct lane *
lane_new(struct worker *w, struct pool *pool)
{
	struct lane *lane = mem_new(sizeof(*lane));

	if (lane == NULL)
		return NULL;
	lane->worker = w;
	lane->pool = pool;
	list_init(&lane->idle);
	list_init(&lane->busy);
	list_init(&lane->opening);
	list_init(&lane->waiting);
	lane_letters_init(lane);
	node_init(&lane->in_worker);
	list_add_last(&w->lanes, &lane->in_worker);
	lane_refresh(lane, NULL);
	ledger_sit(&pool->ledger, &lane->seat, w->index);
	return lane;
}

void
lane_free(struct lane *lane)
{
	list_remove(&lane->in_worker);
	latencies_fini(&lane->latencies);
	profile_drop(lane->greeted.asked);
	profile_drop(lane->greeted.welcome);
	profile_drop(lane->greeted.given);
	mem_free(lane);
}

/* --- taking --- */

struct server *
lane_next_idle(struct lane *lane)
{
	struct node *node = lane->rules.round_robin ? list_last(&lane->idle) :
	    list_first(&lane->idle);

	return CONTAINER_OF(node, struct server, in_lane);
}

/* Tell CLIENT what the server said when it refused us last. */
static void
refuse_cached(struct lane *lane, struct client *client)
{
	struct pooler *p = lane->worker->pooler;
	struct err e;

	pthread_mutex_lock(&p->mutex);
	e = lane->pool->last_error;
	pthread_mutex_unlock(&p->mutex);
	client_refuse(client, CLOSE_server_login_failed, &e);
}

bool
lane_take(struct lane *lane, struct client *client)
{
	usec_t now = loop_now(lane->worker->loop);
	struct errand errand;

	if (lane->removed) {
		client_dismiss(client, CLOSE_database_removed);
		return false;
	}
	if (likely(ledger_take(&lane->seat, &client->want, now, &errand))) {
		struct server *server = lane_next_idle(lane);

		server_list(server, IN_BUSY);
		latency_add(lane, wait, 0);
		return pair_join(client, server);
	}
	if (errand.what == ERRAND_REFUSE) {
		refuse_cached(lane, client);
		return false;
	}
	client_become(client, &CLIENT_WAITING);
	list_add_last(&lane->waiting, &client->in_lane);
	lane->waiting_count++;
	if (errand.what != ERRAND_NONE || errand.calls) {
		do_errand(lane, errand);
		lane_cover(lane);
	}
	return false;
}

/* CLIENT waits no more; its want has left the queue. */
static void
stop_waiting(struct lane *lane, struct client *client)
{
	if (!node_linked(&client->in_lane))
		return;
	list_remove(&client->in_lane);
	lane->waiting_count--;
}

void
lane_leave(struct lane *lane, struct client *client)
{
	ledger_leave(&client->want);
	if (node_linked(&client->in_lane) && client->welcomed)
		latency_add(lane, wait, loop_now(lane->worker->loop) - client->since);
	stop_waiting(lane, client);
}

void
lane_cover(struct lane *lane)
{
	usec_t now = loop_now(lane->worker->loop);
	struct errand errand;

	while ((errand = ledger_cover(&lane->seat, now)).what != ERRAND_NONE)
		do_errand(lane, errand);
	if (unlikely(errand.calls))
		lanes_call(lane->seat.ledger->book);
}

static void
log_reserve(const struct pool *pool)
{
	char database[64], user[64];

	log_line(LOG_LEVEL_LOG, NULL, "taking connection from reserve_pool: %s/%s",
	    log_escape(span_text(pool->database), database, sizeof(database)),
	    log_escape(span_text(pool->user), user, sizeof(user)));
}

static void
do_errand(struct lane *lane, struct errand errand)
{
	switch (errand.what) {
	case ERRAND_NONE:
	case ERRAND_REFUSE:
		return;
	case ERRAND_OPEN:
		if (errand.reserve)
			log_reserve(lane->pool);
		server_open(lane);
		return;
	case ERRAND_NUDGE:
		lane_nudge(CONTAINER_OF(lane->pool->ledger.seats[errand.lane], struct lane, seat));
		return;
	}
}

/* --- giving --- */

/* Servers that were opened together do not go together, but over one more lifetime. */
static bool
too_old(const struct lane *lane, const struct server *server, usec_t now)
{
	usec_t life = lane->rules.server_lifetime;
	unsigned long long before;

	if (life == 0 || usec_since(server->born, now) < life)
		return life == 0;
	before = atomic_load(&lane->pool->aged_at);
	return (before == 0 || now >= before + lane->rules.lifetime_gap) &&
	    atomic_compare_exchange_strong(&lane->pool->aged_at, &before, now);
}

void
lane_release(struct lane *lane, struct server *server)
{
	usec_t now = loop_now(lane->worker->loop);

	server->used = now;
	if (lane->pool->replication != NULL) {
		server_close(server, CLOSE_replication_client_left);
	} else if (server->doomed || lane->removed) {
		server_close(server, CLOSE_configuration_changed);
	} else if (server->talk.doubt || link_kept(server->link) > 0 ||
	    link_unsent(server->link) > 0) {
		server_close(server, CLOSE_server_unclear);
	} else if (too_old(lane, server, now)) {
		server_leave(server, CLOSE_server_lifetime);
	} else if (server->cancels > 0) {
		server_become(server, &SERVER_CANCELED);
	} else if (unlikely(server->recheck)) {
		server->recheck = false;
		if (!enquiry_role(server) && !server->dead)
			lane_give(lane, server);
	} else if (unlikely(lane->asks)) {
		lane->asks = false;
		if (!enquiry_count(server) && !server->dead)
			lane_give(lane, server);
	} else if ((lane->rules.mode != POOL_MODE_SESSION && !lane->rules.reset_always) ||
	    !settle_reset(server)) {
		if (!server->dead)
			lane_give(lane, server);
	}
}

void
lane_give(struct lane *lane, struct server *server)
{
	if (server->doomed || lane_outdated(lane, server)) {
		server_close(server, CLOSE_configuration_changed);
		return;
	}
	lane_place(lane, server,
	    ledger_give(&lane->seat, loop_now(lane->worker->loop)));
}

void
lane_opened(struct lane *lane, struct server *server)
{
	atomic_store(&lane->pool->failures, 0);
	server_hit(server);
	latency_add(lane, connect, loop_now(lane->worker->loop) - server->born);
	server_list(server, IN_BUSY);
	lane_place(lane, server,
	    ledger_opened(&lane->seat, loop_now(lane->worker->loop)));
	/* The pause after a failure is over: others need not wait for the next tick. */
	lane_cover(lane);
}

/* Do what the ledger has said about SERVER, which is among the busy ones. */
void
lane_place(struct lane *lane, struct server *server, struct give give)
{
	for (;;) {
		struct client *client;

		switch (give.what) {
		case GIVE_IDLE:
			server_list(server, IN_IDLE);
			server_become(server, &SERVER_IDLE);
			return;
		case GIVE_CLOSE:
			server_close(server, CLOSE_pool_shrinks);
			return;
		case GIVE_YIELD:
			server_leave(server, CLOSE_evicted_busy);
			return;
		case GIVE_AWAY:
			lane_send(lane, server, give.lane);
			return;
		case GIVE_HERE:
			client = CONTAINER_OF(give.want, struct client, want);
			if (lane_serve(lane, client, server))
				return;
			break;
		}
		give = ledger_give(&lane->seat, loop_now(lane->worker->loop));
	}
}

/* Bring SERVER to CLIENT, which waits here. False: it needed none after all. */
bool
lane_serve(struct lane *lane, struct client *client, struct server *server)
{
	usec_t waited = loop_now(lane->worker->loop) - client->since;

	stop_waiting(lane, client);
	count_add(lane, wait_time, waited);
	if (client->welcomed)
		latency_add(lane, wait, waited);
	else if (client_welcome(client) || client->dead)
		return false;
	if (!pair_join(client, server))
		return true;
	if (!client->welcomed)
		client_tried(client);
	else
		link_kick(client->link);
	return true;
}

/* --- openings that fail --- */

struct bad_news {
	struct pool	*pool;
	struct err	 e;
};

static void
read_bad_news(struct worker *w, void *arg)
{
	struct bad_news *news = arg;
	struct seat *seat = news->pool->ledger.seats[w->index];

	if (seat != NULL)
		tell_waiters(CONTAINER_OF(seat, struct lane, seat), &news->e);
}

static void
tell_waiters(struct lane *lane, const struct err *e)
{
	LIST_EACH(n, &lane->waiting) {
		struct client *c = CONTAINER_OF(n, struct client, in_lane);

		if (!ledger_called(&c->want))
			client_refuse(c, CLOSE_server_login_failed, e);
	}
}

/* What POOL's aim, under the pooler's mutex, has to know of the entry and of SERVER, which missed. */
static struct aim_rules
aim_rules_of(const struct lane *lane, const struct server *server)
{
	const struct conf *conf = lane->worker->setup->conf;
	const struct conf_database *db = place_database(conf, lane->pool);
	unsigned hosts = db != NULL && db->n_hosts > 0 ? (unsigned)db->n_hosts : 1;

	return (struct aim_rules){
		.hosts = hosts, .host = server->host_at % hosts,
		.addrs = server->choices > 1 ? server->choices : 1, .whole = server->link == NULL,
		.retry = conf->server_login_retry,
		.roles = lane->rules.attrs != SESSION_ATTRS_ANY,
		.prefers = lane->rules.attrs == SESSION_ATTRS_PREFER_STANDBY,
	};
}

/*
 * Remember why SERVER came to nothing (no text: it was not even tried): how long to wait before the next is
 * opened. *TELL: it is news. *REFUSED: nobody who waits can be helped.
 */
static usec_t
keep_miss(struct lane *lane, const struct server *server, const struct err *e, enum aim_miss miss,
    bool *tell, bool *refused)
{
	struct pooler *p = lane->worker->pooler;
	struct aim_rules rules = aim_rules_of(lane, server);
	usec_t now = loop_now(lane->worker->loop);
	usec_t pause;

	pthread_mutex_lock(&p->mutex);
	*tell = e->text[0] != '\0' && aim_tells(&lane->pool->aim, now);
	pause = aim_missed(&lane->pool->aim, miss, &server->where, &rules, now, rand_u32(), refused);
	if (e->text[0] != '\0')
		lane->pool->last_error = *e;
	if (*refused)
		snprintf(lane->pool->last_error.text, sizeof(e->text),
		    "server login has been failing, cached error: %.400s (server_login_retry)", e->text);
	pthread_mutex_unlock(&p->mutex);
	return pause;
}

/* Nobody who waits can be helped: all hear what the server said. */
static void
spread_bad_news(struct lane *lane, const struct err *e)
{
	struct bad_news *news = mem_new(sizeof(*news));

	if (news == NULL)
		return;
	news->pool = lane->pool;
	news->e = *e;
	if (lane->pool->replication != NULL) {
		err_set(&news->e, e->sqlstate, "login failed");
		err_detail(&news->e, "%s", e->text);
	}
	if (!worker_ask_all(lane->worker->pooler, NULL, read_bad_news, mem_free, news))
		mem_free(news);
}

/* No server of POOL is left, and none can be opened; for how long is counted as long as somebody tries. */
static void
note_failing(struct pool *pool, usec_t now)
{
	usec_t before = atomic_exchange(&pool->failed_at, now);

	if (atomic_load(&pool->failing_since) == 0 || now > before + FAILURES_APART)
		atomic_store(&pool->failing_since, now);
}

bool
lane_open_failed(struct lane *lane, struct server *server, const struct err *e, enum aim_miss miss)
{
	usec_t now = loop_now(lane->worker->loop);
	bool none_left, tell, refused;
	usec_t pause;

	pause = keep_miss(lane, server, e, miss, &tell, &refused);
	atomic_fetch_add(&lane->pool->failures, 1);
	server_list(server, IN_NONE);
	none_left = ledger_gone_opening(&lane->seat, now, now + pause, refused);
	if (none_left && pause > 0)
		note_failing(lane->pool, now);
	lane_cover(lane);
	if (refused && none_left)
		spread_bad_news(lane, e);
	return tell;
}

/* --- ending --- */

void
lane_lost(struct lane *lane, struct server *server)
{
	usec_t now = loop_now(lane->worker->loop);
	enum server_place place = server->place;

	server_list(server, IN_NONE);
	switch (place) {
	case IN_NONE:
		return;
	case IN_IDLE:
		ledger_gone_idle(&lane->seat, now);
		break;
	case IN_BUSY:
		ledger_gone_busy(&lane->seat, now);
		break;
	case IN_OPENING:
		ledger_gone_opening(&lane->seat, now, now + RETRY_LOST, false);
		break;
	}
	if (!lane->worker->stopping)
		lane_cover(lane);
}

void
lane_close_idle(struct lane *lane, bool all, enum reason why)
{
	LIST_EACH(n, &lane->idle) {
		struct server *server = CONTAINER_OF(n, struct server, in_lane);

		if (all || server->doomed)
			server_close(server, why);
	}
}

/* At most one a tick goes for its age, so that a pool is not emptied at once. */
static void
retire_idle(struct lane *lane, usec_t now)
{
	const struct rules *r = &lane->rules;
	struct ledger_view view;
	bool one = false;

	ledger_look(&lane->pool->ledger, &view);
	LIST_EACH(n, &lane->idle) {
		struct server *server = CONTAINER_OF(n, struct server, in_lane);

		if (server->doomed) {
			server_close(server, CLOSE_configuration_changed);
		} else if (!one && too_old(lane, server, now)) {
			server_close(server, CLOSE_server_lifetime);
			one = true;
		} else if (r->server_idle_timeout > 0 && view.open > r->min_size &&
		    usec_since(server->used, now) >= r->server_idle_timeout) {
			server_close(server, CLOSE_server_idle_timeout);
			view.open--;
		} else if (view.over || (view.most > 0 && view.open > view.most)) {
			server_close(server, CLOSE_too_many_servers);
			ledger_look(&lane->pool->ledger, &view);
		}
	}
}

void
lane_tick(struct lane *lane, usec_t now)
{
	const struct conf_database *db;

	if (lane->pool->console || lane->removed)
		return;
	if (lane->busy_count > 0 && !lane->asks && lane->pool->replication == NULL)
		lane->asks = budget_counts(lane->worker->pooler, lane->pool);
	if (!list_empty(&lane->idle))
		retire_idle(lane, now);
	if (lane->waiting_count > 0)
		lane_cover(lane);
	if (lane->rules.min_size == 0)
		return;
	db = place_database(lane->worker->setup->conf, lane->pool);
	if (lane->client_count > 0 || (db != NULL && db->user != NULL))
		if (ledger_fill(&lane->seat, lane->rules.min_size, now))
			server_open(lane);
}
