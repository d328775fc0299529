/*
 * view_traffic.c - rows: POOLS, CLIENTS, SERVERS, SOCKETS.
 */
#include <string.h>

#include "admin/gather.h"
#include "admin/view.h"
#include "pool/client.h"
#include "pool/lane.h"
#include "pool/place.h"
#include "pool/server.h"
#include "view_client.h"

/* --- POOLS --- */

struct pool_row {
	const char	*database, *user, *pool_mode, *load_balance_hosts;
	uint64_t cl_active, cl_waiting, cl_active_cancel_req, cl_waiting_cancel_req;
	uint64_t	 sv_active, sv_active_cancel, sv_being_canceled, sv_idle, sv_used;
	uint64_t	 sv_tested, sv_login;
	uint64_t	 wait, maxwait, maxwait_us;
};

static void
count_busy(struct pool_row *row, const struct lane *lane)
{
	LIST_EACH(n, &lane->busy) {
		const struct server *s = CONTAINER_OF(n, struct server, in_lane);

		row->sv_active_cancel += s->couriers;
		row->cl_waiting_cancel_req += s->cancels - s->couriers;
		if (s->state == &SERVER_CANCELED)
			row->sv_being_canceled++;
		else if (s->client != NULL)
			row->sv_active++;
		else
			row->sv_tested++;
	}
	row->cl_active_cancel_req = row->sv_active_cancel;
}

static usec_t
longest_wait(const struct lane *lane)
{
	const struct client *c = LIST_FIRST(&lane->waiting, struct client, in_lane);
	usec_t now = loop_now(lane->worker->loop);

	/* who is still logging in has asked nothing yet */
	if (c == NULL || !c->welcomed || now < c->want.since)
		return 0;
	return now - c->want.since;
}

static const char *
mode_name(enum pool_mode mode)
{
	switch (mode) {
	case POOL_MODE_SESSION:
		return "session";
	case POOL_MODE_TRANSACTION:
		return "transaction";
	case POOL_MODE_STATEMENT:
		return "statement";
	case POOL_MODE_UNSET:
		break;
	}
	return NULL;
}

static const char *
balance_name(const struct conf_database *db)
{
	if (db == NULL || db->n_hosts < 2)
		return NULL;
	return db->load_balance_hosts == LOAD_BALANCE_DISABLE ? "disable" : "round-robin";
}

static void
fill_pools(struct sheet *part, struct worker *w)
{
	LIST_EACH(n, &w->lanes) {
		const struct lane *lane = CONTAINER_OF(n, struct lane, in_worker);
		struct pool_row *row = sheet_add(part);

		if (row == NULL)
			return;
		row->database = sheet_text(part, span_text(lane->pool->database));
		row->user = sheet_text(part, span_text(lane->pool->user));
		row->pool_mode = lane->pool->console ? "statement" :
						       mode_name(lane->rules.mode);
		row->load_balance_hosts = balance_name(
		    place_database(w->setup->conf, lane->pool));
		row->cl_active = lane->client_count - lane->waiting_count;
		row->cl_waiting = lane->waiting_count;
		row->sv_idle = lane->idle_count;
		row->sv_login = lane->opening_count;
		row->wait = longest_wait(lane);
		count_busy(row, lane);
	}
}

static int
compare_pools(const void *a, const void *b)
{
	const struct pool_row *x = a, *y = b;
	int order = strcmp(x->database, y->database);

	return order != 0 ? order : strcmp(x->user, y->user);
}

static void
add_pool(void *to, const void *from)
{
	struct pool_row *t = to;
	const struct pool_row *f = from;

	t->cl_active += f->cl_active;
	t->cl_waiting += f->cl_waiting;
	t->cl_active_cancel_req += f->cl_active_cancel_req;
	t->cl_waiting_cancel_req += f->cl_waiting_cancel_req;
	t->sv_active += f->sv_active;
	t->sv_active_cancel += f->sv_active_cancel;
	t->sv_being_canceled += f->sv_being_canceled;
	t->sv_idle += f->sv_idle;
	t->sv_used += f->sv_used;
	t->sv_tested += f->sv_tested;
	t->sv_login += f->sv_login;
	if (f->wait > t->wait)
		t->wait = f->wait;
}

