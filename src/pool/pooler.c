/*
 * pooler.c - what all threads share, and putting a new configuration in force.
 */
#include "pool/pooler.h"

#include <limits.h>
#include <string.h>

#include "auth/clerk.h"
#include "auth/keyring.h"
#include "auth/lookup.h"
#include "base/mem.h"
#include "pool/budget.h"
#include "pool/client.h"
#include "pool/credentials.h"
#include "pool/crowd.h"
#include "pool/fleet.h"
#include "pool/peers.h"
#include "pool/place.h"
#include "pool/worker.h"

#define KEYRING_MOST 100000

static bool
ask_lookup(void *arg, const struct lookup_ask *ask, struct err *e)
{
	return lookup_ask(arg, ask, e);
}

bool
pooler_init(struct pooler *p, struct err *e)
{
	memset(p, 0, sizeof(*p));
	pthread_mutex_init(&p->mutex, NULL);
	list_init(&p->retired);
	share_init(&p->share, true);
	book_init(&p->book);
	atomic_store(&p->client_room, UINT_MAX);
	p->clerks = clerks_new(e);
	p->lookup = p->clerks != NULL ? lookup_new(p->clerks, e) : NULL;
	if (p->lookup == NULL)
		return false;
	p->credentials = credentials_new(ask_lookup, p->lookup);
	p->keyring = keyring_new(KEYRING_MOST);
	p->peers = peers_new();
	p->fleet = fleet_new();
	p->crowds = crowds_new();
	if (p->credentials == NULL || p->keyring == NULL || p->peers == NULL || p->fleet == NULL ||
	    p->crowds == NULL)
		return err_set(e, SQLSTATE_NO_MEMORY, "out of memory");
	return true;
}

void
pool_free(struct pool *pool)
{
	profile_drop(pool->welcome);
	profile_drop(pool->asked);
	credential_drop(pool->credential);
	tried_forget(pool);
	mem_free((char *)pool->database);
	mem_free((char *)pool->user);
	mem_free((char *)pool->client_user);
	mem_free(pool);
}

void
pooler_fini(struct pooler *p)
{
	struct map_node *node;

	while ((node = map_next(&p->pools, NULL)) != NULL) {
		map_remove(&p->pools, node);
		pool_free(CONTAINER_OF(node, struct pool, in_pooler));
	}
	LIST_EACH(n, &p->retired)
		pool_free(CONTAINER_OF(n, struct pool, in_retired));
	map_fini(&p->pools);
	place_forget(p);
	budget_forget(p);
	setup_drop(p->setup);
	keyring_free(p->keyring);
	credentials_free(p->credentials);
	lookup_free(p->lookup);
	clerks_free(p->clerks);
	peers_free(p->peers);
	fleet_free(p->fleet);
	crowds_free(p->crowds);
	pthread_mutex_destroy(&p->mutex);
}

/* --- setups --- */

static enum tls_verify
accept_verify(enum sslmode mode)
{
	return mode >= SSLMODE_VERIFY_CA ? TLS_VERIFY_CA : TLS_VERIFY_IF_GIVEN;
}

static enum tls_verify
connect_verify(enum sslmode mode)
{
	if (mode == SSLMODE_VERIFY_FULL)
		return TLS_VERIFY_FULL;
	return mode == SSLMODE_VERIFY_CA ? TLS_VERIFY_CA : TLS_VERIFY_NONE;
}

static bool
make_client_tls(struct setup *s, struct err *e)
{
	const struct conf *c = s->conf;
	struct tls_settings settings = {
		.role = LINK_ACCEPTS, .verify = accept_verify(c->client_tls_sslmode),
		.ca_file = c->client_tls_ca_file, .cert_file = c->client_tls_cert_file,
		.key_file = c->client_tls_key_file, .protocols = c->client_tls_protocols,
		.ciphers = c->client_tls_ciphers, .ciphers13 = c->client_tls13_ciphers,
		.curve = c->client_tls_ecdhcurve,
		.dheparams = c->client_tls_dheparams == DH_PARAMS_NONE ? "none" : "auto",
	};

	if (c->client_tls_sslmode == SSLMODE_DISABLE)
		return true;
	s->client_tls = tls_new(&settings, e);
	return s->client_tls != NULL;
}

static bool
make_server_tls(struct setup *s, struct err *e)
{
	const struct conf *c = s->conf;
	struct tls_settings settings = {
		.role = LINK_CONNECTS, .verify = connect_verify(c->server_tls_sslmode),
		.ca_file = c->server_tls_ca_file, .cert_file = c->server_tls_cert_file,
		.key_file = c->server_tls_key_file, .protocols = c->server_tls_protocols,
		.ciphers = c->server_tls_ciphers, .ciphers13 = c->server_tls13_ciphers,
	};

	if (c->server_tls_sslmode == SSLMODE_DISABLE)
		return true;
	s->server_tls = tls_new(&settings, e);
	return s->server_tls != NULL;
}

struct setup *
setup_new(struct conf *conf, struct err *e)
{
	struct setup *s = mem_new(sizeof(*s));

	if (s == NULL) {
		err_set(e, SQLSTATE_NO_MEMORY, "out of memory");
		return NULL;
	}
	atomic_store(&s->refs, 1);
	s->conf = conf_hold(conf);
	if (!make_client_tls(s, e) || !make_server_tls(s, e)) {
		setup_drop(s);
		return NULL;
	}
	return s;
}

struct socket_options
pooler_socket_options(const struct conf *conf)
{
	return (struct socket_options){
		.keepalive = conf->tcp_keepalive, .keepidle = (int)conf->tcp_keepidle,
		.keepintvl = (int)conf->tcp_keepintvl, .keepcnt = (int)conf->tcp_keepcnt,
		.user_timeout = (int)conf->tcp_user_timeout,
		.buffer = (int)conf->tcp_socket_buffer,
	};
}

struct setup *
setup_hold(struct setup *s)
{
	atomic_fetch_add(&s->refs, 1);
	return s;
}

void
setup_drop(struct setup *s)
{
	if (s == NULL || atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	tls_drop(s->client_tls);
	tls_drop(s->server_tls);
	conf_drop(s->conf);
	mem_free(s);
}

struct setup *
pooler_setup(struct pooler *p)
{
	struct setup *s;

	pthread_mutex_lock(&p->mutex);
	s = setup_hold(p->setup);
	pthread_mutex_unlock(&p->mutex);
	return s;
}

static void
use_setup(struct worker *w, void *arg)
{
	worker_use_setup(w, arg);
}

static void
setup_used(void *arg)
{
	setup_drop(arg);
}

static void
hope(void *owner, struct pool *pool)
{
	(void)owner;
	ledger_hope(&pool->ledger);
}

void
pooler_install(struct pooler *p, struct setup *setup)
{
	struct setup *before;

	pthread_mutex_lock(&p->mutex);
	before = p->setup;
	p->setup = setup;
	pthread_mutex_unlock(&p->mutex);
	setup_drop(before);
	credentials_renew(p->credentials);
	lookup_renew(p->lookup);
	place_relimit(p, setup->conf);
	place_each(p, hope, NULL);
	setup_hold(setup);
	if (p->workers == NULL || !worker_ask_all(p, NULL, use_setup, setup_used, setup))
		setup_drop(setup);
}
