/*
 * entry.c - the entries of [databases], [users] and [peers].
 *
 * Entries are read in the order of the file, so that the first fault is told first, and
 * kept in the order of their names. Of two entries of one name the later one counts.
 */
#include "conf/entry.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "conf/connstr.h"
#include "conf/file.h"

#define DATABASE_NAME_MOST 63	/* bytes, NAMEDATALEN - 1 of PostgreSQL */
#define OWNER_BYTES 160

/* "database app: " for messages; OUT holds OWNER_BYTES. */
static const char *
owner_text(const char *what, const char *name, char *out)
{
	char shown[64];

	snprintf(out, OWNER_BYTES, "%s %s: ", what,
	    log_escape(span_text(name), shown, sizeof(shown)));
	return out;
}

/* Put the defaults of SCOPE into OBJECT. */
static bool
put_defaults(struct build *build, enum setting_scope scope, void *object)
{
	const struct setting *row = NULL;

	while ((row = setting_next(scope, row)) != NULL) {
		if (!setting_reset(row, object, build->store))
			return build_no_memory(build);
	}
	return true;
}

/* Read the pairs of LINE into OBJECT, the struct of SCOPE. */
static bool
read_pairs(struct build *build, const struct script_line *line, const char *owner,
    enum setting_scope scope, void *object)
{
	struct span rest = span_text(line->value), key;
	struct buf value = { 0 };
	const char *what = "";
	enum connstr_step step;
	bool good = put_defaults(build, scope, object);

	while (good && (step = connstr_next(&rest, &key, &value, &what)) != CONNSTR_END) {
		const struct setting *row = NULL;

		if (step == CONNSTR_PAIR)
			row = setting_find(scope, key);
		if (value.failed)
			good = build_no_memory(build);
		else if (step == CONNSTR_BAD)
			good = build_refuse(build, line, "%sexpected %s, in character %zu",
			    owner, what, strlen(line->value) - rest.len + 1);
		else if (row == NULL)
			good = build_unknown(build, line, owner, scope, key);
		else
			good = build_value(build, line, owner, row, buf_span(&value), object);
	}
	file_forget(&value);
	return good;
}

static enum conf_host_kind
host_kind(struct span text)
{
	if (span_starts(text, "/"))
		return HOST_UNIX;
	return span_starts(text, "@") ? HOST_ABSTRACT : HOST_NAME;
}

/* Parse one TEXT of a list of hosts. */
static bool
host_parse(struct build *build, const struct script_line *line, const char *owner,
    struct span text, uint16_t port, struct conf_host *host)
{
	char shown[64];

	host->port = port;
	host->kind = host_kind(text);
	host->text = store_text(build->store, text);
	if (host->text == NULL)
		return build_no_memory(build);
	if (host->kind == HOST_NAME && addr_parse_ip(&host->addr, text, port)) {
		host->kind = HOST_IP;
		return true;
	}
	if (text.len == 0)
		return build_refuse(build, line, "%shost: expected a name between commas, "
		    "got none", owner);
	if (host->kind == HOST_NAME && memchr(text.at, ':', text.len) != NULL)
		return build_refuse(build, line, "%shost: expected a name or an address, "
		    "with the port in port=, got \"%s\"", owner,
		    log_escape(text, shown, sizeof(shown)));
	return true;
}

bool
entry_hosts(struct build *build, const struct script_line *line,
    struct conf_database *db)
{
	const char *list = db->host != NULL ? db->host : build->conf->unix_socket_dir;
	struct span rest, text;
	char owner[OWNER_BYTES];
	size_t most = 1;

	owner_text("database", db->name, owner);
	/* an entry that nobody may use yet: it leads to a folder where no socket is */
	if (db->host == NULL && list[0] == '\0') {
		build_warn(build, line, "%sexpected host=, as unix_socket_dir is empty: its "
		    "servers cannot be found", owner);
		list = "/";
	}
	rest = span_text(list);
	for (size_t i = 0; i < rest.len; i++)
		most += rest.at[i] == ',';
	db->hosts = store_new(build->store, most * sizeof(*db->hosts));
	if (db->hosts == NULL)
		return build_no_memory(build);
	/* a folder of our own socket may have a comma in its name */
	if (db->host == NULL) {
		db->n_hosts = 1;
		return host_parse(build, line, owner, rest, (uint16_t)db->port, db->hosts);
	}
	while (span_cut(&rest, ",", &text)) {
		if (!host_parse(build, line, owner, text, (uint16_t)db->port,
			&db->hosts[db->n_hosts++]))
			return false;
	}
	return true;
}

