/*
 * kind.c - how a value is written: parse, check, copy, print, one way for each kind.
 */
#include "conf/settings.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "conf/store.h"

#define EXPECTED_BYTES 160

_Static_assert(sizeof(enum setting_kind) == sizeof(int), "enums are kept as ints");

/* What a value of any kind may be. */
union value {
	usec_t		 time;		/* the widest first: = { 0 } clears that one only */
	uint32_t	 count;
	bool		 yes;
	int		 word;
	const char	*text;
};

/* Where ROW's value is in OBJECT. */
static void *
place(const struct setting *row, void *object)
{
	return (char *)object + row->field;
}

static const void *
place_of(const struct setting *row, const void *object)
{
	return (const char *)object + row->field;
}

static union value
get(const struct setting *row, const void *object)
{
	const void *at = place_of(row, object);
	union value v = { 0 };

	switch (row->kind) {
	case KIND_COUNT:
		v.count = *(const uint32_t *)at;
		break;
	case KIND_BOOL:
		v.yes = *(const bool *)at;
		break;
	case KIND_TIME:
	case KIND_SECONDS:
		v.time = *(const usec_t *)at;
		break;
	case KIND_ENUM:
		v.word = *(const int *)at;
		break;
	case KIND_TEXT:
	case KIND_LIST:
	case KIND_PATH:
		v.text = *(const char *const *)at;
		break;
	}
	return v;
}

static void
set(const struct setting *row, void *object, union value v)
{
	void *at = place(row, object);

	switch (row->kind) {
	case KIND_COUNT:
		*(uint32_t *)at = v.count;
		break;
	case KIND_BOOL:
		*(bool *)at = v.yes;
		break;
	case KIND_TIME:
	case KIND_SECONDS:
		*(usec_t *)at = v.time;
		break;
	case KIND_ENUM:
		*(int *)at = v.word;
		break;
	case KIND_TEXT:
	case KIND_LIST:
	case KIND_PATH:
		*(const char **)at = v.text;
		break;
	}
}

static int64_t
most_of(const struct setting *row)
{
	return row->most != 0 ? row->most : INT32_MAX;
}

/* Say in EXPECTED which numbers ROW takes; always false. */
static bool
want_number(const struct setting *row, const char *what, char *expected)
{
	if (most_of(row) >= INT32_MAX)
		snprintf(expected, EXPECTED_BYTES, "%s of %" PRId64 " or more", what,
		    row->least);
	else
		snprintf(expected, EXPECTED_BYTES, "%s from %" PRId64 " to %" PRId64, what,
		    row->least, most_of(row));
	return false;
}

/* Does N mean "not given" to ROW? */
static bool
means_unset(const struct setting *row, int64_t n)
{
	switch (row->unset) {
	case UNSET_NEVER:
		return false;
	case UNSET_NEGATIVE:
		return n < 0;
	case UNSET_NOT_POSITIVE:
		return n <= 0;
	}
	return false;
}

static bool
parse_count(const struct setting *row, struct span text, union value *v, char *expected)
{
	int64_t n;

	if (!text_int(text, &n))
		return want_number(row, "a whole number", expected);
	if (means_unset(row, n)) {
		v->count = COUNT_UNSET;
		return true;
	}
	if (n < row->least || n > most_of(row))
		return want_number(row, "a whole number", expected);
	v->count = (uint32_t)n;
	return true;
}

static bool
parse_seconds(const struct setting *row, struct span text, union value *v, char *expected)
{
	int64_t n;

	if (!text_int(text, &n))
		return want_number(row, "whole seconds", expected);
	if (means_unset(row, n)) {
		v->time = USEC_UNSET;
		return true;
	}
	if (n < row->least || n > most_of(row))
		return want_number(row, "whole seconds", expected);
	v->time = (usec_t)n * SECOND;
	return true;
}

static bool
parse_time(const struct setting *row, struct span text, union value *v, char *expected)
{
	if (!text_seconds(text, &v->time) || v->time < (usec_t)row->least * SECOND ||
	    v->time > (usec_t)most_of(row) * SECOND)
		return want_number(row, "seconds without a unit", expected);
	return true;
}

static bool
parse_bool(struct span text, union value *v, char *expected)
{
	int64_t n;

	if (!text_int(text, &n) || (n != 0 && n != 1)) {
		snprintf(expected, EXPECTED_BYTES, "0 or 1");
		return false;
	}
	v->yes = n == 1;
	return true;
}

/* Say in EXPECTED "one, two or three". */
static bool
want_word(const char *const *words, char *expected)
{
	size_t len = 0;

	for (size_t i = 0; words[i] != NULL && len < EXPECTED_BYTES; i++) {
		const char *joint = i == 0 ? "" : words[i + 1] != NULL ? ", " : " or ";

		len += (size_t)snprintf(expected + len, EXPECTED_BYTES - len, "%s%s", joint,
		    words[i]);
	}
	return false;
}

