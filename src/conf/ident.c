/*
 * ident.c - the maps of pg_ident.conf.
 *
 *	MAP  SYSTEM-USER  DATABASE-USER
 *	MAP  SYSTEM-USER  all
 *	MAP  /^(.*)@example\.com$  \1
 *
 * Lines are taken apart by hba_record.c. A system user that begins with / is a regular
 * expression, searched in the whole name; what its first group held takes the place of
 * \1.
 */
#include "conf/ident.h"

#include "base/log.h"
#include "base/mem.h"
#include "conf/hba_private.h"
#include "conf/pattern.h"

#define SHOWN 80

/* One line. */
struct ident_line {
	const char	*map;
	const char	*system;	/* a name, or / and an expression */
	const char	*user;		/* of the database; NULL: all */
	const char	*group;		/* in user: where \1 is; NULL: nowhere */
	bool		 is_pattern;
	regex_t		 pattern;	/* compiled, if it is one */
};

struct ident {
	struct store	 store;		/* of the texts */
	struct buf	 lines;		/* struct ident_line */
};

static const struct ident_line *
lines_of(const struct ident *ident, size_t *count)
{
	*count = ident->lines.len / sizeof(struct ident_line);
	return (const struct ident_line *)(const void *)ident->lines.at;
}

/* Check what would be read otherwise elsewhere in TOKEN, field WHAT. */
static bool
check_token(struct hba_reader *reader, const struct hba_record *record,
    const struct hba_token *token, const char *what)
{
	if (token->mixed)
		return hba_refuse(reader, record,
		    "%s: expected quotes around the whole of it or none", what);
	if (token->text[0] == '\0')
		return hba_refuse(reader, record, "%s: expected a name in the quotes", what);
	return true;
}

/* Understand the system user of LINE. */
static bool
read_system(struct hba_reader *reader, const struct hba_record *record,
    const struct hba_token *token, struct ident_line *line)
{
	const char *why;

	if (!check_token(reader, record, token, "system user"))
		return false;
	line->system = token->text;
	if (token->text[0] != '/')
		return true;
	if (!pattern_compile(&line->pattern, token->text + 1, &why))
		return hba_refuse(reader, record,
		    "system user: the regular expression is refused: %s", why);
	line->is_pattern = true;
	return true;
}

/* Understand \1 in the database user of LINE, whose system user is known. */
static bool
read_group(struct hba_reader *reader, const struct hba_record *record,
    struct ident_line *line)
{
	line->group = strstr(line->user, "\\1");
	if (line->group == NULL)
		return true;
	if (!line->is_pattern || line->pattern.re_nsub == 0)
		return hba_refuse(reader, record, "database user: expected a system user "
		    "like /^(.*)@example\\.com$ to take \\1 from");
	if (strstr(line->group + 2, "\\1") != NULL)
		return hba_refuse(reader, record, "database user: expected \\1 once");
	return true;
}

/* Understand the database user of LINE. */
static bool
read_user(struct hba_reader *reader, const struct hba_record *record,
    const struct hba_token *token, struct ident_line *line)
{
	char shown[SHOWN];

	if (!check_token(reader, record, token, "database user"))
		return false;
	log_escape(span_text(token->text), shown, sizeof(shown));
	if (token->text[0] == '/')
		return hba_refuse(reader, record, "database user: expected a name or all, got "
		    "the regular expression \"%s\"", shown);
	if (token->text[0] == '+' && !token->quoted)
		return hba_refuse(reader, record, "database user: expected a name or all, got "
		    "%s, whose members only the server knows: write a line for each", shown);
	if (!token->quoted && strcmp(token->text, "all") == 0)
		return true;
	if (!token->quoted && span_is_nocase(span_text(token->text), "all"))
		return hba_refuse(reader, record, "database user: expected all, or \"%s\" in "
		    "quotes if it is a name", shown);
	line->user = token->text;
	return read_group(reader, record, line);
}

/* Take one line. */
static bool
take_line(struct hba_reader *reader, const struct hba_record *record)
{
	struct ident *ident = reader->arg;
	struct ident_line line = { 0 };
	bool good = record->count == 3;

	for (size_t i = 0; good && i < record->count; i++)
		good = record->fields[i].count == 1;
	if (!good)
		return hba_refuse(reader, record, "expected three columns of one word each: "
		    "map, system user, database user");
	line.map = record->fields[0].tokens[0].text;
	good = check_token(reader, record, &record->fields[0].tokens[0], "map") &&
	    read_system(reader, record, &record->fields[1].tokens[0], &line) &&
	    read_user(reader, record, &record->fields[2].tokens[0], &line);
	if (good) {
		buf_put(&ident->lines, &line, sizeof(line));
		good = !ident->lines.failed || hba_no_memory(reader);
	}
	if (!good && line.is_pattern)
		regfree(&line.pattern);
	return good;
}

