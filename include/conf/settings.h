/*
 * settings.h - the table of settings: one row a setting, read by the parser, SHOW
 * CONFIG, SET, RELOAD's answer, the manual and the sample file alike.
 *
 * Rows live in set_*.c. Values live in struct conf, conf_database, conf_user and
 * conf_peer (conf.h); a row knows the place of its value in the struct of its scope.
 */
#ifndef CONF_SETTINGS_H
#define CONF_SETTINGS_H

#include "base/buf.h"
#include "base/port.h"
#include "base/span.h"

struct store;

/* How a value is written, and the C type it is kept in. */
enum setting_kind {
	KIND_COUNT,	/* whole number (decimal, 0x, leading 0)	uint32_t */
	KIND_BOOL,	/* 0 or 1					bool */
	KIND_TIME,	/* seconds, fractions allowed			usec_t */
	KIND_SECONDS,	/* whole seconds				usec_t */
	KIND_ENUM,	/* one of .words, any case			an enum: position in .words */
	KIND_TEXT,	/* as it is					const char *, NULL when unset */
	KIND_LIST,	/* words split on commas and blanks		const char *, as written */
	KIND_PATH,	/* a file or folder				const char * */
};

/* Where a row's value is kept: its .field is an offset in that struct. */
enum setting_scope {
	SCOPE_GLOBAL,	/* [pgbouncer]: struct conf */
	SCOPE_DATABASE,	/* a key of an entry of [databases]: struct conf_database */
	SCOPE_USER,	/* a key of an entry of [users]: struct conf_user */
	SCOPE_PEER,	/* a key of an entry of [peers]: struct conf_peer */
};

/* When a changed value takes effect. */
enum setting_reload { AT_ONCE, RESTART };

/* Which numbers mean "not given". */
enum setting_unset { UNSET_NEVER, UNSET_NEGATIVE, UNSET_NOT_POSITIVE };

/* What a number, time or enum holds when it is not given (database, user, peer keys). */
#define COUNT_UNSET UINT32_MAX
#define USEC_UNSET UINT64_MAX
#define ENUM_UNSET (-1)

struct setting {
	const char	*name;
	const char	*fallback;	/* default as one would write it; NULL: unset */
	const char	*text;		/* what it does; sentences, full stops */
	const char	*moot;		/* why it changes nothing here; NULL: it does */
	const char *const *words;	/* KIND_ENUM: NULL-terminated, in the enum's order */
	int64_t		 least, most;	/* numbers, and times in seconds; most 0: the kind's own */
	/* more than the kind can see: false and *EXPECTED ("a list of ...") if VALUE is bad */
	bool		(*check)(struct span value, const char **expected);
	uint16_t	 field;		/* offset in the scope's struct */
	enum setting_kind kind;
	enum setting_scope scope;
	enum setting_reload reload;
	enum setting_unset unset;
	bool		 ready;		/* pgweir honours it already */
	bool		 secret;	/* its value is never shown */
	bool		 source;	/* KIND_PATH: a file that a reload reads anew */
};

/* Most rows a scope may have, for arrays beside the rows. */
#define SETTINGS_MOST 256

/* The global setting NAME (exact case), or NULL. */
const struct setting *conf_setting_find(struct span name);
/* Walk the global settings in ASCII order of names: the first (AFTER NULL), the next,
 * NULL at the end. */
const struct setting *conf_setting_next(const struct setting *after);

/* The same for any scope. */
const struct setting *setting_find(enum setting_scope scope, struct span name);
const struct setting *setting_next(enum setting_scope scope, const struct setting *after);
/* The name in SCOPE closest to NAME, or NULL if none is near. */
const char *setting_nearest(enum setting_scope scope, struct span name);
/* A number for ROW below SETTINGS_MOST, different from those of the rest of its scope. */
unsigned setting_index(const struct setting *row);

/*
 * Parse VALUE into OBJECT (the struct of ROW's scope). Texts are copied into STORE.
 * False: OBJECT is unchanged and EXPECTED (160 bytes) says what was expected, or is
 * "" when memory ran out.
 */
bool setting_parse(const struct setting *row, struct span value, void *object,
    struct store *store, char *expected);
/* Put the default into OBJECT. False: no memory. */
bool setting_reset(const struct setting *row, void *object, struct store *store);
/* Copy ROW's value from FROM to OBJECT. False: no memory. */
bool setting_copy(const struct setting *row, const void *from, void *object,
    struct store *store);
/* Append the value of OBJECT as SHOW prints it; false (nothing appended) when unset.
 * Secrets are stars. */
bool setting_show(const struct setting *row, const void *object, struct buf *out);
/* Have A and B (structs of ROW's scope) the same value? */
bool setting_same(const struct setting *row, const void *a, const void *b);

/* TLS versions as bits, see tls_versions(). */
enum { TLS_1_0 = 1, TLS_1_1 = 2, TLS_1_2 = 4, TLS_1_3 = 8 };
/* Parse a value of client_tls_protocols or server_tls_protocols into *VERSIONS; "" is
 * the default (1.2 and 1.3). */
bool tls_versions(struct span value, unsigned *versions);

/* The tables, one a set_*.c. */
struct setting_table {
	const struct setting *rows;
	size_t		 count;
};
extern const struct setting_table pool_settings, auth_settings, tls_settings,
    net_settings, log_settings, budget_settings, drain_settings, web_settings, database_settings,
    user_settings, peer_settings;

#endif
