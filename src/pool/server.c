/*
 * server.c - birth, states and end of a connection to PostgreSQL.
 */
#include "pool/server.h"

#include <stdio.h>
#include <string.h>

#include "auth/backend.h"
#include "base/log.h"
#include "base/mem.h"
#include "pool/client.h"
#include "pool/courier.h"
#include "pool/pair.h"
#include "pool/place.h"
#include "pool/settle.h"
#include "pool/statement.h"
#include "wire/write.h"

static size_t on_bytes(void *owner, const char *at, size_t len);
static void on_gone(void *owner, const char *why);
static void on_drained(void *owner);
static void on_secured(void *owner);
static size_t no_bytes(struct server *s, const char *at, size_t len);
static size_t away_bytes(struct server *s, const char *at, size_t len);
static size_t leaving_bytes(struct server *s, const char *at, size_t len);

const struct link_owner server_calls = { on_bytes, on_gone, on_drained, on_secured };

const struct server_state SERVER_DIALING = { "new", no_bytes };
const struct server_state SERVER_ASKING_TLS = { "new", server_tls_bytes };
const struct server_state SERVER_LOGIN = { "new", server_login_bytes };
const struct server_state SERVER_ENQUIRY = { "new", server_hidden_bytes };
const struct server_state SERVER_SETUP = { "new", server_hidden_bytes };
const struct server_state SERVER_IDLE = { "idle", server_hidden_bytes };
const struct server_state SERVER_ACTIVE = { "active", server_talk_bytes };
const struct server_state SERVER_SETTLING = { "active", server_hidden_bytes };
const struct server_state SERVER_RESET = { "tested", server_hidden_bytes };
const struct server_state SERVER_RESCUE = { "tested", server_hidden_bytes };
const struct server_state SERVER_CANCELED = { "being_canceled", server_hidden_bytes };
const struct server_state SERVER_LEAVING = { "tested", leaving_bytes };
const struct server_state SERVER_AWAY = { "idle", away_bytes };

static struct server *
server_new(struct lane *lane)
{
	struct worker *w = lane->worker;
	struct server *s = mem_new(sizeof(*s));

	if (s == NULL)
		return NULL;
	node_init(&s->in_lane);
	s->lane = lane;
	s->state = &SERVER_DIALING;
	s->since = s->born = s->used = loop_now(w->loop);
	s->connected = loop_wall(w->loop);
	s->id = atomic_fetch_add(&w->pooler->next_id, 1) + 1;
	s->setup = setup_hold(w->setup);
	s->profile = profile_empty();
	talk_init(&s->talk);
	shelf_init(&s->shelf);
	chore_init(&s->depart, NULL);
	if (s->profile == NULL) {
		server_free(s);
		return NULL;
	}
	return s;
}

/* Does the next server go where the last one went? There is one primary, not one in turn. */
static bool
keeps_host(const struct conf_database *db)
{
	return db->load_balance_hosts == LOAD_BALANCE_DISABLE ||
	    db->target_session_attrs == SESSION_ATTRS_READ_WRITE ||
	    db->target_session_attrs == SESSION_ATTRS_PRIMARY;
}

/* Which of the entry's hosts is next for S? */
static const struct conf_host *
next_host(struct server *s, const struct conf_database *db)
{
	struct pool *pool = s->lane->pool;

	if (keeps_host(db))
		s->host_at = atomic_load(&pool->next_host);
	else
		s->host_at = atomic_fetch_add(&pool->next_host, 1);
	return &db->hosts[s->host_at % db->n_hosts];
}

void
server_leave_host(const struct server *s)
{
	const struct conf_database *db = place_database(s->setup->conf, s->lane->pool);
	unsigned here = s->host_at;

	/* Of several that failed there the first moves on. */
	if (db != NULL && keeps_host(db))
		atomic_compare_exchange_strong(&s->lane->pool->next_host, &here, here + 1);
}

