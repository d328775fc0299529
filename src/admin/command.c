/*
 * command.c - THE table of commands, and understanding one. What they do is in cmd_*.c.
 */
#include "admin/command.h"

#include <string.h>

#include "admin/cmd.h"
#include "admin/console.h"

#define COMMAND_MOST 15u	/* bytes of a command's word, an argument, a value */
#define ARGUMENT_MOST 63u
#define VALUE_MOST 255u

const struct command commands[] = {
	{ "show", ROLE_STATS, ARGS_TOPIC, "SHOW topic", "Show a view; see below.",
	    run_show },
	{ "select", ROLE_STATS, ARGS_TOPIC, NULL, "The same as SHOW.", run_show },
	{ "set", ROLE_STATS, ARGS_SET, "SET key = value",
	    "Change a setting until the next RELOAD. Needs admin rights, but for what drivers "
	    "set without asking (client_encoding, extra_float_digits, ...), which is ignored.",
	    run_set },
	{ "reload", ROLE_ADMIN, ARGS_NONE, "RELOAD",
	    "Read all files anew. If one has a fault nothing changes.", run_reload },
	{ "pause", ROLE_ADMIN, ARGS_PAUSE, "PAUSE [database] [WITHIN seconds] [FOR seconds]",
	    "Let no new transaction begin and close all servers as they become free. Answers "
	    "when none is left. If some are in use after WITHIN it is undone, and the error says "
	    "who has them; FOR so long after its beginning it ends by itself.",
	    run_pause },
	{ "suspend", ROLE_ADMIN, ARGS_NONE, "SUSPEND",
	    "Read from no client and no server until RESUME. Answers when everything that was "
	    "on its way has been taken; who has not after suspend_timeout is closed. Who "
	    "connects meanwhile waits. Ends when the console that said it leaves.",
	    run_suspend },
	{ "resume", ROLE_ADMIN, ARGS_MAYBE_DATABASE, "RESUME [database]",
	    "End a PAUSE, SUSPEND or KILL.", run_resume },
	{ "disable", ROLE_ADMIN, ARGS_DATABASE, "DISABLE database",
	    "Refuse new logins to it.", run_disable },
	{ "enable", ROLE_ADMIN, ARGS_DATABASE, "ENABLE database", "Allow logins again.",
	    run_enable },
	{ "reconnect", ROLE_ADMIN, ARGS_MAYBE_DATABASE, "RECONNECT [database]",
	    "Close every server that is open now as soon as it is free. Clients notice nothing.",
	    run_reconnect },
	{ "wait_close", ROLE_ADMIN, ARGS_MAYBE_DATABASE, "WAIT_CLOSE [database]",
	    "Answer when all servers that RECONNECT or RELOAD marked are closed.",
	    run_wait_close },
	{ "kill", ROLE_ADMIN, ARGS_MAYBE_DATABASE, "KILL [database]",
	    "Close all clients and servers at once and leave the database paused.",
	    run_kill },
	{ "kill_client", ROLE_ADMIN, ARGS_ID, "KILL_CLIENT id",
	    "Close the client with that id in SHOW CLIENTS.", run_kill_client },
	{ "shutdown", ROLE_ADMIN, ARGS_MODE,
	    "SHUTDOWN [WAIT_FOR_CLIENTS | WAIT_FOR_SERVERS | DRAIN]",
	    "End at once, or take no new clients and end when the last client has left, or when "
	    "the last transaction is over. DRAIN is what SIGTERM does: clients are told to leave, "
	    "see drain_time.",
	    run_shutdown },
	{ "begin", ROLE_STATS, ARGS_ANY, NULL, "Nothing; some drivers send it.",
	    run_begin },
	{ "start", ROLE_STATS, ARGS_ANY, NULL, "The same as BEGIN.", run_begin },
	{ "commit", ROLE_STATS, ARGS_ANY, NULL, "Nothing; some drivers send it.",
	    run_end },
	{ "end", ROLE_STATS, ARGS_ANY, NULL, "The same as COMMIT.", run_end },
	{ "rollback", ROLE_STATS, ARGS_ANY, NULL, "Nothing; some drivers send it.",
	    run_end },
	{ "abort", ROLE_STATS, ARGS_ANY, NULL, "The same as ROLLBACK.", run_end },
	{ "reset", ROLE_STATS, ARGS_ANY, NULL, "Nothing; some drivers send it.",
	    run_nothing },
	{ "discard", ROLE_STATS, ARGS_ANY, NULL, "Forget prepared statements.",
	    run_deallocate },
	{ "deallocate", ROLE_STATS, ARGS_ANY, NULL, "Forget prepared statements.",
	    run_deallocate },
};
const size_t command_count = ARRAY_SIZE(commands);

