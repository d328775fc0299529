/*
 * fuzz_base64.c - what is decoded has no other spelling, and never fills more room than
 * it was given.
 */
#include "fuzz/fuzz.h"

#include "base/rand.h"

static void
check_base64(struct span s)
{
	size_t cap = s.len / 4 * 3;
	unsigned char *out = malloc(cap > 0 ? cap : 1);
	char *again = malloc(s.len + 5);
	long len = base64_decode(s, out, cap);

	must(out != NULL && again != NULL);
	must(len <= (long)cap);
	if (len >= 0) {
		must(base64_encode(out, (size_t)len, again) == s.len);
		must(span_is(s, again));
		if (len > 0)
			must(base64_decode(s, out, (size_t)len - 1) == -1);
	}
	free(out);
	free(again);
}

static void
check_hex(struct span s)
{
	size_t len = s.len / 2, i;
	unsigned char *out = malloc(len > 0 ? len : 1);
	char *again = malloc(s.len + 2);

	must(out != NULL && again != NULL);
	if (hex_decode(s, out, len)) {
		hex_encode(out, len, again);
		must(strlen(again) == s.len);
		for (i = 0; i < s.len; i++)
			must(again[i] == s.at[i] || again[i] == s.at[i] + ('a' - 'A'));
	}
	free(out);
	free(again);
}

/* Any bytes come back. */
static void
check_bytes(struct span s)
{
	char *text = malloc(4 * ((s.len + 2) / 3) + 1);
	unsigned char *back = malloc(s.len > 0 ? s.len : 1);
	size_t len;

	must(text != NULL && back != NULL);
	len = base64_encode(s.at, s.len, text);
	must(base64_decode(span_of(text, len), back, s.len) == (long)s.len);
	must(span_same(span_of(back, s.len), s));
	free(text);
	free(back);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct span s = span_of(bytes, len);

	check_base64(s);
	check_hex(s);
	check_bytes(s);
	return 0;
}
