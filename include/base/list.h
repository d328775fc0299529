/*
 * list.h - intrusive doubly linked lists. A node lives inside what it links; a
 * node that is in no list points at itself, so leaving twice is harmless.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include "base/port.h"

struct node {
	struct node	*prev, *next;
};

/* The ring's own node: first is head.next, last is head.prev. */
struct list {
	struct node	 head;
};

/* Make NODE belong to no list. Every node starts so. */
static inline void
node_init(struct node *node)
{
	node->prev = node->next = node;
}

/* Is NODE in some list? */
static inline bool
node_linked(const struct node *node)
{
	return node->next != node;
}

static inline void
list_init(struct list *list)
{
	node_init(&list->head);
}

static inline bool
list_empty(const struct list *list)
{
	return list->head.next == &list->head;
}

/* Put NODE, which is in no list, before WHERE, which is in one. */
static inline void
list_put_before(struct node *node, struct node *where)
{
	node->prev = where->prev;
	node->next = where;
	where->prev->next = node;
	where->prev = node;
}

static inline void
list_add_last(struct list *list, struct node *node)
{
	list_put_before(node, &list->head);
}

static inline void
list_add_first(struct list *list, struct node *node)
{
	list_put_before(node, list->head.next);
}

/* Take NODE out of whatever list it is in, if any. */
static inline void
list_remove(struct node *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	node_init(node);
}

/* First node, or NULL. */
static inline struct node *
list_first(const struct list *list)
{
	return list_empty(list) ? NULL : list->head.next;
}

/* Last node, or NULL. */
static inline struct node *
list_last(const struct list *list)
{
	return list_empty(list) ? NULL : list->head.prev;
}

/* Move everything of FROM to the end of TO. */
static inline void
list_join(struct list *to, struct list *from)
{
	if (list_empty(from))
		return;
	from->head.next->prev = to->head.prev;
	to->head.prev->next = from->head.next;
	from->head.prev->next = &to->head;
	to->head.prev = from->head.prev;
	list_init(from);
}

/* Walk LIST with N; the body may take N itself out of the list. */
#define LIST_EACH(n, list)                                                          \
	for (struct node *n = (list)->head.next, *n##_next = n->next;               \
	    n != &(list)->head; n = n##_next, n##_next = n->next)

/* First entry of LIST as TYPE holding MEMBER, or NULL. */
#define LIST_FIRST(list, type, member) \
	(list_empty(list) ? NULL : CONTAINER_OF((list)->head.next, type, member))

#endif
