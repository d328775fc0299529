/*
 * lane_letters.c - what lanes tell each other over threads: nudges and calls of the
 * ledger's, and servers that travel.
 */
#include "base/log.h"
#include "pool/client.h"
#include "pool/lane_private.h"
#include "pool/server.h"

static void open_nudge(struct letter *letter, void *receiver);
static void open_call(struct letter *letter, void *receiver);

void
lane_letters_init(struct lane *lane)
{
	lane->nudge.open = open_nudge;
	lane->call.open = open_call;
}

/* --- nudges and calls --- */

void
lane_nudge(struct lane *other)
{
	if (atomic_fetch_add(&other->nudge_count, 1) == 0)
		mailbox_post(other->worker->mailbox, &other->nudge);
}

void
lanes_call(struct book *book)
{
	struct seat *seat;

	while ((seat = ledger_call(book)) != NULL) {
		struct lane *other = CONTAINER_OF(seat, struct lane, seat);

		if (atomic_fetch_add(&other->call_count, 1) == 0)
			mailbox_post(other->worker->mailbox, &other->call);
	}
}

/* Another lane has a client for an idle server of ours. */
static void
open_nudge(struct letter *letter, void *receiver)
{
	struct lane *lane = CONTAINER_OF(letter, struct lane, nudge);
	unsigned count = atomic_exchange(&lane->nudge_count, 0);

	(void)receiver;
	while (count-- > 0) {
		struct give give;

		if (!ledger_nudged(&lane->seat, loop_now(lane->worker->loop), &give))
			continue;
		struct server *server = lane_next_idle(lane);

		server_list(server, IN_BUSY);
		lane_place(lane, server, give);
	}
	lane_cover(lane);
}

/* The ledger has something for us: slots for clients that wait here, or idle servers whose slots others need. */
static void
open_call(struct letter *letter, void *receiver)
{
	struct lane *lane = CONTAINER_OF(letter, struct lane, call);

	(void)receiver;
	atomic_store(&lane->call_count, 0);
	while (ledger_evicts(&lane->seat)) {
		struct server *server = CONTAINER_OF(list_last(&lane->idle), struct server, in_lane);

		server_list(server, IN_BUSY);
		server_leave(server, CLOSE_evicted);
	}
	lane_cover(lane);
}

/* --- servers --- */

/*
 * A server has not arrived. Others may be on their way here: it is the one called last that
 * waits again.
 */
static void
recall_last(struct lane *lane)
{
	struct client *last = NULL;

	LIST_EACH(n, &lane->waiting) {
		struct client *c = CONTAINER_OF(n, struct client, in_lane);

		if (!ledger_called(&c->want))
			break;
		last = c;
	}
	if (last != NULL)
		ledger_recall(&last->want);
}

static void
arrive(struct letter *letter, void *receiver)
{
	struct server *server = CONTAINER_OF(letter, struct server, letter);
	struct lane *lane = server->lane;
	struct client *oldest = LIST_FIRST(&lane->waiting, struct client, in_lane);

	(void)receiver;
	server_list(server, IN_BUSY);
	count_one(lane, moves);
	if (server->link == NULL || !link_join(server->link, lane->worker->loop, server) ||
	    lane_outdated(lane, server)) {
		recall_last(lane);
		server_close(server, CLOSE_lost_between_threads);
		return;
	}
	if (oldest != NULL && ledger_called(&oldest->want)) {
		ledger_leave(&oldest->want);
		if (lane_serve(lane, oldest, server))
			return;
	}
	lane_give(lane, server);
}

/* It may just be showing us its bytes: it leaves at the end of the turn. */
static void
depart(struct chore *chore)
{
	struct server *server = CONTAINER_OF(chore, struct server, depart);

	if (server->doomed || !link_leave(server->link)) {
		link_close(server->link);
		server->link = NULL;
	}
	mailbox_post(server->lane->worker->mailbox, &server->letter);
}

void
lane_send(struct lane *lane, struct server *server, unsigned to)
{
	server_list(server, IN_NONE);
	server_become(server, &SERVER_AWAY);
	server->lane = CONTAINER_OF(lane->pool->ledger.seats[to], struct lane, seat);
	server->letter.open = arrive;
	chore_init(&server->depart, depart);
	loop_later(lane->worker->loop, &server->depart);
}
