/*
 * credentials_aim.c - where a client's auth_query runs, and as whom: what its database's
 * entry and the global settings say; and what is missing where it has found nothing.
 */
#include <string.h>

#include "base/log.h"
#include "pool/client.h"
#include "pool/credentials.h"
#include "pool/place.h"

#define LOOKUP_MOST (15 * SECOND)	/* where server_connect_timeout is off */

static bool
is_given(const char *text)
{
	return text != NULL && text[0] != '\0';
}

/* The name of the database that is asked for C, whose own has the entry DB (NULL: the console). */
static const char *
database_of(const struct client *c, const struct conf *conf, const struct conf_database *db)
{
	if (db != NULL && is_given(db->auth_dbname))
		return db->auth_dbname;
	if (is_given(conf->auth_dbname))
		return conf->auth_dbname;
	return c->database;
}

/* The user who asks; NULL: nobody is asked. */
static const char *
user_of(const struct client *c, const struct conf *conf, const struct conf_database *db)
{
	const char *user = db != NULL && is_given(db->auth_user) ? db->auth_user :
	    conf->auth_user;

	if (!is_given(user) || strlen(c->user) > LOOKUP_NAME_MOST)
		return NULL;
	/* an unknown database: no server is asked for its users */
	return db != NULL || conf_is_console(span_text(c->database)) ? user : NULL;
}

/* The stranger hears as much as of any mistake in the configuration; the log says which. */
static enum credentials_aimed
misconfigured(struct client *c, const char *before, const char *where, const char *after)
{
	struct log_who who;
	char name[160];

	log_line(LOG_LEVEL_ERROR, client_who(c, &who), "%s \"%s\" %s", before,
	    log_escape(span_text(where), name, sizeof(name)), after);
	client_dismiss(c, CLOSE_config_error);
	return AIM_REFUSED;
}

const char *
credentials_lack(const struct client *c, const struct conf *conf,
    const struct credential *credential)
{
	const struct conf_user *user = conf_user(conf, span_text(c->user));

	if (user != NULL && user->secret != NULL)
		return user->secret[0] == '\0' ? "its password in auth_file is empty" : NULL;
	if (credential == NULL)
		return "auth_file does not have this user, and no auth_query was to be asked";
	if (!credential->known)
		return "neither auth_file nor auth_query has this user";
	return credential->len == 0 ? "auth_query gives this user no password: expired?" : NULL;
}

static struct span
secret_of(const struct conf *conf, const char *name)
{
	const struct conf_user *user = conf_user(conf, span_text(name));

	return span_text(user != NULL && user->secret != NULL ? user->secret : "");
}

enum credentials_aimed
credentials_aim(struct client *c, struct conf *conf, struct credentials_want *want)
{
	const struct conf_database *db = conf_database(conf, span_text(c->database));
	const char *user = user_of(c, conf, db), *where = database_of(c, conf, db);
	const struct conf_database *entry = conf_database(conf, span_text(where));
	usec_t most = conf->server_connect_timeout;

	if (user == NULL)
		return AIM_NOWHERE;
	if (conf_is_console(span_text(where)))
		return misconfigured(c, "cannot use the reserved", where,
		    "database as an auth_dbname");
	if (entry == NULL)
		return misconfigured(c, "authentication database", where, "is not configured");
	if (place_disabled(c->worker->pooler, span_text(where))) {
		client_refuse_text(c, CLOSE_database_disabled, "authentication database \"%s\" is disabled", where);
		return AIM_REFUSED;
	}
	want->entry = span_text(where);
	want->ask = (struct lookup_ask){
		.conf = conf, .db = entry,
		.dbname = span_text(entry->dbname != NULL ? entry->dbname : where),
		.user = span_text(user), .secret = secret_of(conf, user),
		.query = db != NULL && is_given(db->auth_query) ? db->auth_query : conf->auth_query,
		.name = span_text(c->user), .timeout = most > 0 ? most : LOOKUP_MOST,
	};
	return AIM_SET;
}
