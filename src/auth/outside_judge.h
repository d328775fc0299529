/*
 * outside_judge.h - the two judges of outside.c. They block, for helper threads. Texts of
 * errors never hold a secret; NO and FAILED set them.
 */
#ifndef AUTH_OUTSIDE_JUDGE_H
#define AUTH_OUTSIDE_JUDGE_H

#include "auth/outside.h"
#include "conf/ldap_options.h"

struct pam_case {
	const char	*service, *user, *password;
	const char	*peer;		/* PAM_RHOST; NULL: local */
	const char	*folder;	/* of service files; NULL: the system's */
};

struct ldap_case {
	const struct ldap_options *options;
	const char	*user, *password;
	usec_t		 deadline;	/* clerk_now()'s clock */
};

/* May take as long as its modules like. */
enum outside_outcome pam_judge(const struct pam_case *c, struct err *e);

/* Keeps to the deadline, host name lookups aside. */
enum outside_outcome ldap_judge(const struct ldap_case *c, struct err *e);

#endif
