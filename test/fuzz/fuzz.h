/*
 * fuzz.h - what every fuzz driver needs: its entry point and a promise that kills in
 * any build.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/span.h"

/* libFuzzer's entry point; always 0. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* Something the driver knows to be true of every input. */
#define must(x) \
	do { \
		if (!(x)) { \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #x); \
			abort(); \
		} \
	} while (0)

/* Does S lie within WHOLE? */
static inline int
lies_in(struct span s, struct span whole)
{
	return s.len == 0 || (s.at >= whole.at && s.len <= whole.len &&
	    (size_t)(s.at - whole.at) <= whole.len - s.len);
}

/* Takes up to WANTED bytes off the front of REST. */
static inline struct span
take(struct span *rest, size_t wanted)
{
	struct span bytes = span_of(rest->at, wanted < rest->len ? wanted : rest->len);

	*rest = span_skip(*rest, bytes.len);
	return bytes;
}

/* A copy of S in a block of just its size; the caller frees .at. */
static inline struct span
copy_of(struct span s)
{
	char *copy = malloc(s.len > 0 ? s.len : 1);

	must(copy != NULL);
	if (s.len > 0)
		memcpy(copy, s.at, s.len);
	return span_of(copy, s.len);
}

#endif
