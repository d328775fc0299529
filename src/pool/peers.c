/*
 * peers.c - whose a cancel key is, and who is on the way to which peer. The connections
 * themselves are couriers (courier.c).
 */
#include "pool/peers.h"

#include <pthread.h>

#include "base/list.h"
#include "base/mem.h"

#define HOPS_AT 3u	/* byte of the secret whose lowest bits count */

/* A peer somebody is on the way to. */
struct peer_pool {
	struct node	 in_peers;
	uint32_t	 id;
	struct peer_load load;
};

struct peers {
	pthread_mutex_t	 mutex;
	struct list	 pools;		/* few: one a peer at most */
};

struct peers *
peers_new(void)
{
	struct peers *peers = mem_new(sizeof(*peers));

	if (peers == NULL)
		return NULL;
	pthread_mutex_init(&peers->mutex, NULL);
	list_init(&peers->pools);
	return peers;
}

void
peers_free(struct peers *peers)
{
	if (peers == NULL)
		return;
	insist(list_empty(&peers->pools));
	pthread_mutex_destroy(&peers->mutex);
	mem_free(peers);
}

/* --- keys --- */

void
peer_mark_pid(uint16_t id, uint32_t *pid)
{
	*pid = (*pid & 0x7f0000ffu) | (uint32_t)(id & 0xff) << 16 | (uint32_t)(id >> 8) << 8;
	if (*pid >> 24 == 0)
		*pid |= 0x01000000u;	/* above all process ids */
}

void
peer_mark_key(uint16_t id, uint32_t *pid, uint8_t *secret)
{
	peer_mark_pid(id, pid);
	peer_unwind_key(secret);
}

uint16_t
peer_of_key(uint32_t pid)
{
	return (uint16_t)((pid >> 16 & 0xff) | (pid >> 8 & 0xff) << 8);
}

void
peer_unwind_key(uint8_t *secret)
{
	secret[HOPS_AT] |= PEER_HOPS;
}

bool
peer_spend_hop(uint8_t *secret)
{
	if ((secret[HOPS_AT] & PEER_HOPS) == 0)
		return false;
	secret[HOPS_AT]--;	/* the lowest bits are not 0: nothing is borrowed from the others */
	return true;
}

/* --- who is on the way --- */

static struct peer_pool *
find(struct peers *peers, uint32_t id)
{
	LIST_EACH(n, &peers->pools) {
		struct peer_pool *pool = CONTAINER_OF(n, struct peer_pool, in_peers);

		if (pool->id == id)
			return pool;
	}
	return NULL;
}

struct peer_pool *
peer_enter(struct peers *peers, uint32_t id)
{
	struct peer_pool *pool;

	pthread_mutex_lock(&peers->mutex);
	pool = find(peers, id);
	if (pool == NULL && (pool = mem_new(sizeof(*pool))) != NULL) {
		pool->id = id;
		node_init(&pool->in_peers);
		list_add_last(&peers->pools, &pool->in_peers);
	}
	if (pool != NULL)
		pool->load.waiting++;
	pthread_mutex_unlock(&peers->mutex);
	return pool;
}

bool
peer_begin(struct peers *peers, struct peer_pool *pool, uint32_t most)
{
	bool may;

	pthread_mutex_lock(&peers->mutex);
	may = most == 0 || pool->load.dialing + pool->load.sent < most;
	if (may) {
		pool->load.waiting--;
		pool->load.dialing++;
	}
	pthread_mutex_unlock(&peers->mutex);
	return may;
}

void
peer_sent(struct peers *peers, struct peer_pool *pool)
{
	pthread_mutex_lock(&peers->mutex);
	pool->load.dialing--;
	pool->load.sent++;
	pthread_mutex_unlock(&peers->mutex);
}

static unsigned *
count_of(struct peer_load *load, enum peer_step step)
{
	switch (step) {
	case PEER_WAITING:
		return &load->waiting;
	case PEER_DIALING:
		return &load->dialing;
	case PEER_SENT:
		break;
	}
	return &load->sent;
}

void
peer_leave(struct peers *peers, struct peer_pool *pool, enum peer_step step)
{
	const struct peer_load *load = &pool->load;

	pthread_mutex_lock(&peers->mutex);
	--*count_of(&pool->load, step);
	if (load->waiting + load->dialing + load->sent == 0) {
		list_remove(&pool->in_peers);
		mem_free(pool);
	}
	pthread_mutex_unlock(&peers->mutex);
}

void
peer_look(struct peers *peers, uint32_t id, struct peer_load *out)
{
	const struct peer_pool *pool;

	pthread_mutex_lock(&peers->mutex);
	pool = find(peers, id);
	*out = pool != NULL ? pool->load : (struct peer_load){ 0 };
	pthread_mutex_unlock(&peers->mutex);
}
