/*
 * script.c - what the file says, line by line.
 */
#include "conf/script.h"

#include <stdatomic.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "conf/file.h"
#include "conf/ini.h"
#include "conf/store.h"

struct script_inside {
	atomic_uint	 holders;
	struct store	 store;		/* of the texts */
	struct buf	 files;		/* of the names that script->files shows */
	size_t		 room;		/* lines that fit */
	enum script_section section;	/* in force while reading */
	bool		 main_seen;
};

static const char *const section_words[] = { "pgbouncer", "databases", "users", "peers",
	NULL };

struct script *
script_new(const char *name)
{
	struct script *script = mem_new(sizeof(*script));

	if (script == NULL)
		return NULL;
	script->inside = mem_new(sizeof(*script->inside));
	if (script->inside == NULL) {
		mem_free(script);
		return NULL;
	}
	atomic_init(&script->inside->holders, 1);
	script->name = store_text(&script->inside->store, span_text(name));
	if (script->name == NULL) {
		script_drop(script);
		return NULL;
	}
	return script;
}

static struct script_line *
line_new(struct script *script)
{
	struct script_inside *inside = script->inside;

	if (script->count == inside->room) {
		size_t room = inside->room > 0 ? 2 * inside->room : 64;
		struct script_line *more = mem_resize(script->lines, room * sizeof(*more));

		if (more == NULL)
			return NULL;
		script->lines = more;
		inside->room = room;
	}
	return &script->lines[script->count++];
}

/* FILE as a text of the script; lines of one file share it. */
static const char *
file_text(struct script *script, const char *file)
{
	size_t before = script->count - 1;	/* the line being added is counted */

	if (before > 0 && strcmp(script->lines[before - 1].file, file) == 0)
		return script->lines[before - 1].file;
	return store_text(&script->inside->store, span_text(file));
}

bool
script_add(struct script *script, enum script_section section, struct span key,
    struct span value, const char *file, unsigned line)
{
	struct store *store = &script->inside->store;
	struct script_line *added = line_new(script);

	if (added == NULL)
		return false;
	added->section = section;
	added->line = line;
	added->key = NULL;
	added->value = store_text(store, value);
	added->file = file_text(script, file);
	if (key.at != NULL)
		added->key = store_text(store, key);
	if (added->value != NULL && added->file != NULL &&
	    (key.at == NULL || added->key != NULL))
		return true;
	script->count--;
	return false;
}

static bool
on_section(void *arg, struct span name, struct ini_place place, struct err *err)
{
	struct script *script = arg;
	const char *nearest;
	char shown[64];
	int section = SECTION_MAIN;

	for (; section_words[section - 1] != NULL; section++) {
		if (span_is(name, section_words[section - 1]))
			break;
	}
	if (section_words[section - 1] == NULL) {
		nearest = text_nearest(name, section_words);
		return err_set(err, SQLSTATE_CONFIG,
		    "%s:%u: unknown section \"%s\", %s%s%s", place.file, place.line,
		    log_escape(name, shown, sizeof(shown)),
		    nearest != NULL ? "closest is \"" :
				      "known are pgbouncer, databases, users and peers",
		    nearest != NULL ? nearest : "", nearest != NULL ? "\"" : "");
	}
	script->inside->section = section;
	if (section == SECTION_MAIN)
		script->inside->main_seen = true;
	if (!script_add(script, section, span_of(NULL, 0), span_of(NULL, 0), place.file,
		place.line))
		return err_set(err, SQLSTATE_NO_MEMORY, "out of memory");
	return true;
}

static bool
on_value(void *arg, struct span key, struct span value, struct ini_place place,
    struct err *err)
{
	struct script *script = arg;
	char shown[64];

	if (script->inside->section == SECTION_NONE)
		return err_set(err, SQLSTATE_CONFIG,
		    "%s:%u: expected [pgbouncer] or another section before \"%s\"",
		    place.file, place.line, log_escape(key, shown, sizeof(shown)));
	if (!script_add(script, script->inside->section, key, value, place.file, place.line))
		return err_set(err, SQLSTATE_NO_MEMORY, "out of memory");
	return true;
}

/* Read FILE, which SCRIPT is made from, too. */
static bool
read_file(void *arg, const char *file, struct buf *out, struct err *err)
{
	struct script *script = arg;

	buf_put(&script->inside->files, file, strlen(file) + 1);
	script->files = buf_span(&script->inside->files);
	return file_read(file, out, err);
}

/* SCRIPT with what TEXT says; NULL: SCRIPT is gone. */
static struct script *
fill(struct script *script, struct span text, const char *name, struct err *err)
{
	struct ini ini = { .section = on_section, .value = on_value, .include = read_file,
		.arg = script };

	if (!ini_read(&ini, text, name, err)) {
		script_drop(script);
		return NULL;
	}
	if (script->inside->files.failed) {
		err_set(err, SQLSTATE_NO_MEMORY, "out of memory");
		script_drop(script);
		return NULL;
	}
	if (!script->inside->main_seen) {
		err_set(err, SQLSTATE_CONFIG, "%s: expected a section [pgbouncer], found none",
		    name);
		script_drop(script);
		return NULL;
	}
	return script;
}

/* script_new(), and ERR says why not. */
static struct script *
begin(const char *name, struct err *err)
{
	struct script *script = script_new(name);

	if (script == NULL)
		err_set(err, SQLSTATE_NO_MEMORY, "out of memory");
	return script;
}

struct script *
script_read(struct span text, const char *name, struct err *err)
{
	struct script *script = begin(name, err);

	return script != NULL ? fill(script, text, name, err) : NULL;
}

struct script *
script_load(const char *file, struct err *err)
{
	struct script *script = begin(file, err);
	struct buf text = { 0 };

	if (script == NULL)
		return NULL;
	if (read_file(script, file, &text, err)) {
		script = fill(script, buf_span(&text), file, err);
	} else {
		script_drop(script);
		script = NULL;
	}
	file_forget(&text);
	return script;
}

struct script *
script_hold(struct script *script)
{
	atomic_fetch_add_explicit(&script->inside->holders, 1, memory_order_relaxed);
	return script;
}

void
script_drop(struct script *script)
{
	struct script_inside *inside;

	if (script == NULL)
		return;
	inside = script->inside;
	if (atomic_fetch_sub_explicit(&inside->holders, 1, memory_order_acq_rel) != 1)
		return;
	store_fini(&inside->store);
	buf_fini(&inside->files);
	mem_free(script->lines);
	mem_free(inside);
	mem_free(script);
}
