/*
 * hba_rule.c - one line of pg_hba.conf understood: the kind of connection, databases,
 * users. Addresses are hba_address.c's, methods hba_method.c's.
 *
 * A line that PostgreSQL would read otherwise is refused, never read more widely.
 */
#include <strings.h>

#include "base/log.h"
#include "base/text.h"
#include "conf/hba_private.h"

#define SHOWN 80

/* What a word without quotes means in a column. */
struct keyword {
	const char	*text;
	enum hba_word	 word;
	const char	*refusal;	/* NULL: it is understood */
};

static const char no_roles[] = "is not known here, as roles and their members are the "
    "server's: list names, or put them in a file and write @file";

static const struct keyword database_words[] = {
	{ "all", HBA_ALL, NULL },
	{ "sameuser", HBA_SAMEUSER, NULL },
	{ "replication", HBA_REPLICATION, NULL },
	{ "samerole", HBA_NAME, no_roles },
	{ "samegroup", HBA_NAME, no_roles },
	{ NULL, HBA_NAME, NULL },
};

static const struct keyword user_words[] = {
	{ "all", HBA_ALL, NULL },
	{ NULL, HBA_NAME, NULL },
};

static const char *const kind_words[] = { "local", "host", "hostssl", "hostnossl",
	"hostgssenc", "hostnogssenc", "include", "include_if_exists", "include_dir", NULL };

const char *
hba_kind_name(enum hba_kind kind)
{
	return kind_words[kind];
}

/* One of the column that is called NAME in messages and knows WORDS. */
struct column {
	const char	*name;
	const struct keyword *words;
};

/* Understand TOKEN without quotes. */
static bool
read_bare(struct hba_reader *reader, const struct hba_record *record,
    const struct column *column, const char *text, struct hba_item *item)
{
	char shown[SHOWN];

	for (const struct keyword *word = column->words; word->text != NULL; word++) {
		if (strcasecmp(word->text, text) != 0)
			continue;
		if (strcmp(word->text, text) != 0)
			return hba_refuse(reader, record, "%s: expected %s, or \"%s\" in "
			    "quotes if it is a name", column->name, word->text, text);
		if (word->refusal != NULL)
			return hba_refuse(reader, record, "%s: %s %s", column->name, text,
			    word->refusal);
		item->word = word->word;
		return true;
	}
	if (text[0] == '+')
		return hba_refuse(reader, record, "%s: %s %s; in quotes it is a name",
		    column->name, log_escape(span_text(text), shown, sizeof(shown)),
		    no_roles);
	item->name = text;
	return true;
}

/* Understand TOKEN. */
static bool
read_item(struct hba_reader *reader, const struct hba_record *record,
    const struct column *column, const struct hba_token *token, struct hba_item *item)
{
	char shown[SHOWN];

	log_escape(span_text(token->text), shown, sizeof(shown));
	*item = (struct hba_item){ .word = HBA_NAME };
	if (token->mixed)
		return hba_refuse(reader, record, "%s: expected quotes around the whole "
		    "of \"%s\" or none", column->name, shown);
	if (token->text[0] == '\0')
		return hba_refuse(reader, record, "%s: expected a name in the quotes",
		    column->name);
	if (token->text[0] == '/')
		return hba_refuse(reader, record, "%s: expected a name, got the regular "
		    "expression \"%s\": list names, or put them in a file and write @file",
		    column->name, shown);
	if (!token->quoted)
		return read_bare(reader, record, column, token->text, item);
	item->name = token->text;
	return true;
}

/* Understand field AT of RECORD as names. */
static bool
read_list(struct hba_reader *reader, const struct hba_record *record, size_t at,
    const struct column *column, struct hba_list *list)
{
	const struct hba_field *field = &record->fields[at];
	struct hba_item *items;

	if (at >= record->count)
		return hba_refuse(reader, record,
		    "expected a column for the %s, found the end of the line", column->name);
	items = store_new(reader->store, field->count * sizeof(*items));
	if (items == NULL)
		return hba_no_memory(reader);
	for (size_t i = 0; i < field->count; i++) {
		if (!read_item(reader, record, column, &field->tokens[i], &items[i]))
			return false;
	}
	*list = (struct hba_list){ items, field->count };
	return true;
}

/* Understand the first column. */
static bool
read_kind(struct hba_reader *reader, const struct hba_record *record,
    struct hba_draft *draft)
{
	const char *text = record->fields[0].tokens[0].text;
	const char *nearest = text_nearest(span_text(text), kind_words);
	char shown[SHOWN];

	if (record->fields[0].count != 1)
		return hba_refuse(reader, record, "expected one kind of connection, got a "
		    "list: write a line for each");
	for (int i = HBA_LOCAL; i <= HBA_HOSTNOSSL; i++) {
		if (strcmp(text, kind_words[i]) == 0) {
			draft->rule.kind = (enum hba_kind)i;
			return true;
		}
	}
	draft->rule.kind = HBA_HOST;
	draft->gssenc = strcmp(text, "hostgssenc") == 0;
	if (draft->gssenc || strcmp(text, "hostnogssenc") == 0)
		return true;
	return hba_refuse(reader, record, "expected local, host, hostssl, hostnossl or "
	    "include, got \"%s\"%s%s", log_escape(span_text(text), shown, sizeof(shown)),
	    nearest != NULL ? ", closest is " : "", nearest != NULL ? nearest : "");
}

bool
hba_rule_read(struct hba_reader *reader, const struct hba_record *record,
    struct hba_draft *draft)
{
	static const struct column databases = { "database", database_words };
	static const struct column users = { "user", user_words };
	size_t at = 3;

	*draft = (struct hba_draft){ .rule = { .file = record->file,
					 .line = record->line } };
	if (!read_kind(reader, record, draft))
		return false;
	if (!read_list(reader, record, 1, &databases, &draft->rule.databases) ||
	    !read_list(reader, record, 2, &users, &draft->rule.users))
		return false;
	if (draft->rule.kind != HBA_LOCAL &&
	    !hba_address_read(reader, record, &at, &draft->rule))
		return false;
	return draft->gssenc || hba_method_read(reader, record, at, &draft->rule);
}
