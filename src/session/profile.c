/*
 * profile.c - interned sets of settings. One block of memory each: the array of values,
 * sorted by lower-cased name, then the texts.
 */
#include "session/profile.h"

#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>
#include <strings.h>

#include "base/map.h"
#include "base/mem.h"
#include "wire/query.h"

struct profile {
	struct map_node	 in_all;
	unsigned	 refs;		/* under the mutex */
	unsigned	 count;
	struct setting_value values[];
};

static pthread_mutex_t all_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct map all;

/* A set under construction. */
struct draft {
	struct setting_value *values;	/* owned */
	unsigned	 count;
};

static int
compare_names(struct span a, struct span b)
{
	size_t least = a.len < b.len ? a.len : b.len;
	int c = strncasecmp(a.at, b.at, least);

	if (c != 0)
		return c;
	return a.len < b.len ? -1 : a.len > b.len;
}

/* --- interning --- */

static uint64_t
hash_draft(const struct draft *d)
{
	uint64_t hash = d->count;

	for (unsigned i = 0; i < d->count; i++) {
		const struct setting_value *v = &d->values[i];

		hash = (hash ^ span_hash(v->name)) * 0x9e3779b97f4a7c15u;
		hash = (hash ^ span_hash(v->value) ^ v->reported) * 0x9e3779b97f4a7c15u;
	}
	return hash ^ hash >> 32;
}

static bool
same_set(const struct map_node *node, const void *key)
{
	const struct profile *p = CONTAINER_OF(node, struct profile, in_all);
	const struct draft *d = key;

	if (p->count != d->count)
		return false;
	for (unsigned i = 0; i < d->count; i++)
		if (!span_same(p->values[i].name, d->values[i].name) ||
		    !span_same(p->values[i].value, d->values[i].value) ||
		    p->values[i].reported != d->values[i].reported)
			return false;
	return true;
}

static struct span
copy_text(char **to, struct span s)
{
	char *at = *to;

	if (s.len > 0)
		memcpy(at, s.at, s.len);
	at[s.len] = '\0';
	*to += s.len + 1;
	return span_of(at, s.len);
}

static struct profile *
profile_new(const struct draft *d, uint64_t hash)
{
	size_t size = sizeof(struct profile) + d->count * sizeof(d->values[0]);
	struct profile *p;
	char *text;

	for (unsigned i = 0; i < d->count; i++)
		size += d->values[i].name.len + d->values[i].value.len + 2;
	p = mem_new(size);
	if (p == NULL || !map_add(&all, &p->in_all, hash)) {
		mem_free(p);
		return NULL;
	}
	p->count = d->count;
	text = (char *)&p->values[d->count];
	for (unsigned i = 0; i < d->count; i++) {
		p->values[i].name = copy_text(&text, d->values[i].name);
		p->values[i].value = copy_text(&text, d->values[i].value);
		p->values[i].reported = d->values[i].reported;
	}
	return p;
}

static const struct profile *
intern(const struct draft *d)
{
	uint64_t hash = hash_draft(d);
	struct map_node *node;
	struct profile *p;

	pthread_mutex_lock(&all_mutex);
	node = map_find(&all, hash, same_set, d);
	p = node != NULL ? CONTAINER_OF(node, struct profile, in_all) : profile_new(d, hash);
	if (p != NULL)
		p->refs++;
	pthread_mutex_unlock(&all_mutex);
	return p;
}

const struct profile *
profile_empty(void)
{
	struct draft none = { NULL, 0 };

	return intern(&none);
}

const struct profile *
profile_hold(const struct profile *p)
{
	pthread_mutex_lock(&all_mutex);
	((struct profile *)p)->refs++;
	pthread_mutex_unlock(&all_mutex);
	return p;
}

void
profile_drop(const struct profile *p)
{
	struct profile *mine = (struct profile *)p;
	bool last;

	if (p == NULL)
		return;
	pthread_mutex_lock(&all_mutex);
	last = --mine->refs == 0;
	if (last) {
		map_remove(&all, &mine->in_all);
		if (all.count == 0)
			map_fini(&all);
	}
	pthread_mutex_unlock(&all_mutex);
	if (last)
		mem_free(mine);
}

/* --- making one from another --- */

const struct profile *
profile_with(const struct profile *p, struct span name, struct span value, bool reported)
{
	struct draft d = { mem_new((p->count + 1) * sizeof(*d.values)), 0 };
	struct setting_value mine = { name, value, reported };
	const struct profile *made;
	bool placed = false;

	if (d.values == NULL)
		return NULL;
	for (unsigned i = 0; i < p->count; i++) {
		int c = compare_names(p->values[i].name, name);

		if (c == 0) {
			/* The server's spelling of the name stays. */
			mine.name = p->values[i].name;
			mine.reported = reported || p->values[i].reported;
		}
		if (c >= 0 && !placed) {
			d.values[d.count++] = mine;
			placed = true;
		}
		if (c != 0)
			d.values[d.count++] = p->values[i];
	}
	if (!placed)
		d.values[d.count++] = mine;
	made = intern(&d);
	mem_free(d.values);
	return made;
}

