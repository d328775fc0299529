/*
 * users.c - the auth file.
 *
 *	"name" "secret" anything
 *	; comment
 *
 * A quote inside quotes is doubled. What kind of secret it is, is decided by who
 * compares it. Error texts never show the line, as it holds a secret.
 */
#include "conf/users.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"
#include "conf/file.h"
#include "conf/store.h"

struct users_inside {
	atomic_uint	 holders;
	struct store	 store;		/* of the texts */
	size_t		 room;		/* entries that fit */
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static struct span
skip_blanks(struct span s)
{
	while (s.len > 0 && is_blank(s.at[0]))
		s = span_skip(s, 1);
	return s;
}

/* Move the text in "..." at the front of *LINE to OUT. False: no such thing. */
static bool
take_quoted(struct span *line, struct buf *out)
{
	buf_clear(out);
	if (line->len == 0 || line->at[0] != '"')
		return false;
	for (size_t i = 1; i < line->len; i++) {
		if (line->at[i] != '"') {
			buf_put_byte(out, line->at[i]);
		} else if (i + 1 < line->len && line->at[i + 1] == '"') {
			buf_put_byte(out, '"');
			i++;
		} else {
			*line = span_skip(*line, i + 1);
			return true;
		}
	}
	return false;
}

/* Add one more entry, empty. NULL: no memory. */
static struct users_entry *
entry_new(struct users *users)
{
	struct users_inside *inside = users->inside;

	if (users->count == inside->room) {
		size_t room = inside->room > 0 ? 2 * inside->room : 64;
		struct users_entry *more = mem_resize(users->entries, room * sizeof(*more));

		if (more == NULL)
			return NULL;
		users->entries = more;
		inside->room = room;
	}
	return &users->entries[users->count++];
}

/* Take what NAME and SECRET hold as the user of LINE. */
static bool
entry_add(struct users *users, struct buf *name, struct buf *secret, unsigned line)
{
	struct store *store = &users->inside->store;
	struct users_entry *entry;

	if (name->failed || secret->failed)
		return false;
	entry = entry_new(users);
	if (entry == NULL)
		return false;
	entry->name = store_text(store, buf_span(name));
	entry->secret = store_text(store, buf_span(secret));
	entry->line = line;
	return entry->name != NULL && entry->secret != NULL;
}

/* Read one line; NULL if it is good, else what was expected. */
static const char *
read_line(struct users *users, struct span line, unsigned number, struct buf *name,
    struct buf *secret)
{
	line = skip_blanks(line);
	if (line.len == 0 || line.at[0] == ';')
		return NULL;
	if (memchr(line.at, '\0', line.len) != NULL)
		return "expected text without zero bytes";
	if (!take_quoted(&line, name))
		return "expected a user name in double quotes";
	if (name->len == 0 || name->len > USER_NAME_MOST)
		return "expected a user name of 1 to 127 bytes";
	line = skip_blanks(line);
	if (!take_quoted(&line, secret))
		return "expected a secret in double quotes behind the user name";
	if (secret->len > USER_SECRET_MOST)
		return "expected a secret of at most 65530 bytes";
	return entry_add(users, name, secret, number) ? NULL : "out of memory";
}

/* By name; entries of one name by line. */
static int
entry_order(const void *a, const void *b)
{
	const struct users_entry *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

/* Sort, and keep only the last line of each name. */
static void
settle(struct users *users)
{
	size_t kept = 0;

	if (users->count == 0)
		return;
	qsort(users->entries, users->count, sizeof(*users->entries), entry_order);
	for (size_t i = 0; i < users->count; i++) {
		struct users_entry *entry = &users->entries[i];

		if (kept == 0 || strcmp(users->entries[kept - 1].name, entry->name) != 0) {
			users->entries[kept++] = *entry;
			continue;
		}
		users->entries[kept - 1] = *entry;
		if (users->repeats++ == 0 || entry->line < users->repeat_line)
			users->repeat_line = entry->line;
	}
	users->count = kept;
}

static struct users *
users_new(void)
{
	struct users *users = mem_new(sizeof(*users));

	if (users == NULL)
		return NULL;
	users->inside = mem_new(sizeof(*users->inside));
	if (users->inside == NULL) {
		mem_free(users);
		return NULL;
	}
	atomic_init(&users->inside->holders, 1);
	return users;
}

struct users *
users_read(struct span text, const char *file, struct err *err)
{
	struct users *users = users_new();
	struct buf name = { 0 }, secret = { 0 };
	const char *fault = users != NULL ? NULL : "out of memory";
	struct span line;
	unsigned number = 0;

	while (fault == NULL && span_cut(&text, "\n", &line))
		fault = read_line(users, line, ++number, &name, &secret);
	buf_fini(&name);
	file_forget(&secret);
	if (fault != NULL) {
		err_set(err, SQLSTATE_CONFIG, "%s:%u: %s", file, number, fault);
		users_drop(users);
		return NULL;
	}
	settle(users);
	return users;
}

struct users *
users_load(const char *file, struct err *err)
{
	struct buf text = { 0 };
	struct users *users = NULL;

	if (file_read(file, &text, err))
		users = users_read(buf_span(&text), file, err);
	file_forget(&text);
	return users;
}

struct users *
users_hold(struct users *users)
{
	atomic_fetch_add_explicit(&users->inside->holders, 1, memory_order_relaxed);
	return users;
}

void
users_drop(struct users *users)
{
	if (users == NULL)
		return;
	if (atomic_fetch_sub_explicit(&users->inside->holders, 1, memory_order_acq_rel) != 1)
		return;
	store_fini(&users->inside->store);
	mem_free(users->entries);
	mem_free(users->inside);
	mem_free(users);
}
