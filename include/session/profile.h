/*
 * profile.h - the settings of a session, as an immutable interned set: equal sets are one
 * pointer, so whether a server already fits a client is one comparison.
 *
 * A profile holds what the server reports (ParameterStatus) and, beyond that, what a
 * client asked for at start-up. Names compare without case, as in PostgreSQL. Shared by
 * all threads; making one takes a mutex, comparing two does not.
 */
#ifndef SESSION_PROFILE_H
#define SESSION_PROFILE_H

#include "base/buf.h"
#include "base/span.h"

struct profile;

struct setting_value {
	struct span	 name;		/* as the server spells it, or the client did */
	struct span	 value;		/* both NUL-terminated, living as long as the profile */
	bool		 reported;	/* the server reports it */
};

/* The empty profile; a hold is taken. */
const struct profile *profile_empty(void);
const struct profile *profile_hold(const struct profile *p);
/* NULL is fine. */
void profile_drop(const struct profile *p);

/* P with NAME set to VALUE; a new hold, P's stays. NULL: no memory. */
const struct profile *profile_with(const struct profile *p, struct span name,
    struct span value, bool reported);
/* The reported settings of REPORTED and all others of EXTRAS; a new hold. */
const struct profile *profile_blend(const struct profile *reported,
    const struct profile *extras);

/* How many settings P has, and the INDEXth of them, in the order of their names. */
unsigned profile_count(const struct profile *p);
const struct setting_value *profile_at(const struct profile *p, unsigned index);
/* NULL: not there. */
const struct setting_value *profile_get(const struct profile *p, struct span name);

/* May a session change it at all (in_hot_standby, server_version, ... : no)? */
bool profile_settable(struct span name);

/*
 * Append to BATCH the messages (extended protocol, unnamed statement, without Sync) that turn a session with HAVE into one with WANT;
 * returns how many settings that are: each is one Bind and one Execute after a single Parse. 0: nothing appended.
 */
unsigned profile_change(const struct profile *have, const struct profile *want,
    struct buf *batch);

/* VALUE as PostgreSQL will report it, for the few names whose spelling is known to change (client_encoding 'utf-8'); into OUT. */
void profile_canonical(struct span name, struct span value, struct buf *out);

#endif
