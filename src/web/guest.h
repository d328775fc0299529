/*
 * guest.h - connections of whoever asks by HTTP: counted, and ended in time.
 */
#ifndef WEB_GUEST_H
#define WEB_GUEST_H

#include "base/port.h"

struct web;

/* Most connections at a time; of more the oldest ends. */
#define GUESTS_MOST 64u

/* From now on guests come in. False: no memory. */
bool guests_init(struct web *web);
/* When the evhttp is gone. */
void guests_fini(struct web *web);

#endif
