/*
 * ldap_patience.h - an end to libldap's waiting: its own time limits do not hold during a
 * TLS handshake, where a server that says nothing would keep a thread for ever.
 */
#ifndef AUTH_LDAP_PATIENCE_H
#define AUTH_LDAP_PATIENCE_H

#include <ldap.h>

#include "base/port.h"

/* Lives as long as the handle it is given to. */
struct ldap_patience {
	struct ldap_conncb callback;
	usec_t		 each;		/* for each read and write */
	usec_t		 deadline;	/* for all, on clerk_now()'s clock */
};

/* See to it that LD's connections fail when they have waited too long. What libldap says. */
int ldap_patience_give(LDAP *ld, struct ldap_patience *p, usec_t each, usec_t deadline);

#endif
