/*
 * server_role.c - failover: is a server in the role that its database wants, and what if it
 * is not, or not any more. What roles are is role.c's business, where the next server is
 * opened aim.c's; telling the workers is done here.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "pool/enquiry.h"
#include "pool/place.h"
#include "pool/server.h"

/* --- opening --- */

bool
server_skips(void *owner, const struct addr *where, unsigned count)
{
	struct server *s = owner;
	struct worker *w = s->lane->worker;
	bool skips;

	s->choices = count;
	if (s->lane->rules.attrs == SESSION_ATTRS_ANY)
		return false;
	pthread_mutex_lock(&w->pooler->mutex);
	skips = aim_skips(&s->lane->pool->aim, where, loop_now(w->loop));
	pthread_mutex_unlock(&w->pooler->mutex);
	return skips;
}

usec_t
server_patience(const struct server *s, unsigned hosts, usec_t most)
{
	struct pooler *p = s->lane->worker->pooler;
	usec_t patience;

	pthread_mutex_lock(&p->mutex);
	patience = aim_patience(&s->lane->pool->aim, hosts, most);
	pthread_mutex_unlock(&p->mutex);
	return patience;
}

static bool
takes_less(const struct server *s)
{
	struct worker *w = s->lane->worker;
	bool less;

	if (s->lane->rules.attrs != SESSION_ATTRS_PREFER_STANDBY)
		return false;
	pthread_mutex_lock(&w->pooler->mutex);
	less = aim_takes_less(&s->lane->pool->aim, loop_now(w->loop));
	pthread_mutex_unlock(&w->pooler->mutex);
	return less;
}

static void
open_unfit(struct server *s, struct host_role role)
{
	struct err e = { 0 };

	/* clients hear it, too: not where the server is */
	err_set(&e, SQLSTATE_CONNECT, "server is %s, which is not what target_session_attrs asks for",
	    role_text(role));
	server_open_failed(s, &e, MISS_UNFIT);
}

bool
server_role_good(struct server *s)
{
	enum session_attrs wanted = s->lane->rules.attrs;
	struct host_role role;

	if (likely(wanted == SESSION_ATTRS_ANY))
		return true;
	role = role_of(s->profile);
	if (!role.known && s->lane->pool->replication != NULL)
		return true;	/* a walsender answers no such question */
	if (!role.known) {
		enquiry_role(s);
		return false;
	}
	if (role_fits(wanted, role, takes_less(s)))
		return true;
	open_unfit(s, role);
	return false;
}

void
server_hit(struct server *s)
{
	struct pool *pool = s->lane->pool;
	struct pooler *p = s->lane->worker->pooler;

	pthread_mutex_lock(&p->mutex);
	aim_hit(&pool->aim, &s->where);
	pthread_mutex_unlock(&p->mutex);
	atomic_store(&pool->failing_since, 0);
}

/* --- what is open --- */

/* What has become known of a host. */
struct host_news {
	struct addr	 where;
	struct host_role role;		/* not known: it may be going down, or have changed */
	bool		 for_all;	/* that concerns pools that take any role, too */
};

static bool
concerns(const struct server *s, const struct host_news *news)
{
	if (s->doomed || !addr_same(&s->where, &news->where))
		return false;
	if (s->lane->rules.attrs == SESSION_ATTRS_ANY)
		return news->for_all;
	return !news->role.known || !role_fits(s->lane->rules.attrs, news->role, takes_less(s));
}

static unsigned
doom(struct list *list, const struct host_news *news)
{
	unsigned count = 0;

	LIST_EACH(n, list) {
		struct server *s = CONTAINER_OF(n, struct server, in_lane);

		if (!concerns(s, news))
			continue;
		s->doomed = true;
		count++;
	}
	return count;
}

/*
 * They go on to their ends, which may be good ones; if not their clients are told by the servers. A machine that is gone tells
 * nobody, and whose query it had taken in time would wait for ever.
 */
static void
ask_busy(struct list *list, const struct host_news *news)
{
	LIST_EACH(n, list) {
		struct server *s = CONTAINER_OF(n, struct server, in_lane);

		if (news->for_all && s->link != NULL && addr_same(&s->where, &news->where))
			link_probe(s->link);
		if (s->lane->rules.attrs != SESSION_ATTRS_ANY && concerns(s, news))
			s->recheck = true;
	}
}

static void
read_news(struct worker *w, void *arg)
{
	const struct host_news *news = arg;

	LIST_EACH(n, &w->lanes) {
		struct lane *lane = CONTAINER_OF(n, struct lane, in_worker);
		unsigned count;

		if (lane->pool->console || lane->pool->replication != NULL)
			continue;
		count = doom(&lane->idle, news);
		if (news->role.known)
			doom(&lane->busy, news);
		else
			ask_busy(&lane->busy, news);
		if (count > 0)
			lane_close_idle(lane, false, news->role.known ? CLOSE_server_unfit : CLOSE_host_goes);
	}
}

static void
spread(const struct server *s, struct host_role role, bool for_all)
{
	struct host_news *news = mem_new(sizeof(*news));

	if (news == NULL)
		return;
	*news = (struct host_news){ s->where, role, for_all };
	if (!worker_ask_all(s->lane->worker->pooler, NULL, read_news, mem_free, news))
		mem_free(news);
}

bool
server_role_told(struct server *s, struct host_role role)
{
	bool opening = s->place == IN_OPENING;
	struct log_who who;

	/* who does not say what it is cannot be what is wanted; one that was need not go for that */
	if (s->doomed || (!role.known && !opening) ||
	    (role.known && role_fits(s->lane->rules.attrs, role, takes_less(s))))
		return !s->doomed;
	if (opening) {
		open_unfit(s, role);
		return false;
	}
	log_line(LOG_LEVEL_LOG, server_who(s, &who), "its host is %s now, which is not what "
	    "target_session_attrs asks for: servers there are let go", role_text(role));
	s->doomed = true;
	spread(s, role, false);
	return false;
}

void
server_role_changed(struct server *s, struct span name)
{
	if (s->lane->rules.attrs == SESSION_ATTRS_ANY || s->place == IN_OPENING)
		return;
	if (span_is(name, "in_hot_standby"))
		server_role_told(s, role_of(s->profile));
	else if (span_is(name, "default_transaction_read_only"))
		s->recheck = true;	/* a SET of its client's, or the server's own */
}

/*
 * An idle server costs little to open again; one that has become read-only, or is dying, costs a client its
 * transaction. What sounds alarming may be one client's own doing, though: not every such call is followed.
 */
void
server_host_doubted(struct server *s, bool for_all)
{
	struct worker *w = s->lane->worker;
	struct host_role unknown = { 0 };
	bool alarms;

	if (s->where.kind == ADDR_NONE || s->doomed || w->stopping ||
	    (s->lane->rules.attrs == SESSION_ATTRS_ANY && !for_all))
		return;
	pthread_mutex_lock(&w->pooler->mutex);
	alarms = aim_alarms(&s->lane->pool->aim, loop_now(w->loop));
	pthread_mutex_unlock(&w->pooler->mutex);
	if (alarms)
		spread(s, unknown, for_all);
}

void
server_role_error(struct server *s, struct span sqlstate)
{
	if (s->lane->rules.attrs == SESSION_ATTRS_ANY)
		return;
	if (span_is(sqlstate, "25006"))
		s->recheck = true;
	else if (!span_is(sqlstate, "57P01") && !span_is(sqlstate, "57P02") &&
	    !span_is(sqlstate, "57P03"))
		return;		/* 57P05 is the end of one idle session */
	server_host_doubted(s, false);
}
