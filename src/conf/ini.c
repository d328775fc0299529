/*
 * ini.c - the lines of a file of sections and "key = value".
 *
 *	; comment		# comment too
 *	[section]
 *	key = value to the end of the line, nothing in it is special
 *	'a key with blanks' = value
 *	"a ""quoted"" key" = value
 *	%include another/file.ini
 *
 * A comment is a whole line. An included file goes on in the section then in force and
 * is found from the working directory.
 */
#include "conf/ini.h"

#include "base/log.h"
#include "conf/file.h"

#define SHOWN 64	/* bytes of a bad line worth showing */

static bool read_text(const struct ini *ini, struct span text, const char *file,
    unsigned depth, struct err *err);

/* "FILE:LINE: expected WHAT, got ...": LINE up to its "=", as secrets may come behind. */
static bool
refuse(struct ini_place place, const char *what, struct span line, struct err *err)
{
	struct span head = line;
	char shown[SHOWN];

	span_cut(&line, "=", &head);
	return err_set(err, SQLSTATE_CONFIG, "%s:%u: expected %s, got \"%s\"", place.file,
	    place.line, what, log_escape(head, shown, sizeof(shown)));
}

static bool
is_key_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    c == '_' || c == '.' || c == '-' || c == '*';
}

/* Move the key at the front of *LINE to KEY; false if it is not well-formed. */
static bool
take_key(struct span *line, struct buf *key)
{
	char quote = line->at[0];
	size_t i = 0;

	if (quote != '\'' && quote != '"') {
		while (i < line->len && is_key_byte(line->at[i]))
			i++;
		buf_put(key, line->at, i);
		*line = span_skip(*line, i);
		return i > 0;
	}
	for (i = 1; i < line->len; i++) {
		if (line->at[i] != quote) {
			buf_put_byte(key, line->at[i]);
		} else if (quote == '"' && i + 1 < line->len && line->at[i + 1] == quote) {
			buf_put_byte(key, quote);
			i++;
		} else {
			*line = span_skip(*line, i + 1);
			return key->len > 0;
		}
	}
	return false;
}

static bool
read_value(const struct ini *ini, struct span line, struct ini_place place,
    struct err *err)
{
	struct buf key = { 0 };
	struct span rest = line;
	bool good = take_key(&rest, &key);

	rest = span_trim(rest);
	if (!good || rest.len == 0 || rest.at[0] != '=')
		good = refuse(place, "key = value, [section], %include or a comment", line,
		    err);
	else if (key.failed)
		good = err_set(err, SQLSTATE_NO_MEMORY, "out of memory");
	else
		good = ini->value(ini->arg, buf_span(&key), span_trim(span_skip(rest, 1)),
		    place, err);
	buf_fini(&key);
	return good;
}

static bool
read_include(const struct ini *ini, struct span line, struct ini_place place,
    unsigned depth, struct err *err)
{
	struct span name = span_skip(line, strlen("%include"));
	char file[4096];
	struct buf text = { 0 };
	struct err why = { 0 };
	bool good;

	if (name.len == 0 || (name.at[0] != ' ' && name.at[0] != '\t'))
		return refuse(place, "%include and a file name", line, err);
	if (!span_copy(span_trim(name), file, sizeof(file)))
		return refuse(place, "a shorter file name", span_trim(name), err);
	if (depth >= INI_DEPTH_MOST)
		return err_set(err, SQLSTATE_CONFIG,
		    "%s:%u: expected %%include nested at most %d deep, got \"%s\" beyond",
		    place.file, place.line, INI_DEPTH_MOST, file);
	good = ini->include(ini->arg, file, &text, &why);
	if (!good)
		err_set(err, SQLSTATE_CONFIG, "%s:%u: %s", place.file, place.line, why.text);
	else
		good = read_text(ini, buf_span(&text), file, depth + 1, err);
	file_forget(&text);
	return good;
}

static bool
read_line(const struct ini *ini, struct span line, struct ini_place place, unsigned depth,
    struct err *err)
{
	if (line.len == 0 || line.at[0] == ';' || line.at[0] == '#')
		return true;
	if (memchr(line.at, '\0', line.len) != NULL)
		return refuse(place, "text without zero bytes", line, err);
	if (line.at[0] == '%' && span_starts(line, "%include"))
		return read_include(ini, line, place, depth, err);
	if (line.at[0] != '[')
		return read_value(ini, line, place, err);
	if (line.at[line.len - 1] != ']')
		return refuse(place, "[section]", line, err);
	return ini->section(ini->arg, span_of(line.at + 1, line.len - 2), place, err);
}

static bool
read_text(const struct ini *ini, struct span text, const char *file, unsigned depth,
    struct err *err)
{
	struct ini_place place = { .file = file };
	struct span line;

	while (span_cut(&text, "\n", &line)) {
		place.line++;
		if (!read_line(ini, span_trim(line), place, depth, err))
			return false;
	}
	return true;
}

bool
ini_read(const struct ini *ini, struct span text, const char *file, struct err *err)
{
	return read_text(ini, text, file, 0, err);
}
