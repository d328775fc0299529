/*
 * map.c - chains of nodes under slots, as many slots as entries or more.
 *
 * Keys and entries are the caller's; a node keeps its hash, so growing never asks for
 * it again. When the last entry leaves, the slots go too.
 */
#include "base/map.h"

#include "base/mem.h"

#define MAP_FIRST ((size_t)8)

static struct map_node **
slot_of(const struct map *map, uint64_t hash)
{
	return &map->slots[hash & (map->size - 1)];
}

/* Twice the slots. False: no memory, the map is as before. */
static bool
map_grow(struct map *map)
{
	struct map bigger = { .size = map->size > 0 ? map->size * 2 : MAP_FIRST };
	struct map_node *node, **slot;
	size_t i;

	if (bigger.size > SIZE_MAX / sizeof(*bigger.slots))
		return false;
	bigger.slots = mem_new(bigger.size * sizeof(*bigger.slots));
	if (bigger.slots == NULL)
		return false;
	for (i = 0; i < map->size; i++) {
		while ((node = map->slots[i]) != NULL) {
			map->slots[i] = node->next;
			slot = slot_of(&bigger, node->hash);
			node->next = *slot;
			*slot = node;
		}
	}
	mem_free(map->slots);
	map->slots = bigger.slots;
	map->size = bigger.size;
	return true;
}

void
map_fini(struct map *map)
{
	mem_free(map->slots);
	*map = (struct map){ 0 };
}

struct map_node *
map_find(const struct map *map, uint64_t hash, map_same_fn same, const void *key)
{
	struct map_node *node;

	if (map->count == 0)
		return NULL;
	for (node = *slot_of(map, hash); node != NULL; node = node->next)
		if (node->hash == hash && same(node, key))
			return node;
	return NULL;
}

bool
map_add(struct map *map, struct map_node *node, uint64_t hash)
{
	struct map_node **slot;

	/* without memory for more slots the chains get longer */
	if (map->count >= map->size && !map_grow(map) && map->slots == NULL)
		return false;
	slot = slot_of(map, hash);
	node->hash = hash;
	node->next = *slot;
	*slot = node;
	map->count++;
	return true;
}

void
map_remove(struct map *map, struct map_node *node)
{
	struct map_node **link;

	if (!insist(map->count > 0))
		return;
	link = slot_of(map, node->hash);
	while (*link != NULL && *link != node)
		link = &(*link)->next;
	if (!insist(*link == node))
		return;
	*link = node->next;
	node->next = NULL;
	if (--map->count == 0)
		map_fini(map);
}

struct map_node *
map_next(const struct map *map, const struct map_node *after)
{
	size_t i = 0;

	if (map->count == 0)
		return NULL;
	if (after != NULL) {
		if (after->next != NULL)
			return after->next;
		i = (after->hash & (map->size - 1)) + 1;
	}
	for (; i < map->size; i++)
		if (map->slots[i] != NULL)
			return map->slots[i];
	return NULL;
}
