/*
 * stmts.c - tests of session/stmts.h.
 */
#include "unit/unit.h"

#include <pthread.h>
#include <stdio.h>

#include "base/mem.h"
#include "session/stmts.h"
#include "unit/dice.h"

#define TEXT(s) SPAN_LITERAL(s "\0\0\0")

/* --- texts --- */

static void
assert_texts(size_t count, size_t bytes)
{
	size_t now_count, now_bytes;

	stmt_totals(&now_count, &now_bytes);
	assert_int_equal(now_count, count);
	assert_int_equal(now_bytes, bytes);
}

static void
equal_texts_are_one(void **state)
{
	char *copy = exact_copy("select 1\0\0\0", 11);
	struct stmt *a, *b, *c;

	(void)state;
	a = stmt_intern(TEXT("select 1"));
	b = stmt_intern(span_of(copy, 11));
	free(copy);
	c = stmt_intern(TEXT("select 2"));
	assert_ptr_equal(a, b);
	assert_ptr_not_equal(a, c);
	assert_int_not_equal(a->id, c->id);
	assert_memory_equal(a->tail.at, "select 1\0\0\0", 11);
	assert_texts(2, 22);
	stmt_drop(a);
	assert_texts(2, 22);
	stmt_drop(b);
	assert_texts(1, 11);
	stmt_drop(c);
	assert_texts(0, 0);
	stmt_drop(NULL);
}

static void
parameter_types_tell_texts_apart(void **state)
{
	struct stmt *none = stmt_intern(SPAN_LITERAL("select $1\0\0\0"));
	struct stmt *int4 = stmt_intern(SPAN_LITERAL("select $1\0\0\1\0\0\0\x17"));
	struct stmt *text = stmt_intern(SPAN_LITERAL("select $1\0\0\1\0\0\0\x19"));

	(void)state;
	assert_ptr_not_equal(none, int4);
	assert_ptr_not_equal(int4, text);
	stmt_drop(none);
	stmt_drop(int4);
	stmt_drop(text);
	assert_texts(0, 0);
}

static void
names_on_servers_are_never_given_twice(void **state)
{
	struct stmt *first = stmt_intern(TEXT("select 1")), *again;
	uint64_t id = first->id;
	char name[40];

	(void)state;
	snprintf(name, sizeof(name), STMT_PREFIX "%llu", (unsigned long long)id);
	assert_span(stmt_name(first), name);
	stmt_drop(first);
	again = stmt_intern(TEXT("select 1"));
	assert_true(again->id > id);
	stmt_drop(again);
}

/* --- names --- */

static void
a_client_names_its_statements(void **state)
{
	struct stmt *one = stmt_intern(TEXT("select 1")),
		    *two = stmt_intern(TEXT("select 2"));
	struct names names = { 0 };
	unsigned i;

	(void)state;
	assert_null(names_find(&names, span_text("a")));
	names_remove(&names, span_text("a"));
	assert_true(names_add(&names, span_text("a"), one));
	assert_true(names_add(&names, span_text("b"), one));
	assert_true(names_add(&names, span_text("A"), two));
	assert_int_equal(names_count(&names), 3);
	/* twice, since the name found last is remembered */
	for (i = 0; i < 2; i++) {
		assert_ptr_equal(names_find(&names, span_text("a")), one);
		assert_ptr_equal(names_find(&names, span_text("a")), one);
		assert_ptr_equal(names_find(&names, span_text("b")), one);
		assert_ptr_equal(names_find(&names, span_text("A")), two);
		assert_null(names_find(&names, span_text("ab")));
		assert_null(names_find(&names, span_of("", 0)));
	}
	assert_span(names_of_id(&names, two->id), "A");
	assert_null(names_of_id(&names, two->id + 1).at);
	stmt_drop(one);
	stmt_drop(two);
	assert_texts(2, 22);
	names_fini(&names);
	assert_int_equal(names_count(&names), 0);
	assert_texts(0, 0);
}

static void
a_name_may_be_given_again(void **state)
{
	struct stmt *one = stmt_intern(TEXT("select 1")),
		    *two = stmt_intern(TEXT("select 2"));
	struct names names = { 0 };

	(void)state;
	assert_true(names_add(&names, span_text("s"), one));
	assert_ptr_equal(names_find(&names, span_text("s")), one);
	names_remove(&names, span_text("s"));
	assert_null(names_find(&names, span_text("s")));
	assert_null(names_of_id(&names, one->id).at);
	assert_true(names_add(&names, span_text("s"), two));
	assert_ptr_equal(names_find(&names, span_text("s")), two);
	names_clear(&names);
	assert_null(names_find(&names, span_text("s")));
	assert_true(names_add(&names, span_text("s"), one));
	assert_ptr_equal(names_find(&names, span_text("s")), one);
	names_fini(&names);
	stmt_drop(one);
	stmt_drop(two);
	assert_texts(0, 0);
}

