/*
 * fleet.c - see fleet.h. Who there is, the keeper hears (replicas.c); what is said to them is
 * proof.c's, by what connection courier.c's.
 */
#include "pool/fleet.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "pool/peers.h"

#define NOT_MARKED (1u << 16)		/* above all tags */
#define SAYS_EVERY (60 * SECOND)	/* how often the log hears of trouble */

struct member {
	struct fleet_member seen;
	bool		 has_tag[PEER_SECRETS_MOST];
	uint16_t	 tags[PEER_SECRETS_MOST];	/* by secret */
};

struct fleet {
	atomic_uint	 mark;		/* what our keys bear; NOT_MARKED: nothing */
	pthread_mutex_t	 mutex;		/* of all below */
	uint8_t		 secrets[PEER_SECRETS_MOST][PROOF_SECRET];
	unsigned	 secret_count;
	struct member	 members[FLEET_MOST];
	unsigned	 count;
	struct addr	 own;		/* what our keys say we are; ADDR_NONE: nothing */
	usec_t		 said;		/* when the log was told of trouble; 0: never */
};

struct fleet *
fleet_new(void)
{
	struct fleet *fleet = mem_new(sizeof(*fleet));

	if (fleet == NULL)
		return NULL;
	pthread_mutex_init(&fleet->mutex, NULL);
	atomic_init(&fleet->mark, NOT_MARKED);
	return fleet;
}

void
fleet_free(struct fleet *fleet)
{
	if (fleet == NULL)
		return;
	pthread_mutex_destroy(&fleet->mutex);
	mem_wipe(fleet->secrets, sizeof(fleet->secrets));
	mem_free(fleet);
}

/* --- tags --- */

static void
make_tags(struct fleet *fleet, struct member *m)
{
	for (unsigned i = 0; i < PEER_SECRETS_MOST; i++)
		m->has_tag[i] = i < fleet->secret_count &&
		    proof_tag(fleet->secrets[i], &m->seen.addr, &m->tags[i]);
	m->seen.tagged = m->has_tag[0];
	m->seen.tag = m->tags[0];
}

/* What our keys bear from now on. */
static void
set_mark(struct fleet *fleet)
{
	uint16_t tag;
	bool marked = fleet->own.kind != ADDR_NONE && fleet->secret_count > 0 &&
	    proof_tag(fleet->secrets[0], &fleet->own, &tag);

	atomic_store(&fleet->mark, marked ? tag : NOT_MARKED);
}

void
fleet_use_secrets(struct fleet *fleet, const char *const *texts, size_t count)
{
	unsigned n = 0;

	pthread_mutex_lock(&fleet->mutex);
	mem_wipe(fleet->secrets, sizeof(fleet->secrets));
	for (size_t i = 0; i < count && n < PEER_SECRETS_MOST; i++)
		n += proof_secret(span_text(texts[i]), fleet->secrets[n]);
	fleet->secret_count = n;
	for (unsigned i = 0; i < fleet->count; i++)
		make_tags(fleet, &fleet->members[i]);
	set_mark(fleet);
	pthread_mutex_unlock(&fleet->mutex);
}

/* --- who there is --- */

static bool
same_host(const struct addr *a, const struct addr *b)
{
	struct addr at = *a;

	at.port = b->port;
	return addr_same(&at, b);
}

static bool
is_among(const struct addr *a, const struct addr *all, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (same_host(a, &all[i]))
			return true;
	return false;
}

/* Can other machines reach it, as far as it tells? */
static bool
is_public(const struct addr *a)
{
	uint32_t ip4;

	if (a->kind == ADDR_IP6)
		return !IN6_IS_ADDR_LOOPBACK(&a->u.ip6) && !IN6_IS_ADDR_LINKLOCAL(&a->u.ip6);
	ip4 = ntohl(a->u.ip4.s_addr);
	return a->kind == ADDR_IP4 && ip4 >> 24 != 127 && ip4 >> 16 != 0xa9fe;
}

/* The one of OWN that others most likely know us by: IPv4 before IPv6, the first of several. */
static struct addr
likely_own(const struct addr *own, unsigned count)
{
	const struct addr *best = NULL;

	for (unsigned i = 0; i < count; i++) {
		if (is_public(&own[i]) &&
		    (best == NULL || (best->kind == ADDR_IP6 && own[i].kind == ADDR_IP4)))
			best = &own[i];
	}
	if (best == NULL && count > 0)
		best = &own[0];
	return best != NULL ? *best : (struct addr){ .kind = ADDR_NONE };
}

/* Keys begin to say that we are at OWN. */
static void
set_own(struct fleet *fleet, const struct addr *own)
{
	fleet->own = *own;
	set_mark(fleet);
}

void
fleet_begin(struct fleet *fleet, const struct addr *own, unsigned own_count)
{
	struct addr at = likely_own(own, own_count);

	pthread_mutex_lock(&fleet->mutex);
	fleet->count = 0;
	set_own(fleet, &at);
	pthread_mutex_unlock(&fleet->mutex);
}

void
fleet_end(struct fleet *fleet)
{
	fleet_begin(fleet, NULL, 0);
}

static struct member *
find(struct fleet *fleet, const struct addr *addr)
{
	for (unsigned i = 0; i < fleet->count; i++)
		if (same_host(&fleet->members[i].seen.addr, addr))
			return &fleet->members[i];
	return NULL;
}

