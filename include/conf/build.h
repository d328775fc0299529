/*
 * build.h - from a script to a conf: the plan, the work in progress, and what a conf
 * keeps for the next build.
 */
#ifndef CONF_BUILD_H
#define CONF_BUILD_H

#include <stdatomic.h>

#include "conf/conf.h"
#include "conf/script.h"
#include "conf/store.h"
#include "conf/users.h"

/* Where the value of a setting comes from. */
enum origin_kind {
	ORIGIN_DEFAULT,
	ORIGIN_SCRIPT,
	ORIGIN_ENVIRONMENT,
	ORIGIN_CONSOLE,
	ORIGIN_COMMAND,
};

struct origin {
	enum origin_kind kind;
	const char	*file;		/* ORIGIN_SCRIPT; of the script or the store */
	unsigned	 line;		/* 0: no file */
};

/* A setting and a value as text. */
struct wish {
	const struct setting *row;
	const char	*value;		/* NULL: unset */
};

/* What a conf keeps to itself. */
struct conf_inside {
	atomic_uint	 holders;
	struct store	 store;		/* all texts and entries, but those of the next two */
	struct script	*script;	/* held */
	struct users	*users;		/* held; NULL: no auth_file was read */
	struct wish	*sets;		/* SET on the console and still in force */
	size_t		 n_sets;
	struct wish	*pending;	/* what the file wants and only a restart gives */
	size_t		 n_pending;
	uint32_t	 verbose;	/* number of -v */
	const char *const *environment;	/* borrowed for good */
	size_t		 warnings_room;
	struct origin	 origins[SETTINGS_MOST];	/* by setting_index() */
};

/* What to build from; all borrowed. */
struct plan {
	struct script	*script;
	struct users	*users;		/* use these when the auth file has this name: */
	const char	*users_file;
	const struct wish *sets;	/* values SET on the console */
	size_t		 n_sets;
	const char	*user;		/* -u */
	uint32_t	 verbose;	/* -v */
	const char *const *environment;	/* NULL-terminated; NULL: none */
	const struct conf *before;	/* keep its values of what needs a restart */
	/* For SET: all SETS count, the last is the new one; no warnings but about it, no
	 * check of what must fit together. Else only SETS of rows without default count,
	 * where the script is silent. */
	bool		 console;
	bool		 no_file;	/* the script does not come from a file */
};

/* A conf that is being made. */
struct build {
	const struct plan *plan;
	struct conf	*conf;
	struct store	*store;		/* the conf's */
	struct err	*err;
	bool		 quiet;		/* no warnings now */
};

/* Build what PLAN says, held once; NULL and ERR. */
struct conf *conf_build(const struct plan *plan, struct err *err);

/* Fill the error with LINE's place and the text; always false. */
bool build_refuse(struct build *build, const struct script_line *line, const char *format,
    ...) PRINTF_LIKE(3, 4);
bool build_no_memory(struct build *build);
/* Add a warning with LINE's place (LINE may be NULL). No memory: it is lost. */
void build_warn(struct build *build, const struct script_line *line, const char *format,
    ...) PRINTF_LIKE(3, 4);
/*
 * Parse VALUE of ROW into OBJECT; OWNER ("" or "database app: ") comes before the name in
 * messages. False and the error.
 */
bool build_value(struct build *build, const struct script_line *line, const char *owner,
    const struct setting *row, struct span value, void *object);
/* Find the rules and maps of auth_type hba; SET of something else keeps those at hand. */
bool build_hba(struct build *build);
/* Gather the secrets that replicas share; SET of something else keeps those at hand. */
bool build_peer_secrets(struct build *build);
/* Refuse KEY, which is no setting of SCOPE, and name the closest; always false. */
bool build_unknown(struct build *build, const struct script_line *line, const char *owner,
    enum setting_scope scope, struct span key);

#endif
