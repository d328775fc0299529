/*
 * ldap.c - one question to an LDAP server: can one bind as this user with this password?
 * Whose entry that is says a prefix and a suffix, or a search. What the user's name may
 * hold, and that the password is not empty, outside.c has seen to.
 *
 * How a server's certificate is judged, and by whose signature, is libldap's own
 * configuration (ldap.conf), as with PostgreSQL.
 */
#include "auth/outside_judge.h"

#include <ldap.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "auth/clerk.h"
#include "auth/ldap_patience.h"
#include "base/buf.h"
#include "base/mem.h"

#define NETWORK_MOST (3 * SECOND)	/* to connect, and for each answer */
#define USER_MARK "$username"

/* Refusals of the user, as against trouble of the server. */
static bool
is_refusal(int rc)
{
	switch (rc) {
	case LDAP_INVALID_CREDENTIALS:
	case LDAP_INAPPROPRIATE_AUTH:
	case LDAP_NO_SUCH_OBJECT:
	case LDAP_INVALID_DN_SYNTAX:
	case LDAP_INVALID_SYNTAX:
	case LDAP_INSUFFICIENT_ACCESS:
	case LDAP_CONSTRAINT_VIOLATION:
		return true;
	default:
		return false;
	}
}

/* Say which STEP ended with RC. */
static enum outside_outcome
verdict(int rc, bool as_user, const char *step, const struct ldap_options *o,
    struct err *e)
{
	if (rc == LDAP_SUCCESS)
		return OUTSIDE_YES;
	if (as_user && is_refusal(rc)) {
		err_set(e, SQLSTATE_BAD_PASSWORD, "LDAP server %s refused: %s", o->server,
		    ldap_err2string(rc));
		return OUTSIDE_NO;
	}
	err_set(e, SQLSTATE_BAD_LOGIN, "LDAP server %s, %s: %s", o->server, step,
	    ldap_err2string(rc));
	return OUTSIDE_FAILED;
}

/* --- connecting --- */

/* "ldap://a:389 ldap://b:1389" of the servers, which may bring ports. */
static bool
put_uris(const struct ldap_options *o, struct buf *out)
{
	struct span rest = span_text(o->server), name;

	while (span_cut(&rest, " \t", &name)) {
		const char *bracket, *colon;

		if (name.len == 0)
			continue;
		bracket = memchr(name.at, ']', name.len);
		colon = memchr(bracket != NULL ? bracket : name.at, ':',
		    name.len - (bracket != NULL ? (size_t)(bracket - name.at) : 0));
		buf_printf(out, "%s%s://%.*s", out->len > 0 ? " " : "",
		    o->ldaps ? "ldaps" : "ldap", (int)name.len, name.at);
		if (colon == NULL)
			buf_printf(out, ":%u", (unsigned)o->port);
	}
	return !out->failed;
}

/* What is left of the time, at most NETWORK_MOST; false: nothing. */
static bool
time_left(const struct ldap_case *c, struct timeval *out)
{
	usec_t now = clerk_now(), left = c->deadline > now ? c->deadline - now : 0;

	if (left > NETWORK_MOST)
		left = NETWORK_MOST;
	out->tv_sec = (time_t)(left / SECOND);
	out->tv_usec = (suseconds_t)(left % SECOND);
	return left > 0;
}

/* The time for the next step; an error of libldap if there is none. */
static int
limit(LDAP *ld, const struct ldap_case *c)
{
	struct timeval t;
	int rc;

	if (!time_left(c, &t))
		return LDAP_TIMEOUT;
	rc = ldap_set_option(ld, LDAP_OPT_NETWORK_TIMEOUT, &t);
	return rc == LDAP_SUCCESS ? ldap_set_option(ld, LDAP_OPT_TIMEOUT, &t) : rc;
}

/* libldap reads its files at its first call, and two threads may be in that. */
static void
begin_library(void)
{
	int version = LDAP_VERSION3;

	ldap_set_option(NULL, LDAP_OPT_PROTOCOL_VERSION, &version);
}

/*
 * A handle for the servers; nothing is connected before it is needed. PATIENCE goes with it.
 * NULL: E says why.
 */
static LDAP *
connect_to(const struct ldap_case *c, struct ldap_patience *patience, struct err *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int version = LDAP_VERSION3, rc = LDAP_NO_MEMORY;
	struct buf uris = { 0 };
	LDAP *ld = NULL;

	pthread_once(&once, begin_library);
	if (put_uris(c->options, &uris))
		rc = ldap_initialize(&ld, buf_text(&uris));
	buf_fini(&uris);
	if (rc == LDAP_SUCCESS)
		rc = ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version);
	/* the password goes to the servers that were named and no others */
	if (rc == LDAP_SUCCESS)
		rc = ldap_set_option(ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
	if (rc == LDAP_SUCCESS)
		rc = ldap_patience_give(ld, patience, NETWORK_MOST, c->deadline);
	if (rc == LDAP_SUCCESS)
		rc = limit(ld, c);
	if (rc == LDAP_SUCCESS && c->options->starttls)
		rc = ldap_start_tls_s(ld, NULL, NULL);
	if (rc == LDAP_SUCCESS)
		return ld;
	verdict(rc, false, "connecting", c->options, e);
	if (ld != NULL)
		ldap_unbind_ext_s(ld, NULL, NULL);
	return NULL;
}

