/*
 * map.c - tests of base/map.h.
 */
#include "unit/unit.h"

#include "base/map.h"
#include "base/mem.h"

#define MANY 1000

struct entry {
	struct map_node	 node;
	unsigned	 key;
	bool		 seen;
};

static struct entry entries[MANY];

/* Few different hashes, so that every chain holds strangers. */
static uint64_t
hash_of(unsigned key)
{
	return key % 97;
}

static bool
same(const struct map_node *node, const void *key)
{
	const struct entry *entry = CONTAINER_OF(node, const struct entry, node);

	/* nodes of other hashes in the same chain are not our business */
	assert_true(node->hash == hash_of(*(const unsigned *)key));
	return entry->key == *(const unsigned *)key;
}

static struct entry *
find(const struct map *map, unsigned key)
{
	struct map_node *node = map_find(map, hash_of(key), same, &key);

	return node != NULL ? CONTAINER_OF(node, struct entry, node) : NULL;
}

static void
fill(struct map *map)
{
	unsigned i;

	for (i = 0; i < MANY; i++) {
		entries[i] = (struct entry){ .key = i };
		assert_true(map_add(map, &entries[i].node, hash_of(i)));
	}
}

static void
an_empty_map_owns_nothing(void **state)
{
	struct map map = { 0 };
	struct entry one = { .key = 1 };

	(void)state;
	assert_null(find(&map, 1));
	assert_null(map_next(&map, NULL));
	assert_true(map_add(&map, &one.node, hash_of(1)));
	assert_ptr_equal(find(&map, 1), &one);
	map_remove(&map, &one.node);
	assert_null(map.slots);
	assert_null(find(&map, 1));
}

static void
all_are_found_and_no_others(void **state)
{
	struct map map = { 0 };
	unsigned i;

	(void)state;
	fill(&map);
	assert_int_equal(map.count, MANY);
	assert_true(map.size >= MANY);
	for (i = 0; i < MANY; i++)
		assert_ptr_equal(find(&map, i), &entries[i]);
	assert_null(find(&map, MANY));
	for (i = 0; i < MANY; i += 2)
		map_remove(&map, &entries[i].node);
	for (i = 0; i < MANY; i++)
		assert_ptr_equal(find(&map, i), i % 2 == 0 ? NULL : &entries[i]);
	assert_int_equal(map.count, MANY / 2);
	map_fini(&map);
	assert_int_equal(map.count, 0);
}

static void
a_walk_sees_each_once(void **state)
{
	struct map map = { 0 };
	struct map_node *node;
	unsigned count = 0;

	(void)state;
	fill(&map);
	for (node = map_next(&map, NULL); node != NULL; node = map_next(&map, node)) {
		struct entry *entry = CONTAINER_OF(node, struct entry, node);

		assert_false(entry->seen);
		entry->seen = true;
		count++;
	}
	assert_int_equal(count, MANY);
	map_fini(&map);
}

static void
a_walk_may_remove_what_it_has_passed(void **state)
{
	struct map map = { 0 };
	struct map_node *node, *next;
	unsigned count = 0;

	(void)state;
	fill(&map);
	for (node = map_next(&map, NULL); node != NULL; node = next) {
		next = map_next(&map, node);
		map_remove(&map, node);
		count++;
	}
	assert_int_equal(count, MANY);
	assert_null(map.slots);
}

static void
no_memory_costs_speed_only(void **state)
{
	struct map map = { 0 };
	unsigned i;

	(void)state;
	entries[0] = (struct entry){ .key = 0 };
	mem_fail_after(1);
	assert_false(map_add(&map, &entries[0].node, hash_of(0)));
	assert_int_equal(map.count, 0);
	for (i = 0; i < MANY; i++) {
		entries[i] = (struct entry){ .key = i };
		/* the first one needs slots, later ones make do */
		mem_fail_after(i > 0 ? 1 : 0);
		assert_true(map_add(&map, &entries[i].node, hash_of(i)));
	}
	mem_fail_after(0);
	for (i = 0; i < MANY; i++)
		assert_ptr_equal(find(&map, i), &entries[i]);
	map_fini(&map);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(an_empty_map_owns_nothing),
		UNIT_TEST(all_are_found_and_no_others),
		UNIT_TEST(a_walk_sees_each_once),
		UNIT_TEST(a_walk_may_remove_what_it_has_passed),
		UNIT_TEST(no_memory_costs_speed_only),
	};

	return cmocka_run_group_tests_name("base/map", tests, NULL, NULL);
}
