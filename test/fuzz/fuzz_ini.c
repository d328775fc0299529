/*
 * fuzz_ini.c - files of strangers: what is read lies where it should, and the whole way
 * to a conf ends in a conf or in a text that says why not.
 *
 * Includes lead to a text of the driver, never to a file; a conf is asked for only where
 * the input names no file at all.
 */
#include "fuzz/fuzz.h"

#include "base/buf.h"
#include "conf/conf.h"
#include "conf/ini.h"

struct seen {
	unsigned	 line;		/* of the last event in the first file */
	size_t		 events;
};

static void
count(struct seen *seen, struct ini_place place)
{
	seen->events++;
	if (strcmp(place.file, "t.ini") != 0)
		return;
	must(place.line > seen->line);
	seen->line = place.line;
}

static bool
on_section(void *arg, struct span name, struct ini_place place, struct err *err)
{
	(void)err;
	must(name.len == 0 || memchr(name.at, '\n', name.len) == NULL);
	count(arg, place);
	return true;
}

static bool
on_value(void *arg, struct span key, struct span value, struct ini_place place,
    struct err *err)
{
	(void)err;
	must(key.len > 0 && memchr(key.at, '\n', key.len) == NULL);
	must(memchr(key.at, '\0', key.len) == NULL);
	must(value.len == 0 || memchr(value.at, '\n', value.len) == NULL);
	must(span_same(span_trim(value), value));
	count(arg, place);
	return true;
}

static bool
include(void *arg, const char *file, struct buf *out, struct err *err)
{
	(void)arg;
	if (strcmp(file, "none") == 0)
		return err_set(err, SQLSTATE_CONFIG, "no such file");
	buf_put_text(out, strcmp(file, "loop") == 0 ? "%include loop\n" : "[b]\nb = 2\n");
	return true;
}

/* Does TEXT have WORD anywhere? */
static bool
mentions(struct span text, const char *word)
{
	return text.len > 0 && memmem(text.at, text.len, word, strlen(word)) != NULL;
}

/* SET to what it is already must change nothing. */
static void
check_set(const struct conf *conf)
{
	struct err err = { 0 };
	struct buf lines = { 0 }, value = { 0 };
	const struct setting *row = conf_setting_find(SPAN_LITERAL("pool_mode"));
	struct conf *same;

	must(conf_setting_show(conf, row, &value));
	same = conf_set(conf, span_text(row->name), buf_span(&value), &err);
	must(same != NULL);
	conf_changes(conf, same, &lines);
	must(lines.len == 0);
	conf_drop(same);
	buf_fini(&lines);
	buf_fini(&value);
}

static void
check_conf(struct span text)
{
	struct err err = { 0 };
	struct conf *conf;

	if (mentions(text, "%include") || mentions(text, "auth_file"))
		return;
	conf = conf_parse(text, "t.ini", NULL, &err);
	must((conf == NULL) == (err.text[0] != '\0'));
	if (conf == NULL)
		return;
	for (size_t i = 0; i < conf->n_databases; i++) {
		const struct conf_database *db = &conf->databases[i];

		must(db->n_hosts > 0 && db->dbname != NULL);
		must(conf_database(conf, span_text(db->name)) == db);
	}
	for (size_t i = 0; i < conf->n_users; i++)
		must(conf_user(conf, span_text(conf->users[i].name)) == &conf->users[i]);
	check_set(conf);
	conf_drop(conf);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct span text = copy_of(span_of(bytes, len));
	struct seen seen = { 0 };
	struct ini ini = { on_section, on_value, include, &seen };
	struct err err = { 0 };

	if (ini_read(&ini, text, "t.ini", &err))
		must(err.text[0] == '\0');
	else
		must(err.text[0] != '\0' && seen.events <= len + 1);
	check_conf(text);
	free((char *)text.at);
	return 0;
}
