/*
 * ldap_none.c - stands in for ldap.c when it was configured --without-ldap.
 */
#include "auth/outside_judge.h"

enum outside_outcome
ldap_judge(const struct ldap_case *c, struct err *e)
{
	(void)c;
	err_set(e, SQLSTATE_CONFIG, "built without LDAP");
	return OUTSIDE_FAILED;
}
