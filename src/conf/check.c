/*
 * check.c - do the settings fit together?
 *
 * Only what can be known from the settings themselves: whether files can be loaded or
 * names be resolved is found out by those who do it.
 */
#include "conf/check.h"

#include <stdio.h>
#include <string.h>

#include "conf/hba.h"
#include "conf/ldap_options.h"

static bool
is_given(const char *text)
{
	return text != NULL && text[0] != '\0';
}

static bool
check_client_tls(struct build *build)
{
	const struct conf *conf = build->conf;

	if (conf->auth_type == AUTH_TYPE_CERT &&
	    conf->client_tls_sslmode != SSLMODE_VERIFY_FULL)
		return build_refuse(build, NULL,
		    "auth_type cert: expected client_tls_sslmode verify-full beside it");
	if (conf->client_tls_sslmode == SSLMODE_DISABLE)
		return true;
	if (!is_given(conf->client_tls_key_file) || !is_given(conf->client_tls_cert_file))
		return build_refuse(build, NULL, "client_tls_sslmode: expected "
		    "client_tls_key_file and client_tls_cert_file beside it");
	if (conf->client_tls_sslmode >= SSLMODE_VERIFY_CA &&
	    !is_given(conf->client_tls_ca_file))
		return build_refuse(build, NULL,
		    "client_tls_sslmode verify-*: expected client_tls_ca_file beside it");
	return true;
}

static bool
check_server_tls(struct build *build)
{
	const struct conf *conf = build->conf;

	if (is_given(conf->server_tls_key_file) != is_given(conf->server_tls_cert_file))
		build_warn(build, NULL, "server_tls_key_file and server_tls_cert_file work "
		    "together only");
	return true;
}

/* With auth_type any, entries without a forced user let nobody in. */
static void
check_forced_users(struct build *build)
{
	const struct conf *conf = build->conf;

	if (conf->auth_type != AUTH_TYPE_ANY)
		return;
	for (size_t i = 0; i < conf->n_databases; i++) {
		if (conf->databases[i].user == NULL)
			build_warn(build, NULL, "database %s: expected user= with auth_type "
			    "any, nobody can use it", conf->databases[i].name);
	}
	if (conf->template_database != NULL && conf->template_database->user == NULL)
		build_warn(build, NULL, "database *: expected user= with auth_type any, "
		    "nobody can use it");
}

/* Without a file clients are trusted, as long as they come from this machine. */
static void
check_open_door(struct build *build)
{
	const struct conf *conf = build->conf;

	if (!build->plan->no_file || conf->auth_type != AUTH_TYPE_ANY)
		return;
	if (strcmp(conf->listen_addr, "127.0.0.1") != 0 && is_given(conf->listen_addr))
		build_warn(build, NULL, "listen_addr %s: whoever reaches it is let in "
		    "without a password", conf->listen_addr);
}

/* Does CONF let anybody in by METHOD or, as auth_type, by TYPE? */
static bool
uses_method(const struct conf *conf, enum hba_method method, enum auth_type type)
{
	if (conf->auth_type != AUTH_TYPE_HBA || conf->hba == NULL)
		return conf->auth_type == type;
	for (size_t i = 0; i < conf->hba->count; i++) {
		if (conf->hba->rules[i].method == method)
			return true;
	}
	return false;
}

/* PAM and LDAP: are they there, and does auth_ldap_options say whom to ask? */
static bool
check_outside(struct build *build)
{
	const struct conf *conf = build->conf;
	struct ldap_options options;
	char why[160];

	if (!WITH_PAM && uses_method(conf, HBA_PAM, AUTH_TYPE_PAM))
		return build_refuse(build, NULL, "pam is not built in: expected another way "
		    "to log in, or a build without --without-pam");
	if (!WITH_LDAP && uses_method(conf, HBA_LDAP, AUTH_TYPE_LDAP))
		return build_refuse(build, NULL, "ldap is not built in: expected another way "
		    "to log in, or a build without --without-ldap");
	if (!is_given(conf->auth_ldap_options))
		return conf->auth_type != AUTH_TYPE_LDAP || build_refuse(build, NULL,
		    "auth_type ldap: expected auth_ldap_options beside it");
	if (ldap_options_parse(&options, span_text(conf->auth_ldap_options), why,
		sizeof(why))) {
		ldap_options_fini(&options);
		return true;
	}
	return why[0] == '\0' ? build_no_memory(build) :
	    build_refuse(build, NULL, "auth_ldap_options: %s", why);
}

/* What SECRET of auth_file is if libpq cannot log in with it, else NULL. */
static const char *
hashed(const char *secret)
{
	if (strncmp(secret, "SCRAM-SHA-256$", 14) == 0)
		return "a SCRAM verifier";
	return strncmp(secret, "md5", 3) == 0 && strlen(secret) == 35 ? "an MD5 hash" :
									NULL;
}

/* Can auth_user NAME of WHOM log in to ask? A client certificate needs no secret. */
static void
check_auth_user(struct build *build, const char *whom, const char *name)
{
	const struct conf_user *user;
	const char *what;

	if (!is_given(name) || is_given(build->conf->server_tls_cert_file))
		return;
	user = conf_user(build->conf, span_text(name));
	what = user != NULL && user->secret != NULL ? hashed(user->secret) : NULL;
	if (what != NULL)
		build_warn(build, NULL,
		    "%sauth_user %s: auth_file has %s, expected the "
		    "password in plain: auth_query works only if the server asks for none",
		    whom, name, what);
}

static void
check_auth_users(struct build *build)
{
	const struct conf *conf = build->conf;
	char whom[80];

	check_auth_user(build, "", conf->auth_user);
	for (size_t i = 0; i < conf->n_databases; i++) {
		snprintf(whom, sizeof(whom), "database %s: ", conf->databases[i].name);
		check_auth_user(build, whom, conf->databases[i].auth_user);
	}
	if (conf->template_database != NULL)
		check_auth_user(build,
		    "database *: ", conf->template_database->auth_user);
}

bool
conf_check(struct build *build)
{
	check_open_door(build);
	check_forced_users(build);
	check_auth_users(build);
	return check_client_tls(build) && check_server_tls(build) && check_outside(build);
}
