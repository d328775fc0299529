/*
 * hosts.h - what a worker has to do with host names: how they are looked up is the configuration's wish, and servers whose address
 * is their host's no more are replaced.
 */
#ifndef POOL_HOSTS_H
#define POOL_HOSTS_H

#include "pool/worker.h"

/* Names are looked up as W's setup says from now on. */
void hosts_follow(struct worker *w);

#endif
