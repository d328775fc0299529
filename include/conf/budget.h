/*
 * budget.h - what the settings of the budget say, as numbers.
 */
#ifndef CONF_BUDGET_H
#define CONF_BUDGET_H

#include "conf/conf.h"

/* max_server_connections: NUMBER, or SHARE of the server's max_connections, or neither (auto). */
struct server_limit {
	uint32_t	 number;
	double		 share;		/* 0 to 1 */
};
void conf_server_limit(const struct conf *conf, struct server_limit *out);
/* budget_share, above 0 to 1. */
double conf_budget_share(const struct conf *conf);

#endif
