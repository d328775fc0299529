/*
 * strikes.h - addresses that try wrong cancel keys, on one worker: who tries many is not listened to for a while.
 */
#ifndef POOL_STRIKES_H
#define POOL_STRIKES_H

#include "base/addr.h"
#include "base/port.h"

struct strikes;
struct worker;

/* NULL (nobody was struck yet) is fine. */
void strikes_free(struct strikes *strikes);
/* Is FROM not listened to now? */
bool strikes_out(const struct worker *w, const struct addr *from);
/*
 * FROM has tried a wrong key, or one that was PASSED on. Peers given by address or socket are not struck: what they pass on
 * is not their doing, and was limited where it came from.
 */
void strikes_add(struct worker *w, const struct addr *from, bool passed);

#endif
