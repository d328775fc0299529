/*
 * budget_private.h - between budget.c and capacity.c.
 */
#ifndef POOL_BUDGET_PRIVATE_H
#define POOL_BUDGET_PRIVATE_H

#include "pool/budget.h"

/* B's limits are those of CONF and of what its server has said. Under pooler->mutex. */
void budget_set_limit(struct pooler *p, struct budget *b, const struct conf *conf);

#endif