/* Room for one more: that of the one nobody has named for longest. NULL: all were named just now. */
static struct member *
make_room(struct fleet *fleet)
{
	struct member *oldest = NULL;

	if (fleet->count < FLEET_MOST)
		return &fleet->members[fleet->count++];
	for (unsigned i = 0; i < fleet->count; i++) {
		struct member *m = &fleet->members[i];

		if (!m->seen.listed && (oldest == NULL || m->seen.seen < oldest->seen.seen))
			oldest = m;
	}
	return oldest;
}

static void
meet_one(struct fleet *fleet, const struct addr *addr, usec_t now)
{
	struct member *m = find(fleet, addr);

	if (m == NULL) {
		m = make_room(fleet);
		if (m == NULL)
			return;
		*m = (struct member){ .seen.addr = *addr };
		make_tags(fleet, m);
	}
	m->seen.addr.port = addr->port;
	m->seen.listed = true;
	m->seen.seen = now;
}

static void
forget_old(struct fleet *fleet, usec_t now)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < fleet->count; i++) {
		const struct member *m = &fleet->members[i];

		if (m->seen.listed || now - m->seen.seen < FLEET_REMEMBERS)
			fleet->members[kept++] = *m;
	}
	fleet->count = kept;
}

void
fleet_meet(struct fleet *fleet, const struct addr *addrs, unsigned count, const struct addr *own,
    unsigned own_count, usec_t now)
{
	const struct addr *self = NULL;

	pthread_mutex_lock(&fleet->mutex);
	for (unsigned i = 0; i < fleet->count; i++)
		fleet->members[i].seen.listed = false;
	for (unsigned i = 0; i < count; i++)
		meet_one(fleet, &addrs[i], now);
	forget_old(fleet, now);
	for (unsigned i = 0; i < fleet->count; i++) {
		struct fleet_member *m = &fleet->members[i].seen;

		m->own = is_among(&m->addr, own, own_count);
		if (m->own && m->listed && (self == NULL || same_host(&m->addr, &fleet->own)))
			self = &m->addr;
	}
	if (self != NULL && !same_host(self, &fleet->own))
		set_own(fleet, self);
	pthread_mutex_unlock(&fleet->mutex);
}

/* --- keys --- */

bool
fleet_has_secret(struct fleet *fleet)
{
	bool has;

	pthread_mutex_lock(&fleet->mutex);
	has = fleet->secret_count > 0;
	pthread_mutex_unlock(&fleet->mutex);
	return has;
}

bool
fleet_mark_key(struct fleet *fleet, uint32_t *pid)
{
	unsigned mark = atomic_load(&fleet->mark);

	if (mark == NOT_MARKED)
		return false;
	peer_mark_pid((uint16_t)mark, pid);
	return true;
}

unsigned
fleet_origins(struct fleet *fleet, uint32_t pid, struct origin *out)
{
	uint16_t tag = peer_of_key(pid);
	unsigned found = 0;

	pthread_mutex_lock(&fleet->mutex);
	for (unsigned i = 0; i < fleet->secret_count; i++) {
		for (unsigned j = 0; j < fleet->count && found < ORIGINS_MOST; j++) {
			const struct member *m = &fleet->members[j];

			if (m->seen.own || !m->has_tag[i] || m->tags[i] != tag)
				continue;
			out[found] = (struct origin){ .addr = m->seen.addr, .tag = tag };
			memcpy(out[found++].secret, fleet->secrets[i], PROOF_SECRET);
		}
	}
	pthread_mutex_unlock(&fleet->mutex);
	return found;
}

bool
fleet_find_secret(struct fleet *fleet, const uint8_t challenge[PROOF_CHALLENGE], uint32_t pid,
    const uint8_t proof[PROOF_SIZE], uint8_t secret[PROOF_SECRET])
{
	bool found = false;

	pthread_mutex_lock(&fleet->mutex);
	for (unsigned i = 0; i < fleet->secret_count && !found; i++) {
		found = proof_is_ours(fleet->secrets[i], challenge, pid, proof);
		if (found)
			memcpy(secret, fleet->secrets[i], PROOF_SECRET);
	}
	pthread_mutex_unlock(&fleet->mutex);
	return found;
}

/* --- what came of it --- */

void
fleet_note(struct fleet *fleet, const struct addr *addr, enum passed how, usec_t now)
{
	bool say = false;
	struct member *m;
	char where[80];

	pthread_mutex_lock(&fleet->mutex);
	m = find(fleet, addr);
	if (m != NULL) {
		m->seen.passed[how]++;
		say = m->seen.listed && (how == PASSED_REFUSED || how == PASSED_FAILED) &&
		    (fleet->said == 0 || now - fleet->said >= SAYS_EVERY);
	}
	if (say)
		fleet->said = now;
	pthread_mutex_unlock(&fleet->mutex);
	if (!say)
		return;
	log_line(LOG_LEVEL_WARNING, NULL, "replica %s: a cancel request was not passed on: %s",
	    addr_text(addr, where), how == PASSED_REFUSED ?
	    "it does not know us, expected a pgweir with the same peer_secret there" :
	    "it cannot be reached or does not answer, see SHOW REPLICAS");
}

unsigned
fleet_look(struct fleet *fleet, struct fleet_member *out)
{
	unsigned count;

	pthread_mutex_lock(&fleet->mutex);
	count = fleet->count;
	for (unsigned i = 0; i < count; i++)
		out[i] = fleet->members[i].seen;
	pthread_mutex_unlock(&fleet->mutex);
	return count;
}