static void
finish_pools(const struct view_source *from, struct sheet *rows)
{
	gathering_join(from->parts, rows);
	sheet_sort(rows, compare_pools);
	sheet_merge(rows, compare_pools, add_pool);
	for (size_t i = 0; i < rows->count; i++) {
		struct pool_row *row = sheet_row(rows, i);

		row->maxwait = row->wait / SECOND;
		row->maxwait_us = row->wait % SECOND;
	}
}

#define POOL(kind, field, text) COLUMN(pool_row, kind, field, #field, text)
static const struct column pool_columns[] = {
	POOL(TEXT, database, "Entry of [databases], or the console."),
	POOL(TEXT, user, "Whom its servers log in as."),
	POOL(INT, cl_active, "Clients that do not wait for a server, idle ones too."),
	POOL(INT, cl_waiting, "Clients that wait for a server."),
	POOL(INT, cl_active_cancel_req, "Cancel requests on their way to a server."),
	POOL(INT, cl_waiting_cancel_req, "Cancel requests that wait behind two for the same server."),
	POOL(INT, sv_active, "Servers that belong to a client now."),
	POOL(INT, sv_active_cancel, "Connections that carry a cancel request."),
	POOL(INT, sv_being_canceled,
	    "Servers that wait until a cancel request is through."),
	POOL(INT, sv_idle, "Servers that are free."),
	POOL(INT, sv_used, "Always 0: a server is checked when it is needed."),
	POOL(INT, sv_tested, "Servers that are being reset, checked or rescued."),
	POOL(INT, sv_login, "Servers that are being opened."),
	POOL(INT, maxwait, "How long the first of the queue has waited, whole seconds."),
	POOL(INT, maxwait_us, "The microseconds of it."),
	POOL(TEXT, pool_mode,
	    "When its servers go back: session, transaction, statement."),
	POOL(TEXT, load_balance_hosts, "How one of several hosts is chosen."),
};

/* --- CLIENTS, SERVERS, SOCKETS --- */

struct socket_row {
	const char	*type, *user, *database, *replication, *state, *addr, *local_addr;
	const char	*ptr, *link, *tls, *application_name;
	uint64_t	 port, local_port, connect_time, request_time, wait, wait_us;
	uint64_t	 close_needed, remote_pid, prepared_statements, id;
	uint64_t	 recv_pos, pkt_pos, pkt_remain, send_pos, send_remain, pkt_avail;
	uint64_t	 send_avail;
};

/* Wall-clock time of THEN on W's clock. */
static usec_t
wall_of(struct worker *w, usec_t then)
{
	usec_t now = loop_now(w->loop), wall = loop_wall(w->loop);

	return then == 0 || then > now || now - then > wall ? 0 : wall - (now - then);
}

static void
set_wait(struct socket_row *row, struct worker *w, usec_t since)
{
	usec_t now = loop_now(w->loop);

	if (since == 0 || now < since)
		return;
	row->wait = (now - since) / SECOND;
	row->wait_us = (now - since) % SECOND;
}

static void
set_link(struct sheet *part, struct socket_row *row, const struct link *link)
{
	char text[64];
	struct addr local;

	row->tls = "";
	row->local_addr = "";
	if (link == NULL)
		return;
	row->tls = sheet_text(part, span_text(link_tls_text(link, text)));
	link_local(link, &local);
	row->local_addr = sheet_text(part, span_text(addr_host(&local, text)));
	row->local_port = local.port;
	row->pkt_remain = row->pkt_avail = link_kept(link);
	row->send_remain = row->send_avail = link_unsent(link);
}

static const char *
replication_name(const struct client *c)
{
	if (c == NULL || c->replication == NULL)
		return "none";
	return strcmp(c->replication, "database") == 0 ? "logical" : "physical";
}

static bool
is_logging_in(const struct client *c)
{
	return c->state == &CLIENT_START || c->state == &CLIENT_AUTH;
}

