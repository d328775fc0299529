/*
 * rand.h - random bytes, their spellings, and comparing secrets. One of the five doors
 * to the outside: tests may replace rand_bytes by a seeded stream.
 */
#ifndef BASE_RAND_H
#define BASE_RAND_H

#include "base/port.h"
#include "base/span.h"

/* LEN bytes from the kernel's generator (a per-thread stock saves system calls). */
void rand_bytes(void *out, size_t len);
uint32_t rand_u32(void);
/* Tests: from now on, on this thread, a reproducible stream from SEED (0: the kernel again). */
void rand_seed(uint64_t seed);

/* Base64 (RFC 4648, with padding) of IN into OUT with a NUL; OUT holds 4*((len+2)/3)+1. Returns the length. */
size_t base64_encode(const void *in, size_t len, char *out);
/* Decode strictly (no blanks, right padding) into OUT of CAP bytes; length, or -1. */
long base64_decode(struct span in, void *out, size_t cap);
/* Lower-case hex of LEN bytes into OUT (2*len+1). */
void hex_encode(const void *in, size_t len, char *out);
/* Decode LEN bytes worth of hex of either case; false if IN is not exactly that. */
bool hex_decode(struct span in, void *out, size_t len);

/* Equal? In time that depends on LEN only. */
bool secret_same(const void *a, const void *b, size_t len);

#endif
