/*
 * fuzz_text.c - text as people and strangers write it: numbers print as they were read,
 * escaped text is harmless in every room.
 */
#include "fuzz/fuzz.h"

#include <ctype.h>

#include "base/addr.h"
#include "base/log.h"
#include "base/text.h"

static void
check_numbers(struct span s)
{
	char text[64];
	int64_t number, again;
	usec_t time;

	if (text_int(s, &number)) {
		snprintf(text, sizeof(text), "%lld", (long long)number);
		must(text_int(span_text(text), &again) && again == number);
	}
	if (text_seconds(s, &time)) {
		usec_t same;

		snprintf(text, sizeof(text), "%llu.%06llu",
		    (unsigned long long)(time / SECOND),
		    (unsigned long long)(time % SECOND));
		must(text_seconds(span_text(text), &same) && same == time);
		must(strlen(text_timestamp(time, text)) < 32);
		must(strlen(text_from_usec(time, text)) < 32);
	}
}

static void
check_escape(struct span s)
{
	static const size_t rooms[] = { 1, 2, 4, 5, 16, 100 };
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(rooms); i++) {
		char *out = malloc(rooms[i]);

		must(out != NULL);
		must(log_escape(s, out, rooms[i]) == out);
		must(strlen(out) < rooms[i] && text_is_utf8(span_text(out)));
		for (k = 0; out[k] != '\0'; k++)
			must(!iscntrl((unsigned char)out[k]));
		free(out);
	}
}

static void
check_words(struct span s)
{
	static const char *const words[] = { "pool_size", "pool_mode", "dns", "", NULL };
	struct span rest = s, part;
	size_t bytes = 0, parts = 0;

	while (span_cut(&rest, " ,\t\n", &part)) {
		must(lies_in(part, s));
		must(part.len == 0 || text_list_has(s, part));
		bytes += part.len;
		/* each look is through the whole list */
		if (++parts > 50)
			return;
	}
	must(s.at == NULL || bytes + parts - 1 == s.len);
	text_nearest(s, words);
	must(lies_in(span_trim(s), s));
}

static void
check_addr(struct span s)
{
	char text[64];
	struct addr a, b;

	if (!addr_parse_ip(&a, s, 5432))
		return;
	must(addr_parse_ip(&b, span_text(addr_host(&a, text)), 5432));
	must(addr_same(&a, &b));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct span s = span_of(bytes, len);
	size_t i;

	check_numbers(s);
	check_escape(s);
	check_words(s);
	check_addr(s);
	/* characters cut at any place leave valid text valid */
	for (i = 0; text_is_utf8(s) && i <= len && i < 300; i++) {
		size_t kept = text_utf8_cut(s, i);

		must(kept <= i && i - kept < 4);
		must(text_is_utf8(span_of(bytes, kept)));
	}
	return 0;
}