static void
add_client(struct sheet *part, struct worker *w, const struct client *c)
{
	struct socket_row *row = sheet_add(part);
	bool asking = c->state != &CLIENT_IDLE && c->state != &CLIENT_CONSOLE;
	char host[64];

	if (row == NULL)
		return;
	row->type = "C";
	row->user = sheet_shown(part, span_text(c->user != NULL ? c->user : "(nouser)"));
	row->database = sheet_shown(part,
	    span_text(c->database != NULL ? c->database : "(nodb)"));
	row->replication = replication_name(c);
	row->state = c->state == &CLIENT_CANCELING ? "active_cancel_req" : c->state->name;
	row->addr = sheet_text(part, span_text(addr_host(&c->peer, host)));
	row->port = c->peer.kind == ADDR_UNIX ? w->setup->conf->listen_port :
						c->peer.port;
	set_link(part, row, c->link);
	row->connect_time = c->connected;
	row->request_time = wall_of(w, c->asked_at);
	if (asking && c->welcomed)
		set_wait(row, w, c->asked_at);
	row->ptr = sheet_printf(part, "C-%llu", (unsigned long long)c->id);
	row->link = c->server == NULL ? "" :
	    sheet_printf(part, "S-%llu", (unsigned long long)c->server->id);
	if (c->peer.kind == ADDR_UNIX)
		row->remote_pid = (uint64_t)c->peer.u.unix_peer.pid;
	row->application_name = shown_application_name(part, c->profile);
	row->prepared_statements = names_count(&c->names);
	row->id = c->id;
}

static void
add_server(struct sheet *part, struct worker *w, const struct server *s)
{
	struct socket_row *row = sheet_add(part);
	char host[64];

	if (row == NULL)
		return;
	row->type = "S";
	row->user = sheet_text(part, span_text(s->lane->pool->user));
	row->database = sheet_text(part, span_text(s->lane->pool->database));
	row->replication = replication_name(s->client);
	row->state = s->state->name;
	row->addr = sheet_text(part, span_text(addr_host(&s->where, host)));
	row->port = s->where.port;
	set_link(part, row, s->link);
	row->connect_time = s->connected;
	row->request_time = s->query_began != 0 ? wall_of(w, s->query_began) :
						  s->connected;
	if (s->in_query)
		set_wait(row, w, s->query_began);
	row->close_needed = s->doomed;
	row->ptr = sheet_printf(part, "S-%llu", (unsigned long long)s->id);
	row->link = s->client == NULL ? "" :
	    sheet_printf(part, "C-%llu", (unsigned long long)s->client->id);
	row->remote_pid = s->pid;
	row->application_name = shown_application_name(part, s->profile);
	row->prepared_statements = shelf_count(&s->shelf);
	row->id = s->id;
}

static void
fill_clients(struct sheet *part, struct worker *w)
{
	LIST_EACH(n, &w->clients) {
		const struct client *c = CONTAINER_OF(n, struct client, in_worker);

		if (!is_logging_in(c))
			add_client(part, w, c);
	}
}

static void
add_servers(struct sheet *part, struct worker *w, const struct list *list)
{
	LIST_EACH(n, list)
		add_server(part, w, CONTAINER_OF(n, struct server, in_lane));
}

static void
fill_servers(struct sheet *part, struct worker *w)
{
	LIST_EACH(n, &w->lanes) {
		const struct lane *lane = CONTAINER_OF(n, struct lane, in_worker);

		add_servers(part, w, &lane->busy);
		add_servers(part, w, &lane->idle);
		add_servers(part, w, &lane->opening);
	}
}

static int
compare_sockets(const void *a, const void *b)
{
	const struct socket_row *x = a, *y = b;
	int order = strcmp(x->type, y->type);

	if (order != 0)
		return order;
	order = strcmp(x->database, y->database);
	if (order != 0)
		return order;
	return x->id < y->id ? -1 : x->id > y->id;
}

static void
finish_sockets(const struct view_source *from, struct sheet *rows)
{
	gathering_join(from->parts, rows);
	sheet_sort(rows, compare_sockets);
}

/* SHOW SOCKETS has other words for states. */
static void
prefix_states(struct sheet *part)
{
	for (size_t i = 0; i < part->count; i++) {
		struct socket_row *row = sheet_row(part, i);
		const char *state = row->state;

		if (row->type[0] == 'C')
			row->state = sheet_printf(part, "cl_%s",
			    strcmp(state, "idle") == 0 ? "active" : state);
		else
			row->state = sheet_printf(part, "sv_%s",
			    strcmp(state, "new") == 0 ? "login" : state);
	}
}

static void
fill_sockets(struct sheet *part, struct worker *w)
{
	LIST_EACH(n, &w->clients)
		add_client(part, w, CONTAINER_OF(n, struct client, in_worker));
	fill_servers(part, w);
	prefix_states(part);
}

