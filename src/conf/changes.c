/*
 * changes.c - what one conf changes against another, for RELOAD's answer, and how a
 * conf shows its settings.
 */
#include "base/log.h"
#include "base/text.h"
#include "conf/build.h"
#include "conf/hba.h"

#define LINES_MOST 200	/* of an answer; more are only counted */
#define SHOWN 200

struct report {
	struct buf	*out;
	size_t		 lines;
};

/* Is there room for one more line? Counts it. */
static bool
line_fits(struct report *report)
{
	return report->lines++ < LINES_MOST;
}

/* Append TEXT so that it is one clear word in a line. */
static void
put_value(struct buf *out, const char *text)
{
	char shown[SHOWN];

	if (text == NULL)
		buf_put_text(out, "unset");
	else if (text[0] == '\0')
		buf_put_text(out, "\"\"");
	else
		buf_put_text(out, log_escape(span_text(text), shown, sizeof(shown)));
}

/* Append OBJECT's value of ROW in the same way. */
static void
put_row(struct buf *out, const struct setting *row, const void *object)
{
	struct buf value = { 0 };

	put_value(out, setting_show(row, object, &value) ? buf_text(&value) : NULL);
	buf_fini(&value);
}

/* One line for ROW of WHO ("database app: " or ""). */
static void
report_row(struct report *report, const char *who, const char *name,
    const struct setting *row, const void *before, const void *now)
{
	if (!line_fits(report))
		return;
	buf_printf(report->out, "applied: %s%s%s%s ", who, name, name[0] != '\0' ? ": " : "",
	    row->name);
	if (row->secret) {
		buf_put_text(report->out, "changed\n");
		return;
	}
	put_row(report->out, row, before);
	buf_put_text(report->out, " -> ");
	put_row(report->out, row, now);
	buf_put_byte(report->out, '\n');
}

/* Lines for all rows of SCOPE whose values differ. */
static void
report_rows(struct report *report, enum setting_scope scope, const char *who,
    const char *name, const void *before, const void *now)
{
	const struct setting *row = NULL;

	while ((row = setting_next(scope, row)) != NULL) {
		if (!setting_same(row, before, now))
			report_row(report, who, name, row, before, now);
	}
}

static void
report_entry(struct report *report, const char *who, const char *name, const char *what)
{
	char shown[SHOWN];

	if (line_fits(report))
		buf_printf(report->out, "applied: %s%s %s\n", who,
		    log_escape(span_text(name), shown, sizeof(shown)), what);
}

/* One database: either may be NULL. */
static void
report_database(struct report *report, const struct conf_database *before,
    const struct conf_database *now)
{
	char shown[SHOWN];

	if (before == NULL)
		report_entry(report, "database ", now->name, "added");
	else if (now == NULL)
		report_entry(report, "database ", before->name, "removed");
	else
		report_rows(report, SCOPE_DATABASE, "database ",
		    log_escape(span_text(now->name), shown, sizeof(shown)), before, now);
}

static void
report_databases(struct report *report, const struct conf *before, const struct conf *now)
{
	size_t i = 0, j = 0;

	if (before->template_database != NULL || now->template_database != NULL)
		report_database(report, before->template_database, now->template_database);
	while (i < before->n_databases || j < now->n_databases) {
		const struct conf_database *a = &before->databases[i];
		const struct conf_database *b = &now->databases[j];
		int order = i == before->n_databases ? 1 : j == now->n_databases ? -1 :
		    strcmp(a->name, b->name);

		report_database(report, order <= 0 ? a : NULL, order >= 0 ? b : NULL);
		i += order <= 0;
		j += order >= 0;
	}
}

/* What the auth file changes is counted only: it may hold very many. */
struct users_changed {
	size_t		 added, removed, secrets;
};

/* One user: either may be NULL. */
static void
report_user(struct report *report, const struct conf_user *before,
    const struct conf_user *now, struct users_changed *changed)
{
	static const char *const none = NULL;
	const char *a = before != NULL ? before->secret : none;
	const char *b = now != NULL ? now->secret : none;
	char shown[SHOWN];

	if (before == NULL)
		changed->added++;
	else if (now == NULL)
		changed->removed++;
	else if ((a == NULL) != (b == NULL) || (a != NULL && strcmp(a, b) != 0))
		changed->secrets++;
	if (before != NULL && now != NULL)
		report_rows(report, SCOPE_USER, "user ",
		    log_escape(span_text(now->name), shown, sizeof(shown)), before, now);
}

