/*
 * set_auth.c - rows: who may enter, and as what.
 */
#include "conf/rows.h"

static const char *const auth_type_words[] = { "any", "trust", "plain", "md5", "cert",
	"hba", "ldap", "pam", "scram-sha-256", NULL };

bool
is_not_console(struct span value, const char **expected)
{
	*expected = "an entry of [databases] other than the console";
	return !conf_is_console(value);
}

static const struct setting rows[] = {
	{ LIST(admin_users, ""), .ready = true,
	  .text = "Users who may do everything on the console." },
	{ TEXT(auth_dbname, NULL), .check = is_not_console, .ready = true,
	  .text = "Database in which auth_query runs. Unset means the client's own." },
	{ PATH(auth_file, NULL), .source = true, .ready = true,
	  .text = "File of user names and passwords or verifiers." },
	{ PATH(auth_hba_file, ""), .source = true, .ready = true,
	  .text = "Rules in the style of pg_hba.conf, for auth_type hba." },
	{ PATH(auth_ident_file, NULL), .source = true, .ready = true,
	  .text = "Maps of system users to database users, for auth_type hba." },
	{ TEXT(auth_ldap_options, NULL), .secret = true, .ready = true,
	  .text = "How to ask the LDAP server, for auth_type ldap." },
	/* schema-qualified, so that no search_path can put another table in its place */
	{ TEXT(auth_query,
	      "SELECT rolname, CASE WHEN rolvaliduntil OPERATOR(pg_catalog.<) "
	      "pg_catalog.now() THEN NULL ELSE rolpassword END FROM pg_catalog.pg_authid "
	      "WHERE rolname OPERATOR(pg_catalog.=) $1 AND rolcanlogin"),
	  .ready = true,
	  .text = "Query that finds a user who is not in auth_file: one parameter, the "
		  "name; two columns, name and secret." },
	{ TIME(auth_query_cache_time, "5"), .ready = true,
	  .text = "How long an answer of auth_query is used for further logins. A login "
		  "that fails by it asks again. 0 asks at each login." },
	{ ENUM(auth_type, enum auth_type, auth_type_words, "md5"), .ready = true,
	  .text = "How clients prove who they are. The word any asks nothing and needs a "
		  "forced user; md5 also takes SCRAM verifiers." },
	{ TEXT(auth_user, NULL), .ready = true,
	  .text = "User who runs auth_query." },
	{ COUNT(scram_iterations, "4096"), .least = 1, .ready = true,
	  .text = "Rounds of hashing for SCRAM with a password stored in plain." },
	{ LIST(stats_users, ""), .ready = true,
	  .text = "Users who may read on the console, and change nothing." },
};

const struct setting_table auth_settings = { rows, ARRAY_SIZE(rows) };
