/*
 * settle.c - what is said to a server that no client hears.
 *
 *	ENQUIRY   how many connections are there      -> SETUP
 *	SETUP     connect_query                       -> opened
 *	SETTLING  [check query] [settings, Sync]      -> the client may talk
 *	RESET     server_reset_query                  -> given to whoever is next
 *	RESCUE    [CopyFail] [error, Sync] [ROLLBACK] -> released as if the client had parted
 */
#include "pool/settle.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "pool/client.h"
#include "pool/courier.h"
#include "pool/enquiry.h"
#include "pool/pair.h"
#include "pool/place.h"
#include "wire/query.h"
#include "wire/reply.h"
#include "wire/write.h"

/* Send a simple query and swallow its answer. */
bool
settle_ask(struct server *s, const char *sql)
{
	struct buf b = { 0 };
	bool sent;

	query_write(&b, span_text(sql));
	s->unnamed = 0;
	sent = server_ask(s, ASK_QUERY | ASK_HIDDEN) && server_send(s, &b);
	buf_fini(&b);
	return sent;
}

static void
forget_error(struct server *s)
{
	s->failed = false;
	mem_free(s->hidden_error);
	s->hidden_error = NULL;
}

/* --- before a transaction --- */

/* What the client believes and what is true now may differ in spelling, or in what nobody can set. */
static void
tell_settings(struct client *c, struct server *s)
{
	struct buf b = { 0 };

	for (unsigned i = 0; i < profile_count(s->profile); i++) {
		const struct setting_value *now = profile_at(s->profile, i);
		const struct setting_value *was = profile_get(c->profile, now->name);

		if (now->reported && (was == NULL || !span_same(was->value, now->value)))
			reply_write_parameter(&b, now->name, now->value);
	}
	if (b.len > 0 && !b.failed)
		link_send(c->link, b.at, b.len);
	buf_fini(&b);
	client_take_profile(c, profile_hold(s->profile));
}

static void
forget_target(struct server *s)
{
	profile_drop(s->target);
	s->target = NULL;
}

/* The server reports what it reports; what was asked for beyond that has been set. */
static void
adopt(struct server *s)
{
	const struct profile *now = profile_blend(s->profile, s->target);

	if (now != NULL) {
		profile_drop(s->profile);
		s->profile = now;
	} else {
		s->doomed = true;
	}
	forget_target(s);
}

static bool
ask_changes(struct server *s, unsigned changes)
{
	bool good = server_ask(s, ASK_PARSE | ASK_HIDDEN);

	while (good && changes-- > 0)
		good = server_ask(s, ASK_BIND | ASK_HIDDEN) &&
		    server_ask(s, ASK_EXECUTE | ASK_HIDDEN);
	s->unnamed = 0;
	return good && server_ask(s, ASK_SYNC | ASK_HIDDEN);
}

enum settle
settle_begin(struct server *s)
{
	struct client *c = s->client;
	struct lane *lane = s->lane;
	bool stale = lane->rules.check_query != NULL &&
	    loop_now(lane->worker->loop) - s->used >= lane->rules.check_delay;
	struct buf b = { 0 };
	unsigned changes;
	bool good = true;

	if (lane->pool->replication != NULL)
		return SETTLE_FITS;	/* its startup packet had everything */
	changes = profile_change(s->profile, c->profile, &b);
	if (changes == 0) {
		if (c->profile != s->profile && c->welcomed)
			tell_settings(c, s);
		if (!stale)
			return SETTLE_FITS;
	}
	forget_target(s);
	s->target = profile_hold(c->profile);
	if (stale)
		good = settle_ask(s, lane->rules.check_query);
	if (good && changes > 0) {
		write_empty(&b, 'S');
		count_one(lane, settles);
		good = ask_changes(s, changes) && server_send(s, &b);
	}
	buf_fini(&b);
	return good ? SETTLE_SENT : SETTLE_LOST;
}

