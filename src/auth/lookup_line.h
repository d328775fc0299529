/*
 * lookup_line.h - one connection of libpq for auth_query: opened, asked, closed by whoever
 * has it at the moment, within deadlines on clerk_now()'s clock. Blocks: for helper
 * threads. Who keeps it for the next is lookup.c.
 */
#ifndef AUTH_LOOKUP_LINE_H
#define AUTH_LOOKUP_LINE_H

#include "base/err.h"
#include "base/list.h"
#include "base/span.h"
#include "conf/conf.h"

struct clerks;
struct line;

/* Whom a line leads to; all borrowed. */
struct line_to {
	const struct conf *conf;	/* TLS and socket settings */
	const struct conf_database *db;	/* hosts */
	const char	*dbname, *user;
	const char	*secret;	/* plain; NULL: none to be sent */
	const char	*secret_kind;	/* what is known instead, for messages */
	struct clerks	*clerks;	/* whose end is the end of waiting */
};

/* What a row said. */
struct line_row {
	char		*name, *secret;	/* owned by who asked; secret NULL: SQL's NULL */
	size_t		 name_len, secret_len;
};

enum line_outcome {
	LINE_ROW,		/* one row */
	LINE_NOTHING,		/* no row */
	LINE_FAILED,		/* E says what */
	LINE_LOST,		/* the same, as the server has gone: another line may do better */
};

/* Take libpq's environment variables (PGHOST, PGSSLMODE, ...) out of the process. */
void line_clear_environment(void);

/*
 * Connect and log in; the hosts in turn, each with its share of the time, and again as long as
 * nobody is there, or a server is starting, ending or full. NULL: E says why.
 */
struct line *line_open(const struct line_to *to, usec_t deadline, struct err *e);
/* Call QUERY with its one parameter NAME. ROW is zeroed unless LINE_ROW. */
enum line_outcome line_ask(struct line *line, struct clerks *clerks, const char *query,
    const char *name, usec_t deadline, struct line_row *row, struct err *e);
/* May another ask follow? Looks, without waiting, whether the server has said something since. */
bool line_usable(struct line *line);
/* NULL is fine. */
void line_close(struct line *line);

/* Wipe and give back what ROW owns. */
void line_row_fini(struct line_row *row);

#endif