void
server_open(struct lane *lane)
{
	const struct conf *conf = lane->worker->setup->conf;
	const struct conf_database *db = place_database(conf, lane->pool);
	struct server *s = db != NULL ? server_new(lane) : NULL;
	const struct conf_host *host;
	struct dial_to to;

	if (s == NULL) {
		ledger_gone_opening(&lane->seat, loop_now(lane->worker->loop),
		    loop_now(lane->worker->loop) + SECOND, false);
		return;
	}
	server_list(s, IN_OPENING);
	host = next_host(s, db);
	s->patience = server_patience(s, (unsigned)db->n_hosts, conf->server_connect_timeout);
	to = (struct dial_to){
		.host = host->text, .port = host->port, .timeout = s->patience,
		.options = pooler_socket_options(conf), .skip = server_skips,
	};
	s->host = mem_copy_text(host->text, strlen(host->text));
	s->dial = s->host != NULL ?
	    dial_new(lane->worker->loop, &to, server_dialed, s) : NULL;
	if (s->dial == NULL)
		server_close(s, CLOSE_out_of_memory);
}

void
server_become(struct server *s, const struct server_state *state)
{
	s->state = state;
	s->since = loop_now(s->lane->worker->loop);
}

/* --- lists --- */

static struct list *
list_of(struct lane *lane, enum server_place place, unsigned **count)
{
	switch (place) {
	case IN_OPENING:
		*count = &lane->opening_count;
		return &lane->opening;
	case IN_BUSY:
		*count = &lane->busy_count;
		return &lane->busy;
	case IN_IDLE:
		*count = &lane->idle_count;
		return &lane->idle;
	case IN_NONE:
		break;
	}
	*count = NULL;
	return NULL;
}

void
server_list(struct server *s, enum server_place place)
{
	unsigned *count;
	struct list *list;

	list_of(s->lane, s->place, &count);
	if (count != NULL)
		--*count;
	list_remove(&s->in_lane);
	list = list_of(s->lane, place, &count);
	if (count != NULL) {
		++*count;
		list_add_first(list, &s->in_lane);
	}
	s->place = place;
}

/* --- what the link says --- */

static size_t
no_bytes(struct server *s, const char *at, size_t len)
{
	(void)s;
	(void)at;
	(void)len;
	return 0;
}

/*
 * It belongs to another worker already, so nothing may be closed here. What it says unasked is
 * hardly ever good news: whoever gets it closes it.
 */
static size_t
away_bytes(struct server *s, const char *at, size_t len)
{
	(void)at;
	s->doomed = true;
	return len;
}

/* Last words: what else could be said has been. */
static size_t
leaving_bytes(struct server *s, const char *at, size_t len)
{
	(void)s;
	(void)at;
	return len;
}

static size_t
on_bytes(void *owner, const char *at, size_t len)
{
	struct server *s = owner;

	return s->state->bytes(s, at, len);
}

static void
on_gone(void *owner, const char *why)
{
	struct server *s = owner;
	struct err e = { 0 };

	if (s->state == &SERVER_AWAY) {
		s->doomed = true;
		return;
	}
	if (s->place == IN_OPENING) {
		err_set(&e, SQLSTATE_CONNECT, "%s", why);
		server_open_failed(s, &e, MISS_UNREACHABLE);
		return;
	}
	if (s->state != &SERVER_LEAVING && !s->goodbye)
		server_host_doubted(s, false);
	server_close(s, s->state == &SERVER_LEAVING ? s->farewell :
	    s->client != NULL ? CLOSE_server_crashed : CLOSE_server_closed);
}

/* Our queue towards the server is empty again: its client may go on. */
static void
on_drained(void *owner)
{
	struct server *s = owner;

	if (!s->slow)
		return;
	s->slow = false;
	if (s->client != NULL)
		link_resume(s->client->link);
}

static void
on_secured(void *owner)
{
	server_secured(owner);
}

/* --- talking --- */

bool
server_ask_failed(struct server *s)
{
	server_close(s, CLOSE_out_of_memory);
	return false;
}

bool
server_ask_noted(struct server *s, unsigned asked, enum note_kind kind, struct stmt *stmt,
    struct span name)
{
	if (s->talk.skipping)
		return true;	/* never done, nothing to undo */
	if (notes_push(&s->notes, kind, stmt, name))
		return server_ask(s, asked | ASK_NOTED);
	server_close(s, CLOSE_out_of_memory);
	return false;
}

