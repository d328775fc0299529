/*
 * lookup_row.c - one query with one bound parameter on a line, and what its answer must look
 * like: two columns, at most one row. Whatever else comes is an error that says what.
 */
#include "auth/lookup_libpq.h"

#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "auth/clerk.h"
#include "auth/secret.h"
#include "base/mem.h"

#define NO_TEXT "22021"		/* character_not_in_repertoire */

void
line_row_fini(struct line_row *row)
{
	if (row->name != NULL)
		mem_wipe(row->name, row->name_len);
	if (row->secret != NULL)
		mem_wipe(row->secret, row->secret_len);
	mem_free(row->name);
	mem_free(row->secret);
	*row = (struct line_row){ NULL, NULL, 0, 0 };
}

/* So that a query that hangs (a lock) does not stay on the server. */
static void
cancel(PGconn *conn, struct clerks *clerks)
{
	PGcancel *request = clerks_stopping(clerks) ? NULL : PQgetCancel(conn);
	char text[256];

	if (request == NULL)
		return;
	PQcancel(request, text, sizeof(text));
	PQfreeCancel(request);
}

/* The server's own words about RESULT, or libpq's. */
static enum line_outcome
trouble(PGconn *conn, const PGresult *result, struct err *e)
{
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *words = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	char text[sizeof(e->text)];

	line_words(words != NULL ? words : PQerrorMessage(conn), text, sizeof(text));
	err_set(e,
	    sqlstate != NULL && strlen(sqlstate) == 5 ? sqlstate : SQLSTATE_CONNECT, "%s",
	    text);
	if (PQstatus(conn) == CONNECTION_BAD || strncmp(e->sqlstate, "57P", 3) == 0)
		return LINE_LOST;
	return LINE_FAILED;
}

static enum line_outcome
bad_shape(struct err *e, const char *expected, const char *got)
{
	err_set(e, SQLSTATE_CONFIG, "expected %s, got %s", expected, got);
	return LINE_FAILED;
}

/* Has the server refused the name as no text at all in its encoding? Then it is nobody's. */
static bool
is_no_text(const PGresult *result)
{
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	return sqlstate != NULL && strcmp(sqlstate, NO_TEXT) == 0;
}

/* Move one value out of the row; false: no memory. */
static bool
move_value(const PGresult *result, int column, char **out, size_t *len)
{
	*len = (size_t)PQgetlength(result, 0, column);
	*out = mem_copy_text(PQgetvalue(result, 0, column), *len);
	/* libpq does not, and its buffers may keep more */
	mem_wipe(PQgetvalue(result, 0, column), *len);
	return *out != NULL;
}

/* A result with N rows of two columns, name and secret. */
static enum line_outcome
hear_row(const PGresult *result, struct line_row *row, struct err *e)
{
	char columns[32];

	snprintf(columns, sizeof(columns), "%d", PQnfields(result));
	if (PQnfields(result) != 2)
		return bad_shape(e, "two columns, name and secret", columns);
	if (PQntuples(result) == 0)
		return row->name != NULL ? LINE_ROW : LINE_NOTHING;
	if (row->name != NULL)
		return bad_shape(e, "at most one row", "more");
	/* a function with OUT parameters has no other way to say that there is none */
	if (PQgetisnull(result, 0, 0) && PQgetisnull(result, 0, 1))
		return LINE_NOTHING;
	if (PQgetisnull(result, 0, 0))
		return bad_shape(e, "a name in the first column", "NULL");
	if (PQgetlength(result, 0, 1) > (int)SECRET_MOST)
		return bad_shape(e, "a secret of at most 65530 bytes", "more");
	if (!move_value(result, 0, &row->name, &row->name_len) ||
	    (!PQgetisnull(result, 0, 1) &&
		!move_value(result, 1, &row->secret, &row->secret_len))) {
		err_set(e, SQLSTATE_NO_MEMORY, "out of memory");
		return LINE_FAILED;
	}
	return LINE_ROW;
}

static enum line_outcome
hear(PGconn *conn, const PGresult *result, struct line_row *row, struct err *e)
{
	switch (PQresultStatus(result)) {
	case PGRES_SINGLE_TUPLE:
	case PGRES_TUPLES_OK:
		return hear_row(result, row, e);
	case PGRES_FATAL_ERROR:
	case PGRES_BAD_RESPONSE:
	case PGRES_NONFATAL_ERROR:
		return is_no_text(result) ? LINE_NOTHING : trouble(conn, result, e);
	case PGRES_EMPTY_QUERY:
		return bad_shape(e, "a query", "an empty one");
	default:
		return bad_shape(e, "two columns, name and secret",
		    "the answer of a command without rows");
	}
}

/* Send what libpq has to send. */
static bool
flush(PGconn *conn, struct clerks *clerks, usec_t deadline, struct err *e)
{
	int left;

	while ((left = PQflush(conn)) > 0) {
		if (!line_wait(conn, POLLIN | POLLOUT, clerks, deadline, e))
			return false;
		if (PQconsumeInput(conn) == 0)
			break;
	}
	return true;
}

/* Row by row, so that a query with a million of them is noticed at the second. */
static enum line_outcome
hear_all(PGconn *conn, struct clerks *clerks, usec_t deadline, struct line_row *row,
    struct err *e)
{
	enum line_outcome outcome = LINE_FAILED;
	PGresult *result;

	err_set(e, SQLSTATE_PROTOCOL, "expected an answer, got none");
	for (;;) {
		while (PQisBusy(conn)) {
			if (!line_wait(conn, POLLIN, clerks, deadline, e)) {
				cancel(conn, clerks);
				return LINE_FAILED;
			}
			if (PQconsumeInput(conn) == 0)
				return trouble(conn, NULL, e);
		}
		result = PQgetResult(conn);
		if (result == NULL)
			return outcome;
		outcome = hear(conn, result, row, e);
		PQclear(result);
		if (outcome != LINE_ROW && outcome != LINE_NOTHING)
			return outcome;
	}
}

enum line_outcome
line_ask(struct line *line, struct clerks *clerks, const char *query, const char *name,
    usec_t deadline, struct line_row *row, struct err *e)
{
	PGconn *conn = line->conn;
	enum line_outcome outcome = LINE_LOST;

	*row = (struct line_row){ NULL, NULL, 0, 0 };
	if (PQsetnonblocking(conn, 1) == 0 &&
	    PQsendQueryParams(conn, query, 1, NULL, &name, NULL, NULL, 0) == 1 &&
	    PQsetSingleRowMode(conn) == 1) {
		outcome = LINE_FAILED;
		if (flush(conn, clerks, deadline, e))
			outcome = hear_all(conn, clerks, deadline, row, e);
	} else {
		outcome = trouble(conn, NULL, e);
	}
	if (outcome != LINE_ROW)
		line_row_fini(row);
	return outcome;
}
