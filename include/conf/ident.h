/*
 * ident.h - which users of a system may log in as which users of a database: the maps
 * of pg_ident.conf.
 */
#ifndef CONF_IDENT_H
#define CONF_IDENT_H

#include "base/err.h"
#include "base/port.h"
#include "base/span.h"

struct hba_world;

/* Longest name of a system user that a regular expression is tried on, in bytes. */
#define IDENT_SUBJECT_MOST 256

/* All lines of a file and of those it includes; immutable. */
struct ident;

/*
 * Read TEXT, whose name is FILE. NULL and ERR with "FILE:LINE: ..." at the first bad
 * line. WORLD as in hba_read().
 */
struct ident *ident_read(struct span text, const char *file,
    const struct hba_world *world, struct err *err);
/* NULL does nothing. */
void ident_free(struct ident *ident);

/* Have A and B (either may be NULL) the same lines? */
bool ident_same(const struct ident *a, const struct ident *b);
/* Is there a line for MAP? IDENT may be NULL: there is none. */
bool ident_has(const struct ident *ident, const char *map);
/* May SYSTEM_USER log in as DATABASE_USER by MAP? IDENT may be NULL: nobody may. */
bool ident_maps(const struct ident *ident, const char *map, struct span system_user,
    struct span database_user);

#endif
