/*
 * keyring.c - a map of keys in the order of their use.
 *
 *	map: owner -> entries; owner = keyed hash of user and secret (64 bits)
 *	                       label = HMAC(own key; user, secret, iterations, salt)
 *
 * Neither users nor secrets are kept, only their keyed digests. All entries of one owner
 * share a hash, so that forgetting a secret finds them all; should two owners ever share
 * one, forgetting forgets too much.
 */
#include "auth/keyring.h"

#include "auth/digest.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/rand.h"

#include <pthread.h>

struct label {
	uint64_t	 owner;
	unsigned char	 whole[DIGEST_SHA256];
};

struct entry {
	struct map_node		 in_map;
	struct node		 in_order;
	struct label		 label;
	struct scram_keys	 keys;
};

struct keyring {
	unsigned char	 key[DIGEST_SHA256];	/* random, for the life of the process */
	size_t		 most;
	pthread_mutex_t	 lock;			/* over everything below */
	struct map	 map;
	struct list	 order;			/* entries, the longest unused first */
};

static void entry_remove(struct keyring *k, struct entry *entry);

struct keyring *
keyring_new(size_t most)
{
	struct keyring *k = mem_new(sizeof(*k));

	if (k == NULL)
		return NULL;
	if (pthread_mutex_init(&k->lock, NULL) != 0) {
		mem_free(k);
		return NULL;
	}
	rand_bytes(k->key, sizeof(k->key));
	k->most = most > 0 ? most : 1;
	list_init(&k->order);
	return k;
}

void
keyring_free(struct keyring *k)
{
	if (k == NULL)
		return;
	while (!list_empty(&k->order))
		entry_remove(k, LIST_FIRST(&k->order, struct entry, in_order));
	map_fini(&k->map);
	pthread_mutex_destroy(&k->lock);
	mem_wipe(k, sizeof(*k));
	mem_free(k);
}

bool
keyring_salt(const struct keyring *k, struct span user, unsigned char out[KEYRING_SALT])
{
	struct span parts[] = { SPAN_LITERAL("salt"), user };
	unsigned char sum[DIGEST_SHA256];

	if (!digest_hmac(span_of(k->key, sizeof(k->key)), parts, ARRAY_SIZE(parts), sum))
		return false;
	memcpy(out, sum, KEYRING_SALT);
	return true;
}

/* Where the entries of USER with SECRET are found. */
static uint64_t
owner_of(struct span user, struct span secret)
{
	return span_hash(user) * 31 + span_hash(secret);
}

static bool
label_make(const struct keyring *k, struct span user, struct span secret,
    struct span salt, uint32_t iterations, struct label *out)
{
	uint64_t lens[] = { user.len, secret.len, iterations };
	struct span parts[] = { SPAN_LITERAL("label"), span_of(lens, sizeof(lens)), user, secret, salt };

	out->owner = owner_of(user, secret);
	return digest_hmac(span_of(k->key, sizeof(k->key)), parts, ARRAY_SIZE(parts), out->whole);
}

static struct entry *
entry_of(struct map_node *node)
{
	return node != NULL ? CONTAINER_OF(node, struct entry, in_map) : NULL;
}

static bool
label_same(const struct map_node *node, const void *key)
{
	const struct entry *entry = CONTAINER_OF(node, struct entry, in_map);
	const struct label *label = key;

	return secret_same(entry->label.whole, label->whole, sizeof(label->whole));
}

/* Any entry under the hash will do. */
static bool
owner_same(const struct map_node *node, const void *key)
{
	(void)node;
	(void)key;
	return true;
}

/* The entry under LABEL, now the last to go; or NULL. Under the lock. */
static struct entry *
entry_touch(struct keyring *k, const struct label *label)
{
	struct entry *entry;

	entry = entry_of(map_find(&k->map, label->owner, label_same, label));
	if (entry != NULL) {
		list_remove(&entry->in_order);
		list_add_last(&k->order, &entry->in_order);
	}
	return entry;
}

static void
entry_remove(struct keyring *k, struct entry *entry)
{
	map_remove(&k->map, &entry->in_map);
	list_remove(&entry->in_order);
	mem_wipe(entry, sizeof(*entry));
	mem_free(entry);
}

bool
keyring_find(struct keyring *k, struct span user, struct span secret, struct span salt,
    uint32_t iterations, struct scram_keys *out)
{
	struct entry *entry;
	struct label label;

	if (!label_make(k, user, secret, salt, iterations, &label))
		return false;
	pthread_mutex_lock(&k->lock);
	entry = entry_touch(k, &label);
	if (entry != NULL)
		*out = entry->keys;
	pthread_mutex_unlock(&k->lock);
	return entry != NULL;
}

/* Under the lock. */
static void
entry_add(struct keyring *k, const struct label *label, const struct scram_keys *keys)
{
	struct entry *entry = entry_touch(k, label);

	if (entry != NULL) {
		entry->keys = *keys;
		return;
	}
	entry = mem_new(sizeof(*entry));
	if (entry == NULL)
		return;
	if (!map_add(&k->map, &entry->in_map, label->owner)) {
		mem_free(entry);
		return;
	}
	entry->label = *label;
	entry->keys = *keys;
	node_init(&entry->in_order);
	list_add_last(&k->order, &entry->in_order);
	if (k->map.count > k->most)
		entry_remove(k, LIST_FIRST(&k->order, struct entry, in_order));
}

void
keyring_keep(struct keyring *k, struct span user, struct span secret, struct span salt,
    uint32_t iterations, const struct scram_keys *keys)
{
	struct label label;

	if (!label_make(k, user, secret, salt, iterations, &label))
		return;
	pthread_mutex_lock(&k->lock);
	entry_add(k, &label, keys);
	pthread_mutex_unlock(&k->lock);
}

void
keyring_forget(struct keyring *k, struct span user, struct span secret)
{
	uint64_t owner = owner_of(user, secret);
	struct entry *entry;

	pthread_mutex_lock(&k->lock);
	for (;;) {
		entry = entry_of(map_find(&k->map, owner, owner_same, NULL));
		if (entry == NULL)
			break;
		entry_remove(k, entry);
	}
	pthread_mutex_unlock(&k->lock);
}

size_t
keyring_count(struct keyring *k)
{
	size_t count;

	pthread_mutex_lock(&k->lock);
	count = k->map.count;
	pthread_mutex_unlock(&k->lock);
	return count;
}