/* --- shelves --- */

static void
the_least_recently_used_is_oldest(void **state)
{
	struct stmt *s[3] = { stmt_intern(TEXT("a")), stmt_intern(TEXT("b")),
		stmt_intern(TEXT("c")) };
	struct shelf shelf;
	size_t i;

	(void)state;
	shelf_init(&shelf);
	assert_null(shelf_oldest(&shelf));
	assert_false(shelf_use(&shelf, s[0]));
	for (i = 0; i < 3; i++)
		assert_true(shelf_add(&shelf, s[i]));
	assert_int_equal(shelf_count(&shelf), 3);
	assert_ptr_equal(shelf_oldest(&shelf), s[0]);
	assert_true(shelf_use(&shelf, s[0]));
	assert_ptr_equal(shelf_oldest(&shelf), s[1]);
	assert_true(shelf_use(&shelf, s[0]));
	assert_true(shelf_use(&shelf, s[1]));
	assert_ptr_equal(shelf_oldest(&shelf), s[2]);
	shelf_remove(&shelf, s[2]);
	shelf_remove(&shelf, s[2]);
	assert_false(shelf_use(&shelf, s[2]));
	assert_ptr_equal(shelf_oldest(&shelf), s[0]);
	shelf_clear(&shelf);
	assert_int_equal(shelf_count(&shelf), 0);
	assert_null(shelf_oldest(&shelf));
	assert_true(shelf_add(&shelf, s[1]));
	for (i = 0; i < 3; i++)
		stmt_drop(s[i]);
	assert_texts(1, 4);	/* the shelf holds it */
	shelf_fini(&shelf);
	assert_texts(0, 0);
}

static void
shelves_grow_old_with_definitions(void **state)
{
	struct stmt *s = stmt_intern(TEXT("a"));
	struct shelf one, other;

	(void)state;
	shelf_init(&one);
	shelf_init(&other);
	assert_true(shelf_add(&one, s));
	assert_true(shelf_current(&one) && shelf_current(&other));
	stmt_outdate();
	assert_false(shelf_current(&one) || shelf_current(&other));
	shelf_clear(&one);
	assert_true(shelf_current(&one));
	assert_false(shelf_current(&other));
	shelf_clear(&other);
	assert_true(shelf_current(&other));
	stmt_drop(s);
	shelf_fini(&one);
	shelf_fini(&other);
	assert_texts(0, 0);
}

/* --- notes --- */

static void
notes_stand_in_line(void **state)
{
	struct stmt *s = stmt_intern(TEXT("a"));
	struct notes notes = { 0 };
	unsigned pushed = 0, dropped = 0;
	char name[16];

	(void)state;
	/* the line wraps and grows while it is walked */
	while (pushed < 1000) {
		unsigned i, more = 1 + pushed % 7;

		for (i = 0; i < more; i++) {
			snprintf(name, sizeof(name), "n%u", pushed++);
			assert_true(notes_push(&notes, NOTE_PARSE, s, span_text(name)));
		}
		for (i = 0; i < notes.count; i++) {
			snprintf(name, sizeof(name), "n%u", dropped + i);
			assert_string_equal(notes_at(&notes, i)->name, name);
			assert_ptr_equal(notes_at(&notes, i)->stmt, s);
		}
		notes_drop(&notes, more / 2);
		dropped += more / 2;
		assert_int_equal(notes.count, pushed - dropped);
	}
	stmt_drop(s);
	notes_fini(&notes);
	assert_int_equal(notes.count, 0);
	assert_texts(0, 0);
}

static void
a_note_may_know_little(void **state)
{
	struct notes notes = { 0 };

	(void)state;
	notes_drop(&notes, 3);
	assert_true(notes_push(&notes, NOTE_UNNAMED, NULL, span_of(NULL, 0)));
	assert_true(notes_push(&notes, NOTE_CLOSE, NULL, span_text("")));
	assert_int_equal(notes_at(&notes, 0)->kind, NOTE_UNNAMED);
	assert_null(notes_at(&notes, 0)->name);
	assert_null(notes_at(&notes, 0)->stmt);
	assert_string_equal(notes_at(&notes, 1)->name, "");
	notes_drop(&notes, 9);
	assert_int_equal(notes.count, 0);
	notes_fini(&notes);
}

