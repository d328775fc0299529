/*
 * view_helpers.c - rows: HELPERS: the threads that look users up and ask PAM and LDAP.
 */
#include "admin/admin.h"
#include "admin/view.h"
#include "auth/clerk.h"
#include "auth/lookup.h"
#include "pool/pooler.h"

struct helper_row {
	const char	*name;
	uint64_t	 threads, busy, waiting, places, connections;
	uint64_t	 yes, no, failed, refused;
};

static void
finish_helpers(const struct view_source *from, struct sheet *rows)
{
	const struct pooler *pooler = from->admin->pooler;
	struct lookup_numbers lookups;

	lookup_count(pooler->lookup, &lookups);
	for (unsigned i = 0; i < CLERK_KINDS; i++) {
		struct helper_row *row = sheet_add(rows);
		struct clerk_numbers n;

		if (row == NULL)
			return;
		clerk_count(pooler->clerks, (enum clerk_kind)i, &n);
		*row = (struct helper_row){ n.name, n.threads, n.busy, n.waiting,
			n.places, i == CLERK_LOOKUP ? lookups.open : 0, n.yes, n.no,
			n.failed, n.refused };
	}
}

#define HELPER(kind, field, text) COLUMN(helper_row, kind, field, #field, text)
static const struct column helper_columns[] = {
	HELPER(TEXT, name, "What they ask: auth_query, PAM or LDAP."),
	HELPER(INT, threads, "Threads that were started; they stay."),
	HELPER(INT, busy, "Those that ask at the moment."),
	HELPER(INT, waiting, "Logins that wait for a thread."),
	HELPER(INT, places, "Logins that may wait; more are refused."),
	HELPER(INT, connections,
	    "Connections to servers, for auth_query, kept ones too."),
	HELPER(NUMERIC, yes, "Users found, or passwords that were right."),
	HELPER(NUMERIC, no, "Users not found, or passwords that were wrong."),
	HELPER(NUMERIC, failed, "No answer, or one that could not be used. See the log."),
	HELPER(NUMERIC, refused, "Logins refused because all places were taken."),
};

static const struct view views[] = {
	{ .topic = "helpers",
	    .text =
		"One row a kind of helper thread: what looks users up, or has passwords "
		    "judged elsewhere.",
	    .role = ROLE_STATS,
	    .columns = helper_columns,
	    .column_count = ARRAY_SIZE(helper_columns),
	    .row_size = sizeof(struct helper_row),
	    .finish = finish_helpers },
};

const struct view_table helpers_views = { views, ARRAY_SIZE(views) };
