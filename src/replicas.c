/*
 * replicas.c - asks who else there is, on the keeper's loop.
 */
#include "replicas.h"

#include <ifaddrs.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "conf/conf.h"
#include "net/loop.h"
#include "pool/budget.h"
#include "pool/fleet.h"

#define ASK_EVERY SECOND	/* so that all have heard of a change well before SHARE_GROWS_AFTER */
#define OWN_MOST 64u

static void on_timer(void *owner);
static unsigned own_addresses(const struct conf *conf, struct addr *own);
static void on_answer(void *owner, const struct addr *addrs, unsigned count, const char *why);

bool
replicas_begin(struct replicas *r, struct pooler *pooler, struct loop *loop)
{
	r->pooler = pooler;
	r->loop = loop;
	r->timer = timer_new(loop, on_timer, r);
	share_init(&r->share, true);
	return r->timer != NULL;
}

void
replicas_end(struct replicas *r)
{
	if (r->lookup != NULL)
		resolve_cancel(r->lookup);
	timer_free(r->timer);
	mem_free(r->name);
	*r = (struct replicas){ 0 };
}

/* Ours is another part of everything from now on, or will be. */
static void
put_in_force(struct replicas *r)
{
	const struct share *s = &r->share;

	if (r->name != NULL && !r->known)
		log_line(LOG_LEVEL_LOG, NULL, "budget: not known yet how many poolers there are; "
		    "taking a part of %u", s->now.count);
	else
		log_line(LOG_LEVEL_LOG, NULL, "budget: we are one of %u poolers, number %u%s",
		    s->next.count, s->next.rank + 1, s->grows_at == 0 ? "" :
		    "; what others have to give is taken in some seconds");
	budget_set_share(r->pooler, s);
}

/* What replicas have in common, but for who there is. */
static void
follow_secrets(struct replicas *r, const struct conf *conf, const char *name)
{
	fleet_use_secrets(r->pooler->fleet, conf->peer_secrets, conf->n_peer_secrets);
	if (name != NULL && conf->n_peer_secrets == 0 && conf->peer_id == 0 && !r->told_secret) {
		log_line(LOG_LEVEL_LOG, NULL, "budget_peers: cancel requests for clients of other "
		    "replicas are not passed on: expected peer_secret or peer_secret_file");
		r->told_secret = true;
	}
}

/* Nobody has said yet who there is. */
static void
begin_fleet(struct replicas *r, const struct conf *conf)
{
	struct addr own[OWN_MOST];

	if (r->name != NULL)
		fleet_begin(r->pooler->fleet, own, own_addresses(conf, own));
	else
		fleet_end(r->pooler->fleet);
}

void
replicas_follow(struct replicas *r, const struct conf *conf)
{
	const char *name = conf->budget_peers != NULL && conf->budget_peers[0] != '\0' ?
	    conf->budget_peers : NULL;

	follow_secrets(r, conf, name);
	if (r->timer == NULL || (name == NULL && r->name == NULL) ||
	    (name != NULL && r->name != NULL && strcmp(name, r->name) == 0))
		return;
	mem_free(r->name);
	r->name = name != NULL ? mem_copy_text(name, strlen(name)) : NULL;
	if (resolver_of(r->loop) != NULL)
		resolver_set_limits(resolver_of(r->loop), &(struct resolver_limits){
			.ttl_least = ASK_EVERY / 2, .ttl_most = ASK_EVERY / 2,
			.ttl_negative = ASK_EVERY / 2, .refresh_least = ASK_EVERY,
			.resolv_conf = conf->resolv_conf });
	share_init(&r->share, r->name == NULL);
	r->known = false;
	begin_fleet(r, conf);
	put_in_force(r);
	if (r->name != NULL)
		on_timer(r);
	else
		timer_stop(r->timer);
}

static void
on_timer(void *owner)
{
	struct replicas *r = owner;
	struct resolver *resolver = resolver_of(r->loop);

	if (share_tick(&r->share, loop_now(r->loop)))
		budget_set_share(r->pooler, &r->share);
	timer_set(r->timer, ASK_EVERY);
	if (r->lookup != NULL || resolver == NULL || r->name == NULL)
		return;
	/* answers from the cache come from inside */
	r->lookup = resolve(resolver, r->name, on_answer, r);
}

/* --- who we are --- */

static bool
is_any(const struct addr *a)
{
	static const struct in6_addr any = IN6ADDR_ANY_INIT;

	return a->kind == ADDR_IP4 ? a->u.ip4.s_addr == INADDR_ANY :
	    memcmp(&a->u.ip6, &any, sizeof(any)) == 0;
}

/* All addresses of this machine. */
static unsigned
interface_addresses(struct addr *own)
{
	struct ifaddrs *all;
	unsigned count = 0;

	if (getifaddrs(&all) != 0)
		return 0;
	for (struct ifaddrs *i = all; i != NULL && count < OWN_MOST; i = i->ifa_next) {
		int family = i->ifa_addr != NULL ? i->ifa_addr->sa_family : AF_UNSPEC;

		if (family == AF_INET || family == AF_INET6)
			addr_from_sockaddr(&own[count++], i->ifa_addr, family == AF_INET ?
			    sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
	}
	freeifaddrs(all);
	return count;
}

/* The addresses of listen_addr, if it has nothing but such; else all there are. */
static unsigned
own_addresses(const struct conf *conf, struct addr *own)
{
	struct span rest = span_text(conf->listen_addr), word;
	unsigned count = 0;

	while (span_cut(&rest, ", \t", &word)) {
		if (word.len == 0)
			continue;
		if (count == OWN_MOST || !addr_parse_ip(&own[count], word, 0) || is_any(&own[count]))
			return interface_addresses(own);
		count++;
	}
	return count > 0 ? count : interface_addresses(own);
}

/* All replicas listen on PORT, as we do. */
static void
meet(struct replicas *r, const struct addr *addrs, unsigned count, const struct addr *own,
    unsigned own_count, uint16_t port)
{
	struct addr there[FLEET_MOST];

	if (count > FLEET_MOST)
		count = FLEET_MOST;
	for (unsigned i = 0; i < count; i++) {
		there[i] = addrs[i];
		there[i].port = port;
	}
	fleet_meet(r->pooler->fleet, there, count, own, own_count, loop_now(r->loop));
}

static void
on_answer(void *owner, const struct addr *addrs, unsigned count, const char *why)
{
	struct replicas *r = owner;
	struct addr own[OWN_MOST];
	struct setup *setup;
	unsigned own_count;
	bool first = !r->known;

	r->lookup = NULL;
	if (count == 0) {
		if (!r->told)
			log_line(LOG_LEVEL_WARNING, NULL, "budget_peers: \"%s\" leads nowhere: %s; our "
			    "share stays what it is", r->name, why);
		r->told = true;
		return;
	}
	r->told = false;
	setup = pooler_setup(r->pooler);
	own_count = own_addresses(setup->conf, own);
	meet(r, addrs, count, own, own_count, (uint16_t)setup->conf->listen_port);
	setup_drop(setup);
	r->known = true;
	if (share_set(&r->share, share_split(addrs, count, own, own_count), loop_now(r->loop)) || first)
		put_in_force(r);
}
