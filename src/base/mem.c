/*
 * mem.c - the heap, with a switch for tests that want it to fail. Who owns what, and
 * what a refusal means, is the callers' business.
 */
#include "base/mem.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local unsigned fail_after;

/* Is this the allocation a test wants to fail? */
static bool
must_fail(void)
{
	return unlikely(fail_after > 0) && --fail_after == 0;
}

void *
mem_new(size_t size)
{
	if (must_fail())
		return NULL;
	return calloc(1, size > 0 ? size : 1);
}

void *
mem_resize(void *old, size_t size)
{
	if (must_fail())
		return NULL;
	return realloc(old, size > 0 ? size : 1);
}

char *
mem_copy_text(const char *text, size_t len)
{
	char *copy;

	if (len == SIZE_MAX)
		return NULL;
	copy = mem_resize(NULL, len + 1);
	if (copy == NULL)
		return NULL;
	if (len > 0)
		memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

void
mem_free(void *ptr)
{
	free(ptr);
}

void
mem_give_back(void)
{
	malloc_trim(0);
}

void
mem_wipe(void *ptr, size_t size)
{
	if (size > 0)
		explicit_bzero(ptr, size);
}

void
mem_fail_after(unsigned after)
{
	fail_after = after;
}
