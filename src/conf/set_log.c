/*
 * set_log.c - rows: the process, and what it tells.
 */
#include "conf/rows.h"

/* In the order of enum log_format. */
static const char *const format_words[] = { "text", "keyvalue", "json", NULL };
/* In the order of enum statement_detail. */
static const char *const statement_words[] = { "off", "fingerprint", "text", NULL };

static bool
is_facility(struct span value, const char **expected)
{
	static const char *const words[] = { "auth", "authpriv", "daemon", "user", "local0",
		"local1", "local2", "local3", "local4", "local5", "local6", "local7" };

	*expected = "auth, authpriv, daemon, user, or local0 to local7";
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (span_is_nocase(value, words[i]))
			return true;
	}
	return false;
}

static const struct setting rows[] = {
	{ PATH(conffile, NULL), .ready = true,
	  .text = "The file that the next reload reads." },
	{ TEXT(job_name, "pgbouncer"), .reload = RESTART,
	  .moot = "pgweir does not run on Windows",
	  .text = "Name as a service of Windows." },
	{ BOOL(log_connections, "1"), .ready = true,
	  .text = "Log logins of clients and connections to servers." },
	{ BOOL(log_disconnections, "1"), .ready = true,
	  .text = "Log why a connection was closed." },
	{ ENUM(log_format, enum log_format, format_words, "text"), .ready = true,
	  .text = "How lines of the log look: text is PgBouncer's, keyvalue and json are for "
		  "machines." },
	{ BOOL(log_pooler_errors, "1"), .ready = true,
	  .text = "Log errors that pgweir itself sends to clients." },
	{ ENUM(log_statements, enum statement_detail, statement_words, "off"), .ready = true,
	  .text = "What SHOW ACTIVE, and the log when a connection is closed, show of the statement "
		  "that runs: nothing, its text without any values, or its text." },
	{ BOOL(log_stats, "1"), .ready = true,
	  .text = "Log a line of statistics every stats_period." },
	{ PATH(logfile, ""), .ready = true,
	  .text = "File to append log lines to. Empty means none." },
	{ PATH(pidfile, ""), .reload = RESTART, .ready = true,
	  .text = "File that holds the process id while pgweir runs; the option -d needs "
		  "it." },
	{ BOOL(reload_on_change, "0"), .ready = true,
	  .text = "Reload when a file that was read has changed and then rested for 2 seconds: "
		  "the configuration, what it includes, auth_file, rules, maps, TLS. A fault "
		  "in one changes nothing and is logged once." },
	{ SECONDS(stats_period, "60"), .least = 1, .ready = true,
	  .text = "Seconds that averages are taken over, and between lines of "
		  "statistics." },
	{ BOOL(syslog, "0"), .ready = true,
	  .text = "Log to syslog too." },
	{ TEXT(syslog_facility, "daemon"), .check = is_facility, .ready = true,
	  .text = "Facility for syslog." },
	{ TEXT(syslog_ident, "pgbouncer"), .ready = true,
	  .text = "Name for syslog." },
	{ TEXT(user, NULL), .reload = RESTART, .ready = true,
	  .text = "Unix user to become after the start; the option -u wins." },
	{ COUNT(verbose, NULL), .most = 3, .ready = true,
	  .text = "How much more to log, from 0 to 3." },
};

const struct setting_table log_settings = { rows, ARRAY_SIZE(rows) };
