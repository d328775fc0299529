/*
 * entry.h - the entries of [databases], [users] and [peers].
 */
#ifndef CONF_ENTRY_H
#define CONF_ENTRY_H

#include "conf/build.h"

/* Read the entries of the script into the conf, sorted; globals are there already. */
bool entries_read(struct build *build);
/* Put the auth file's secrets beside what [users] says. */
bool entries_join_users(struct build *build);
/* Parse the hosts of DB, whose host and port are set. */
bool entry_hosts(struct build *build, const struct script_line *line,
    struct conf_database *db);

#endif
