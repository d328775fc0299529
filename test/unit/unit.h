/*
 * unit.h - cmocka with what it wants included first, and a few words every unit test
 * can use.
 */
#ifndef UNIT_UNIT_H
#define UNIT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"

#define UNIT_TEST(rule) cmocka_unit_test(rule)

/* Is S exactly TEXT? */
#define assert_span(s, text) assert_span_at((s), (text), __FILE__, __LINE__)

static inline void
assert_span_at(struct span s, const char *text, const char *file, int line)
{
	if (span_is(s, text))
		return;
	print_error("expected \"%s\", got \"%.*s\"\n", text, (int)s.len,
	    s.at != NULL ? s.at : "");
	_fail(file, line);
}

/*
 * LEN bytes of AT in a block of just that size, so that a sanitizer sees whoever reads
 * beyond; the caller frees it.
 */
static inline char *
exact_copy(const void *at, size_t len)
{
	char *copy = malloc(len > 0 ? len : 1);

	assert_non_null(copy);
	if (len > 0)
		memcpy(copy, at, len);
	return copy;
}

#endif
