/*
 * guest.h - connections of whoever asks by HTTP: counted, and ended in time.
 */
#ifndef WEB_GUEST_H
#define WEB_GUEST_H

#include "base/port.h"

struct web;

/* Connections at a time; of more the oldest ends. */
#define GUESTS_MOST 64u
/* While there are so many, as some have not ended yet, nobody is let in. */
#define GUESTS_CROWD (2 * GUESTS_MOST)

/* From now on guests come in. False: no memory. */
bool guests_init(struct web *web);
/* When the evhttp is gone. */
void guests_fini(struct web *web);

#endif