const struct profile *
profile_blend(const struct profile *reported, const struct profile *extras)
{
	struct draft d = { mem_new((reported->count + extras->count + 1) * sizeof(*d.values)), 0 };
	const struct profile *made;
	unsigned i = 0, j = 0;

	if (d.values == NULL)
		return NULL;
	for (;;) {
		int c;

		while (i < reported->count && !reported->values[i].reported)
			i++;
		while (j < extras->count && extras->values[j].reported)
			j++;
		if (i == reported->count && j == extras->count)
			break;
		c = i == reported->count ? 1 : j == extras->count ? -1 :
		    compare_names(reported->values[i].name, extras->values[j].name);
		if (c <= 0)
			d.values[d.count++] = reported->values[i++];
		else
			d.values[d.count++] = extras->values[j];
		j += c >= 0;	/* what is reported is known better */
	}
	made = intern(&d);
	mem_free(d.values);
	return made;
}

unsigned
profile_count(const struct profile *p)
{
	return p->count;
}

const struct setting_value *
profile_at(const struct profile *p, unsigned index)
{
	return &p->values[index];
}

const struct setting_value *
profile_get(const struct profile *p, struct span name)
{
	unsigned low = 0, high = p->count;

	while (low < high) {
		unsigned mid = (low + high) / 2;
		int c = compare_names(p->values[mid].name, name);

		if (c == 0)
			return &p->values[mid];
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

/* --- the way from one to another --- */

bool
profile_settable(struct span name)
{
	static const char *const fixed[] = { "in_hot_standby", "integer_datetimes", "is_superuser",
		"server_encoding", "server_version", "session_authorization" };

	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		if (span_is_nocase(name, fixed[i]))
			return false;
	return true;
}

/* Values travel as bound parameters of one constant statement: no SQL is made of them. */
static void
put_change(struct buf *batch, unsigned *changes, struct span name, struct span value)
{
	struct span values[2] = { name, value };

	if ((*changes)++ == 0)
		query_write_parse_text(batch, span_of("", 0),
		    SPAN_LITERAL("select pg_catalog.set_config($1, $2, false)"));
	query_write_bind_text(batch, span_of("", 0), values, 2);
	query_write_execute(batch);
}

unsigned
profile_change(const struct profile *have, const struct profile *want, struct buf *batch)
{
	static const struct span encoding = SPAN_LITERAL("client_encoding");
	const struct setting_value *had, *wanted = profile_get(want, encoding);
	unsigned changes = 0;

	/* The encoding first: the other values are in it. */
	had = profile_get(have, encoding);
	if (wanted != NULL && (had == NULL || !span_same(had->value, wanted->value)))
		put_change(batch, &changes, wanted->name, wanted->value);
	for (unsigned i = 0; i < want->count; i++) {
		wanted = &want->values[i];
		if (!profile_settable(wanted->name) || compare_names(wanted->name, encoding) == 0)
			continue;
		had = profile_get(have, wanted->name);
		if (had == NULL || !span_same(had->value, wanted->value))
			put_change(batch, &changes, wanted->name, wanted->value);
	}
	/* What somebody else asked for at start-up goes back to the server's default. */
	for (unsigned i = 0; i < have->count; i++) {
		had = &have->values[i];
		if (!had->reported && profile_settable(had->name) &&
		    profile_get(want, had->name) == NULL)
			put_change(batch, &changes, had->name, span_of(NULL, 0));
	}
	return changes;
}

/* Encodings are compared by their letters and digits, in any case. */
static bool
encoding_is(struct span value, const char *word)
{
	for (size_t i = 0; i < value.len; i++) {
		if (!isalnum((unsigned char)value.at[i]))
			continue;
		if (*word == '\0' || tolower((unsigned char)value.at[i]) != *word++)
			return false;
	}
	return *word == '\0';
}

void
profile_canonical(struct span name, struct span value, struct buf *out)
{
	buf_clear(out);
	if (span_is_nocase(name, "client_encoding")) {
		/* PostgreSQL keeps UNICODE as it is, for old clients. */
		if (encoding_is(value, "utf8") ||
		    (encoding_is(value, "unicode") && !span_is(value, "UNICODE")))
			value = SPAN_LITERAL("UTF8");
		else if (encoding_is(value, "sqlascii"))
			value = SPAN_LITERAL("SQL_ASCII");
		else if (encoding_is(value, "latin1") || encoding_is(value, "iso88591"))
			value = SPAN_LITERAL("LATIN1");
	} else if (span_is_nocase(name, "DateStyle") && span_is_nocase(value, "iso")) {
		value = SPAN_LITERAL("ISO, MDY");
	}
	buf_put_span(out, value);
}
