/*
 * check.c - do the settings fit together?
 *
 * Only what can be known from the settings themselves: whether files can be loaded or
 * names be resolved is found out by those who do it.
 */
#include "conf/check.h"

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

bool
conf_check(struct build *build)
{
	check_open_door(build);
	check_forced_users(build);
	return check_client_tls(build) && check_server_tls(build);
}