static bool
parse_enum(const struct setting *row, struct span text, union value *v, char *expected)
{
	for (int i = 0; row->words[i] != NULL; i++) {
		if (span_is_nocase(text, row->words[i])) {
			v->word = i;
			return true;
		}
	}
	return want_word(row->words, expected);
}

static bool
parse_text(const struct setting *row, struct span text, union value *v,
    struct store *store, char *expected)
{
	const char *wanted;

	if (row->check != NULL && !row->check(text, &wanted)) {
		snprintf(expected, EXPECTED_BYTES, "%s", wanted);
		return false;
	}
	v->text = store_text(store, text);
	return v->text != NULL;
}

bool
setting_parse(const struct setting *row, struct span text, void *object,
    struct store *store, char *expected)
{
	union value v = { 0 };
	bool good = false;

	expected[0] = '\0';
	switch (row->kind) {
	case KIND_COUNT:
		good = parse_count(row, text, &v, expected);
		break;
	case KIND_BOOL:
		good = parse_bool(text, &v, expected);
		break;
	case KIND_TIME:
		good = parse_time(row, text, &v, expected);
		break;
	case KIND_SECONDS:
		good = parse_seconds(row, text, &v, expected);
		break;
	case KIND_ENUM:
		good = parse_enum(row, text, &v, expected);
		break;
	case KIND_TEXT:
	case KIND_LIST:
	case KIND_PATH:
		good = parse_text(row, text, &v, store, expected);
		break;
	}
	if (good)
		set(row, object, v);
	return good;
}

bool
setting_reset(const struct setting *row, void *object, struct store *store)
{
	char expected[EXPECTED_BYTES];
	union value v = { 0 };

	if (row->fallback != NULL)
		return setting_parse(row, span_text(row->fallback), object, store, expected);
	if (row->scope != SCOPE_GLOBAL) {
		switch (row->kind) {
		case KIND_COUNT:
			v.count = COUNT_UNSET;
			break;
		case KIND_TIME:
		case KIND_SECONDS:
			v.time = USEC_UNSET;
			break;
		case KIND_ENUM:
			v.word = ENUM_UNSET;
			break;
		case KIND_BOOL:
		case KIND_TEXT:
		case KIND_LIST:
		case KIND_PATH:
			break;
		}
	}
	set(row, object, v);
	return true;
}

bool
setting_copy(const struct setting *row, const void *from, void *object,
    struct store *store)
{
	union value v = get(row, from);

	switch (row->kind) {
	case KIND_TEXT:
	case KIND_LIST:
	case KIND_PATH:
		if (v.text != NULL && (v.text = store_text(store, span_text(v.text))) == NULL)
			return false;
		break;
	case KIND_COUNT:
	case KIND_BOOL:
	case KIND_TIME:
	case KIND_SECONDS:
	case KIND_ENUM:
		break;
	}
	set(row, object, v);
	return true;
}

/* Append the text of a setting; false when there is none. */
static bool
show_text(const struct setting *row, const char *text, struct buf *out)
{
	if (text == NULL)
		return false;
	buf_put_text(out, row->secret && text[0] != '\0' ? "********" : text);
	return true;
}

bool
setting_show(const struct setting *row, const void *object, struct buf *out)
{
	union value v = get(row, object);
	char number[32];

	switch (row->kind) {
	case KIND_COUNT:
		if (v.count == COUNT_UNSET && row->scope != SCOPE_GLOBAL)
			return false;
		buf_printf(out, "%" PRIu32, v.count);
		return true;
	case KIND_BOOL:
		buf_put_text(out, v.yes ? "1" : "0");
		return true;
	case KIND_TIME:
		if (v.time == USEC_UNSET)
			return false;
		buf_put_text(out, text_from_usec(v.time, number));
		return true;
	case KIND_SECONDS:
		if (v.time == USEC_UNSET)
			return false;
		buf_printf(out, "%" PRIu64, v.time / SECOND);
		return true;
	case KIND_ENUM:
		if (v.word == ENUM_UNSET)
			return false;
		buf_put_text(out, row->words[v.word]);
		return true;
	case KIND_TEXT:
	case KIND_LIST:
	case KIND_PATH:
		return show_text(row, v.text, out);
	}
	return false;
}

bool
setting_same(const struct setting *row, const void *a, const void *b)
{
	union value x = get(row, a), y = get(row, b);

	switch (row->kind) {
	case KIND_COUNT:
		return x.count == y.count;
	case KIND_BOOL:
		return x.yes == y.yes;
	case KIND_TIME:
	case KIND_SECONDS:
		return x.time == y.time;
	case KIND_ENUM:
		return x.word == y.word;
	case KIND_TEXT:
	case KIND_LIST:
	case KIND_PATH:
		if (x.text == NULL || y.text == NULL)
			return x.text == y.text;
		return strcmp(x.text, y.text) == 0;
	}
	return false;
}
