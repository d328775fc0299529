/*
 * view_hba.c - rows: HBA: the rules of auth_type hba as they are in force.
 */
#include "admin/view.h"
#include "conf/hba.h"

struct hba_row {
	uint64_t	 number, line;
	const char	*file, *type, *database, *user, *address, *networks;
	const char	*method, *options;
};

static const char *
list_text(struct sheet *rows, const struct hba_list *list, struct buf *scratch)
{
	buf_clear(scratch);
	hba_list_show(list, scratch);
	return sheet_text(rows, buf_span(scratch));
}

/* What a word or a name of the address column stood for when it was read, or NULL. */
static const char *
networks_text(struct sheet *rows, const struct hba_rule *rule, struct buf *scratch)
{
	if (rule->kind == HBA_LOCAL || rule->any_address)
		return NULL;
	buf_clear(scratch);
	for (size_t i = 0; i < rule->n_nets; i++) {
		if (i > 0)
			buf_put_byte(scratch, ',');
		hba_net_show(&rule->nets[i], scratch);
	}
	return sheet_text(rows, buf_span(scratch));
}

static void
finish_hba(const struct view_source *from, struct sheet *rows)
{
	const struct hba *hba = from->conf->hba;
	struct buf scratch = { 0 };

	for (size_t i = 0; hba != NULL && i < hba->count; i++) {
		const struct hba_rule *rule = &hba->rules[i];
		struct hba_row *row = sheet_add(rows);

		if (row == NULL)
			break;
		row->number = i + 1;
		row->file = sheet_text(rows, span_text(rule->file));
		row->line = rule->line;
		row->type = hba_kind_name(rule->kind);
		row->database = list_text(rows, &rule->databases, &scratch);
		row->user = list_text(rows, &rule->users, &scratch);
		if (rule->address != NULL)
			row->address = sheet_text(rows, span_text(rule->address));
		row->networks = networks_text(rows, rule, &scratch);
		row->method = hba_method_name(rule->method);
		row->options = sheet_text(rows, span_text(rule->shown));
	}
	rows->failed |= scratch.failed;
	buf_fini(&scratch);
}

#define RULE(kind, field, name, text) COLUMN(hba_row, kind, field, name, text)
static const struct column hba_columns[] = {
	RULE(INT, number, "rule_number", "Place in the order in which they are tried."),
	RULE(TEXT, file, "file_name", "File it is in."),
	RULE(INT, line, "line_number", "Line of that file."),
	RULE(TEXT, type, "type", "local, host, hostssl or hostnossl."),
	RULE(TEXT, database, "database", "Databases, files of them written out."),
	RULE(TEXT, user, "user_name", "Users, files of them written out."),
	RULE(TEXT, address, "address", "Network, all, samehost, samenet or a host's name."),
	RULE(TEXT, networks, "networks", "What that was when it was read."),
	RULE(TEXT, method, "auth_method", "How these clients log in."),
	RULE(TEXT, options, "options", "Options of the method, without secrets."),
};

static const struct view views[] = {
	{ .topic = "hba",
	    .text = "One row a rule of auth_hba_file, with auth_type hba.",
	    .role = ROLE_ADMIN,
	    .columns = hba_columns,
	    .column_count = ARRAY_SIZE(hba_columns),
	    .row_size = sizeof(struct hba_row),
	    .finish = finish_hba },
};

const struct view_table hba_views = { views, ARRAY_SIZE(views) };