static bool
read_database(struct build *build, const struct script_line *line, void *object)
{
	struct conf_database *db = object;
	char owner[OWNER_BYTES];

	db->name = line->key;
	owner_text("database", db->name, owner);
	if (strlen(db->name) > DATABASE_NAME_MOST)
		return build_refuse(build, line, "%sexpected a name of at most %d bytes, got "
		    "%zu", owner, DATABASE_NAME_MOST, strlen(db->name));
	if (conf_is_console(span_text(db->name)))
		return build_refuse(build, line, "%sexpected another name, this one is the "
		    "console's", owner);
	if (!read_pairs(build, line, owner, SCOPE_DATABASE, db))
		return false;
	if (db->dbname == NULL && strcmp(db->name, "*") != 0)
		db->dbname = db->name;
	return entry_hosts(build, line, db);
}

static bool
read_user(struct build *build, const struct script_line *line, void *object)
{
	struct conf_user *user = object;
	char owner[OWNER_BYTES];

	user->name = line->key;
	owner_text("user", user->name, owner);
	if (strlen(user->name) > USER_NAME_MOST)
		return build_refuse(build, line, "%sexpected a name of at most %d bytes, got "
		    "%zu", owner, USER_NAME_MOST, strlen(user->name));
	return read_pairs(build, line, owner, SCOPE_USER, user);
}

static bool
read_peer(struct build *build, const struct script_line *line, void *object)
{
	struct conf_peer *peer = object;
	char owner[OWNER_BYTES];
	int64_t id;

	owner_text("peer", line->key, owner);
	if (!text_int(span_text(line->key), &id) || id < 1 || id > UINT16_MAX)
		return build_refuse(build, line, "%sexpected a number from 1 to 65535", owner);
	peer->id = (uint16_t)id;
	if (!read_pairs(build, line, owner, SCOPE_PEER, peer))
		return false;
	if (peer->host == NULL)
		return build_refuse(build, line, "%sexpected host=", owner);
	return true;
}