/* A simple bind. */
static int
bind_as(LDAP *ld, const struct ldap_case *c, const char *dn, const char *password)
{
	struct berval secret = { strlen(password), (char *)(uintptr_t)password };
	int rc = limit(ld, c);

	if (rc != LDAP_SUCCESS)
		return rc;
	return ldap_sasl_bind_s(ld, dn, LDAP_SASL_SIMPLE, &secret, NULL, NULL, NULL);
}

/* Bind as DN with the user's password, on a connection of its own. */
static enum outside_outcome
try_user(const struct ldap_case *c, const char *dn, struct err *e)
{
	struct ldap_patience patience;
	LDAP *ld = connect_to(c, &patience, e);
	int rc;

	if (ld == NULL)
		return OUTSIDE_FAILED;
	rc = bind_as(ld, c, dn, c->password);
	ldap_unbind_ext_s(ld, NULL, NULL);
	return verdict(rc, true, "bind as the user", c->options, e);
}

/* --- searching --- */

/* The filter for the user, whose name holds nothing that means something in it. */
static void
put_filter(const struct ldap_case *c, struct buf *out)
{
	const char *rest = c->options->filter, *mark;

	if (rest == NULL) {
		buf_printf(out, "(%s=%s)", c->options->attribute, c->user);
		return;
	}
	while ((mark = strstr(rest, USER_MARK)) != NULL) {
		buf_put(out, rest, (size_t)(mark - rest));
		buf_put_text(out, c->user);
		rest = mark + sizeof(USER_MARK) - 1;
	}
	buf_put_text(out, rest);
}

static int
scope_of(const struct ldap_options *o)
{
	switch (o->scope) {
	case LDAP_OPTIONS_SUB:
		return LDAP_SCOPE_SUBTREE;
	case LDAP_OPTIONS_ONE:
		return LDAP_SCOPE_ONELEVEL;
	case LDAP_OPTIONS_BASE:
		return LDAP_SCOPE_BASE;
	}
	return LDAP_SCOPE_BASE;
}

/* The DN of the one entry in FOUND into *DN (ldap_memfree). */
static enum outside_outcome
only_entry(LDAP *ld, const struct ldap_case *c, LDAPMessage *found, char **dn,
    struct err *e)
{
	int n = ldap_count_entries(ld, found);

	if (n != 1) {
		err_set(e, SQLSTATE_BAD_PASSWORD,
		    "LDAP server %s: expected one entry of the "
		    "user, found %s",
		    c->options->server, n > 1 ? "several" : "none");
		return OUTSIDE_NO;
	}
	*dn = ldap_get_dn(ld, ldap_first_entry(ld, found));
	if (*dn == NULL)
		return verdict(LDAP_NO_MEMORY, false, "search", c->options, e);
	/* a bind without a name is nobody's, and may succeed */
	if ((*dn)[0] == '\0')
		return verdict(LDAP_NO_SUCH_OBJECT, true, "search", c->options, e);
	return OUTSIDE_YES;
}

/* Find the user's DN on LD, which is bound. */
static enum outside_outcome
find(LDAP *ld, const struct ldap_case *c, char **dn, struct err *e)
{
	static char no_attributes[] = LDAP_NO_ATTRS;
	char *attributes[] = { no_attributes, NULL };
	enum outside_outcome outcome;
	LDAPMessage *found = NULL;
	struct buf filter = { 0 };
	int rc;

	put_filter(c, &filter);
	rc = filter.failed ? LDAP_NO_MEMORY : limit(ld, c);
	/* two are as bad as many */
	if (rc == LDAP_SUCCESS)
		rc = ldap_search_ext_s(ld, c->options->basedn, scope_of(c->options),
		    buf_text(&filter), attributes, 0, NULL, NULL, NULL, 2, &found);
	buf_fini(&filter);
	if (rc == LDAP_SUCCESS || rc == LDAP_SIZELIMIT_EXCEEDED)
		outcome = only_entry(ld, c, found, dn, e);
	else
		outcome = verdict(rc, false, "search", c->options, e);
	ldap_msgfree(found);
	return outcome;
}

static enum outside_outcome
search(const struct ldap_case *c, char **dn, struct err *e)
{
	const struct ldap_options *o = c->options;
	struct ldap_patience patience;
	LDAP *ld = connect_to(c, &patience, e);
	enum outside_outcome outcome;
	int rc;

	if (ld == NULL)
		return OUTSIDE_FAILED;
	rc = bind_as(ld, c, o->binddn != NULL ? o->binddn : "",
	    o->bindpasswd != NULL ? o->bindpasswd : "");
	outcome = verdict(rc, false, "bind before the search", o, e);
	if (outcome == OUTSIDE_YES)
		outcome = find(ld, c, dn, e);
	ldap_unbind_ext_s(ld, NULL, NULL);
	return outcome;
}

enum outside_outcome
ldap_judge(const struct ldap_case *c, struct err *e)
{
	const struct ldap_options *o = c->options;
	enum outside_outcome outcome;
	struct buf dn = { 0 };
	char *found = NULL;

	if (ldap_options_search(o)) {
		outcome = search(c, &found, e);
		if (outcome == OUTSIDE_YES)
			outcome = try_user(c, found, e);
		ldap_memfree(found);
		return outcome;
	}
	buf_printf(&dn, "%s%s%s", o->prefix != NULL ? o->prefix : "", c->user,
	    o->suffix != NULL ? o->suffix : "");
	outcome = dn.failed ? verdict(LDAP_NO_MEMORY, false, "bind", o, e) :
	    try_user(c, buf_text(&dn), e);
	buf_fini(&dn);
	return outcome;
}
