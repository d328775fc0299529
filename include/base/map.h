/*
 * map.h - an intrusive hash map. The node lives inside the entry; the caller hashes
 * (span_hash) and compares. Grows by doubling; an empty map owns no memory.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/port.h"

struct map_node {
	struct map_node	*next;
	uint64_t	 hash;
};

struct map {
	struct map_node	**slots;	/* owned; NULL while empty */
	size_t		 size;		/* number of slots, a power of two or 0 */
	size_t		 count;
};

/* Says whether NODE is the entry for KEY; called for nodes of equal hash only. */
typedef bool (*map_same_fn)(const struct map_node *node, const void *key);

/* Give the slots back; the entries are the caller's. */
void map_fini(struct map *map);
/* The entry for KEY, or NULL. */
struct map_node *map_find(const struct map *map, uint64_t hash, map_same_fn same,
    const void *key);
/* Add NODE under HASH; equal keys are the caller's business. False: no memory. */
bool map_add(struct map *map, struct map_node *node, uint64_t hash) MUST_USE;
/* Take NODE, which is in MAP, out. */
void map_remove(struct map *map, struct map_node *node);
/* Walk: the first entry (after = NULL) or the one after AFTER; no order; NULL at the end.
 * AFTER must still be in the map, or have been removed since map_next() looked past it:
 * fetch the next one before removing. */
struct map_node *map_next(const struct map *map, const struct map_node *after);

#endif
