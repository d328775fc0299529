/*
 * role.c - see role.h.
 */
#include "pool/role.h"

struct host_role
role_of(const struct profile *reported)
{
	const struct setting_value *standby = profile_get(reported, SPAN_LITERAL("in_hot_standby"));
	const struct setting_value *read_only = profile_get(reported,
	    SPAN_LITERAL("default_transaction_read_only"));
	struct host_role role = { 0 };

	if (standby == NULL || read_only == NULL)
		return role;
	role.known = true;
	role.standby = span_is(standby->value, "on");
	role.read_only = role.standby || span_is(read_only->value, "on");
	return role;
}

bool
role_fits(enum session_attrs wanted, struct host_role role, bool less)
{
	switch (wanted) {
	case SESSION_ATTRS_UNSET:
	case SESSION_ATTRS_ANY:
		return true;
	case SESSION_ATTRS_READ_WRITE:
		return !role.read_only;
	case SESSION_ATTRS_READ_ONLY:
		return role.read_only;
	case SESSION_ATTRS_PRIMARY:
		return !role.standby;
	case SESSION_ATTRS_STANDBY:
		return role.standby;
	case SESSION_ATTRS_PREFER_STANDBY:
		return role.standby || less;
	}
	return true;
}

const char *
role_text(struct host_role role)
{
	if (!role.known)
		return "of unknown role";
	return role.standby ? "a standby" : role.read_only ? "read-only" : "a primary";
}
