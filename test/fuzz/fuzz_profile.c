/*
 * fuzz_profile.c - two sets of settings from lines "name=value" ("+" before a reported
 * one, an empty line begins the second set). The batch that turns one into the other,
 * read back and done, must leave nothing to change.
 */
#include "fuzz/fuzz.h"

#include "session/profile.h"
#include "unit/session/batch.h"

/* P with NAME as VALUE; P is let go. */
static const struct profile *
set(const struct profile *p, struct span name, struct span value, bool reported)
{
	const struct profile *with = profile_with(p, name, value, reported);
	const struct setting_value *v;

	must(with != NULL);
	v = profile_get(with, name);
	must(v != NULL && span_same(v->value, value));
	must(v->reported || !reported);
	must(profile_count(with) - profile_count(p) <= 1);
	profile_drop(p);
	return with;
}

/* The lines up to an empty one; *REST is behind it. */
static const struct profile *
read_set(struct span *rest)
{
	const struct profile *p = profile_empty();
	struct span line, name;

	must(p != NULL);
	while (span_cut(rest, "\n", &line) && line.len > 0) {
		bool reported = line.at[0] == '+';
		struct span value = span_skip(line, reported);

		span_cut(&value, "=", &name);
		if (name.len == 0 || value.at == NULL ||
		    memchr(line.at, 0, line.len) != NULL)
			continue;
		p = set(p, name, value, reported);
	}
	return p;
}

/* Names in order, each once, no two alike. */
static void
check_set(const struct profile *p)
{
	for (unsigned i = 0; i < profile_count(p); i++) {
		const struct setting_value *v = profile_at(p, i);

		must(profile_get(p, v->name) == v);
		must(
		    v->name.at[v->name.len] == '\0' && v->value.at[v->value.len] == '\0');
	}
}

static void
check_blend(const struct profile *a, const struct profile *b)
{
	const struct profile *blend = profile_blend(a, b);

	must(blend != NULL);
	check_set(blend);
	for (unsigned i = 0; i < profile_count(a); i++) {
		const struct setting_value *v = profile_at(a, i);
		const struct setting_value *got = profile_get(blend, v->name);

		must(!v->reported ||
		    (got != NULL && got->reported && span_same(got->value, v->value)));
	}
	for (unsigned i = 0; i < profile_count(b); i++)
		must(profile_at(b, i)->reported ||
		    profile_get(blend, profile_at(b, i)->name) != NULL);
	profile_drop(blend);
}

/* HAVE without the settings in GONE; HAVE is let go. */
static const struct profile *
without(const struct profile *have, struct span gone)
{
	const struct profile *p = profile_empty();

	for (unsigned i = 0; i < profile_count(have); i++) {
		const struct setting_value *v = profile_at(have, i);

		if (!span_same(v->name, gone))
			p = set(p, v->name, v->value, v->reported);
	}
	profile_drop(have);
	return p;
}

static void
check_change(const struct profile *have, const struct profile *want)
{
	const struct profile *now = profile_hold(have);
	struct buf batch = { 0 }, nothing = { 0 };
	unsigned changes = profile_change(have, want, &batch), count = 0;
	struct span rest = buf_span(&batch), name, value;

	must(!batch.failed && (changes == 0) == (batch.len == 0));
	must(changes == 0 || batch_parse(&rest));
	for (; rest.len > 0; count++) {
		must(batch_change(&rest, &name, &value));
		must(profile_settable(name));
		must(count == 0 || !span_is_nocase(name, "client_encoding") ||
		    value.at == NULL);
		if (value.at == NULL)
			now = without(now, name);
		else
			now = set(now, name, value, false);
	}
	must(count == changes);
	must(profile_change(now, want, &nothing) == 0 && nothing.len == 0);
	profile_drop(now);
	buf_fini(&batch);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct span whole = copy_of(span_of(bytes, len)), rest = whole;
	const struct profile *a, *b;
	struct buf out = { 0 };

	a = read_set(&rest);
	b = rest.at != NULL ? read_set(&rest) : profile_empty();
	check_set(a);
	check_set(b);
	check_blend(a, b);
	check_blend(b, a);
	check_change(a, b);
	check_change(b, a);
	for (unsigned i = 0; i < profile_count(a); i++) {
		const struct setting_value *v = profile_at(a, i);

		profile_canonical(v->name, v->value, &out);
		must(!out.failed);
	}
	buf_fini(&out);
	profile_drop(a);
	profile_drop(b);
	free((void *)whole.at);
	return 0;
}
