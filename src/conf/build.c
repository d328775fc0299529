/*
 * build.c - from a script to a conf.
 *
 *	defaults -> the file's [pgbouncer] -> environment -> SET -> command line -> what must
 *	wait for a restart stays as it was -> entries -> auth file, hba -> does it fit?
 *
 * Entries are entry.c's business, who asks for a build that of conf.c.
 */
#include "conf/build.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "conf/check.h"
#include "conf/entry.h"
#include "conf/env.h"

#define MESSAGE_BYTES 512
#define SHOWN 64

/* "FILE:LINE: ", "FILE: " or nothing, as a place is known; OUT holds MESSAGE_BYTES. */
static size_t
put_place(const struct script_line *line, char *out)
{
	int n = 0;

	if (line != NULL && line->line > 0)
		n = snprintf(out, MESSAGE_BYTES, "%s:%u: ", line->file, line->line);
	else if (line != NULL && line->file[0] != '\0')
		n = snprintf(out, MESSAGE_BYTES, "%s: ", line->file);
	return n < MESSAGE_BYTES ? (size_t)n : MESSAGE_BYTES - 1;
}

bool
build_refuse(struct build *build, const struct script_line *line, const char *format, ...)
{
	char text[MESSAGE_BYTES];
	size_t at = put_place(line, text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + at, sizeof(text) - at, format, args);
	va_end(args);
	return err_set(build->err, SQLSTATE_CONFIG, "%s", text);
}

bool
build_no_memory(struct build *build)
{
	return err_set(build->err, SQLSTATE_NO_MEMORY, "out of memory");
}

void
build_warn(struct build *build, const struct script_line *line, const char *format, ...)
{
	struct conf *conf = build->conf;
	size_t room = conf->inside->warnings_room;
	char text[MESSAGE_BYTES];
	size_t at = put_place(line, text);
	const char *kept;
	va_list args;

	if (build->quiet)
		return;
	va_start(args, format);
	vsnprintf(text + at, sizeof(text) - at, format, args);
	va_end(args);
	if (conf->n_warnings == room) {
		const char **more;

		room = room > 0 ? 2 * room : 8;
		more = mem_resize(conf->warnings, room * sizeof(*more));
		if (more == NULL)
			return;
		conf->warnings = more;
		conf->inside->warnings_room = room;
	}
	kept = store_text(build->store, span_text(text));
	if (kept != NULL)
		conf->warnings[conf->n_warnings++] = kept;
}

/* The word of ROW, if it is an enum, that is closest to VALUE; NULL: none. */
static const char *
closest_word(const struct setting *row, struct span value)
{
	return row->kind == KIND_ENUM ? text_nearest(value, row->words) : NULL;
}

bool
build_value(struct build *build, const struct script_line *line, const char *owner,
    const struct setting *row, struct span value, void *object)
{
	char expected[160], shown[SHOWN];
	const char *closest;

	if (setting_parse(row, value, object, build->store, expected)) {
		if (row->moot != NULL)
			build_warn(build, line, "%s%s has no effect: %s", owner, row->name,
			    row->moot);
		else if (!row->ready)
			build_warn(build, line, "%s%s is accepted but not honoured yet", owner,
			    row->name);
		return true;
	}
	if (expected[0] == '\0')
		return build_no_memory(build);
	if (row->secret)
		return build_refuse(build, line, "%s%s: expected %s", owner, row->name,
		    expected);
	closest = closest_word(row, value);
	return build_refuse(build, line, "%s%s: expected %s, got \"%s\"%s%s%s", owner,
	    row->name, expected, log_escape(value, shown, sizeof(shown)),
	    closest != NULL ? ", closest is \"" : "", closest != NULL ? closest : "",
	    closest != NULL ? "\"" : "");
}

