/*
 * pam_none.c - stands in for pam.c when it was configured --without-pam.
 */
#include "auth/outside_judge.h"

enum outside_outcome
pam_judge(const struct pam_case *c, struct err *e)
{
	(void)c;
	err_set(e, SQLSTATE_CONFIG, "built without PAM");
	return OUTSIDE_FAILED;
}
