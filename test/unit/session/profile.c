/*
 * profile.c - tests of session/profile.h.
 */
#include "unit/unit.h"

#include <pthread.h>
#include <stdio.h>

#include "base/mem.h"
#include "session/profile.h"
#include "unit/dice.h"
#include "unit/session/batch.h"

/*
 * A profile from words "name=value ...", of which "+name=value" are reported; the caller
 * holds it.
 */
static const struct profile *
profile_of(const char *words)
{
	const struct profile *p = profile_empty();
	struct span rest = span_text(words), word;

	assert_non_null(p);
	while (rest.len > 0 && span_cut(&rest, " ", &word)) {
		bool reported = word.at[0] == '+';
		struct span value = span_skip(word, reported), name;
		const struct profile *with;

		assert_true(span_cut(&value, "=", &name));
		with = profile_with(p, name, value, reported);
		assert_non_null(with);
		profile_drop(p);
		p = with;
	}
	return p;
}

/* Is P what WORDS say? Both are let go. */
static void
assert_profile(const struct profile *p, const char *words)
{
	const struct profile *other = profile_of(words);
	unsigned i;

	if (p != other)
		for (i = 0; i < profile_count(p); i++)
			print_error("%s=%s\n", profile_at(p, i)->name.at,
			    profile_at(p, i)->value.at);
	assert_ptr_equal(p, other);
	profile_drop(p);
	profile_drop(other);
}

static void
equal_sets_are_one(void **state)
{
	const struct profile *a = profile_of(
	    "+TimeZone=UTC search_path=x +DateStyle=ISO");
	const struct profile *b = profile_of(
	    "+DateStyle=German search_path=x +TimeZone=UTC");
	const struct profile *c = profile_with(b, span_text("DateStyle"),
	    span_text("ISO"), true);

	(void)state;
	assert_ptr_not_equal(a, b);
	assert_ptr_equal(a, c);
	profile_drop(a);
	profile_drop(b);
	profile_drop(c);
	profile_drop(NULL);
	assert_profile(profile_empty(), "");
}

static void
any_difference_makes_another_set(void **state)
{
	static const char *const words[] = { "", "a=1", "a=2", "+a=1", "b=1", "a=1 b=1",
		"a=", "a=1 b=2", "+a=1 b=1", "a=1 +b=1" };
	const struct profile *p[ARRAY_SIZE(words)];
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(words); i++) {
		p[i] = profile_of(words[i]);
		for (k = 0; k < i; k++)
			assert_ptr_not_equal(p[i], p[k]);
	}
	for (i = 0; i < ARRAY_SIZE(words); i++)
		profile_drop(p[i]);
}

static void
names_are_found_in_any_case(void **state)
{
	const struct profile *p = profile_of("+TimeZone=UTC a=1 +DateStyle=ISO z=2 ab=3");
	unsigned i;

	(void)state;
	assert_int_equal(profile_count(p), 5);
	assert_span(profile_get(p, span_text("timezone"))->value, "UTC");
	assert_span(profile_get(p, span_text("TIMEZONE"))->name, "TimeZone");
	assert_span(profile_get(p, span_text("Ab"))->value, "3");
	assert_true(profile_get(p, span_text("datestyle"))->reported);
	assert_false(profile_get(p, span_text("z"))->reported);
	assert_null(profile_get(p, span_text("timezon")));
	assert_null(profile_get(p, span_text("timezones")));
	assert_null(profile_get(p, span_text("")));
	for (i = 0; i < profile_count(p); i++) {
		const struct setting_value *v = profile_at(p, i);

		assert_ptr_equal(profile_get(p, v->name), v);
		assert_int_equal(v->name.at[v->name.len], '\0');
		assert_int_equal(v->value.at[v->value.len], '\0');
	}
	profile_drop(p);
}

/* A client may spell a name as it likes; the server's spelling and its reporting stay. */
static void
a_setting_changes_in_place(void **state)
{
	const struct profile *p = profile_of("+TimeZone=UTC a=1");

	(void)state;
	assert_profile(profile_with(p, span_text("timezone"), span_text("CET"), false),
	    "+TimeZone=CET a=1");
	assert_profile(profile_with(p, span_text("A"), span_text(""), true),
	    "+TimeZone=UTC +a=");
	assert_profile(profile_with(p, span_text("b"), span_of(NULL, 0), false),
	    "+TimeZone=UTC a=1 b=");
	assert_profile(profile_with(p, span_text("a"), span_text("1"), false),
	    "+TimeZone=UTC a=1");
	profile_drop(p);
}

