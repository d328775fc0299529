/*
 * fuzz_users.c - auth files of strangers: users are sorted and within their limits, and
 * written plainly they read the same.
 */
#include "fuzz/fuzz.h"

#include "base/buf.h"
#include "conf/users.h"

static void
put_quoted(struct buf *out, const char *text)
{
	buf_put_byte(out, '"');
	for (; *text != '\0'; text++) {
		if (*text == '"')
			buf_put_byte(out, '"');
		buf_put_byte(out, *text);
	}
	buf_put_text(out, "\" ");
}

static void
check_users(const struct users *users)
{
	struct buf text = { 0 };
	struct err err = { 0 };
	struct users *again;

	for (size_t i = 0; i < users->count; i++) {
		const struct users_entry *entry = &users->entries[i];

		must(entry->name[0] != '\0' && strlen(entry->name) <= USER_NAME_MOST);
		must(strlen(entry->secret) <= USER_SECRET_MOST);
		must(i == 0 || strcmp(users->entries[i - 1].name, entry->name) < 0);
		put_quoted(&text, entry->name);
		put_quoted(&text, entry->secret);
		buf_put_byte(&text, '\n');
	}
	again = users_read(buf_span(&text), "again", &err);
	must(again != NULL && again->count == users->count && again->repeats == 0);
	for (size_t i = 0; i < users->count; i++) {
		must(strcmp(again->entries[i].name, users->entries[i].name) == 0);
		must(strcmp(again->entries[i].secret, users->entries[i].secret) == 0);
	}
	users_drop(again);
	buf_fini(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct span text = copy_of(span_of(bytes, len));
	struct err err = { 0 };
	struct users *users = users_read(text, "u", &err);

	must((users == NULL) == (err.text[0] != '\0'));
	if (users != NULL)
		check_users(users);
	users_drop(users);
	free((char *)text.at);
	return 0;
}
