/*
 * retire.h - the end of pools: of those that had neither clients nor servers for pool_idle_timeout, for autodb_idle_timeout if
 * the entry * made them, or whose database is in the configuration no more.
 */
#ifndef POOL_RETIRE_H
#define POOL_RETIRE_H

#include "pool/worker.h"

/*
 * Look whose time has come; called often, on the first worker only. A pool leaves the map at once, so that nobody finds it any
 * more. Then all workers are asked twice: the first time nothing, but then whatever they had in hand for it is in a letter; the
 * second time, behind those letters, they drop their lanes. Then it is freed.
 */
void retire_tick(struct worker *w, usec_t now);

#endif
