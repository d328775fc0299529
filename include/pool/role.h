/*
 * role.h - what a PostgreSQL server is at present, and whether that is what an entry wants
 * (target_session_attrs, as libpq has it). Pure.
 */
#ifndef POOL_ROLE_H
#define POOL_ROLE_H

#include "base/port.h"
#include "conf/conf.h"
#include "session/profile.h"

struct host_role {
	bool		 known;
	bool		 standby;	/* in recovery */
	bool		 read_only;	/* in recovery, or default_transaction_read_only */
};

/* What a server that has just logged us in has REPORTED (since PostgreSQL 14); not known: it must be asked. */
struct host_role role_of(const struct profile *reported);
/* Is a known ROLE what is wanted? LESS: of prefer-standby, that no standby is to be had. */
bool role_fits(enum session_attrs wanted, struct host_role role, bool less);
/* For people: "a standby", "a primary", "read-only". */
const char *role_text(struct host_role role);

#endif
