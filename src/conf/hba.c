/*
 * hba.c - the life of a set of rules: read, held, dropped. Taking lines apart is
 * hba_record.c's business, understanding them hba_rule.c's, who matches hba_match.c's.
 */
#include "conf/hba.h"

#include <stdio.h>

#include "base/mem.h"
#include "conf/file.h"
#include "conf/hba_private.h"
#include "conf/ident.h"

#define MESSAGE_BYTES 512

/* Add a warning about RULE. */
static bool
warn(struct hba_reader *reader, const struct hba_rule *rule, const char *what)
{
	struct hba_work *work = reader->arg;
	char text[MESSAGE_BYTES];
	const char *kept;

	snprintf(text, sizeof(text), "%s:%u: %s", rule->file, rule->line, what);
	kept = store_text(reader->store, span_text(text));
	buf_put(&work->warnings, &kept, sizeof(kept));
	return (kept != NULL && !work->warnings.failed) || hba_no_memory(reader);
}

/* The rule above that names the same host as RULE, or NULL. */
static const struct hba_rule *
same_host(const struct hba_work *work, const struct hba_rule *rule)
{
	const struct hba_rule *rules = (const struct hba_rule *)(void *)work->rules.at;

	for (size_t i = work->rules.len / sizeof(*rules); i-- > 0;) {
		if (rules[i].is_host && strcmp(rules[i].address, rule->address) == 0)
			return &rules[i];
	}
	return NULL;
}

/* Nobody knows RULE's host: it matches nobody, which must not happen to a refusal. */
static bool
miss_host(struct hba_reader *reader, const struct hba_record *record,
    const struct hba_rule *rule, const char *why)
{
	char text[MESSAGE_BYTES];

	if (rule->method == HBA_REJECT)
		return hba_refuse(reader, record, "address: cannot find host \"%s\" (%s), so "
		    "nobody would be rejected: expected addresses or a name that is known",
		    rule->address, why);
	snprintf(text, sizeof(text), "cannot find host \"%s\" (%s): the line matches nobody "
	    "until a reload finds it", rule->address, why);
	return warn(reader, rule, text);
}

/* Find the addresses of the host that RULE names. */
static bool
find_host(struct hba_reader *reader, const struct hba_record *record,
    struct hba_rule *rule)
{
	const struct hba_rule *before = same_host(reader->arg, rule);
	const struct hba_world *world = reader->world;
	struct buf found = { 0 };
	const char *why = "no address";
	bool good;

	if (before != NULL && (before->n_nets > 0 || rule->method != HBA_REJECT)) {
		rule->nets = before->nets;
		rule->n_nets = before->n_nets;
		return true;
	}
	good = world->host(world->arg, rule->address, &found, &why);
	if (good && !found.failed && found.len > 0) {
		rule->nets = hba_keep(reader, &found);
		rule->n_nets = found.len / sizeof(struct hba_net);
		good = rule->nets != NULL || hba_no_memory(reader);
	} else {
		good = found.failed ? hba_no_memory(reader) :
				      miss_host(reader, record, rule, why);
	}
	buf_fini(&found);
	return good;
}

/* Take one line. */
static bool
take_rule(struct hba_reader *reader, const struct hba_record *record)
{
	struct hba_work *work = reader->arg;
	struct hba_draft draft;

	if (!hba_rule_read(reader, record, &draft))
		return false;
	if (draft.gssenc)
		return warn(reader, &draft.rule, "hostgssenc never matches, as connections "
		    "are never encrypted by GSSAPI: the line is left out");
	if (draft.rule.map != NULL && !ident_has(work->hba->ident, draft.rule.map))
		return hba_refuse(reader, record, "map: expected one that auth_ident_file "
		    "has, got \"%s\"%s", draft.rule.map,
		    work->hba->ident == NULL ? ", and no auth_ident_file is set" : "");
	if (draft.rule.is_host && !find_host(reader, record, &draft.rule))
		return false;
	buf_put(&work->rules, &draft.rule, sizeof(draft.rule));
	return !work->rules.failed || hba_no_memory(reader);
}