static void
a_blend_takes_from_both(void **state)
{
	static const struct {
		const char	*reported, *extras, *blend;
	} rows[] = {
		{ "", "", "" },
		{ "+a=1 b=2", "", "+a=1" },
		{ "", "+a=1 b=2", "b=2" },
		{ "+a=1 x=9", "+a=2 +c=3 b=2", "+a=1 b=2" },
		{ "+b=1 +d=1", "a=2 c=2 e=2", "a=2 +b=1 c=2 +d=1 e=2" },
		{ "+a=1 +c=1", "b=2", "+a=1 b=2 +c=1" },
		/* reported by this server, not yet by the other one */
		{ "+search_path=x", "search_path=y a=1", "a=1 +search_path=x" },
		{ "+Search_Path=x", "search_path=y", "+Search_Path=x" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct profile *a = profile_of(rows[i].reported);
		const struct profile *b = profile_of(rows[i].extras);

		assert_profile(profile_blend(a, b), rows[i].blend);
		profile_drop(a);
		profile_drop(b);
	}
}

/* --- changes --- */

static void
changes_are_one_batch(void **state)
{
	/* in the order in which they are sent; "=" ends a name, "-" is the default */
	static const struct {
		const char	*have, *want, *changes;
	} rows[] = {
		{ "", "", "" },
		{ "+a=1 b=2", "+a=1 b=2", "" },
		{ "+a=1", "+a=2", "a=2" },
		{ "+a=1 +b=1 +c=1", "+a=1 +b=2 +c=3", "b=2 c=3" },
		{ "+a=1", "+a=1 b=2", "b=2" },
		{ "+a=1", "+a=", "a=" },
		/* what is reported and not wanted is left as it is */
		{ "+a=1 +b=1", "+a=1", "" },
		/* what somebody asked for at start-up is not */
		{ "+a=1 b=2 c=3", "+a=1 c=3", "b-" },
		{ "x=1", "y=1", "y=1 x-" },
		/* the encoding first, whatever it is called */
		{ "+a=1 +client_encoding=UTF8", "+a=2 +client_encoding=LATIN1",
		    "client_encoding=LATIN1 a=2" },
		{ "+A=1 +Client_Encoding=UTF8", "+a=2 +client_encoding=SJIS",
		    "client_encoding=SJIS a=2" },
		{ "", "a=1 client_encoding=UTF8 z=1", "client_encoding=UTF8 a=1 z=1" },
		{ "client_encoding=UTF8", "", "client_encoding-" },
		/* spelt another way it is another value; a name is not */
		{ "+TimeZone=utc", "+timezone=UTC", "timezone=UTC" },
		{ "+TimeZone=UTC", "+timezone=UTC", "" },
		/* nobody can set these */
		{ "+in_hot_standby=off +server_version=15 +is_superuser=on",
		    "+in_hot_standby=on +server_version=18 +is_superuser=off", "" },
		{ "+server_encoding=UTF8 +integer_datetimes=on +session_authorization=a",
		    "+server_encoding=SJIS +integer_datetimes=n +session_authorization=b",
		    "" },
		{ "In_Hot_Standby=on a=1", "", "a-" },
		{ "", "IN_HOT_STANDBY=on a=1", "a=1" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct profile *have = profile_of(rows[i].have);
		const struct profile *want = profile_of(rows[i].want);
		struct span rest, words = span_text(rows[i].changes), word, name, value;
		struct buf batch = { 0 };
		unsigned changes = profile_change(have, want, &batch), count = 0;

		assert_false(batch.failed);
		rest = buf_span(&batch);
		assert_int_equal(batch.len == 0, changes == 0);
		if (changes > 0)
			assert_true(batch_parse(&rest));
		while (words.len > 0 && span_cut(&words, " ", &word)) {
			assert_true(batch_change(&rest, &name, &value));
			count++;
			assert_true(word.len > name.len);
			assert_true(span_same(name, span_of(word.at, name.len)));
			if (word.at[name.len] == '-')
				assert_null(value.at);
			else
				assert_true(value.at != NULL &&
				    span_same(value, span_skip(word, name.len + 1)));
		}
		assert_int_equal(rest.len, 0);
		assert_int_equal(count, changes);
		buf_fini(&batch);
		profile_drop(have);
		profile_drop(want);
	}
}

/* Quotes, backslashes, semicolons: values are parameters, nothing is made of them. */
static void
values_travel_unread(void **state)
{
	static const char value[] = "'; drop table x; --\\\"$1\xff\n";
	const struct profile *none = profile_empty();
	const struct profile *want = profile_with(none, span_text("application_name"),
	    span_text(value), true);
	struct buf batch = { 0 };
	struct span rest, name, got;

	(void)state;
	assert_int_equal(profile_change(none, want, &batch), 1);
	rest = buf_span(&batch);
	assert_true(batch_parse(&rest));
	assert_true(batch_change(&rest, &name, &got));
	assert_span(name, "application_name");
	assert_span(got, value);
	assert_int_equal(rest.len, 0);
	buf_fini(&batch);
	profile_drop(want);
	profile_drop(none);
}

static void
spellings_are_the_servers(void **state)
{
	static const struct {
		const char	*name, *value, *canonical;
	} rows[] = {
		{ "client_encoding", "utf-8", "UTF8" },
		{ "client_encoding", "UTF8", "UTF8" },
		{ "Client_Encoding", "Unicode", "UTF8" },
		{ "client_encoding", "utf_8", "UTF8" },
		{ "client_encoding", "utf-88", "utf-88" },
		{ "client_encoding", "utf", "utf" },
		{ "client_encoding", "sql_ascii", "SQL_ASCII" },
		{ "client_encoding", "latin1", "LATIN1" },
		{ "client_encoding", "ISO-8859-1", "LATIN1" },
		{ "client_encoding", "iso885915", "iso885915" },
		{ "client_encoding", "'utf8'", "UTF8" },
		{ "client_encoding", "", "" },
		{ "datestyle", "iso", "ISO, MDY" },
		{ "DateStyle", "ISO, DMY", "ISO, DMY" },
		{ "DateStyle", "German", "German" },
		{ "application_name", "utf-8", "utf-8" },
		{ "application_name", "", "" },
	};
	struct buf out = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		profile_canonical(span_text(rows[i].name), span_text(rows[i].value),
		    &out);
		assert_span(buf_span(&out), rows[i].canonical);
	}
	buf_fini(&out);
}

/* --- without memory --- */

static void
a_failed_allocation_gives_nothing(void **state)
{
	const struct profile *a = profile_of("+a=1 b=2"), *c = profile_of("c=3");
	unsigned after, failures = 0;
	bool good = false;

	(void)state;
	for (after = 1; !good; after++) {
		const struct profile *with, *blend;

		mem_fail_after(after);
		with = profile_with(a, span_text("d"), span_text("4"), true);
		blend = profile_blend(a, c);
		mem_fail_after(0);
		good = with != NULL && blend != NULL;
		failures += !good;
		if (with != NULL)
			assert_profile(with, "+a=1 b=2 +d=4");
		if (blend != NULL)
			assert_profile(blend, "+a=1 c=3");
	}
	assert_true(failures >= 4);
	profile_drop(c);
	assert_profile(a, "+a=1 b=2");
}

static void
a_batch_without_memory_has_failed(void **state)
{
	const struct profile *have = profile_of(""), *want = profile_of("a=1 b=2");
	unsigned after, failures = 0;
	bool good = false;

	(void)state;
	for (after = 1; !good; after++) {
		struct buf batch = { 0 };

		mem_fail_after(after);
		assert_int_equal(profile_change(have, want, &batch), 2);
		mem_fail_after(0);
		good = !batch.failed;
		failures += !good;
		buf_fini(&batch);
	}
	assert_true(failures > 0);
	profile_drop(have);
	profile_drop(want);
}

/* --- threads --- */

#define THREADS 4
#define ROUNDS 20000u

static void *
change_and_drop(void *arg)
{
	struct dice dice = dice_of_seed((uint64_t)(uintptr_t)arg);
	const struct profile *p = profile_empty();
	uintptr_t wrong = p == NULL;

	for (unsigned i = 0; i < ROUNDS && wrong == 0; i++) {
		char name[2] = { (char)('a' + dice_roll(&dice, 3)), 0 };
		char value[2] = { (char)('0' + dice_roll(&dice, 3)), 0 };
		const struct profile *with, *again;

		with = profile_with(p, span_text(name), span_text(value), true);
		again = profile_with(with, span_text(name), span_text(value), true);
		wrong += with != again;
		wrong += !span_is(profile_get(with, span_text(name))->value, value);
		profile_drop(again);
		again = profile_hold(with);
		profile_drop(again);
		profile_drop(p);
		p = with;
		if (dice_hit(&dice, 10)) {
			profile_drop(p);
			p = profile_empty();
		}
	}
	profile_drop(p);
	return (void *)wrong;
}

static void
threads_share_sets(void **state)
{
	pthread_t threads[THREADS];
	uintptr_t i;

	(void)state;
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, change_and_drop,
				     (void *)(i + 1)),
		    0);
	for (i = 0; i < THREADS; i++) {
		void *wrong;

		pthread_join(threads[i], &wrong);
		assert_null(wrong);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(equal_sets_are_one),
		UNIT_TEST(any_difference_makes_another_set),
		UNIT_TEST(names_are_found_in_any_case),
		UNIT_TEST(a_setting_changes_in_place),
		UNIT_TEST(a_blend_takes_from_both),
		UNIT_TEST(changes_are_one_batch),
		UNIT_TEST(values_travel_unread),
		UNIT_TEST(spellings_are_the_servers),
		UNIT_TEST(a_failed_allocation_gives_nothing),
		UNIT_TEST(a_batch_without_memory_has_failed),
		UNIT_TEST(threads_share_sets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