/* Where KEY would be right, or NULL. */
static const char *
right_section(enum setting_scope wrong, struct span key)
{
	static const struct {
		enum setting_scope scope;
		const char	*text;
	} places[] = {
		{ SCOPE_GLOBAL, "a setting of [pgbouncer]" },
		{ SCOPE_DATABASE, "a key of entries in [databases]" },
		{ SCOPE_USER, "a key of entries in [users]" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (places[i].scope != wrong && setting_find(places[i].scope, key) != NULL)
			return places[i].text;
	}
	return NULL;
}

bool
build_unknown(struct build *build, const struct script_line *line, const char *owner,
    enum setting_scope scope, struct span key)
{
	const char *what = scope == SCOPE_GLOBAL ? "setting" : "key";
	const char *nearest = setting_nearest(scope, key);
	const char *right = right_section(scope, key);
	char shown[SHOWN];

	log_escape(key, shown, sizeof(shown));
	if (right != NULL)
		return build_refuse(build, line, "%sunknown %s \"%s\", which is %s", owner,
		    what, shown, right);
	if (nearest != NULL)
		return build_refuse(build, line, "%sunknown %s \"%s\", closest is \"%s\"",
		    owner, what, shown, nearest);
	return build_refuse(build, line, "%sunknown %s \"%s\"", owner, what, shown);
}

static struct origin *
origin_of(struct build *build, const struct setting *row)
{
	return &build->conf->inside->origins[setting_index(row)];
}

static bool
put_defaults(struct build *build)
{
	const struct setting *row = NULL;

	while ((row = conf_setting_next(row)) != NULL) {
		if (!setting_reset(row, build->conf, build->store))
			return build_no_memory(build);
	}
	build->conf->verbose = build->plan->verbose;
	if (build->plan->verbose > 0)
		origin_of(build, conf_setting_find(SPAN_LITERAL("verbose")))->kind =
		    ORIGIN_COMMAND;
	return true;
}

/* LINE begins [pgbouncer] once more. PgBouncer would put what was set above it back to its
 * default; whoever writes two of them means both. */
static void
go_on(struct build *build, const struct script_line *line)
{
	const struct setting *row = NULL;
	struct buf names = { 0 };

	while ((row = conf_setting_next(row)) != NULL) {
		if (row->fallback != NULL && row->reload == AT_ONCE &&
		    origin_of(build, row)->kind == ORIGIN_SCRIPT)
			buf_printf(&names, "%s%s", names.len > 0 ? ", " : "", row->name);
	}
	if (names.len > 0)
		build_warn(build, line, "one more [pgbouncer]: what is set above it holds, "
		    "unlike in PgBouncer: %s", buf_text(&names));
	buf_fini(&names);
}

/* Names of other times and systems, which change nothing here. */
static bool
is_retired(struct build *build, const struct script_line *line)
{
	if (strcmp(line->key, "service_name") != 0)
		return false;
	build_warn(build, line, "service_name has no effect: it is for services of Windows");
	return true;
}

static bool
read_settings(struct build *build)
{
	const struct script *script = build->plan->script;
	bool begun = false;

	for (size_t i = 0; i < script->count; i++) {
		const struct script_line *line = &script->lines[i];
		const struct setting *row;

		if (line->section != SECTION_MAIN)
			continue;
		if (line->key == NULL) {
			if (begun)
				go_on(build, line);
			begun = true;
			continue;
		}
		if (is_retired(build, line))
			continue;
		row = conf_setting_find(span_text(line->key));
		if (row == NULL)
			return build_unknown(build, line, "", SCOPE_GLOBAL,
			    span_text(line->key));
		if (!build_value(build, line, "", row, span_text(line->value), build->conf))
			return false;
		*origin_of(build, row) = (struct origin){ .kind = ORIGIN_SCRIPT,
			.file = line->file, .line = line->line };
	}
	return true;
}

/* Apply one SET and keep it for the next build. */
static bool
apply_set(struct build *build, const struct wish *set)
{
	struct conf_inside *inside = build->conf->inside;
	struct script_line nowhere = { .file = "" };
	struct span text = span_text(set->value);
	struct conf scratch;

	if (set->row->reload == RESTART) {
		build_warn(build, &nowhere, "%s stays as it is: only the file and a restart "
		    "change it", set->row->name);
		return build_value(build, &nowhere, "", set->row, text, &scratch);
	}
	if (!build_value(build, &nowhere, "", set->row, text, build->conf))
		return false;
	inside->sets[inside->n_sets].row = set->row;
	inside->sets[inside->n_sets].value = store_text(build->store, text);
	*origin_of(build, set->row) = (struct origin){ .kind = ORIGIN_CONSOLE };
	return inside->sets[inside->n_sets++].value != NULL || build_no_memory(build);
}

/* Apply what was SET on the console. */
static bool
apply_sets(struct build *build)
{
	const struct plan *plan = build->plan;
	struct conf_inside *inside = build->conf->inside;
	bool good = true;

	if (plan->n_sets == 0)
		return true;
	inside->sets = store_new(build->store, plan->n_sets * sizeof(*inside->sets));
	if (inside->sets == NULL)
		return build_no_memory(build);
	for (size_t i = 0; good && i < plan->n_sets; i++) {
		const struct wish *set = &plan->sets[i];

		if (!plan->console && (set->row->fallback != NULL ||
		    origin_of(build, set->row)->kind == ORIGIN_SCRIPT ||
		    origin_of(build, set->row)->kind == ORIGIN_ENVIRONMENT))
			continue;
		build->quiet = !plan->console || i + 1 < plan->n_sets;
		good = apply_set(build, set);
	}
	build->quiet = plan->console;
	return good;
}

/* What the command line says; the name of the file is part of it. */
static bool
apply_command(struct build *build)
{
	const struct plan *plan = build->plan;
	struct conf *conf = build->conf;

	if (plan->user != NULL) {
		conf->user = store_text(build->store, span_text(plan->user));
		if (conf->user == NULL)
			return build_no_memory(build);
		origin_of(build, conf_setting_find(SPAN_LITERAL("user")))->kind =
		    ORIGIN_COMMAND;
	}
	if (conf->conffile == NULL && !plan->no_file) {
		conf->conffile = plan->script->name;
		origin_of(build, conf_setting_find(SPAN_LITERAL("conffile")))->kind =
		    ORIGIN_COMMAND;
	}
	return true;
}

/* Note that ROW should have the value the conf has now. */
static bool
note_pending(struct build *build, const struct setting *row)
{
	struct wish *wish = &build->conf->inside->pending[build->conf->inside->n_pending++];
	struct buf shown = { 0 };
	bool good = true;

	wish->row = row;
	if (setting_show(row, build->conf, &shown)) {
		wish->value = store_text(build->store, span_text(buf_text(&shown)));
		good = wish->value != NULL;
	}
	buf_fini(&shown);
	return good;
}

/* Keep the running value of whatever cannot change without a restart. */
static bool
keep_running(struct build *build)
{
	const struct conf *before = build->plan->before;
	struct conf_inside *inside = build->conf->inside;
	const struct setting *row = NULL;

	if (before == NULL)
		return true;
	inside->pending = store_new(build->store, SETTINGS_MOST * sizeof(struct wish));
	if (inside->pending == NULL)
		return build_no_memory(build);
	while ((row = conf_setting_next(row)) != NULL) {
		struct origin *origin = origin_of(build, row);

		if (row->reload == AT_ONCE || setting_same(row, before, build->conf))
			continue;
		if (!note_pending(build, row) ||
		    !setting_copy(row, before, build->conf, build->store))
			return build_no_memory(build);
		*origin = before->inside->origins[setting_index(row)];
		if (origin->file != NULL)
			origin->file = store_text(build->store, span_text(origin->file));
	}
	return true;
}

/*
 * Is there no auth file, and was there none before? It may come later; until then it knows
 * nobody. A file that goes away is a fault.
 */
static bool
is_still_missing(struct build *build)
{
	const struct conf *before = build->plan->before;
	const char *file = build->conf->auth_file;

	if (access(file, F_OK) == 0 || errno != ENOENT)
		return false;
	if (before != NULL && (before->inside->users != NULL || before->auth_file == NULL ||
	    strcmp(before->auth_file, file) != 0))
		return false;
	build_warn(build, NULL, "auth_file %s: there is no such file, so it knows no users",
	    file);
	return true;
}

/* Find the auth file's users: those at hand if it is the same file, else read it. */
static bool
read_users(struct build *build)
{
	const struct conf *conf = build->conf;
	const struct plan *plan = build->plan;
	struct users *users;

	if (conf->auth_file == NULL || conf->auth_file[0] == '\0' ||
	    conf->auth_type == AUTH_TYPE_ANY || conf->auth_type == AUTH_TYPE_PAM)
		return true;
	if (is_still_missing(build))
		return true;
	if (plan->users != NULL && strcmp(conf->auth_file, plan->users_file) == 0)
		users = users_hold(plan->users);
	else
		users = users_load(conf->auth_file, build->err);
	if (users == NULL)
		return false;
	conf->inside->users = users;
	if (users->repeats > 0)
		build_warn(build, NULL, "%s:%u: a user is given once more, the last line "
		    "counts (%u such lines)", conf->auth_file, users->repeat_line,
		    users->repeats);
	return true;
}

static struct conf *
conf_new(const struct plan *plan)
{
	struct conf *conf = mem_new(sizeof(*conf));

	if (conf == NULL)
		return NULL;
	conf->inside = mem_new(sizeof(*conf->inside));
	if (conf->inside == NULL) {
		mem_free(conf);
		return NULL;
	}
	atomic_init(&conf->inside->holders, 1);
	conf->inside->script = script_hold(plan->script);
	conf->inside->verbose = plan->verbose;
	conf->inside->environment = plan->environment;
	return conf;
}

struct conf *
conf_build(const struct plan *plan, struct err *err)
{
	struct build build = { .plan = plan, .conf = conf_new(plan), .err = err,
		.quiet = plan->console };

	if (build.conf == NULL) {
		build_no_memory(&build);
		return NULL;
	}
	build.store = &build.conf->inside->store;
	if (put_defaults(&build) && read_settings(&build) && env_apply(&build) &&
	    apply_sets(&build) && apply_command(&build) && keep_running(&build) && entries_read(&build) &&
	    read_users(&build) && build_hba(&build) && build_peer_secrets(&build) &&
	    entries_join_users(&build) && (plan->console || conf_check(&build)))
		return build.conf;
	conf_drop(build.conf);
	return NULL;
}