static void
settling_done(struct server *s)
{
	struct client *c = s->client;
	struct err e;

	if (!s->failed) {
		adopt(s);
		if (!c->welcomed) {
			client_tried(c);
			return;
		}
		tell_settings(c, s);
		pair_settled(s);
		return;
	}
	/* The client hears the server's own words; the server itself is none the worse. */
	memset(&e, 0, sizeof(e));
	if (s->hidden_error != NULL)
		e = *s->hidden_error;
	else
		err_set(&e, SQLSTATE_PROTOCOL, "invalid server parameter");
	forget_error(s);
	forget_target(s);
	/* It may have been a check query of the operator's that failed, and the settings hold. */
	if (s->lane->rules.check_query != NULL && s->lane->rules.check_query[0] != '\0')
		s->doomed = true;
	pair_bereave(s, CLOSE_settings_refused, &e);
	lane_release(s->lane, s);
}

/* --- after login, after a session --- */

static bool
connect_query(struct server *s)
{
	const struct conf_database *db = place_database(s->setup->conf, s->lane->pool);

	if (db == NULL || db->connect_query == NULL || db->connect_query[0] == '\0')
		return false;
	server_become(s, &SERVER_SETUP);
	return settle_ask(s, db->connect_query);
}

bool
settle_setup(struct server *s)
{
	return enquiry_begin(s) || (!s->dead && connect_query(s));
}

static void
role_known(struct server *s, struct host_role role)
{
	bool opening = s->place == IN_OPENING;

	if (!server_role_told(s, role)) {
		if (!opening)
			server_leave(s, CLOSE_server_unfit);
		else if (!s->dead)
			server_close(s, CLOSE_configuration_changed);	/* doomed meanwhile */
	} else if (opening) {
		server_admit(s);
	} else {
		s->recheck = false;	/* whatever it said meanwhile: that was its answer */
		lane_release(s->lane, s);
	}
}

/* What we wanted to know of it is known, or will not be. Where that was in between, it goes on (a reset, say). */
static void
enquired(struct server *s)
{
	struct host_role role;
	enum enquired what = enquiry_done(s, &role);

	forget_error(s);
	if (s->talk.status != 'I')
		server_close(s, CLOSE_server_unclear_transaction);
	else if (what == ENQUIRED_ROLE)
		role_known(s, role);
	else if (what == ENQUIRED_COUNT)
		lane_release(s->lane, s);
	else if (!connect_query(s) && !s->dead)
		lane_opened(s->lane, s);
}

bool
settle_reset(struct server *s)
{
	if (s->lane->rules.reset_query == NULL)
		return false;
	server_become(s, &SERVER_RESET);
	return settle_ask(s, s->lane->rules.reset_query);
}

/* --- after a client has left --- */

/* Is the last thing asked one that ends with ReadyForQuery? Otherwise a Sync of ours must. */
static bool
needs_sync(const struct server *s)
{
	return s->talk.skipping || talk_owes_ready(&s->talk) == 0 || !talk_ends_ready(&s->talk);
}

static bool
send_sync(struct server *s)
{
	struct buf b = { 0 };
	bool sent;

	write_empty(&b, 'S');
	sent = server_ask(s, ASK_SYNC | ASK_HIDDEN) && server_send(s, &b);
	buf_fini(&b);
	return sent;
}

/*
 * A Sync alone would commit what was executed without one. An error before it undoes that, as PostgreSQL
 * does when a client leaves: there is no portal of this name.
 */
static bool
send_failing_sync(struct server *s)
{
	struct buf b = { 0 };
	size_t mark = write_begin(&b, 'E');
	bool sent;

	write_text(&b, "client has left");
	write_u32(&b, 0);
	write_end(&b, mark);
	write_empty(&b, 'S');
	sent = server_ask(s, ASK_EXECUTE | ASK_HIDDEN) && server_ask(s, ASK_SYNC | ASK_HIDDEN) &&
	    server_send(s, &b);
	buf_fini(&b);
	return sent;
}

