/*
 * client_method.c - which method a client has to log in by, and what its connection shows
 * of it beforehand: a certificate, the process behind a unix socket.
 */
#include <string.h>
#include <unistd.h>

#include "auth/cert.h"
#include "auth/login.h"
#include "auth/peer.h"
#include "conf/hba.h"
#include "pool/client.h"

bool
client_is_our_own(const struct client *c)
{
	return conf_is_console(span_text(c->database)) && c->peer.kind == ADDR_UNIX &&
	    (strcmp(c->user, "pgbouncer") == 0 || strcmp(c->user, "pgweir") == 0) &&
	    c->peer.u.unix_peer.uid == geteuid();
}

static enum hba_replication
replication_of(const struct client *c)
{
	if (c->replication == NULL)
		return HBA_REPLICATION_NONE;
	return strcmp(c->replication, "true") == 0 ? HBA_REPLICATION_PHYSICAL :
	    HBA_REPLICATION_LOGICAL;
}

static enum login_method
method_of_rule(const struct hba_rule *rule)
{
	if (rule == NULL)
		return LOGIN_NOWAY;
	switch (rule->method) {
	case HBA_TRUST:
		return LOGIN_TRUST;
	case HBA_REJECT:
		return LOGIN_REJECT;
	case HBA_MD5:
		return LOGIN_MD5;
	case HBA_PASSWORD:
		return LOGIN_PLAIN;
	case HBA_SCRAM_SHA_256:
		return LOGIN_SCRAM;
	case HBA_PEER:
		return LOGIN_PEER;
	case HBA_CERT:
		return LOGIN_CERT;
	case HBA_LDAP:
		return LOGIN_LDAP;
	case HBA_PAM:
		return LOGIN_PAM;
	}
	return LOGIN_NOWAY;
}

static const struct hba_rule *
rule_of(const struct client *c, const struct conf *conf)
{
	const struct hba_ask ask = {
		.database = span_text(c->database), .user = span_text(c->user),
		.peer = &c->peer, .tls = link_is_secure(c->link),
		.replication = replication_of(c),
	};
	return conf->hba != NULL ? hba_match(conf->hba, &ask) : NULL;
}

static enum login_method
method_of(const struct conf *conf, const struct hba_rule *rule)
{
	switch (conf->auth_type) {
	case AUTH_TYPE_ANY:
		return LOGIN_ANY;
	case AUTH_TYPE_TRUST:
		return LOGIN_TRUST;
	case AUTH_TYPE_PLAIN:
		return LOGIN_PLAIN;
	case AUTH_TYPE_MD5:
		return LOGIN_MD5;
	case AUTH_TYPE_CERT:
		return LOGIN_CERT;
	case AUTH_TYPE_HBA:
		return method_of_rule(rule);
	case AUTH_TYPE_LDAP:
		return LOGIN_LDAP;
	case AUTH_TYPE_PAM:
		return LOGIN_PAM;
	case AUTH_TYPE_SCRAM_SHA_256:
		return LOGIN_SCRAM;
	}
	return LOGIN_NOWAY;
}

/* Does the certificate that the client has shown, if any, do for what its rule wants beside? */
static bool
is_barred(const struct client *c, const struct conf *conf, const struct hba_rule *rule)
{
	if (rule == NULL)
		return false;
	switch (rule->clientcert) {
	case HBA_CLIENTCERT_NONE:
		return false;
	case HBA_CLIENTCERT_CA:
		return !link_has_cert(c->link);
	case HBA_CLIENTCERT_FULL:
		return !cert_allows(c->link, conf->hba, rule->map, span_text(c->user));
	}
	return true;
}

static bool
is_shown(const struct client *c, const struct conf *conf, enum login_method method,
    const struct hba_rule *rule)
{
	const char *map = rule != NULL ? rule->map : NULL;

	if (method == LOGIN_CERT)
		return cert_allows(c->link, conf->hba, map, span_text(c->user));
	return method == LOGIN_PEER &&
	    peer_allows(&c->peer, conf->hba, map, span_text(c->user));
}

const struct hba_rule *
client_method(const struct client *c, const struct conf *conf, struct login_rules *out)
{
	const struct hba_rule *rule = NULL;

	if (client_is_our_own(c)) {
		out->method = LOGIN_ANY;
		return NULL;
	}
	if (conf->auth_type == AUTH_TYPE_HBA)
		rule = rule_of(c, conf);
	out->method = method_of(conf, rule);
	out->shown = is_shown(c, conf, out->method, rule);
	out->barred = is_barred(c, conf, rule);
	return rule;
}
