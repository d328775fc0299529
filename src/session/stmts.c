/*
 * stmts.c - prepared statements: texts, names, shelves, notes. Pure but for the one mutex
 * around the texts.
 */
#include "session/stmts.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/mem.h"

/* All texts of the process. */
static pthread_mutex_t texts_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct map texts;
static uint64_t last_id;
static size_t text_bytes;
static atomic_uint definitions;	/* their age; shelves of another are out of date */

/* --- texts --- */

static bool
same_tail(const struct map_node *node, const void *key)
{
	const struct stmt *stmt = CONTAINER_OF(node, struct stmt, in_texts);

	return span_same(stmt->tail, *(const struct span *)key);
}

static struct stmt *
stmt_new(struct span tail, uint64_t hash)
{
	struct stmt *stmt = mem_new(sizeof(*stmt) + tail.len);
	char *copy;

	if (stmt == NULL || !map_add(&texts, &stmt->in_texts, hash)) {
		mem_free(stmt);
		return NULL;
	}
	copy = (char *)(stmt + 1);
	memcpy(copy, tail.at, tail.len);
	stmt->tail = span_of(copy, tail.len);
	stmt->id = ++last_id;
	stmt->hash = stmt->id * 0x9e3779b97f4a7c15u;
	stmt->name_len = (uint8_t)snprintf(stmt->name, sizeof(stmt->name), STMT_PREFIX "%llu",
	    (unsigned long long)stmt->id);
	text_bytes += tail.len;
	return stmt;
}

struct stmt *
stmt_intern(struct span tail)
{
	uint64_t hash = span_hash(tail);
	struct map_node *node;
	struct stmt *stmt;

	pthread_mutex_lock(&texts_mutex);
	node = map_find(&texts, hash, same_tail, &tail);
	stmt = node != NULL ? CONTAINER_OF(node, struct stmt, in_texts) : stmt_new(tail, hash);
	if (stmt != NULL)
		stmt->refs++;
	pthread_mutex_unlock(&texts_mutex);
	return stmt;
}

struct stmt *
stmt_hold(struct stmt *stmt)
{
	pthread_mutex_lock(&texts_mutex);
	stmt->refs++;
	pthread_mutex_unlock(&texts_mutex);
	return stmt;
}

void
stmt_drop(struct stmt *stmt)
{
	bool last;

	if (stmt == NULL)
		return;
	pthread_mutex_lock(&texts_mutex);
	last = --stmt->refs == 0;
	if (last) {
		map_remove(&texts, &stmt->in_texts);
		text_bytes -= stmt->tail.len;
		if (texts.count == 0)
			map_fini(&texts);
	}
	pthread_mutex_unlock(&texts_mutex);
	if (last)
		mem_free(stmt);
}

void
stmt_totals(size_t *count, size_t *bytes)
{
	pthread_mutex_lock(&texts_mutex);
	*count = texts.count;
	*bytes = text_bytes;
	pthread_mutex_unlock(&texts_mutex);
}

/* --- names --- */

struct name {
	struct map_node	 in_names;
	struct stmt	*stmt;		/* held */
	size_t		 len;
	char		 text[];
};

static bool
same_name(const struct map_node *node, const void *key)
{
	const struct name *name = CONTAINER_OF(node, struct name, in_names);

	return span_same(span_of(name->text, name->len), *(const struct span *)key);
}

static struct name *
name_find(const struct names *names, struct span name)
{
	struct map_node *node;

	if (names->map.count == 0)
		return NULL;
	node = map_find(&names->map, span_hash(name), same_name, &name);
	return node != NULL ? CONTAINER_OF(node, struct name, in_names) : NULL;
}

static void
name_free(struct names *names, struct name *name)
{
	if (names->last == name)
		names->last = NULL;
	map_remove(&names->map, &name->in_names);
	stmt_drop(name->stmt);
	mem_free(name);
}

void
names_fini(struct names *names)
{
	names_clear(names);
}

struct stmt *
names_find(struct names *names, struct span name)
{
	struct name *found = names->last;

	if (found == NULL || !span_same(span_of(found->text, found->len), name)) {
		found = name_find(names, name);
		if (found != NULL)
			names->last = found;
	}
	return found != NULL ? found->stmt : NULL;
}

bool
names_add(struct names *names, struct span text, struct stmt *stmt)
{
	struct name *name = mem_new(sizeof(*name) + text.len);

	if (name == NULL || !map_add(&names->map, &name->in_names, span_hash(text))) {
		mem_free(name);
		return false;
	}
	memcpy(name->text, text.at, text.len);
	name->len = text.len;
	name->stmt = stmt_hold(stmt);
	return true;
}

void
names_remove(struct names *names, struct span text)
{
	struct name *name = name_find(names, text);

	if (name != NULL)
		name_free(names, name);
}

void
names_clear(struct names *names)
{
	struct map_node *node;

	while ((node = map_next(&names->map, NULL)) != NULL)
		name_free(names, CONTAINER_OF(node, struct name, in_names));
	map_fini(&names->map);
}