struct ident *
ident_read(struct span text, const char *file, const struct hba_world *world,
    struct err *err)
{
	struct ident *ident = mem_new(sizeof(*ident));
	struct hba_reader reader = { .world = world, .err = err, .record = take_line,
		.arg = ident };

	if (ident == NULL) {
		err_set(err, SQLSTATE_NO_MEMORY, "out of memory");
		return NULL;
	}
	reader.store = &ident->store;
	if (hba_records(&reader, text, file))
		return ident;
	ident_free(ident);
	return NULL;
}

void
ident_free(struct ident *ident)
{
	struct ident_line *lines;

	if (ident == NULL)
		return;
	lines = (struct ident_line *)(void *)ident->lines.at;
	for (size_t i = 0; i < ident->lines.len / sizeof(*lines); i++) {
		if (lines[i].is_pattern)
			regfree(&lines[i].pattern);
	}
	buf_fini(&ident->lines);
	store_fini(&ident->store);
	mem_free(ident);
}

bool
ident_has(const struct ident *ident, const char *map)
{
	const struct ident_line *lines;
	size_t count = 0;

	if (ident == NULL)
		return false;
	lines = lines_of(ident, &count);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(lines[i].map, map) == 0)
			return true;
	}
	return false;
}

/* Is USER what LINE makes of GROUP, the bytes for \1? */
static bool
is_expanded(const struct ident_line *line, struct span group, struct span user)
{
	struct span head = span_of(line->user, (size_t)(line->group - line->user));
	struct span tail = span_text(line->group + 2);

	if (user.len < head.len || user.len - head.len < group.len ||
	    user.len - head.len - group.len != tail.len)
		return false;
	return span_same(span_of(user.at, head.len), head) &&
	    span_same(span_of(user.at + head.len, group.len), group) &&
	    span_same(span_skip(user, head.len + group.len), tail);
}

/* Does LINE, whose system user is an expression, let SYSTEM be USER? */
static bool
pattern_maps(const struct ident_line *line, struct span system, struct span user)
{
	char subject[IDENT_SUBJECT_MOST + 1];
	regmatch_t groups[2] = { { -1, -1 }, { -1, -1 } };
	struct span first;

	if (!span_copy(system, subject, sizeof(subject)) ||
	    regexec(&line->pattern, subject, ARRAY_SIZE(groups), groups, 0) != 0)
		return false;
	if (line->user == NULL)
		return true;
	if (line->group == NULL)
		return span_is(user, line->user);
	if (groups[1].rm_so < 0)
		return false;
	first = span_of(subject + groups[1].rm_so,
	    (size_t)(groups[1].rm_eo - groups[1].rm_so));
	return is_expanded(line, first, user);
}

bool
ident_maps(const struct ident *ident, const char *map, struct span system_user,
    struct span database_user)
{
	const struct ident_line *lines;
	size_t count = 0;

	if (ident == NULL)
		return false;
	lines = lines_of(ident, &count);
	for (size_t i = 0; i < count; i++) {
		const struct ident_line *line = &lines[i];

		if (strcmp(line->map, map) != 0)
			continue;
		if (line->is_pattern && pattern_maps(line, system_user, database_user))
			return true;
		if (!line->is_pattern && span_is(system_user, line->system) &&
		    (line->user == NULL || span_is(database_user, line->user)))
			return true;
	}
	return false;
}

static bool
same_text(const char *a, const char *b)
{
	return (a == NULL) == (b == NULL) && span_same(span_text(a), span_text(b));
}

bool
ident_same(const struct ident *a, const struct ident *b)
{
	const struct ident_line *x, *y;
	size_t count, others;

	if (a == NULL || b == NULL)
		return a == b;
	x = lines_of(a, &count);
	y = lines_of(b, &others);
	if (count != others)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!same_text(x[i].map, y[i].map) || !same_text(x[i].system, y[i].system) ||
		    !same_text(x[i].user, y[i].user))
			return false;
	}
	return true;
}
