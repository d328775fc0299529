/*
 * crowd.c - counting clients by name. What a count means is said in client_limits.c.
 */
#include "pool/crowd.h"

#include <pthread.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"

struct crowd {
	struct map_node	 in_crowds;
	enum crowd_kind	 kind;
	unsigned	 count;
	size_t		 len;
	char		 name[];
};

struct crowds {
	pthread_mutex_t	 mutex;
	struct map	 map;
};

struct crowd_key {
	enum crowd_kind	 kind;
	struct span	 name;
};

struct crowds *
crowds_new(void)
{
	struct crowds *crowds = mem_new(sizeof(*crowds));

	if (crowds != NULL)
		pthread_mutex_init(&crowds->mutex, NULL);
	return crowds;
}

void
crowds_free(struct crowds *crowds)
{
	if (crowds == NULL)
		return;
	insist(crowds->map.count == 0);
	map_fini(&crowds->map);
	pthread_mutex_destroy(&crowds->mutex);
	mem_free(crowds);
}

static bool
same_crowd(const struct map_node *node, const void *key)
{
	const struct crowd *crowd = CONTAINER_OF(node, struct crowd, in_crowds);
	const struct crowd_key *k = key;

	return crowd->kind == k->kind && span_same(span_of(crowd->name, crowd->len), k->name);
}

static uint64_t
hash_key(const struct crowd_key *key)
{
	return span_hash(key->name) * 4 + (uint64_t)key->kind;
}

static struct crowd *
find(struct crowds *crowds, const struct crowd_key *key)
{
	struct map_node *node = map_find(&crowds->map, hash_key(key), same_crowd, key);

	return node != NULL ? CONTAINER_OF(node, struct crowd, in_crowds) : NULL;
}

static struct crowd *
make(struct crowds *crowds, const struct crowd_key *key)
{
	struct crowd *crowd = mem_new(sizeof(*crowd) + key->name.len);

	if (crowd == NULL || !map_add(&crowds->map, &crowd->in_crowds, hash_key(key))) {
		mem_free(crowd);
		return NULL;
	}
	crowd->kind = key->kind;
	crowd->len = key->name.len;
	memcpy(crowd->name, key->name.at, key->name.len);
	return crowd;
}

struct crowd *
crowd_enter(struct crowds *crowds, enum crowd_kind kind, struct span name, unsigned *count)
{
	struct crowd_key key = { kind, name };
	struct crowd *crowd;

	pthread_mutex_lock(&crowds->mutex);
	crowd = find(crowds, &key);
	if (crowd == NULL)
		crowd = make(crowds, &key);
	if (crowd != NULL)
		*count = ++crowd->count;
	pthread_mutex_unlock(&crowds->mutex);
	return crowd;
}

void
crowd_leave(struct crowds *crowds, struct crowd *crowd)
{
	if (crowd == NULL)
		return;
	pthread_mutex_lock(&crowds->mutex);
	if (--crowd->count == 0) {
		map_remove(&crowds->map, &crowd->in_crowds);
		mem_free(crowd);
	}
	pthread_mutex_unlock(&crowds->mutex);
}

unsigned
crowd_count(struct crowds *crowds, enum crowd_kind kind, struct span name)
{
	struct crowd_key key = { kind, name };
	const struct crowd *crowd;
	unsigned count;

	pthread_mutex_lock(&crowds->mutex);
	crowd = find(crowds, &key);
	count = crowd != NULL ? crowd->count : 0;
	pthread_mutex_unlock(&crowds->mutex);
	return count;
}
