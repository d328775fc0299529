/*
 * ldap_options.h - how to ask an LDAP server, as auth_ldap_options and the rest of an HBA
 * line say it: words NAME=VALUE split on blanks, values in double quotes where they hold
 * blanks (a doubled quote is one). Names are PostgreSQL's.
 *
 *	ldapserver=a ldapprefix="uid=" ldapsuffix=",dc=example,dc=net"     bind as this
 *	ldapserver=a ldapbasedn="dc=example,dc=net" ldapsearchattribute=uid  search, then bind
 *	ldapurl="ldap://a/dc=example,dc=net?uid?sub"                       the same as a URL
 */
#ifndef CONF_LDAP_OPTIONS_H
#define CONF_LDAP_OPTIONS_H

#include "base/port.h"
#include "base/span.h"

#define LDAP_OPTIONS_MOST 1023u		/* bytes of the whole text */

enum ldap_scope { LDAP_OPTIONS_SUB, LDAP_OPTIONS_ONE, LDAP_OPTIONS_BASE };

/* Texts are NULL when not given, otherwise in MEMORY. */
struct ldap_options {
	char		*server;	/* names, split on blanks; each may have its own :port */
	uint16_t	 port;		/* of servers without one; never 0 */
	bool		 ldaps;		/* TLS from the first byte */
	bool		 starttls;
	/* bind as PREFIX, the user, SUFFIX */
	char		*prefix, *suffix;
	/* search BASEDN as BINDDN (NULL: anonymous), bind as what is found */
	char		*basedn, *binddn, *bindpasswd;
	char		*attribute;	/* that holds the name; NULL: there is a filter */
	char		*filter;	/* $username stands for the name */
	enum ldap_scope	 scope;
	char		*memory;	/* owned */
	size_t		 memory_len;
};

/*
 * Parse TEXT. False: OUT is empty and WHY (CAP bytes, 160 are enough) says what was expected, or
 * is "" when memory ran out; it shows no password.
 */
bool ldap_options_parse(struct ldap_options *out, struct span text, char *why,
    size_t cap);
/* Wipe and give back. {0} needs no fini. */
void ldap_options_fini(struct ldap_options *o);
/* Is a user searched for, or is the name of its entry known? */
bool ldap_options_search(const struct ldap_options *o);

#endif
