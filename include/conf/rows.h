/*
 * rows.h - how a row of a set_*.c is written: name and place in one word, checked
 * against the type its kind needs.
 */
#ifndef CONF_ROWS_H
#define CONF_ROWS_H

#include "conf/conf.h"
#include "conf/settings.h"

/* Offset of MEMBER in STRUCT; does not compile unless the member is a TYPE. */
#define PLACE_OF(struct_, type, member)                                              \
	(offsetof(struct_, member) +                                                 \
	    0 * sizeof(char[__builtin_types_compatible_p(type,                       \
		__typeof__(((struct_ *)0)->member)) ? 1 : -1]))

/* A row of any scope: KEY is its name, MEMBER of TYPE in STRUCT its place. */
#define ROW(scope_, struct_, kind_, type, key, member)                               \
	.name = key, .scope = scope_, .kind = kind_,                                 \
	.field = PLACE_OF(struct_, type, member)

/* Rows of struct conf: the field has the setting's name. DEF is the default's text. */
#define GLOBAL(kind_, type, name_, def)                                              \
	ROW(SCOPE_GLOBAL, struct conf, kind_, type, #name_, name_), .fallback = def
#define COUNT(name_, def) GLOBAL(KIND_COUNT, uint32_t, name_, def)
#define BOOL(name_, def) GLOBAL(KIND_BOOL, bool, name_, def)
#define TIME(name_, def) GLOBAL(KIND_TIME, usec_t, name_, def)
#define SECONDS(name_, def) GLOBAL(KIND_SECONDS, usec_t, name_, def)
#define TEXT(name_, def) GLOBAL(KIND_TEXT, const char *, name_, def)
#define LIST(name_, def) GLOBAL(KIND_LIST, const char *, name_, def)
#define PATH(name_, def) GLOBAL(KIND_PATH, const char *, name_, def)
#define ENUM(name_, type, words_, def)                                               \
	GLOBAL(KIND_ENUM, type, name_, def), .words = words_

/* Words of enums that more than one table uses; NULL-terminated, in the enum's order. */
extern const char *const pool_mode_words[];

/* A .check: is VALUE something else than the name of the console's database? */
bool is_not_console(struct span value, const char **expected);

#endif