struct span
names_of_id(const struct names *names, uint64_t id)
{
	for (struct map_node *n = map_next(&names->map, NULL); n; n = map_next(&names->map, n)) {
		struct name *name = CONTAINER_OF(n, struct name, in_names);

		if (name->stmt->id == id)
			return span_of(name->text, name->len);
	}
	return span_of(NULL, 0);
}

/* --- shelves --- */

struct copy {
	struct map_node	 in_shelf;
	struct node	 in_lru;
	struct stmt	*stmt;		/* held */
};

static bool
same_stmt(const struct map_node *node, const void *key)
{
	return CONTAINER_OF(node, struct copy, in_shelf)->stmt == key;
}

static struct copy *
copy_find(const struct shelf *shelf, const struct stmt *stmt)
{
	struct map_node *node = map_find(&shelf->map, stmt->hash, same_stmt, stmt);

	return node != NULL ? CONTAINER_OF(node, struct copy, in_shelf) : NULL;
}

static void
copy_free(struct shelf *shelf, struct copy *copy)
{
	map_remove(&shelf->map, &copy->in_shelf);
	list_remove(&copy->in_lru);
	stmt_drop(copy->stmt);
	mem_free(copy);
}

void
stmt_outdate(void)
{
	atomic_fetch_add_explicit(&definitions, 1, memory_order_relaxed);
}

bool
shelf_current(const struct shelf *shelf)
{
	return shelf->age == atomic_load_explicit(&definitions, memory_order_relaxed);
}

void
shelf_init(struct shelf *shelf)
{
	memset(shelf, 0, sizeof(*shelf));
	list_init(&shelf->lru);
	shelf->age = atomic_load_explicit(&definitions, memory_order_relaxed);
}

void
shelf_fini(struct shelf *shelf)
{
	shelf_clear(shelf);
}

bool
shelf_use(struct shelf *shelf, const struct stmt *stmt)
{
	struct copy *copy = copy_find(shelf, stmt);

	if (copy == NULL)
		return false;
	if (shelf->lru.head.prev != &copy->in_lru) {
		list_remove(&copy->in_lru);
		list_add_last(&shelf->lru, &copy->in_lru);
	}
	return true;
}

bool
shelf_add(struct shelf *shelf, struct stmt *stmt)
{
	struct copy *copy = mem_new(sizeof(*copy));

	if (copy == NULL || !map_add(&shelf->map, &copy->in_shelf, stmt->hash)) {
		mem_free(copy);
		return false;
	}
	node_init(&copy->in_lru);
	list_add_last(&shelf->lru, &copy->in_lru);
	copy->stmt = stmt_hold(stmt);
	return true;
}

void
shelf_remove(struct shelf *shelf, const struct stmt *stmt)
{
	struct copy *copy = copy_find(shelf, stmt);

	if (copy != NULL)
		copy_free(shelf, copy);
}

void
shelf_clear(struct shelf *shelf)
{
	struct copy *copy;

	while ((copy = LIST_FIRST(&shelf->lru, struct copy, in_lru)) != NULL)
		copy_free(shelf, copy);
	map_fini(&shelf->map);
	shelf->age = atomic_load_explicit(&definitions, memory_order_relaxed);
}

struct stmt *
shelf_oldest(const struct shelf *shelf)
{
	struct copy *copy = LIST_FIRST(&shelf->lru, struct copy, in_lru);

	return copy != NULL ? copy->stmt : NULL;
}

/* --- notes --- */

void
notes_fini(struct notes *notes)
{
	notes_drop(notes, notes->count);
	mem_free(notes->ring);
	memset(notes, 0, sizeof(*notes));
}

static bool
notes_grow(struct notes *notes)
{
	uint32_t size = notes->size == 0 ? 8 : notes->size * 2;
	struct note *bigger = mem_new(size * sizeof(*bigger));

	if (bigger == NULL)
		return false;
	for (uint32_t i = 0; i < notes->count; i++)
		bigger[i] = *notes_at(notes, i);
	mem_free(notes->ring);
	notes->ring = bigger;
	notes->size = size;
	notes->first = 0;
	return true;
}

bool
notes_push(struct notes *notes, enum note_kind kind, struct stmt *stmt, struct span name)
{
	struct note *note;
	char *copy = NULL;

	if (notes->count == notes->size && !notes_grow(notes))
		return false;
	if (name.at != NULL && (copy = mem_copy_text(name.at, name.len)) == NULL)
		return false;
	note = &notes->ring[(notes->first + notes->count) & (notes->size - 1)];
	note->kind = kind;
	note->stmt = stmt != NULL ? stmt_hold(stmt) : NULL;
	note->name = copy;
	notes->count++;
	return true;
}

struct note *
notes_at(const struct notes *notes, uint32_t index)
{
	return &notes->ring[(notes->first + index) & (notes->size - 1)];
}

void
notes_drop(struct notes *notes, uint32_t count)
{
	while (count-- > 0 && notes->count > 0) {
		struct note *note = notes_at(notes, 0);

		stmt_drop(note->stmt);
		mem_free(note->name);
		notes->first++;
		notes->count--;
	}
}
