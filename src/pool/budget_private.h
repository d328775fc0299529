/*
 * budget_private.h - between budget.c and capacity.c.
 */
#ifndef POOL_BUDGET_PRIVATE_H
#define POOL_BUDGET_PRIVATE_H

#include "pool/budget.h"

/* B's limits are those of CONF and of what its server has said. Under pooler->mutex. */
void budget_set_limit(struct pooler *p, struct budget *b, const struct conf *conf);

/* Connections to B's server that may be ours and all other poolers', 0: any number. Until it has been asked a part of them is not known. */
unsigned budget_whole(const struct conf *conf, const struct budget *b);

#endif
