/*
 * fuzz_connstr.c - pairs of strangers: each step moves on, and what was read, put again,
 * reads the same. URLs are the other way to write such pairs.
 */
#include "fuzz/fuzz.h"

#include "base/buf.h"
#include "conf/connstr.h"
#include "conf/url.h"

/* KEY=VALUE, put, is read again. */
static void
check_put(struct span key, struct span value)
{
	struct buf name = { 0 }, text = { 0 }, again = { 0 };
	struct span rest, found;
	const char *what;

	buf_put_span(&name, key);
	connstr_put(&text, buf_text(&name), value);
	rest = buf_span(&text);
	must(connstr_next(&rest, &found, &again, &what) == CONNSTR_PAIR);
	must(span_same(found, key) && span_same(buf_span(&again), value));
	must(connstr_next(&rest, &found, &again, &what) == CONNSTR_END);
	buf_fini(&name);
	buf_fini(&text);
	buf_fini(&again);
}

/* The bytes as a URL: a script with a template, or a reason. */
static void
check_url(struct span text)
{
	struct buf url = { 0 };
	struct err err = { 0 };
	struct script *script;

	buf_put_text(&url, "postgres://");
	buf_put_span(&url, text);
	script = url_script(buf_text(&url), &err);
	must((script == NULL) == (err.text[0] != '\0'));
	if (script != NULL)
		must(strcmp(script->lines[script->count - 1].key, "*") == 0);
	script_drop(script);
	buf_fini(&url);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct span all = copy_of(span_of(bytes, len)), rest = all, before, key;
	struct buf value = { 0 };
	const char *what = NULL;
	enum connstr_step step;

	for (;;) {
		before = rest;
		step = connstr_next(&rest, &key, &value, &what);
		must(lies_in(rest, all) && rest.len <= before.len);
		if (step != CONNSTR_PAIR)
			break;
		must(lies_in(key, all) && key.len > 0 && value.len > 0);
		must(rest.len < before.len);
		if (memchr(key.at, '\0', key.len) == NULL)
			check_put(key, buf_span(&value));
	}
	must(step == CONNSTR_END ? rest.len == 0 : what != NULL);
	buf_fini(&value);
	check_url(all);
	free((char *)all.at);
	return 0;
}
