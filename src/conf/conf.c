/*
 * conf.c - the life of a conf: asked for, held, dropped.
 *
 * How it is made from a script is build.c's business.
 */
#include "conf/conf.h"

#include "base/mem.h"
#include "conf/build.h"
#include "conf/hba.h"
#include "conf/url.h"

/* Build from SCRIPT, which is the caller's, as OVERRIDES say. */
static struct conf *
build_with(struct script *script, const struct conf_override *overrides, bool no_file,
    struct err *err)
{
	struct plan plan = { .script = script, .no_file = no_file };

	if (overrides != NULL) {
		plan.user = overrides->user;
		plan.verbose = overrides->verbose;
		plan.environment = overrides->environment;
		plan.before = overrides->before;
	}
	if (plan.before != NULL) {
		plan.sets = plan.before->inside->sets;
		plan.n_sets = plan.before->inside->n_sets;
	}
	return conf_build(&plan, err);
}

struct conf *
conf_load(const char *file, const struct conf_override *overrides, struct err *err)
{
	struct script *script = script_load(file, err);
	struct conf *conf = NULL;

	if (script != NULL)
		conf = build_with(script, overrides, false, err);
	script_drop(script);
	return conf;
}

struct conf *
conf_parse(struct span text, const char *name, const struct conf_override *overrides,
    struct err *err)
{
	struct script *script = script_read(text, name, err);
	struct conf *conf = NULL;

	if (script != NULL)
		conf = build_with(script, overrides, false, err);
	script_drop(script);
	return conf;
}

struct conf *
conf_from_url(const char *url, const struct conf_override *overrides, struct err *err)
{
	struct script *script = url_script(url, err);
	struct conf *conf = NULL;

	if (script != NULL)
		conf = build_with(script, overrides, true, err);
	script_drop(script);
	return conf;
}

/* The settings SET in CONF, with ROW = VALUE as the last; the caller frees. NULL: no
 * memory. */
static struct wish *
sets_with(const struct conf *conf, const struct setting *row, const char *value,
    size_t *n)
{
	const struct conf_inside *inside = conf->inside;
	struct wish *sets = mem_new((inside->n_sets + 1) * sizeof(*sets));

	*n = 0;
	if (sets == NULL)
		return NULL;
	for (size_t i = 0; i < inside->n_sets; i++) {
		if (inside->sets[i].row != row)
			sets[(*n)++] = inside->sets[i];
	}
	sets[(*n)++] = (struct wish){ row, value };
	return sets;
}

/* CONF with ROW set to VALUE. */
static struct conf *
build_set(const struct conf *conf, const struct setting *row, const char *value,
    struct err *err)
{
	struct plan plan = { .script = conf->inside->script, .users = conf->inside->users,
		.users_file = conf->auth_file, .verbose = conf->inside->verbose,
		.environment = conf->inside->environment, .before = conf, .console = true, .no_file = conf->conffile == NULL };
	struct wish *sets = sets_with(conf, row, value, &plan.n_sets);
	struct conf *changed;

	if (sets == NULL) {
		err_set(err, SQLSTATE_NO_MEMORY, "out of memory");
		return NULL;
	}
	plan.sets = sets;
	changed = conf_build(&plan, err);
	mem_free(sets);
	return changed;
}

struct conf *
conf_set(const struct conf *conf, struct span key, struct span value, struct err *err)
{
	const struct setting *row = conf_setting_find(key);
	struct build nowhere = { .err = err };
	struct script_line line = { .file = "" };
	struct conf *changed;
	char *text;

	if (row == NULL) {
		build_unknown(&nowhere, &line, "", SCOPE_GLOBAL, key);
		return NULL;
	}
	if (value.len > 0 && memchr(value.at, '\0', value.len) != NULL) {
		err_set(err, SQLSTATE_CONFIG, "%s: expected text without zero bytes",
		    row->name);
		return NULL;
	}
	text = mem_copy_text(value.at, value.len);
	if (text == NULL) {
		err_set(err, SQLSTATE_NO_MEMORY, "out of memory");
		return NULL;
	}
	changed = build_set(conf, row, text, err);
	mem_wipe(text, value.len);
	mem_free(text);
	return changed;
}

struct conf *
conf_hold(struct conf *conf)
{
	atomic_fetch_add_explicit(&conf->inside->holders, 1, memory_order_relaxed);
	return conf;
}

void
conf_drop(struct conf *conf)
{
	struct conf_inside *inside;

	if (conf == NULL)
		return;
	inside = conf->inside;
	if (atomic_fetch_sub_explicit(&inside->holders, 1, memory_order_acq_rel) != 1)
		return;
	users_drop(inside->users);
	hba_drop(conf->hba);
	script_drop(inside->script);
	store_fini(&inside->store);
	mem_free(conf->warnings);
	mem_free(inside);
	mem_free(conf);
}
