/*
 * command.h - what a console understands: one row a command.
 */
#ifndef ADMIN_COMMAND_H
#define ADMIN_COMMAND_H

#include "admin/grammar.h"
#include "admin/view.h"
#include "base/err.h"

struct console;
struct request;

enum command_args {
	ARGS_NONE,
	ARGS_MAYBE_DATABASE,	/* a name or nothing: all */
	ARGS_DATABASE,		/* a name */
	ARGS_PAUSE,		/* a name or nothing, and limits */
	ARGS_TOPIC,		/* the topic of a view */
	ARGS_ID,		/* of a client */
	ARGS_MODE,		/* nothing, WAIT_FOR_CLIENTS, WAIT_FOR_SERVERS or DRAIN */
	ARGS_SET,		/* key = value, or what PostgreSQL's SET takes */
	ARGS_ANY,		/* whatever follows, nobody reads it */
};

struct command {
	const char	*word;
	enum role	 role;
	enum command_args args;
	const char	*usage;		/* for people; NULL: only drivers send it */
	const char	*text;		/* what it does; sentences */
	/* Do REQUEST. Ends in console_done(), at once or later. */
	void		(*run)(struct console *s, const struct request *request);
};

/* A command understood. */
struct request {
	struct words	 words;
	const struct command *command;	/* NULL: the query was empty */
	const struct view *view;	/* ARGS_TOPIC: what it shows; NULL: HELP */
};

extern const struct command commands[];
extern const size_t command_count;

/*
 * Understand TEXT. False: E says what is wrong, in PgBouncer's words; what needs
 * ROLE_ADMIN is refused unless ADMIN.
 */
bool request_read(struct request *request, struct span text, bool admin, struct err *e);
void request_copy(struct request *to, const struct request *from);

/* The functions of the rows. */
void run_show(struct console *s, const struct request *r);
void run_pause(struct console *s, const struct request *r);
void run_resume(struct console *s, const struct request *r);
void run_suspend(struct console *s, const struct request *r);
void run_disable(struct console *s, const struct request *r);
void run_enable(struct console *s, const struct request *r);
void run_wait_close(struct console *s, const struct request *r);
void run_kill(struct console *s, const struct request *r);
void run_kill_client(struct console *s, const struct request *r);
void run_reconnect(struct console *s, const struct request *r);
void run_reload(struct console *s, const struct request *r);
void run_set(struct console *s, const struct request *r);
void run_shutdown(struct console *s, const struct request *r);
void run_begin(struct console *s, const struct request *r);
void run_end(struct console *s, const struct request *r);
void run_deallocate(struct console *s, const struct request *r);
void run_nothing(struct console *s, const struct request *r);

#endif
