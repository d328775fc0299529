/*
 * console.h - a client whose server is us. It takes simple queries and the extended
 * protocol (statements and portals, named or not; no parameters), one command at a time:
 * while one is under way, what comes waits in the link.
 */
#ifndef ADMIN_CONSOLE_H
#define ADMIN_CONSOLE_H

#include "admin/command.h"
#include "admin/gather.h"
#include "base/buf.h"
#include "base/list.h"
#include "wire/frame.h"

struct admin;
struct client;
struct job;

#define CONSOLE_MESSAGE_MOST 65536u	/* a longer message ends the connection */
#define CONSOLE_NAMES_MOST 256u		/* statements, and portals, of one console */

/* A prepared statement. */
struct prepared {
	struct node	 in_console;
	struct request	 request;
	char		 name[64];
};

/* A statement being executed. A simple query has one of its own. */
struct portal {
	struct node	 in_console;
	struct request	 request;
	uint64_t	 binary;	/* columns that are sent in binary format */
	struct gathering *parts;	/* owned; texts of the rows are in them */
	struct sheet	 rows;
	size_t		 next;		/* row to be sent */
	bool		 run;		/* its command has been run */
	char		 tag[320];	/* of its CommandComplete */
	char		 name[64];
};

struct console {
	struct client	*client;	/* borrowed: it owns us */
	struct admin	*admin;		/* borrowed */
	struct buf	 out;		/* empty between turns */
	struct list	 prepared, portals;
	unsigned	 prepared_count, portal_count;
	struct portal	*running;	/* whose command is under way; NULL: none */
	struct job	*job;		/* what it waits for; NULL: nothing */
	unsigned	 suspension;	/* which SUSPEND was its; 0: none */
	uint32_t	 row_limit;	/* of the Execute under way; 0: none */
	char		 status;	/* of the next ReadyForQuery: 'I', 'T' */
	bool		 simple;	/* running is a simple query's, owned */
	bool		 skipping;	/* after an error: nothing until Sync */
	bool		 in_bytes;	/* bytes() is on the stack: it will send */
};

/* The functions of struct console_calls. */
bool console_enter(struct client *c, struct err *e);
size_t console_bytes(struct client *c, const char *at, size_t len);
void console_leave(struct client *c);
void console_cancel(struct client *c);

/* The running command has ended: E (NULL: well). */
void console_done(struct console *s, const struct err *e);
/* The same with an error of PgBouncer's class (08P01). */
void console_fail(struct console *s, const char *format, ...) PRINTF_LIKE(2, 3);
/* A notice before the answer. DETAIL may be NULL. */
void console_notice(struct console *s, const char *text, const char *detail);
/* The log line of a command that changes something. */
void console_log(struct console *s, const char *format, ...) PRINTF_LIKE(2, 3);

/* Run PORTAL's command, or send more of its rows, LIMIT at most (0: all). */
void console_execute(struct console *s, struct portal *portal, uint32_t limit);
/* A portal for REQUEST, or NULL. */
struct portal *portal_new(const struct request *request);
void portal_free(struct portal *portal);

/* Messages of the extended protocol (console_bind.c). False: KIND is none of them. */
bool console_extended(struct console *s, char kind, struct span body);
/* Forget all portals: the transaction is over. */
void console_drop_portals(struct console *s);
/* Forget prepared statement NAME, or (at == NULL) all. */
void console_deallocate(struct console *s, struct span name);
/* Forget everything. */
void console_drop_names(struct console *s);
/* An error in the stream; in the extended protocol it ends everything until Sync. */
void console_error(struct console *s, const struct err *e);

#endif