static int
database_order(const void *a, const void *b)
{
	const struct conf_database *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int
user_order(const void *a, const void *b)
{
	const struct conf_user *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int
peer_order(const void *a, const void *b)
{
	const struct conf_peer *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

/* Pointers to entries: by name, then by their order in the file. */
#define POINTER_ORDER(noun)                                                          \
	static int noun##_pointer_order(const void *a, const void *b)                \
	{                                                                            \
		const char *x = *(const char *const *)a, *y = *(const char *const *)b; \
		int order = noun##_order(x, y);                                      \
                                                                                     \
		return order != 0 ? order : (x > y) - (x < y);                       \
	}
POINTER_ORDER(database)
POINTER_ORDER(user)
POINTER_ORDER(peer)

/*
 * Move ITEMS, COUNT of SIZE bytes, to the store in order, of equal ones the last; *KEPT
 * of them. NULL: no memory.
 */
static void *
settle(struct build *build, char *items, size_t count, size_t size,
    int (*order)(const void *, const void *),
    int (*pointer_order)(const void *, const void *), size_t *kept)
{
	const char **sorted = mem_new((count + 1) * sizeof(*sorted));
	char *settled = store_new(build->store, (count + 1) * size);

	*kept = 0;
	if (sorted == NULL || settled == NULL) {
		mem_free(sorted);
		return NULL;
	}
	for (size_t i = 0; i < count; i++)
		sorted[i] = items + i * size;
	if (count > 0)
		qsort(sorted, count, sizeof(*sorted), pointer_order);
	for (size_t i = 0; i < count; i++) {
		bool last = i + 1 == count || order(sorted[i], sorted[i + 1]) != 0;

		if (last)
			memcpy(settled + (*kept)++ * size, sorted[i], size);
	}
	mem_free(sorted);
	return settled;
}

/* How one section is read. */
struct section {
	enum script_section section;
	const char	*name;
	size_t		 size;		/* of an entry */
	bool		(*read)(struct build *, const struct script_line *, void *object);
	int		(*order)(const void *, const void *);
	int		(*pointer_order)(const void *, const void *);
};

/* Read the entries of SECTION; *SETTLED gets *COUNT of them. */
static bool
read_section(struct build *build, const struct section *section, void **settled,
    size_t *count)
{
	const struct script *script = build->plan->script;
	size_t lines = 0, n = 0;
	bool good = true;
	char *items;

	for (size_t i = 0; i < script->count; i++)
		lines += script->lines[i].section == section->section;
	items = mem_new((lines + 1) * section->size);
	if (items == NULL)
		return build_no_memory(build);
	for (size_t i = 0; good && i < script->count; i++) {
		const struct script_line *line = &script->lines[i];

		if (line->section == section->section && line->key != NULL)
			good = section->read(build, line, items + n++ * section->size);
	}
	if (good) {
		*settled = settle(build, items, n, section->size, section->order,
		    section->pointer_order, count);
		good = *settled != NULL || build_no_memory(build);
	}
	if (good && *count < n)
		build_warn(build, NULL, "%s: %zu entries are given again further down, the "
		    "last ones count", section->name, n - *count);
	mem_free(items);
	return good;
}

/* Take the template out of the databases. */
static void
part_template(struct conf *conf)
{
	for (size_t i = 0; i < conf->n_databases; i++) {
		struct conf_database *db = &conf->databases[i];
		struct conf_database template = *db;

		if (strcmp(db->name, "*") != 0)
			continue;
		memmove(db, db + 1, (conf->n_databases - i - 1) * sizeof(*db));
		conf->n_databases--;
		conf->databases[conf->n_databases] = template;
		conf->template_database = &conf->databases[conf->n_databases];
		return;
	}
}

bool
entries_read(struct build *build)
{
	static const struct section databases = { SECTION_DATABASES, "[databases]",
		sizeof(struct conf_database), read_database, database_order,
		database_pointer_order };
	static const struct section users = { SECTION_USERS, "[users]",
		sizeof(struct conf_user), read_user, user_order, user_pointer_order };
	static const struct section peers = { SECTION_PEERS, "[peers]",
		sizeof(struct conf_peer), read_peer, peer_order, peer_pointer_order };
	struct conf *conf = build->conf;
	void *settled = NULL;

	if (!read_section(build, &databases, &settled, &conf->n_databases))
		return false;
	conf->databases = settled;
	part_template(conf);
	if (!read_section(build, &users, &settled, &conf->n_users))
		return false;
	conf->users = settled;
	if (!read_section(build, &peers, &settled, &conf->n_peers))
		return false;
	conf->peers = settled;
	return true;
}

bool
entries_join_users(struct build *build)
{
	const struct users *known = build->conf->inside->users;
	const struct conf_user *given = build->conf->users;
	size_t n_given = build->conf->n_users, n = 0, i = 0, j = 0;
	struct conf_user *joined, none = { 0 };

	if (known == NULL || known->count == 0)
		return true;
	if (!put_defaults(build, SCOPE_USER, &none))
		return false;
	joined = store_new(build->store, (known->count + n_given) * sizeof(*joined));
	if (joined == NULL)
		return build_no_memory(build);
	while (i < known->count || j < n_given) {
		int order = i == known->count ? 1 : j == n_given ? -1 :
		    strcmp(known->entries[i].name, given[j].name);

		joined[n] = order < 0 ? none : given[j];
		if (order <= 0) {
			joined[n].name = known->entries[i].name;
			joined[n].secret = known->entries[i].secret;
			i++;
		}
		if (order >= 0)
			j++;
		n++;
	}
	build->conf->users = joined;
	build->conf->n_users = n;
	return true;
}