/* Let the hba have the rules and warnings that were made. */
static bool
settle(struct hba_reader *reader, const char *file)
{
	struct hba_work *work = reader->arg;
	struct hba *hba = work->hba;

	if (work->rules.len == 0)
		return err_set(reader->err, SQLSTATE_CONFIG,
		    "%s: expected at least one rule, found none: nobody could log in", file);
	hba->rules = hba_keep(reader, &work->rules);
	hba->count = work->rules.len / sizeof(*hba->rules);
	hba->warnings = hba_keep(reader, &work->warnings);
	hba->n_warnings = work->warnings.len / sizeof(*hba->warnings);
	return (hba->rules != NULL && hba->warnings != NULL) || hba_no_memory(reader);
}

/* Empty, held once, with IDENT; NULL: no memory, IDENT is gone. */
static struct hba *
hba_new(struct ident *ident)
{
	struct hba *hba = mem_new(sizeof(*hba));

	if (hba != NULL)
		hba->inside = mem_new(sizeof(*hba->inside));
	if (hba == NULL || hba->inside == NULL) {
		mem_free(hba);
		ident_free(ident);
		return NULL;
	}
	atomic_init(&hba->inside->holders, 1);
	hba->ident = ident;
	return hba;
}

struct hba *
hba_read(struct span text, const char *file, struct ident *ident,
    const struct hba_world *world, struct err *err)
{
	struct hba_work work = { .hba = hba_new(ident) };
	struct hba_reader reader = { .world = world, .err = err, .record = take_rule,
		.arg = &work };
	bool good;

	if (work.hba == NULL) {
		err_set(err, SQLSTATE_NO_MEMORY, "out of memory");
		return NULL;
	}
	reader.store = &work.hba->inside->store;
	good = hba_records(&reader, text, file) && settle(&reader, file);
	buf_fini(&work.rules);
	buf_fini(&work.warnings);
	if (good)
		return work.hba;
	hba_drop(work.hba);
	return NULL;
}

/* A file of the real world, whose name is noted in the buf ARG. */
static bool
note_file(void *arg, const char *file, struct buf *out, bool *missing, struct err *err)
{
	buf_put(arg, file, strlen(file) + 1);
	return hba_real_world.file(hba_real_world.arg, file, out, missing, err);
}

static bool
note_folder(void *arg, const char *folder, struct buf *out, const char **why)
{
	buf_put(arg, folder, strlen(folder) + 1);
	return hba_real_world.folder(hba_real_world.arg, folder, out, why);
}

/* Read the maps in FILE to *IDENT, which stays NULL if there is no such setting. */
static bool
load_ident(const char *file, const struct hba_world *world, struct ident **ident,
    struct err *err)
{
	struct buf text = { 0 };

	*ident = NULL;
	if (file == NULL || file[0] == '\0')
		return true;
	if (file_read(file, &text, err))
		*ident = ident_read(buf_span(&text), file, world, err);
	buf_fini(&text);
	return *ident != NULL;
}

/* Keep the names of FILES with HBA, or drop it. */
static struct hba *
with_files(struct hba *hba, struct buf *files, struct err *err)
{
	char *kept;

	if (hba == NULL || files->len == 0)
		return hba;
	kept = files->failed ? NULL : store_new(&hba->inside->store, files->len);
	if (kept == NULL) {
		err_set(err, SQLSTATE_NO_MEMORY, "out of memory");
		hba_drop(hba);
		return NULL;
	}
	memcpy(kept, files->at, files->len);
	hba->files = span_of(kept, files->len);
	return hba;
}

struct hba *
hba_load(const char *hba_file, const char *ident_file, struct err *err)
{
	struct buf text = { 0 }, files = { 0 };
	struct hba_world world = hba_real_world;
	struct hba *hba = NULL;
	struct ident *ident;

	world.arg = &files;
	world.file = note_file;
	world.folder = note_folder;
	if (load_ident(ident_file, &world, &ident, err)) {
		if (file_read(hba_file, &text, err))
			hba = hba_read(buf_span(&text), hba_file, ident, &world, err);
		else
			ident_free(ident);
	}
	file_forget(&text);
	hba = with_files(hba, &files, err);
	buf_fini(&files);
	return hba;
}

struct hba *
hba_hold(struct hba *hba)
{
	atomic_fetch_add_explicit(&hba->inside->holders, 1, memory_order_relaxed);
	return hba;
}

void
hba_drop(struct hba *hba)
{
	if (hba == NULL)
		return;
	if (atomic_fetch_sub_explicit(&hba->inside->holders, 1, memory_order_acq_rel) != 1)
		return;
	ident_free(hba->ident);
	store_fini(&hba->inside->store);
	mem_free(hba->inside);
	mem_free(hba);
}
