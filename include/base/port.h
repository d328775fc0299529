/*
 * port.h - what every file may take for granted: number types, attributes, the
 * promise macro. Differences between systems end here.
 */
#ifndef BASE_PORT_H
#define BASE_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Microseconds: a duration, or a point on the clock its name says. */
typedef uint64_t usec_t;

#define MSEC ((usec_t)1000)
#define SECOND ((usec_t)1000000)

/* What has passed from THEN to NOW; 0 if THEN is later, as when another thread, whose turn began after ours, wrote it. */
static inline usec_t
usec_since(usec_t then, usec_t now)
{
	return now > then ? now - then : 0;
}

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
/* A function for what is rare: kept out of its callers, which stay small. */
#define RARE __attribute__((cold, noinline))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define MUST_USE __attribute__((warn_unused_result))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(ptr, type, member) \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/*
 * A promise of ours to ourselves. Input can never break one. Broken, it aborts in
 * test builds; otherwise it is logged with its place and counted, and the value is
 * false so that the caller can end the one connection concerned:
 *	if (!insist(server->client == client)) { ... close both ... }
 */
#define insist(x) (likely(x) ? true : insist_broken(#x, __FILE__, __LINE__))

/* Does a broken promise abort? With -DINSIST_ABORTS, and under ASan and TSan. */
#if defined(INSIST_ABORTS) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define INSIST_KILLS true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define INSIST_KILLS true
#endif
#endif
#ifndef INSIST_KILLS
#define INSIST_KILLS false
#endif

/* Can the heap be told to give back what is free in its middle? glibc's can. */
#ifndef __GLIBC__
#define malloc_trim(keep) ((void)(keep))
#endif

/* Report a broken promise; always false. Use insist(). */
bool insist_broken(const char *what, const char *file, int line);

#endif