bool
server_send(struct server *s, const struct buf *b)
{
	if (!b->failed && link_send(s->link, b->at, b->len))
		return true;
	server_close(s, b->failed ? CLOSE_out_of_memory : CLOSE_server_crashed);
	return false;
}

void
server_parameter(struct server *s, struct span name, struct span value)
{
	const struct profile *changed = profile_with(s->profile, name, value, true);

	if (changed == NULL)
		return;
	profile_drop(s->profile);
	s->profile = changed;
	if (unlikely(s->lane->rules.attrs != SESSION_ATTRS_ANY))
		server_role_changed(s, name);
}

/* --- ending --- */

/* Say goodbye where the protocol allows it: not in the middle of a message or a login. */
static void
say_terminate(struct server *s)
{
	static const char terminate[5] = { 'X', 0, 0, 0, 4 };

	if (s->link != NULL && s->proven && s->login == NULL && !s->cut_short &&
	    s->farewell == CLOSE_NONE)
		link_send(s->link, terminate, sizeof(terminate));
}

static void
log_end(const struct server *s, enum reason why, const char *text)
{
	struct log_who who;
	char shown[600];

	server_who(s, &who);
	who.reason = reason_code(why);
	who.statement = statement_of(s) != NULL ? statement_of(s)->text : NULL;
	log_line(LOG_LEVEL_LOG, &who, "closing because: %s (age=%llus)",
	    log_escape(span_text(text), shown, sizeof(shown)),
	    (unsigned long long)((loop_now(s->lane->worker->loop) - s->born) / SECOND));
}

void
server_close(struct server *s, enum reason why)
{
	server_close_saying(s, why, reason_text(why));
}

void
server_close_saying(struct server *s, enum reason why, const char *text)
{
	struct worker *w = s->lane->worker;
	struct err e = { 0 };

	if (s->dead)
		return;
	s->dead = true;
	w->closes.servers[why]++;
	if (w->setup->conf->log_disconnections && !s->untold)
		log_end(s, why, text);
	if (s->client != NULL) {
		/* After a FATAL error of the server's own its client has heard enough. */
		err_set(&e, SQLSTATE_PROTOCOL, "%s", text);
		pair_bereave(s, why, s->goodbye ? NULL : &e);
	}
	say_terminate(s);
	dial_cancel(s->dial);
	s->dial = NULL;
	link_close(s->link);
	s->link = NULL;
	courier_forget(s);
	lane_lost(s->lane, s);
	list_add_last(&w->dead_servers, &s->in_lane);
	loop_later(w->loop, &w->sweep);
}

void
server_leave(struct server *s, enum reason why)
{
	if (s->link == NULL || s->cut_short) {
		server_close(s, why);
		return;
	}
	say_terminate(s);
	s->farewell = why;
	server_become(s, &SERVER_LEAVING);
}

void
server_fail(struct server *s, enum reason why, const struct err *e)
{
	if (s->client != NULL)
		pair_bereave(s, why, e);
	server_close_saying(s, why, e->text);
}

void
server_free(struct server *s)
{
	list_remove(&s->in_lane);
	talk_fini(&s->talk);
	shelf_fini(&s->shelf);
	notes_fini(&s->notes);
	profile_drop(s->profile);
	profile_drop(s->target);
	backend_free(s->login);
	setup_drop(s->setup);
	mem_free(s->hidden_error);
	mem_free(s->enquiry);
	mem_free(s->statement);
	mem_free(s->host);
	if (s->key != NULL)
		mem_wipe(s->key, s->key_len);
	mem_free(s->key);
	mem_free(s);
}

const struct log_who *
server_who(const struct server *s, struct log_who *out)
{
	*out = (struct log_who){
		.side = 'S', .id = s->id, .pair = s->client != NULL ? s->client->id : 0,
		.server_pid = s->pid, .database = s->lane->pool->database, .user = s->lane->pool->user,
	};
	if (s->where.kind == ADDR_NONE)
		snprintf(out->addr, sizeof(out->addr), "%.70s", s->host != NULL ? s->host : "?");
	else
		addr_text(&s->where, out->addr);
	return out;
}