bool
settle_rescue(struct server *s)
{
	if (s->talk.doubt || s->goodbye || s->doomed)
		return false;
	server_become(s, &SERVER_RESCUE);
	count_one(s->lane, rescues);
	s->skip_frame = true;
	if (!s->talk.open) {
		settle_ask(s, "ROLLBACK");
		return true;
	}
	if (!talk_quiet(&s->talk))
		courier_to_server(s, NULL);
	if (s->talk.copy_in)
		settle_end_copy(s);
	else if (needs_sync(s))
		send_failing_sync(s);
	return true;
}

/* The client that would have sent the rows has left. */
void
settle_end_copy(struct server *s)
{
	bool extended = (talk_front(&s->talk) & ASK_KIND) == ASK_EXECUTE;
	struct buf b = { 0 };
	size_t mark = write_begin(&b, 'f');

	write_text(&b, "client has left");
	write_end(&b, mark);
	if (server_ask(s, ASK_COPY_END) && server_send(s, &b) && extended)
		send_sync(s);
	buf_fini(&b);
}

/* A client that left while its server was made to fit leaves its settings there. */
static void
rescued(struct server *s)
{
	if (s->target != NULL && !s->failed)
		adopt(s);
	else if (s->target != NULL)
		s->doomed = true;	/* which of its settings hold is not known */
	forget_target(s);
	forget_error(s);
	if (s->talk.status != 'I')
		settle_ask(s, "ROLLBACK");
	else
		lane_release(s->lane, s);
}

/* --- all answered --- */

void
settle_done(struct server *s)
{
	struct log_who who;

	if (s->state == &SERVER_SETTLING) {
		settling_done(s);
	} else if (s->state == &SERVER_RESCUE) {
		rescued(s);
	} else if (s->state == &SERVER_ENQUIRY) {
		enquired(s);
	} else if (s->state == &SERVER_SETUP) {
		if (s->failed)
			log_line(LOG_LEVEL_WARNING, server_who(s, &who), "connect_query failed: %s",
			    s->hidden_error != NULL ? s->hidden_error->text : "?");
		forget_error(s);
		if (s->talk.status == 'I')
			lane_opened(s->lane, s);
		else
			settle_ask(s, "ROLLBACK");
	} else if (s->state == &SERVER_RESET) {
		bool failed = s->failed || s->talk.status != 'I';

		forget_error(s);
		if (failed)
			server_close(s, CLOSE_reset_failed);
		else
			settle_was_reset(s);
	}
}

/* Does QUERY put settings back to what they were at login? */
static bool
wipes_settings(const char *query)
{
	return strcasestr(query, "discard all") != NULL || strcasestr(query, "reset all") != NULL;
}

/* The server reports which settings changed; what was set beyond those is gone as well. */
void
settle_was_reset(struct server *s)
{
	if (wipes_settings(s->lane->rules.reset_query))
		settle_forget_extras(s);
	lane_give(s->lane, s);
}

bool
settle_forget_extras(struct server *s)
{
	const struct profile *none = profile_empty();
	const struct profile *now = none != NULL ? profile_blend(s->profile, none) : NULL;
	bool had;

	profile_drop(none);
	if (now == NULL) {
		s->doomed = true;
		return true;
	}
	had = now != s->profile;
	profile_drop(s->profile);
	s->profile = now;
	return had;
}

bool
settle_doubt_extras(struct server *s)
{
	static const struct span unknown = { "\1", 1 };	/* no client has this value */
	unsigned count = profile_count(s->profile);
	bool some = false;

	for (unsigned i = 0; i < count; i++) {
		const struct setting_value *v = profile_at(s->profile, i);
		const struct profile *now;

		if (v->reported)
			continue;
		some = true;
		now = profile_with(s->profile, v->name, unknown, false);
		if (now == NULL) {
			s->doomed = true;
			return true;
		}
		profile_drop(s->profile);
		s->profile = now;
	}
	return some;
}
