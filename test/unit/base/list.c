/*
 * list.c - tests of base/list.h.
 */
#include "unit/unit.h"

#include "base/list.h"

struct item {
	char		 name;
	struct node	 node;
};

/* The names in LIST, first to last, which must be the same as last to first. */
static const char *
names(const struct list *list)
{
	static char text[16];
	size_t len = 0;
	const struct node *node;

	for (node = list->head.next; node != &list->head; node = node->next) {
		assert_ptr_equal(node->next->prev, node);
		text[len++] = CONTAINER_OF(node, const struct item, node)->name;
	}
	text[len] = '\0';
	return text;
}

static void
order_is_as_asked(void **state)
{
	struct item a = { .name = 'a' }, b = { .name = 'b' }, c = { .name = 'c' };
	struct list list;

	(void)state;
	list_init(&list);
	assert_true(list_empty(&list));
	assert_null(list_first(&list));
	assert_null(list_last(&list));
	assert_null(LIST_FIRST(&list, struct item, node));
	list_add_last(&list, &b.node);
	list_add_last(&list, &c.node);
	list_add_first(&list, &a.node);
	assert_string_equal(names(&list), "abc");
	assert_ptr_equal(LIST_FIRST(&list, struct item, node), &a);
	assert_ptr_equal(list_last(&list), &c.node);
	list_remove(&b.node);
	list_put_before(&b.node, &a.node);
	assert_string_equal(names(&list), "bac");
}

static void
leaving_twice_is_harmless(void **state)
{
	struct item a = { .name = 'a' }, b = { .name = 'b' };
	struct list list;

	(void)state;
	list_init(&list);
	node_init(&a.node);
	list_remove(&a.node);
	assert_false(node_linked(&a.node));
	list_add_last(&list, &a.node);
	list_add_last(&list, &b.node);
	assert_true(node_linked(&a.node));
	list_remove(&a.node);
	list_remove(&a.node);
	assert_false(node_linked(&a.node));
	assert_string_equal(names(&list), "b");
}

static void
joining_moves_all(void **state)
{
	struct item a = { .name = 'a' }, b = { .name = 'b' }, c = { .name = 'c' };
	struct list one, two;

	(void)state;
	list_init(&one);
	list_init(&two);
	list_join(&one, &two);
	assert_true(list_empty(&one));
	list_add_last(&one, &a.node);
	list_add_last(&two, &b.node);
	list_add_last(&two, &c.node);
	list_join(&one, &two);
	assert_string_equal(names(&one), "abc");
	assert_true(list_empty(&two));
	list_join(&two, &one);
	assert_string_equal(names(&two), "abc");
}

static void
a_walk_may_remove_where_it_stands(void **state)
{
	struct item items[5];
	struct list list;
	unsigned i, seen = 0;

	(void)state;
	list_init(&list);
	for (i = 0; i < 5; i++) {
		items[i].name = (char)('a' + i);
		list_add_last(&list, &items[i].node);
	}
	LIST_EACH(n, &list) {
		seen++;
		if (CONTAINER_OF(n, struct item, node)->name != 'c')
			list_remove(n);
	}
	assert_int_equal(seen, 5);
	assert_string_equal(names(&list), "c");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(order_is_as_asked),
		UNIT_TEST(leaving_twice_is_harmless),
		UNIT_TEST(joining_moves_all),
		UNIT_TEST(a_walk_may_remove_where_it_stands),
	};

	return cmocka_run_group_tests_name("base/list", tests, NULL, NULL);
}