static void
report_users(struct report *report, const struct conf *before, const struct conf *now)
{
	struct users_changed changed = { 0 };
	size_t i = 0, j = 0;

	while (i < before->n_users || j < now->n_users) {
		const struct conf_user *a = &before->users[i], *b = &now->users[j];
		int order = i == before->n_users ? 1 : j == now->n_users ? -1 :
		    strcmp(a->name, b->name);

		report_user(report, order <= 0 ? a : NULL, order >= 0 ? b : NULL, &changed);
		i += order <= 0;
		j += order >= 0;
	}
	if (changed.added + changed.removed + changed.secrets > 0 && line_fits(report))
		buf_printf(report->out, "applied: users: %zu added, %zu removed, %zu with "
		    "another secret\n", changed.added, changed.removed, changed.secrets);
}

static void
report_peers(struct report *report, const struct conf *before, const struct conf *now)
{
	char name[16];

	for (size_t i = 0; i < now->n_peers; i++) {
		const struct conf_peer *peer = &now->peers[i];
		const struct conf_peer *was = conf_peer(before, peer->id);

		snprintf(name, sizeof(name), "%u", peer->id);
		if (was == NULL)
			report_entry(report, "peer ", name, "added");
		else
			report_rows(report, SCOPE_PEER, "peer ", name, was, peer);
	}
	for (size_t i = 0; i < before->n_peers; i++) {
		snprintf(name, sizeof(name), "%u", before->peers[i].id);
		if (conf_peer(now, before->peers[i].id) == NULL)
			report_entry(report, "peer ", name, "removed");
	}
}

static void
report_hba(struct report *report, const struct conf *before, const struct conf *now)
{
	size_t rules = before->hba != NULL ? before->hba->count : 0;

	if (hba_same(before->hba, now->hba) || !line_fits(report))
		return;
	buf_printf(report->out, "applied: rules or maps of auth_type hba: %zu rules before, "
	    "%zu now\n", rules, now->hba != NULL ? now->hba->count : 0);
}

void
conf_changes(const struct conf *before, const struct conf *now, struct buf *out)
{
	struct report report = { .out = out };

	report_rows(&report, SCOPE_GLOBAL, "", "", before, now);
	for (size_t i = 0; i < now->inside->n_pending; i++) {
		const struct wish *wish = &now->inside->pending[i];

		if (!line_fits(&report))
			continue;
		buf_printf(out, "needs restart: %s ", wish->row->name);
		put_row(out, wish->row, now);
		buf_put_text(out, " -> ");
		put_value(out, wish->value);
		buf_put_byte(out, '\n');
	}
	report_databases(&report, before, now);
	report_users(&report, before, now);
	report_peers(&report, before, now);
	report_hba(&report, before, now);
	if (report.lines > LINES_MOST)
		buf_printf(out, "and %zu more\n", report.lines - LINES_MOST);
}

static bool
same_text(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
}

bool
conf_database_moved(const struct conf_database *a, const struct conf_database *b)
{
	return !same_text(a->dbname, b->dbname) || !same_text(a->host, b->host) ||
	    a->port != b->port || !same_text(a->user, b->user) ||
	    !same_text(a->connect_query, b->connect_query) ||
	    !same_text(a->auth_dbname, b->auth_dbname) ||
	    !same_text(a->auth_query, b->auth_query) ||
	    a->load_balance_hosts != b->load_balance_hosts ||
	    a->target_session_attrs != b->target_session_attrs;
}

bool
conf_setting_show(const struct conf *conf, const struct setting *row, struct buf *out)
{
	return setting_show(row, conf, out);
}

void
conf_setting_source(const struct conf *conf, const struct setting *row, struct buf *out)
{
	const struct origin *origin = &conf->inside->origins[setting_index(row)];

	switch (origin->kind) {
	case ORIGIN_DEFAULT:
		buf_put_text(out, "default");
		break;
	case ORIGIN_SCRIPT:
		buf_put_text(out, origin->file != NULL ? origin->file : "file");
		if (origin->line > 0)
			buf_printf(out, ":%u", origin->line);
		break;
	case ORIGIN_ENVIRONMENT:
		buf_put_text(out, "environment");
		break;
	case ORIGIN_CONSOLE:
		buf_put_text(out, "console");
		break;
	case ORIGIN_COMMAND:
		buf_put_text(out, "command line");
		break;
	}
}
