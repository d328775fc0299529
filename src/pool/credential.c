/*
 * credential.c - what is known of one user, and what a pool keeps of it for its servers.
 */
#include <string.h>

#include "base/mem.h"
#include "conf/users.h"
#include "pool/credentials.h"

struct credential *
credential_new(bool known, struct span secret)
{
	struct credential *c;

	if (secret.len > USER_SECRET_MOST)
		return NULL;
	c = mem_new(sizeof(*c) + secret.len + 1);
	if (c == NULL)
		return NULL;
	atomic_init(&c->refs, 1);
	c->known = known;
	c->len = secret.len;
	if (secret.len > 0)
		memcpy(c->secret, secret.at, secret.len);
	return c;
}

struct credential *
credential_hold(struct credential *c)
{
	atomic_fetch_add(&c->refs, 1);
	return c;
}

void
credential_drop(struct credential *c)
{
	if (c == NULL || atomic_fetch_sub(&c->refs, 1) != 1)
		return;
	mem_wipe(c->secret, c->len);
	mem_free(c);
}

/* --- pools --- */

static bool
is_news(const struct credential *c, const struct credential *before)
{
	return before == NULL || !span_same(credential_secret(c), credential_secret(before));
}

void
pool_remember(struct pooler *p, struct pool *pool, struct credential *c)
{
	struct credential *before;
	bool news = false;

	pthread_mutex_lock(&p->mutex);
	before = pool->credential;
	/* a login that took long does not undo what a later one has learnt */
	if (before == NULL || before->asked_at <= c->asked_at) {
		news = is_news(c, before);
		pool->credential = credential_hold(c);
	} else {
		before = NULL;
	}
	pthread_mutex_unlock(&p->mutex);
	credential_drop(before);
	/* servers may have refused the old one */
	if (news)
		ledger_hope(&pool->ledger);
}

struct credential *
pool_credential(struct pooler *p, struct pool *pool)
{
	struct credential *c = NULL;

	pthread_mutex_lock(&p->mutex);
	if (pool->credential != NULL)
		c = credential_hold(pool->credential);
	pthread_mutex_unlock(&p->mutex);
	return c;
}
