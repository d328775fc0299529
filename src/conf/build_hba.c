/*
 * build_hba.c - a conf's rules of auth_type hba, and whether they fit its settings.
 */
#include "conf/build.h"
#include "conf/hba.h"

/* Are A and B the same file's name, or both none? */
static bool
same_file(const char *a, const char *b)
{
	return span_same(span_text(a), span_text(b));
}

/* Does RULE look at the client's certificate? */
static bool
wants_certificate(const struct hba_rule *rule)
{
	return rule->method == HBA_CERT || rule->clientcert != HBA_CLIENTCERT_NONE;
}

/* Warn of a RULE that nobody can pass, as the settings are. */
static void
warn_of(struct build *build, const struct hba_rule *rule)
{
	const struct conf *conf = build->conf;
	bool tls = conf->client_tls_sslmode != SSLMODE_DISABLE;
	bool ca = conf->client_tls_ca_file != NULL && conf->client_tls_ca_file[0] != '\0';

	if (rule->kind == HBA_HOSTSSL && !tls)
		build_warn(build, NULL, "%s:%u: hostssl matches nobody, as client_tls_sslmode "
		    "is disable", rule->file, rule->line);
	else if (wants_certificate(rule) && !(tls && ca))
		build_warn(build, NULL, "%s:%u: nobody can pass it: expected "
		    "client_tls_ca_file and a client_tls_sslmode beside it", rule->file,
		    rule->line);
}

/* What loaded, and what should be known though it did. */
static void
warn_of_all(struct build *build)
{
	const struct hba *hba = build->conf->hba;
	bool quiet = build->quiet;

	build->quiet = false;
	for (size_t i = 0; i < hba->n_warnings; i++)
		build_warn(build, NULL, "%s", hba->warnings[i]);
	for (size_t i = 0; i < hba->count; i++)
		warn_of(build, &hba->rules[i]);
	build->quiet = quiet;
}

bool
build_hba(struct build *build)
{
	const struct conf *before = build->plan->console ? build->plan->before : NULL;
	struct conf *conf = build->conf;

	if (conf->auth_type != AUTH_TYPE_HBA)
		return true;
	if (conf->auth_hba_file == NULL || conf->auth_hba_file[0] == '\0')
		return build_refuse(build, NULL,
		    "auth_type hba: expected auth_hba_file beside it");
	if (before != NULL && before->hba != NULL &&
	    same_file(before->auth_hba_file, conf->auth_hba_file) &&
	    same_file(before->auth_ident_file, conf->auth_ident_file)) {
		conf->hba = hba_hold(before->hba);
		return true;
	}
	conf->hba = hba_load(conf->auth_hba_file, conf->auth_ident_file, build->err);
	if (conf->hba == NULL)
		return false;
	warn_of_all(build);
	return true;
}