/* --- without memory --- */

/* Everything once; false as soon as something says there is no memory. */
static bool
live_a_little(struct names *names, struct shelf *shelf, struct notes *notes)
{
	struct stmt *a = stmt_intern(TEXT("select 1")),
		    *b = stmt_intern(TEXT("select 2"));
	bool good = a != NULL && b != NULL;
	unsigned i;

	good = good && names_add(names, span_text("a"), a);
	good = good && names_add(names, span_text("b"), b);
	good = good && shelf_add(shelf, a) && shelf_add(shelf, b);
	for (i = 0; i < 20; i++)
		good = good &&
		    notes_push(notes, NOTE_NAME, i % 2 ? a : b, span_text("note"));
	stmt_drop(a);
	stmt_drop(b);
	return good;
}

static void
a_failed_allocation_leaves_all_in_order(void **state)
{
	unsigned after, failures = 0;
	bool good = false;

	(void)state;
	for (after = 1; !good; after++) {
		struct names names = { 0 };
		struct notes notes = { 0 };
		struct shelf shelf;
		unsigned i;

		shelf_init(&shelf);
		mem_fail_after(after);
		good = live_a_little(&names, &shelf, &notes);
		mem_fail_after(0);
		failures += !good;
		/* what has been added is there and can be found; notes are whole */
		assert_true(names_count(&names) <= 2 && shelf_count(&shelf) <= 2);
		if (names_count(&names) > 0)
			assert_non_null(names_find(&names, span_text("a")));
		if (shelf_count(&shelf) > 0)
			assert_true(shelf_use(&shelf, shelf_oldest(&shelf)));
		for (i = 0; i < notes.count; i++)
			assert_string_equal(notes_at(&notes, i)->name, "note");
		names_fini(&names);
		shelf_fini(&shelf);
		notes_fini(&notes);
		assert_texts(0, 0);
	}
	assert_true(failures > 20);
}

/* --- threads --- */

#define THREADS 4
#define ROUNDS 20000u

/* Intern, name, shelve and drop the same few texts as everybody else. */
static void *
intern_and_drop(void *arg)
{
	struct dice dice = dice_of_seed((uint64_t)(uintptr_t)arg);
	struct names names = { 0 };
	struct shelf shelf;
	unsigned long wrong = 0;

	shelf_init(&shelf);
	for (unsigned i = 0; i < ROUNDS; i++) {
		char text[16] = "select 0\0\0";
		struct span name, tail = span_of(text, 11);
		struct stmt *s;

		text[7] = (char)('0' + dice_roll(&dice, 6));
		name = span_of(text + 7, 1);
		s = stmt_intern(tail);
		if (s == NULL || !span_same(s->tail, tail)) {
			wrong++;
			continue;
		}
		if (names_find(&names, name) == NULL)
			wrong += !names_add(&names, name, s);
		wrong += names_find(&names, name) != s;
		if (!shelf_use(&shelf, s))
			wrong += !shelf_add(&shelf, s);
		if (dice_hit(&dice, 3))
			names_remove(&names, name);
		if (dice_hit(&dice, 3))
			shelf_remove(&shelf, s);
		stmt_drop(s);
	}
	names_fini(&names);
	shelf_fini(&shelf);
	return (void *)(uintptr_t)wrong;
}

static void
threads_share_texts(void **state)
{
	pthread_t threads[THREADS];
	uintptr_t i;

	(void)state;
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, intern_and_drop,
				     (void *)(i + 1)),
		    0);
	for (i = 0; i < THREADS; i++) {
		void *wrong;

		pthread_join(threads[i], &wrong);
		assert_null(wrong);
	}
	assert_texts(0, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(equal_texts_are_one),
		UNIT_TEST(parameter_types_tell_texts_apart),
		UNIT_TEST(names_on_servers_are_never_given_twice),
		UNIT_TEST(a_client_names_its_statements),
		UNIT_TEST(a_name_may_be_given_again),
		UNIT_TEST(the_least_recently_used_is_oldest),
		UNIT_TEST(shelves_grow_old_with_definitions),
		UNIT_TEST(notes_stand_in_line),
		UNIT_TEST(a_note_may_know_little),
		UNIT_TEST(a_failed_allocation_leaves_all_in_order),
		UNIT_TEST(threads_share_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
