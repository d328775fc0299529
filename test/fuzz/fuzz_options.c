/*
 * fuzz_options.c - the `options` of strangers: each step moves on, and what is found,
 * written plainly, is found again.
 */
#include "fuzz/fuzz.h"

#include "base/buf.h"
#include "wire/startup.h"

static void
put_escaped(struct buf *b, struct span s)
{
	size_t i;

	for (i = 0; i < s.len; i++) {
		buf_put_byte(b, '\\');
		buf_put_byte(b, s.at[i]);
	}
}

/* NAME and VALUE, spelt "-c name=value" with every byte escaped, are found again. */
static void
check_spelling(struct span name, struct span value)
{
	struct buf text = { 0 }, name_again = { 0 }, value_again = { 0 };
	struct span rest;

	buf_put_text(&text, "-c ");
	put_escaped(&text, name);
	buf_put_byte(&text, '=');
	put_escaped(&text, value);
	rest = buf_span(&text);
	must(startup_option(&rest, &name_again, &value_again) == 1);
	must(span_same(buf_span(&name_again), name));
	must(span_same(buf_span(&value_again), value));
	must(startup_option(&rest, &name_again, &value_again) == 0);
	buf_fini(&text);
	buf_fini(&name_again);
	buf_fini(&value_again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct span all = span_of(bytes, len), rest = all, before;
	struct buf name = { 0 }, value = { 0 };
	int found;

	for (;;) {
		before = rest;
		found = startup_option(&rest, &name, &value);
		must(lies_in(rest, all) && rest.len <= before.len);
		if (found != 1)
			break;
		must(rest.len < before.len);
		must(name.len > 0 && memchr(name.at, '=', name.len) == NULL);
		must(memchr(name.at, '-', name.len) == NULL);
		check_spelling(buf_span(&name), buf_span(&value));
	}
	must(found == 0 ? rest.len == 0 : rest.len > 0);
	if (found == -1)
		must(startup_option(&rest, &name, &value) == -1);
	buf_fini(&name);
	buf_fini(&value);
	return 0;
}