static void
finish_active_sockets(const struct view_source *from, struct sheet *rows)
{
	size_t kept = 0;

	finish_sockets(from, rows);
	for (size_t i = 0; i < rows->count; i++) {
		const struct socket_row *row = sheet_row(rows, i);

		if (row->pkt_remain > 0 || row->send_remain > 0)
			memmove(sheet_row(rows, kept++), row, sizeof(*row));
	}
	rows->count = kept;
}

#define SOCKET(kind, field, text) COLUMN(socket_row, kind, field, #field, text)
static const struct column socket_columns[] = {
	SOCKET(TEXT, type, "C: a client, S: a server."),
	SOCKET(TEXT, user, "Who logged in."),
	SOCKET(TEXT, database, "As the client asked for it; of a server: its pool's."),
	SOCKET(TEXT, replication, "Kind of replication, or none."),
	SOCKET(TEXT, state, "What it does."),
	SOCKET(TEXT, addr, "Address of the other end, or unix."),
	SOCKET(INT, port, "Port of the other end."),
	SOCKET(TEXT, local_addr, "Address of our end."),
	SOCKET(INT, local_port, "Port of our end."),
	SOCKET(TIME, connect_time, "When it connected."),
	SOCKET(TIME, request_time, "When its latest query began."),
	SOCKET(INT, wait, "How long its query has waited or run, whole seconds."),
	SOCKET(INT, wait_us, "The microseconds of it."),
	SOCKET(INT, close_needed, "1: it is closed as soon as it is free."),
	SOCKET(TEXT, ptr, "Its name in the log."),
	SOCKET(TEXT, link, "The name of the server or client it belongs to now."),
	SOCKET(INT, remote_pid, "Process at the other end, where known."),
	SOCKET(TEXT, tls, "TLS version and cipher; empty: none."),
	SOCKET(TEXT, application_name, "As it was set."),
	SOCKET(INT, prepared_statements, "Prepared statements it has."),
	SOCKET(INT, id, "Its number, for KILL_CLIENT."),
	SOCKET(INT, recv_pos, "Always 0."),
	SOCKET(INT, pkt_pos, "Always 0."),
	SOCKET(INT, pkt_remain, "Bytes that have come and are kept."),
	SOCKET(INT, send_pos, "Always 0."),
	SOCKET(INT, send_remain, "Bytes that could not be sent yet."),
	SOCKET(INT, pkt_avail, "The same as pkt_remain."),
	SOCKET(INT, send_avail, "The same as send_remain."),
};

/* CLIENTS and SERVERS do without the buffers. */
#define SOCKET_COLUMNS_SHORT 21u

#define SOCKETS_VIEW(topic_, text_, columns_, fill_, finish_)                         \
	{                                                                             \
		.topic = topic_, .text = text_, .role = ROLE_STATS,                   \
		.columns = socket_columns, .column_count = columns_,                  \
		.row_size = sizeof(struct socket_row),                                \
		.part_size = sizeof(struct socket_row), .fill = fill_,                \
		.finish = finish_                                                     \
	}

static const struct view views[] = {
	{ .topic = "pools",
	    .text = "One row a pool: who is where.",
	    .role = ROLE_STATS,
	    .columns = pool_columns,
	    .column_count = ARRAY_SIZE(pool_columns),
	    .row_size = sizeof(struct pool_row),
	    .part_size = sizeof(struct pool_row),
	    .fill = fill_pools,
	    .finish = finish_pools },
	SOCKETS_VIEW("clients", "One row a client that has logged in.",
	    SOCKET_COLUMNS_SHORT, fill_clients, finish_sockets),
	SOCKETS_VIEW("servers", "One row a server.", SOCKET_COLUMNS_SHORT, fill_servers,
	    finish_sockets),
	SOCKETS_VIEW("sockets", "One row a connection, with its buffers.",
	    ARRAY_SIZE(socket_columns), fill_sockets, finish_sockets),
	SOCKETS_VIEW("active_sockets", "The same, only those with something in a buffer.",
	    ARRAY_SIZE(socket_columns), fill_sockets, finish_active_sockets),
};

const struct view_table traffic_views = { views, ARRAY_SIZE(views) };
