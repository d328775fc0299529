/*
 * cmd_set.c - SET, RELOAD, SHUTDOWN: what only the keeper may do.
 */
#include <stdio.h>
#include <string.h>

#include "admin/admin.h"
#include "admin/cmd.h"
#include "base/mem.h"
#include "conf/settings.h"
#include "pool/client.h"
#include "pool/place.h"

/* --- SET --- */

/* What drivers and tools SET without being asked: it would change nothing here. */
static const char *const ignored[] = {
	"application_name", "bytea_output", "client_encoding", "client_min_messages",
	"datestyle", "default_transaction_isolation", "default_transaction_read_only",
	"extra_float_digits", "idle_in_transaction_session_timeout", "intervalstyle",
	"lock_timeout", "names", "search_path", "standard_conforming_strings",
	"statement_timeout", "synchronous_commit", "time", "timezone", "transaction",
	"transaction_isolation", "transaction_read_only", "characteristics",
};

static bool
is_ignored(const struct words *words)
{
	bool scoped = words_is(words, 1, "session") || words_is(words, 1, "local");

	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++) {
		if (span_is_nocase(words_at(words, scoped ? 2 : 1), ignored[i]))
			return true;
	}
	return false;
}

/* Copy TEXT into JOB's strings behind USED bytes. */
static struct span
keep(struct job *job, size_t *used, struct span text)
{
	char *at = job->strings + *used;

	memcpy(at, text.at, text.len);
	*used += text.len;
	return span_of(at, text.len);
}

static bool
is_assignment(const struct words *w)
{
	bool sign = w->count == 4 && (words_is(w, 2, "to") ||
	    (w->list[2].kind == WORD_SIGN && w->list[2].text[0] == '='));

	return sign && w->list[1].kind == WORD_BARE && w->list[3].kind != WORD_SIGN;
}

static void
refuse_set(struct console *s, struct span key)
{
	struct err e = { 0 };
	const char *nearest = setting_nearest(SCOPE_GLOBAL, key);

	err_set(&e, SQLSTATE_PROTOCOL, "SET failed");
	err_detail(&e, "unknown setting \"%.*s\"", (int)key.len, key.at);
	if (nearest != NULL)
		err_hint(&e, "did you mean \"%s\"?", nearest);
	console_done(s, &e);
}

void
run_set(struct console *s, const struct request *r)
{
	const struct setting *row = conf_setting_find(words_at(&r->words, 1));
	struct portal *portal = s->running;
	struct job *job;
	size_t used = 0;

	if (row == NULL && is_ignored(&r->words)) {
		console_notice(s, "SET ignored", NULL);
		console_done(s, NULL);
		return;
	}
	if (!s->client->admin) {
		console_fail(s, "admin access needed");
		return;
	}
	if (row == NULL) {
		refuse_set(s, words_at(&r->words, 1));
		return;
	}
	if (!is_assignment(&r->words)) {
		console_fail(s, "bad arguments");
		return;
	}
	job = job_new(s, NULL);
	if (job == NULL)
		return;
	job->order.kind = ORDER_SET;
	job->order.key = keep(job, &used, words_at(&r->words, 1));
	job->order.value = keep(job, &used, words_at(&r->words, 3));
	snprintf(portal->tag, sizeof(portal->tag), "SET %s=%s", row->name,
	    row->secret ? "********" : words_at(&r->words, 3).at);
	console_log(s, "%s", portal->tag);
	job_send_order(job);
}

/* --- RELOAD --- */

void
run_reload(struct console *s, const struct request *r)
{
	struct job *job = job_new(s, NULL);

	(void)r;
	if (job == NULL)
		return;
	console_log(s, "RELOAD");
	job->order.kind = ORDER_RELOAD;
	job_send_order(job);
}

/* --- SHUTDOWN --- */

/* Nobody waits for it: the answer has been sent, or there is none. */
static void
order_free(struct order *order)
{
	mem_free(order);
}

static bool
send_shutdown(struct console *s, enum shutdown_mode mode)
{
	struct order *order = mem_new(sizeof(*order));

	if (order == NULL)
		return false;
	order->kind = ORDER_SHUTDOWN;
	order->mode = mode;
	order->done = order_free;
	if (admin_order(s->admin, order))
		return true;
	mem_free(order);
	return false;
}

/* Are we ending already, in a way that MODE would not make gentler? */
static bool
is_ending(struct pooler *p, enum shutdown_mode mode)
{
	if (atomic_load(&p->draining) || atomic_load(&p->no_servers))
		return true;
	return atomic_load(&p->shutting) && mode != SHUTDOWN_DRAIN;
}

void
run_shutdown(struct console *s, const struct request *r)
{
	enum shutdown_mode mode = SHUTDOWN_NOW;

	if (words_is(&r->words, 1, "wait_for_clients"))
		mode = SHUTDOWN_WAIT_FOR_CLIENTS;
	else if (words_is(&r->words, 1, "wait_for_servers"))
		mode = SHUTDOWN_WAIT_FOR_SERVERS;
	else if (words_is(&r->words, 1, "drain"))
		mode = SHUTDOWN_DRAIN;
	if (mode != SHUTDOWN_NOW && is_ending(s->admin->pooler, mode)) {
		console_fail(s, "already shutting down");
		return;
	}
	/* Who ends needs to hear those who are to end. */
	if (place_suspended(s->admin->pooler))
		admin_resume(s->admin, span_of(NULL, 0));
	console_log(s, "SHUTDOWN %.*s", (int)words_at(&r->words, 1).len,
	    words_at(&r->words, 1).at);
	if (!send_shutdown(s, mode))
		console_fail(s, "out of memory");
	else if (mode != SHUTDOWN_NOW)
		console_done(s, NULL);
	/* at once: the answer is the end of the connection, as with PgBouncer */
}
