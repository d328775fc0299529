/*
 * fuzz_fingerprint.c - statements of strangers: no value is in what is shown, and what is shown has itself for
 * its fingerprint.
 */
#include "fuzz/fuzz.h"

#include "sql/fingerprint.h"

static int
is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
	    c == '$' || (unsigned char)c >= 0x80;
}

/* Outside of names in quotes: no quote, and no number that begins. CUT: the last name may be cut. */
static void
check_no_value(const char *text, int cut)
{
	for (size_t i = 0; text[i] != '\0'; i++) {
		if (text[i] == '"') {
			do {
				i++;
			} while (text[i] != '"' && text[i] != '\0');
			if (text[i] == '\0') {
				must(cut);
				return;
			}
			continue;
		}
		must(text[i] != '\'');
		must(text[i] < '0' || text[i] > '9' || (i > 0 && is_word(text[i - 1])));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct fingerprint f, again;
	size_t shown;

	fingerprint_take(&f, span_of(bytes, len));
	shown = strnlen(f.text, sizeof(f.text));
	must(shown < sizeof(f.text));
	check_no_value(f.text, shown >= sizeof(f.text) - 4);
	if (shown >= sizeof(f.text) - 4)
		return 0;
	fingerprint_take(&again, span_text(f.text));
	must(again.number == f.number);
	must(strcmp(again.text, f.text) == 0);
	return 0;
}
