/*
 * standing.h - pools that there are before anybody asks for them: of entries with a forced user and a min_pool_size.
 */
#ifndef POOL_STANDING_H
#define POOL_STANDING_H

#include "pool/worker.h"

/* Make those of W's setup that there are not yet; their lanes here open the servers (lane_tick). On the first worker. */
void standing_make(struct worker *w);

#endif
