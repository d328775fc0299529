/*
 * fuzz_stmts.c - a client's names, a server's shelf and its notes, each beside an array
 * that does the same slowly. Two bytes an event: what, and with which.
 */
#include "fuzz/fuzz.h"

#include "base/mem.h"
#include "session/stmts.h"

#define TEXTS 8u
#define NAMES 16u
#define NOTES_MOST 256u

struct game {
	struct names	 names;
	struct shelf	 shelf;
	struct notes	 notes;
	struct stmt	*texts[TEXTS];		/* held; NULL: not asked for yet */
	int		 named[NAMES];		/* text, or -1 */
	unsigned	 shelved[TEXTS], shelved_count;	/* least recently used first */
	unsigned	 noted[NOTES_MOST], noted_count;
};

static struct span
tail_of(unsigned text)
{
	static const char tails[] = "select a, b, c, d, e\0\0\0";

	/* texts that begin and end alike */
	return span_of(tails + text, sizeof(tails) - 1 - text);
}

static struct span
name_of(unsigned name)
{
	static const char names[] = "aaaaaaaaaaaaaaaab";

	return name < NAMES / 2 ? span_of(names, name + 1) :
	    span_of(names + name, sizeof(names) - 1 - name);
}

static struct stmt *
text(struct game *g, unsigned which)
{
	if (g->texts[which] == NULL)
		g->texts[which] = stmt_intern(tail_of(which));
	must(g->texts[which] != NULL);
	return g->texts[which];
}

static void
name_event(struct game *g, unsigned name, unsigned which)
{
	if (g->named[name] >= 0) {
		names_remove(&g->names, name_of(name));
		g->named[name] = -1;
	} else {
		must(names_add(&g->names, name_of(name), text(g, which)));
		g->named[name] = (int)which;
	}
}

static unsigned
place_on_shelf(const struct game *g, unsigned which)
{
	unsigned at = 0;

	while (at < g->shelved_count && g->shelved[at] != which)
		at++;
	return at;
}

/* Out of the array at AT, and behind all others if AGAIN. */
static void
move_on_shelf(struct game *g, unsigned at, bool again)
{
	unsigned which = g->shelved[at];

	g->shelved_count--;
	memmove(&g->shelved[at], &g->shelved[at + 1],
	    (g->shelved_count - at) * sizeof(g->shelved[0]));
	if (again)
		g->shelved[g->shelved_count++] = which;
}

static void
shelf_event(struct game *g, unsigned which, bool remove)
{
	unsigned at = place_on_shelf(g, which);
	bool there = at < g->shelved_count;

	if (remove) {
		shelf_remove(&g->shelf, text(g, which));
		if (there)
			move_on_shelf(g, at, false);
		return;
	}
	must(shelf_use(&g->shelf, text(g, which)) == there);
	if (there) {
		move_on_shelf(g, at, true);
	} else {
		must(shelf_add(&g->shelf, text(g, which)));
		g->shelved[g->shelved_count++] = which;
	}
}

static void
note_event(struct game *g, unsigned with, bool drop)
{
	unsigned count = with % 8;

	if (drop) {
		notes_drop(&g->notes, count);
		if (count > g->noted_count)
			count = g->noted_count;
		g->noted_count -= count;
		memmove(g->noted, g->noted + count, g->noted_count * sizeof(g->noted[0]));
	} else if (g->noted_count < NOTES_MOST) {
		must(notes_push(&g->notes, with % 6,
		    with % 3 ? text(g, with % TEXTS) : NULL,
		    with % 5 ? name_of(with % NAMES) : span_of(NULL, 0)));
		g->noted[g->noted_count++] = with;
	}
}

/* What is asked for and not given changes nothing. */
static void
without_memory(struct game *g, unsigned name, unsigned which)
{
	struct stmt *s = text(g, which);
	bool good = false;

	mem_fail_after(1);
	if (g->named[name] < 0)
		good = names_add(&g->names, name_of(name), s);
	else if (place_on_shelf(g, which) == g->shelved_count)
		good = shelf_add(&g->shelf, s);
	mem_fail_after(0);
	must(!good);
}

static void
check(struct game *g)
{
	unsigned i, named = 0;

	for (i = 0; i < NAMES; i++) {
		struct stmt *s = names_find(&g->names, name_of(i));

		named += g->named[i] >= 0;
		must(s == (g->named[i] >= 0 ? g->texts[g->named[i]] : NULL));
	}
	must(names_count(&g->names) == named);
	must(shelf_count(&g->shelf) == g->shelved_count);
	must(shelf_oldest(&g->shelf) ==
	    (g->shelved_count > 0 ? g->texts[g->shelved[0]] : NULL));
	must(g->notes.count == g->noted_count);
	for (i = 0; i < g->noted_count; i++) {
		const struct note *note = notes_at(&g->notes, i);
		unsigned with = g->noted[i];

		must(note->kind == with % 6);
		must(note->stmt == (with % 3 ? g->texts[with % TEXTS] : NULL));
		must(with % 5 ? span_is(name_of(with % NAMES), note->name) :
		    note->name == NULL);
	}
}

static void
happen(struct game *g, uint8_t event, uint8_t with)
{
	unsigned i;

	switch (event % 10) {
	case 0:
	case 1:
		name_event(g, with % NAMES, with / NAMES % TEXTS);
		break;
	case 2:
	case 3:
		shelf_event(g, with % TEXTS, false);
		break;
	case 4:
		shelf_event(g, with % TEXTS, true);
		break;
	case 5:
	case 6:
		note_event(g, with, false);
		break;
	case 7:
		note_event(g, with, true);
		break;
	case 8:
		without_memory(g, with % NAMES, with / NAMES % TEXTS);
		break;
	case 9:
		if (with % 4 != 0)
			break;
		names_clear(&g->names);
		shelf_clear(&g->shelf);
		g->shelved_count = 0;
		for (i = 0; i < NAMES; i++)
			g->named[i] = -1;
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct game g = { .noted_count = 0 };
	size_t i, count, size;

	shelf_init(&g.shelf);
	for (i = 0; i < NAMES; i++)
		g.named[i] = -1;
	for (i = 0; i + 1 < len; i += 2) {
		happen(&g, bytes[i], bytes[i + 1]);
		check(&g);
	}
	names_fini(&g.names);
	shelf_fini(&g.shelf);
	notes_fini(&g.notes);
	for (i = 0; i < TEXTS; i++)
		stmt_drop(g.texts[i]);
	stmt_totals(&count, &size);
	must(count == 0 && size == 0);
	return 0;
}
