/*
 * load.h - how much each database, or each user, is used now.
 */
#ifndef ADMIN_LOAD_H
#define ADMIN_LOAD_H

#include "admin/gather.h"
#include "conf/conf.h"

/* A row. */
struct load {
	const char	*name;
	uint64_t	 clients, servers;
};

/* For gather(): names of databases, and of users, that are in use. */
void load_fill_databases(struct sheet *part, struct worker *w);
void load_fill_users(struct sheet *part, struct worker *w);

/*
 * Every database there is (of CONF, of the * entry, the console's), sorted, into OUT,
 * which is empty. Rows borrow texts of PARTS.
 */
void load_databases(const struct gathering *parts, const struct conf *conf,
    struct pooler *p, struct sheet *out);
/* The same of users: those of CONF, and those who are here. */
void load_users(const struct gathering *parts, const struct conf *conf, struct pooler *p,
    struct sheet *out);

#endif