/* In the words that clients of PgBouncer know. */
static bool
refuse_text(struct err *e, struct span text)
{
	text = span_trim(text);
	return err_set(e, SQLSTATE_PROTOCOL, "invalid command '%.*s', use SHOW HELP;",
	    (int)(text.len < 200 ? text.len : 200), text.len > 0 ? text.at : "");
}

static const struct command *
find_command(const struct words *words)
{
	for (size_t i = 0; i < command_count; i++) {
		if (words_is(words, 0, commands[i].word))
			return &commands[i];
	}
	return NULL;
}

/* SHOW TRANSACTION ISOLATION LEVEL is a topic of four words. */
static const struct view *
find_topic(const struct words *words)
{
	if (words->count == 4 && words_is(words, 1, "transaction") &&
	    words_is(words, 2, "isolation") && words_is(words, 3, "level"))
		return view_find(SPAN_LITERAL("transaction_isolation"));
	if (words->count != 2 || words->list[1].kind > WORD_QUOTED)
		return NULL;
	return view_find(words_at(words, 1));
}

static bool
is_argument(const struct word *word)
{
	return word->kind == WORD_BARE || word->kind == WORD_QUOTED;
}

/* Has REQUEST the words that its command takes? */
static bool
fits(struct request *r)
{
	const struct words *w = &r->words;
	struct pause_wish wish;

	switch (r->command->args) {
	case ARGS_NONE:
		return w->count == 1;
	case ARGS_MAYBE_DATABASE:
	case ARGS_DATABASE:	/* a missing name is told apart later */
		return w->count == 1 || (w->count == 2 && is_argument(&w->list[1]));
	case ARGS_PAUSE:
		return pause_read(w, &wish);
	case ARGS_MODE:
		return w->count == 1 || (w->count == 2 &&
		    (words_is(w, 1, "wait_for_clients") || words_is(w, 1, "wait_for_servers") ||
		    words_is(w, 1, "drain")));
	case ARGS_ID:
		return w->count == 1 || w->count == 2;
	case ARGS_TOPIC:
		r->view = find_topic(w);
		return r->view != NULL || (w->count == 2 && words_is(w, 1, "help"));
	case ARGS_SET:
		return w->count >= 3;
	case ARGS_ANY:
		return true;
	}
	return false;
}

/* PgBouncer's buffers: what is longer cannot be meant. */
static bool
too_long(const struct request *r)
{
	const struct words *w = &r->words;

	if (w->list[0].len > COMMAND_MOST)
		return true;
	if (r->command == NULL || r->command->args == ARGS_ANY)
		return false;
	if (r->command->args != ARGS_SET)
		return words_at(w, 1).len > ARGUMENT_MOST;
	return words_at(w, 1).len > ARGUMENT_MOST || words_at(w, 3).len > VALUE_MOST;
}

static enum role
role_needed(const struct request *r)
{
	return r->view != NULL && r->view->role != ROLE_STATS ? r->view->role :
							       r->command->role;
}

bool
request_read(struct request *r, struct span text, bool admin, struct err *e)
{
	enum role role;

	r->command = NULL;
	r->view = NULL;
	switch (grammar_read(text, &r->words)) {
	case GRAMMAR_EMPTY:
		return true;
	case GRAMMAR_BAD:
		return refuse_text(e, text);
	case GRAMMAR_LONG:
		return err_set(e, SQLSTATE_PROTOCOL, "bad arguments");
	case GRAMMAR_OK:
		break;
	}
	r->command = find_command(&r->words);
	if (too_long(r))
		return err_set(e, SQLSTATE_PROTOCOL, "bad arguments");
	if (r->command == NULL || !fits(r))
		return refuse_text(e, text);
	role = role_needed(r);
	if (role != ROLE_STATS && !(role == ROLE_ADMIN && admin))
		return err_set(e, SQLSTATE_PROTOCOL, "admin access needed");
	if (r->view != NULL && r->view->refused != NULL)
		return err_set(e, SQLSTATE_UNSUPPORTED, "%s", r->view->refused);
	return true;
}

void
request_copy(struct request *to, const struct request *from)
{
	*to = *from;
	words_copy(&to->words, &from->words);
}
