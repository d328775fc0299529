/*
 * hba_record.c - lines of pg_hba.conf and pg_ident.conf taken apart.
 *
 *	column column,with,words "quoted, ""word""" @file_with_words # comment
 *	continued \
 *	    here
 *	include FILE | include_if_exists FILE | include_dir FOLDER
 *
 * Blanks may stand around a comma, as PgBouncer has it. (To PostgreSQL the first of them
 * ends the column; no line is whole to both.) Names of files are relative to the folder of
 * the file they are in. What columns mean is the reader's business.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf/file.h"
#include "conf/hba_private.h"

#define PATH_CAP 4096
#define MESSAGE_BYTES 512

/* One line while it is taken apart. */
struct cutter {
	struct hba_reader *reader;
	struct hba_record place;	/* file and line only */
	unsigned	 depth;
	struct span	 rest;
	struct buf	 word;		/* the word at hand */
	struct buf	 tokens;	/* struct hba_token: of the column at hand */
	struct buf	 fields;	/* struct hba_field */
};

/* Where a text is on its way through its lines. */
struct lines {
	struct span	 rest;
	unsigned	 number;	/* of the next line, less one */
};

static bool file_words(struct cutter *cutter, const char *name);

bool
hba_refuse(struct hba_reader *reader, const struct hba_record *record, const char *format,
    ...)
{
	char text[MESSAGE_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return err_set(reader->err, SQLSTATE_CONFIG, "%s:%u: %s", record->file, record->line,
	    text);
}

bool
hba_no_memory(struct hba_reader *reader)
{
	return err_set(reader->err, SQLSTATE_NO_MEMORY, "out of memory");
}

void *
hba_keep(struct hba_reader *reader, const struct buf *vector)
{
	void *kept = vector->failed ? NULL : store_new(reader->store, vector->len);

	if (kept != NULL && vector->len > 0)
		memcpy(kept, vector->at, vector->len);
	return kept;
}

static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Move the front of the line's rest to the word; false at the end. */
static bool
take_byte(struct cutter *cutter)
{
	if (cutter->rest.len == 0)
		return false;
	buf_put_byte(&cutter->word, cutter->rest.at[0]);
	cutter->rest = span_skip(cutter->rest, 1);
	return true;
}

/* Move what is between quotes to the word. */
static bool
take_quoted(struct cutter *cutter)
{
	cutter->rest = span_skip(cutter->rest, 1);
	while (cutter->rest.len > 0) {
		if (cutter->rest.at[0] == '"') {
			cutter->rest = span_skip(cutter->rest, 1);
			if (cutter->rest.len == 0 || cutter->rest.at[0] != '"')
				return true;
		}
		take_byte(cutter);
	}
	return hba_refuse(cutter->reader, &cutter->place,
	    "expected a closing quote on the same line");
}

/* Move the word at the front of the line's rest, which is not blank, to the word. */
static bool
take_word(struct cutter *cutter, struct hba_token *token)
{
	unsigned quoted = 0, bare = 0;

	buf_clear(&cutter->word);
	while (cutter->rest.len > 0) {
		char c = cutter->rest.at[0];

		if (is_blank(c) || c == ',' || c == '#')
			break;
		if (c != '"') {
			bare++;
			take_byte(cutter);
			continue;
		}
		quoted++;
		if (!take_quoted(cutter))
			return false;
	}
	token->quoted = quoted == 1 && bare == 0;
	token->mixed = quoted > 0 && !token->quoted;
	return true;
}

static void
skip_blanks(struct cutter *cutter)
{
	while (cutter->rest.len > 0 && is_blank(cutter->rest.at[0]))
		cutter->rest = span_skip(cutter->rest, 1);
}

/* Is there nothing more than a comment? */
static bool
is_over(const struct cutter *cutter)
{
	return cutter->rest.len == 0 || cutter->rest.at[0] == '#';
}

/* Put the word at hand into the column, or those of the file it names. */
static bool
put_word(struct cutter *cutter, struct hba_token *token)
{
	struct hba_reader *reader = cutter->reader;
	const char *text = buf_text(&cutter->word);

	if (cutter->word.failed)
		return hba_no_memory(reader);
	if (text[0] == '@' && !token->quoted && !token->mixed)
		return file_words(cutter, text + 1);
	if (++reader->words > HBA_WORDS_MOST)
		return hba_refuse(reader, &cutter->place,
		    "expected at most %u words in all files, got more", HBA_WORDS_MOST);
	token->text = store_text(reader->store, buf_span(&cutter->word));
	buf_put(&cutter->tokens, token, sizeof(*token));
	return (token->text != NULL && !cutter->tokens.failed) || hba_no_memory(reader);
}

/* Put the words of one column into it, from the first, which is no blank. */
static bool
take_column(struct cutter *cutter)
{
	struct hba_token token = { 0 };

	for (;;) {
		if (is_over(cutter) || cutter->rest.at[0] == ',')
			return hba_refuse(cutter->reader, &cutter->place,
			    "expected a word before and behind each comma");
		if (!take_word(cutter, &token) || !put_word(cutter, &token))
			return false;
		skip_blanks(cutter);
		if (cutter->rest.len == 0 || cutter->rest.at[0] != ',')
			return true;
		cutter->rest = span_skip(cutter->rest, 1);
		skip_blanks(cutter);
	}
}

/* Take the line apart into columns. */
static bool
take_columns(struct cutter *cutter)
{
	struct hba_field field;

	buf_clear(&cutter->fields);
	for (skip_blanks(cutter); !is_over(cutter); skip_blanks(cutter)) {
		buf_clear(&cutter->tokens);
		if (!take_column(cutter))
			return false;
		field.count = cutter->tokens.len / sizeof(struct hba_token);
		if (field.count == 0)
			return hba_refuse(cutter->reader, &cutter->place,
			    "expected at least one word in the file behind @, found none");
		field.tokens = hba_keep(cutter->reader, &cutter->tokens);
		buf_put(&cutter->fields, &field, sizeof(field));
		if (field.tokens == NULL || cutter->fields.failed)
			return hba_no_memory(cutter->reader);
	}
	return true;
}

/*
 * Join the next line and those that continue it in JOINED; *NUMBER is the first one's.
 * False: there is none. *OPEN: it goes on behind the end.
 */
static bool
next_line(struct lines *lines, struct buf *joined, unsigned *number, bool *open)
{
	struct span line;

	buf_clear(joined);
	*number = lines->number + 1;
	*open = false;
	while (span_cut(&lines->rest, "\n", &line)) {
		lines->number++;
		if (line.len > 0 && line.at[line.len - 1] == '\r')
			line.len--;
		*open = line.len > 0 && line.at[line.len - 1] == '\\';
		buf_put(joined, line.at, *open ? line.len - 1 : line.len);
		if (!*open)
			return true;
	}
	return *open;
}

/* Call EACH with each line of TEXT in turn, put into CUTTER. */
static bool
each_line(struct cutter *cutter, struct span text, bool (*each)(struct cutter *))
{
	struct lines lines = { .rest = text };
	struct hba_reader *reader = cutter->reader;
	struct buf joined = { 0 };
	bool good = true, open;

	if (text.len > 0 && memchr(text.at, '\0', text.len) != NULL)
		return err_set(reader->err, SQLSTATE_CONFIG,
		    "%s: expected text without zero bytes", cutter->place.file);
	/* room at once: growing would leave copies of secrets behind */
	if (buf_reserve(&joined, text.len + 1) == NULL)
		return hba_no_memory(reader);
	while (good && next_line(&lines, &joined, &cutter->place.line, &open)) {
		cutter->rest = buf_span(&joined);
		buf_clear(&cutter->word);
		if (joined.failed || buf_reserve(&cutter->word, joined.len + 1) == NULL)
			good = hba_no_memory(reader);
		else if (open)
			good = hba_refuse(reader, &cutter->place,
			    "expected another line behind the backslash at the end");
		else
			good = each(cutter);
	}
	file_forget(&joined);	/* secrets may be in it */
	return good;
}

/* Where NAME, seen in the file FROM, is; false: its name is too long. */
static bool
find_path(const char *from, const char *name, char *out)
{
	const char *slash = name[0] == '/' ? NULL : strrchr(from, '/');
	int folder = slash != NULL ? (int)(slash - from) + 1 : 0;

	return snprintf(out, PATH_CAP, "%.*s%s", folder, from, name) < PATH_CAP;
}

/*
 * Read the file NAME, seen in CUTTER's, into TEXT. *PATH is where it was, kept. MISSING
 * may be NULL: it must be there.
 */
static bool
open_file(struct cutter *cutter, const char *name, struct buf *text, const char **path,
    bool *missing)
{
	struct hba_reader *reader = cutter->reader;
	bool is_missing = false;
	struct err why = { 0 };
	char found[PATH_CAP];

	if (name[0] == '\0' || !find_path(cutter->place.file, name, found))
		return hba_refuse(reader, &cutter->place,
		    "expected the name of a file, got none or one too long");
	if (cutter->depth >= HBA_DEPTH_MOST)
		return hba_refuse(reader, &cutter->place,
		    "expected files nested at most %d deep, got \"%s\" beyond",
		    HBA_DEPTH_MOST, found);
	if (++reader->files > HBA_FILES_MOST)
		return hba_refuse(reader, &cutter->place,
		    "expected at most %u files in all, got \"%s\" beyond", HBA_FILES_MOST,
		    found);
	*path = store_text(reader->store, span_text(found));
	if (*path == NULL)
		return hba_no_memory(reader);
	if (reader->world->file(reader->world->arg, found, text, &is_missing, &why))
		return true;
	if (missing != NULL && is_missing) {
		*missing = true;
		return true;
	}
	return hba_refuse(reader, &cutter->place, "%s", why.text);
}

/* A file of words: a line of it goes into the column at hand. */
static bool
take_words(struct cutter *cutter)
{
	for (skip_blanks(cutter); !is_over(cutter); skip_blanks(cutter)) {
		if (!take_column(cutter))
			return false;
	}
	return true;
}

/* Put the words of the file NAME into the column at hand. */
static bool
file_words(struct cutter *cutter, const char *name)
{
	struct cutter inner = { .reader = cutter->reader, .depth = cutter->depth + 1,
		.tokens = cutter->tokens };
	struct buf text = { 0 };
	bool good = open_file(cutter, name, &text, &inner.place.file, NULL);

	if (good)
		good = each_line(&inner, buf_span(&text), take_words);
	cutter->tokens = inner.tokens;
	buf_fini(&inner.word);
	file_forget(&text);
	return good;
}

static bool read_text(struct hba_reader *reader, struct span text, const char *file,
    unsigned depth);

/* Read the file NAME in place of the line. */
static bool
include_file(struct cutter *cutter, const char *name, bool must_be)
{
	struct buf text = { 0 };
	const char *path = NULL;
	bool missing = false;
	bool good = open_file(cutter, name, &text, &path, must_be ? NULL : &missing);

	if (good && !missing)
		good = read_text(cutter->reader, buf_span(&text), path, cutter->depth + 1);
	file_forget(&text);
	return good;
}

static int
text_order(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Is it one that include_dir reads? */
static bool
is_included(const char *name)
{
	size_t len = strlen(name);

	return name[0] != '.' && len > strlen(".conf") &&
	    strcmp(name + len - strlen(".conf"), ".conf") == 0;
}

/* Include those of NAMES (each with a zero byte behind) in FOLDER that are wanted, in
 * the order of their names. */
static bool
include_names(struct cutter *cutter, const char *folder, struct span names)
{
	struct buf sorted = { 0 };	/* const char * */
	size_t count;
	bool good = true;

	for (size_t i = 0; i < names.len; i += strlen(names.at + i) + 1) {
		const char *name = names.at + i;

		if (is_included(name))
			buf_put(&sorted, &name, sizeof(name));
	}
	if (sorted.failed)
		good = hba_no_memory(cutter->reader);
	count = good ? sorted.len / sizeof(const char *) : 0;
	if (count > 1)
		qsort(sorted.at, count, sizeof(const char *), text_order);
	for (size_t i = 0; good && i < count; i++) {
		const char *name = ((const char *const *)(void *)sorted.at)[i];
		struct buf path = { 0 };

		buf_printf(&path, "%s/%s", folder, name);
		good = path.failed ? hba_no_memory(cutter->reader) :
				     include_file(cutter, buf_text(&path), true);
		buf_fini(&path);
	}
	buf_fini(&sorted);
	return good;
}

/* Read the files of FOLDER in place of the line. */
static bool
include_folder(struct cutter *cutter, const char *folder)
{
	const struct hba_world *world = cutter->reader->world;
	struct buf names = { 0 };
	const char *why = NULL;
	char path[PATH_CAP];
	bool good;

	if (!find_path(cutter->place.file, folder, path))
		return hba_refuse(cutter->reader, &cutter->place,
		    "expected a shorter name of a folder");
	if (!world->folder(world->arg, path, &names, &why))
		good = hba_refuse(cutter->reader, &cutter->place,
		    "cannot read folder \"%s\": %s", path, why);
	else if (names.failed)
		good = hba_no_memory(cutter->reader);
	else
		good = include_names(cutter, folder, buf_span(&names));
	buf_fini(&names);
	return good;
}

/* Is the line an include? *GOOD: it went well. */
static bool
is_include(struct cutter *cutter, const struct hba_field *fields, size_t count, bool *good)
{
	const struct hba_token *word = &fields[0].tokens[0];
	const char *name;

	if (fields[0].count != 1 || word->quoted || word->mixed ||
	    strncmp(word->text, "include", strlen("include")) != 0)
		return false;
	if (count != 2 || fields[1].count != 1) {
		*good = hba_refuse(cutter->reader, &cutter->place,
		    "expected one name behind %s, quoted if it has blanks or commas",
		    word->text);
		return true;
	}
	name = fields[1].tokens[0].text;
	if (strcmp(word->text, "include") == 0)
		*good = include_file(cutter, name, true);
	else if (strcmp(word->text, "include_if_exists") == 0)
		*good = include_file(cutter, name, false);
	else if (strcmp(word->text, "include_dir") == 0)
		*good = include_folder(cutter, name);
	else
		return false;
	return true;
}

/* Give the line to the reader, unless it is empty or an include. */
static bool
take_record(struct cutter *cutter)
{
	const struct hba_field *fields;
	size_t count;
	bool good;

	if (!take_columns(cutter))
		return false;
	if (cutter->fields.len == 0)
		return true;
	fields = (const struct hba_field *)(void *)cutter->fields.at;
	count = cutter->fields.len / sizeof(*fields);
	if (is_include(cutter, fields, count, &good))
		return good;
	cutter->place.fields = fields;
	cutter->place.count = count;
	return cutter->reader->record(cutter->reader, &cutter->place);
}

static bool
read_text(struct hba_reader *reader, struct span text, const char *file, unsigned depth)
{
	struct cutter cutter = { .reader = reader, .depth = depth, .place.file = file };
	bool good = each_line(&cutter, text, take_record);

	file_forget(&cutter.word);
	buf_fini(&cutter.tokens);
	buf_fini(&cutter.fields);
	return good;
}

bool
hba_records(struct hba_reader *reader, struct span text, const char *file)
{
	const char *kept = store_text(reader->store, span_text(file));

	return kept != NULL ? read_text(reader, text, kept, 0) : hba_no_memory(reader);
}
