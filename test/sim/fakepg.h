/*
 * fakepg.h - a PostgreSQL for stories: protocol 3 with both query protocols, settings,
 * prepared statements, cancels, and a small language in place of SQL:
 *
 *	begin, commit, rollback		transactions
 *	select TAG			one row that says TAG
 *	show NAME			one row with a setting's value
 *	set NAME VALUE, reset all	settings; those it knows only, never the value "bad"
 *	rows N				one column, N bytes in all
 *	copyin, copyout N		COPY, N bytes out
 *	sleep N				N milliseconds; "hang": for ever
 *	error, fatal, crash, notice	what they say; "lie": an answer nobody asked for
 *	write TAG			select TAG, but 25006 where nothing may be written
 *	discard all, deallocate all	what they say
 *
 * Several are split by ";". Parse of "bad" is refused.
 */
#ifndef SIM_FAKEPG_H
#define SIM_FAKEPG_H

#include "auth/login.h"
#include "net/link.h"
#include "sim/sim.h"

#define PG_SETTINGS 15u
#define PG_VALUE 64u

struct keyring;

struct fakepg {
	struct sim_host	 host;
	struct list	 sessions;	/* pg_session.in_pg */
	unsigned	 sessions_count;	/* logged in and alive */
	unsigned	 most;		/* there have ever been at a time */
	unsigned	 logins;	/* that ended well */
	unsigned	 attempts;	/* connections that were no cancel request */
	unsigned	 cancels;	/* requests that came */
	unsigned	 cancels_hit;	/* those that found something to cancel */
	uint32_t	 last_cancel_pid;	/* of the request that came last */
	char		 last_cancel_key[65];	/* its secret in hex, the beginning of it */
	/* what it is told */
	const char	*refuse;	/* SQLSTATE of every login's refusal; NULL: none */
	const char	*refuse_text;
	unsigned	 room;		/* logins beyond so many are refused with 53300; 0: all are taken */
	unsigned	 max_connections;	/* what it says when asked, 3 of them reserved; 0: nothing sensible */
	unsigned	 backends;	/* what it says there are; 0: as many as log in here */
	bool		 standby;	/* pg_turn() */
	bool		 read_only;	/* default_transaction_read_only of its configuration */
	bool		 old;		/* does not report its role, as before PostgreSQL 14 */
	bool		 shy;		/* nor says it when asked */
	bool		 lingers;	/* its sessions do not end when they are told to */
	bool		 mute;		/* accepts, says nothing */
	usec_t		 login_time;	/* between its first word and its last of a login */
	bool		 hold_cancels;	/* cancel requests rest until pg_let_cancels() */
	enum login_method method;	/* LOGIN_ANY: trust */
	const char	*password;
	struct keyring	*keyring;	/* borrowed; needed unless LOGIN_ANY */
};

enum pg_busy { PG_FREE, PG_SLEEPS, PG_HANGS, PG_COPIES_IN, PG_STREAMS };

struct pg_session {
	struct node	 in_pg;
	struct fakepg	*pg;		/* borrowed */
	struct link	*link;		/* owned; NULL: gone */
	struct timer	*timer;		/* owned */
	struct chore	 funeral;
	struct login	*login;		/* owned, while logging in */
	bool		 greeted, logged_in, held;
	uint32_t	 pid;
	unsigned char	 key[4];
	char		*user;		/* owned */
	/* what runs */
	enum pg_busy	 busy;
	bool		 extended;	/* by Execute */
	bool		 canceled;	/* while in COPY: noticed with the next message */
	bool		 lie;
	bool		 streams_copy;
	uint64_t	 stream_left;
	char		*todo;		/* owned: a simple query */
	size_t		 todo_at;
	/* the session */
	char		 status;	/* 'I', 'T', 'E' */
	bool		 skipping;
	struct list	 statements, portals;
	unsigned	 named;		/* statements with a name */
	char		 settings[PG_SETTINGS][PG_VALUE];
	char		 saved[PG_SETTINGS][PG_VALUE];	/* what a rollback goes back to */
	char		 first[PG_SETTINGS][PG_VALUE];	/* at login */
	char		 told[PG_SETTINGS][PG_VALUE];	/* by ParameterStatus */
};

/* A server of NAME and PORT that can be dialed. */
void pg_open(struct fakepg *pg, const char *name, uint16_t port);
/* All its sessions end without a word, and nobody can dial it any more. */
void pg_close(struct fakepg *pg);
/* A session that is told the other end of FD. */
void pg_accept(struct sim_host *host, int fd);

/* The INDEXth living session, oldest first, or NULL; the one with PID, or NULL. */
struct pg_session *pg_session_at(struct fakepg *pg, unsigned index);
struct pg_session *pg_session_of(struct fakepg *pg, uint32_t pid);
/* It ends: without a word, or with FATAL 57P01, or 57P05. */
void pg_crash(struct pg_session *s);
void pg_shut_down(struct pg_session *s);
void pg_time_out(struct pg_session *s);
/* It says something nobody asked for. */
void pg_lie(struct pg_session *s);
/* It does not read any more, or again. */
void pg_deaf(struct pg_session *s, bool deaf);
/* Its role from now on; sessions hear of that with their next command, as PostgreSQL does. */
void pg_turn(struct fakepg *pg, bool standby, bool read_only);
/* Cancel requests that were held are seen to. */
void pg_let_cancels(struct fakepg *pg);
/* The value of a setting in S, or NULL if there is no such setting. */
const char *pg_setting(const struct pg_session *s, struct span name);

/* --- between the files of fakepg --- */

/* How a command went. LATER: s->busy says what it waits for; GONE: the session has ended. */
enum pg_outcome { PG_DONE, PG_FAILED, PG_LATER, PG_GONE };

/* Messages after the login (fakepg_talk.c). */
size_t pg_talk(struct pg_session *s, const char *at, size_t len);
/* What is left of a simple query, up to something that takes time, or ReadyForQuery. */
void pg_run_more(struct pg_session *s);
void pg_forget_statements(struct pg_session *s);
/* Do the command TEXT with the bound VALUES (fakepg_run.c). */
enum pg_outcome pg_run(struct pg_session *s, const char *text, char *const *values);
/* Send rows as long as the socket takes them. */
void pg_stream(struct pg_session *s);
/* The command that took its time has ended as OUTCOME says. */
void pg_ended(struct pg_session *s, enum pg_outcome outcome);
/* What is running may go on: its time has come, or the socket takes more. */
void pg_go_on(struct pg_session *s);
void pg_cancel(struct pg_session *s);
/* Does TEXT begin with WORD? Then the rest of it, else NULL. */
const char *pg_after(const char *text, const char *word);
/* Send B, a message without a body, ReadyForQuery, a complete tag, or put a RowDescription. */
void pg_send(struct pg_session *s, struct buf *b);
void pg_say(struct pg_session *s, char kind);
void pg_say_ready(struct pg_session *s);
void pg_say_complete(struct pg_session *s, const char *tag);
void pg_say_columns(struct buf *b);
/* An error; always FAILED. */
enum pg_outcome pg_refuse(struct pg_session *s, const char *sqlstate, const char *format,
    const char *arg);
/* Settings (fakepg_settings.c). */
void pg_settings_begin(struct pg_session *s);
/* Set NAME; what is wrong, as an SQLSTATE, or NULL. VALUE NULL: as at login. */
const char *pg_set(struct pg_session *s, struct span name, const char *value);
void pg_settings_reset(struct pg_session *s);
/* Tell what has changed since it was last told; ALL: everything it reports. */
void pg_report(struct pg_session *s, struct buf *out, bool all);

#endif
