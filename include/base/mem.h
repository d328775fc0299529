/*
 * mem.h - heap memory that is given or honestly refused, and wiping.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include "base/port.h"

/* SIZE zeroed bytes, or NULL; the caller owns them, mem_free() takes them back. */
void *mem_new(size_t size) MUST_USE;
/* Grow or shrink what mem_new() gave (NULL: new, not zeroed). NULL leaves OLD valid. */
void *mem_resize(void *old, size_t size) MUST_USE;
/* A NUL-terminated copy of LEN bytes at TEXT, or NULL. */
char *mem_copy_text(const char *text, size_t len) MUST_USE;
void mem_free(void *ptr);
/*
 * Give the system back what is free between what is in use, where the heap can. Takes
 * milliseconds, and other threads that allocate may have to wait: for quiet moments.
 */
void mem_give_back(void);

/* Overwrite SIZE bytes so that no compiler leaves it out. For secrets. */
void mem_wipe(void *ptr, size_t size);

/*
 * Tests only: the AFTERth allocation of this thread from now on fails, once.
 * 0 turns it off.
 */
void mem_fail_after(unsigned after);

#endif
