/*
 * hosts.c - what a worker has to do with host names. What they mean now is net/resolve.h's
 * business.
 */
#include "pool/hosts.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "net/resolve.h"
#include "pool/lane.h"
#include "pool/server.h"

#define REFRESH_LEAST (5 * SECOND)	/* some names have another address each time */

static bool uses(void *owner, const char *name);
static void changed(void *owner, const char *name, const struct addr *addrs,
    unsigned count);

static const struct resolver_user user = { uses, changed };

/* c-ares would ask this machine without a word. One worker says so for all. */
static void
warn_of_file(const struct worker *w, const char *file)
{
	if (w->index == 0 && file != NULL && file[0] != '\0' && access(file, R_OK) != 0)
		log_line(LOG_LEVEL_WARNING, NULL,
		    "resolv_conf: cannot read %s: %s; host names are asked of 127.0.0.1", file,
		    strerror(errno));
}

void
hosts_follow(struct worker *w)
{
	const struct conf *conf = w->setup->conf;
	struct resolver *r = resolver_of(w->loop);

	if (r == NULL)
		return;		/* dials will fail for lack of memory, too */
	warn_of_file(w, conf->resolv_conf);
	resolver_set_limits(r, &(struct resolver_limits){
	    .ttl_least = SECOND, .ttl_most = conf->dns_max_ttl,
	    .ttl_negative = conf->dns_nxdomain_ttl, .refresh_least = REFRESH_LEAST,
	    .zone_period = conf->dns_zone_check_period,
	    .resolv_conf = conf->resolv_conf });
	resolver_set_user(r, &user, w);
}

/* Was SERVER found by NAME? */
static bool
is_at(const struct server *s, const char *name)
{
	return (s->where.kind == ADDR_IP4 || s->where.kind == ADDR_IP6) &&
	    strcmp(s->host, name) == 0;
}

static bool
any_at(const struct list *list, const char *name)
{
	LIST_EACH(n, list) {
		if (is_at(CONTAINER_OF(n, struct server, in_lane), name))
			return true;
	}
	return false;
}

static bool
uses(void *owner, const char *name)
{
	const struct worker *w = owner;

	LIST_EACH(n, &w->lanes) {
		const struct lane *lane = CONTAINER_OF(n, struct lane, in_worker);

		if (any_at(&lane->idle, name) || any_at(&lane->busy, name) ||
		    any_at(&lane->opening, name))
			return true;
	}
	return false;
}

/* --- addresses that are gone --- */

struct news {
	const char	*name;
	const struct addr *addrs;
	unsigned	 count;
};

static bool
is_gone(const struct server *s, const struct news *news)
{
	struct addr where = s->where;

	if (!is_at(s, news->name))
		return false;
	where.port = 0;
	for (unsigned i = 0; i < news->count; i++) {
		if (addr_same(&news->addrs[i], &where))
			return false;
	}
	return true;
}

static unsigned
doom_list(struct list *list, const struct news *news)
{
	unsigned count = 0;

	LIST_EACH(n, list) {
		struct server *s = CONTAINER_OF(n, struct server, in_lane);

		if (s->doomed || !is_gone(s, news))
			continue;
		s->doomed = true;
		count++;
	}
	return count;
}

static void
changed(void *owner, const char *name, const struct addr *addrs, unsigned count)
{
	struct worker *w = owner;
	struct news news = { name, addrs, count };

	LIST_EACH(n, &w->lanes) {
		struct lane *lane = CONTAINER_OF(n, struct lane, in_worker);

		if (doom_list(&lane->idle, &news) + doom_list(&lane->busy, &news) +
		    doom_list(&lane->opening, &news) > 0)
			lane_close_idle(lane, false, CLOSE_host_moved);
	}
}
