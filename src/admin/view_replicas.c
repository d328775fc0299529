/*
 * view_replicas.c - rows: REPLICAS: the poolers that budget_peers leads to, and what became of cancel
 * requests that were passed on to them.
 */
#include <string.h>

#include "admin/admin.h"
#include "admin/view.h"
#include "pool/fleet.h"
#include "pool/peers.h"

struct replica_row {
	const char	*addr, *state;
	uint64_t	 port, sent, waiting, done, unknown, refused, failed;
};

static const char *
state_of(const struct fleet_member *m)
{
	if (m->own)
		return "self";
	return m->listed ? "listed" : "gone";
}

static void
fill_row(struct sheet *rows, struct replica_row *row, const struct fleet_member *m,
    struct peers *peers)
{
	struct peer_load load = { 0 };
	char addr[64];

	if (m->tagged && !m->own)
		peer_look(peers, PEER_REPLICA(m->tag), &load);
	row->addr = sheet_text(rows, span_text(addr_host(&m->addr, addr)));
	row->port = m->addr.port;
	row->state = state_of(m);
	row->sent = load.sent;
	row->waiting = load.waiting + load.dialing;
	row->done = m->passed[PASSED_DONE];
	row->unknown = m->passed[PASSED_UNKNOWN];
	row->refused = m->passed[PASSED_REFUSED];
	row->failed = m->passed[PASSED_FAILED];
}

static int
row_compare(const void *a, const void *b)
{
	const struct replica_row *x = a, *y = b;

	return strcmp(x->addr, y->addr);
}

static void
finish_replicas(const struct view_source *from, struct sheet *rows)
{
	struct fleet_member members[FLEET_MOST];
	unsigned count = fleet_look(from->admin->pooler->fleet, members);

	for (unsigned i = 0; i < count; i++) {
		struct replica_row *row = sheet_add(rows);

		if (row == NULL)
			return;
		fill_row(rows, row, &members[i], from->admin->pooler->peers);
	}
	sheet_sort(rows, row_compare);
}

#define REPLICA(kind, field, name, text) COLUMN(replica_row, kind, field, name, text)
static const struct column replica_columns[] = {
	REPLICA(TEXT, addr, "addr", "Its address, as budget_peers has it."),
	REPLICA(INT, port, "port", "Where it listens: as we do."),
	REPLICA(TEXT, state, "state", "self: it is this one; listed; gone: not in the last answer, but remembered for an hour."),
	REPLICA(INT, sent, "cl_active_cancel_req", "Cancel requests that were passed on to it and are not done."),
	REPLICA(INT, waiting, "cl_waiting_cancel_req", "Cancel requests that wait for a connection to it."),
	REPLICA(BIG, done, "passed_on", "Cancel requests that it has seen to."),
	REPLICA(BIG, unknown, "unknown", "Cancel requests whose key nobody there has: the client has left, or it was wrong."),
	REPLICA(BIG, refused, "refused", "Cancel requests it did not take from us: expected the same peer_secret there."),
	REPLICA(BIG, failed, "failed", "Cancel requests that did not get there, or were not through within cancel_wait_timeout."),
};

static const struct view views[] = {
	{ .topic = "replicas",
	    .text = "One row a pooler that budget_peers leads to.",
	    .role = ROLE_STATS,
	    .columns = replica_columns,
	    .column_count = ARRAY_SIZE(replica_columns),
	    .row_size = sizeof(struct replica_row),
	    .finish = finish_replicas },
};

const struct view_table replica_views = { views, ARRAY_SIZE(views) };
