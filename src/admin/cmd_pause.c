/*
 * cmd_pause.c - PAUSE, and its two limits: how long it waits for transactions, how long it
 * lasts. RESUME and what else stops and starts the flow is in cmd_flow.c.
 */
#include <stdio.h>
#include <string.h>

#include "admin/admin.h"
#include "admin/cmd.h"
#include "base/log.h"
#include "base/text.h"
#include "pool/client.h"
#include "pool/place.h"
#include "pool/server.h"

#define LIMIT_MOST (1000000000 * SECOND)	/* so that a time plus a limit is a time */
/* Of those that a PAUSE waits for in vain, so many are told by name; that many bytes each. */
#define HOLDERS_MOST 4u
#define HOLDER_BYTES (WORDS_BYTES / HOLDERS_MOST)

/* --- the words --- */

/* WITHIN or FOR at INDEX, and seconds behind it. */
static bool
read_limit(const struct words *w, unsigned index, struct pause_wish *out)
{
	bool within = words_is(w, index, "within");
	usec_t *limit = within ? &out->within : &out->lasting;

	if ((!within && !words_is(w, index, "for")) || *limit != USEC_UNSET)
		return false;
	return text_seconds(words_at(w, index + 1), limit) && *limit <= LIMIT_MOST;
}

/* Limits come in pairs of words, so a count tells whether there is a name, whatever it is. */
bool
pause_read(const struct words *w, struct pause_wish *out)
{
	*out = (struct pause_wish){ .named = w->count % 2 == 0, .within = USEC_UNSET,
		.lasting = USEC_UNSET };
	if (out->named && w->list[1].kind != WORD_BARE && w->list[1].kind != WORD_QUOTED)
		return false;
	for (unsigned i = out->named ? 2 : 1; i < w->count; i += 2)
		if (!read_limit(w, i, out))
			return false;
	return true;
}

/* --- who holds servers --- */

/* The INDEXth of JOB's texts: S, which has not come to rest. */
static void
describe_holder(struct job *job, unsigned index, const struct server *s)
{
	const struct client *c = s->client;
	const struct setting_value *name;
	char addr[80], user[64], shown[64] = "";
	usec_t now = loop_now(s->lane->worker->loop);
	char *out = job->strings + (size_t)index * HOLDER_BYTES;

	if (c == NULL) {
		snprintf(out, HOLDER_BYTES, "server pid %u is being cleaned up", s->pid);
		return;
	}
	name = profile_get(c->profile, SPAN_LITERAL("application_name"));
	if (name != NULL)
		log_escape(name->value, shown, sizeof(shown));
	log_escape(span_text(c->user), user, sizeof(user));
	snprintf(out, HOLDER_BYTES, "client %llu (%s@%s%s%s) has server pid %u for %.1f s%s",
	    (unsigned long long)c->id, user, addr_text(&c->peer, addr), shown[0] != '\0' ? ", " : "",
	    shown, s->pid, s->in_xact ? (double)(now - s->xact_began) / SECOND : 0,
	    talk_quiet(&s->talk) && s->talk.status != 'I' ? ", idle in its transaction" :
	    s->in_xact ? "" : ", between transactions of its session");
}

/* Each takes a text of its own: workers do this at the same time. */
static void
find_holders(struct worker *w, struct job *job)
{
	LIST_EACH(n, &w->lanes) {
		struct lane *lane = CONTAINER_OF(n, struct lane, in_worker);

		if (!scope_has(&job->scope, lane->pool))
			continue;
		LIST_EACH(m, &lane->busy) {
			unsigned index = atomic_fetch_add(&job->found, 1);

			if (index < HOLDERS_MOST)
				describe_holder(job, index, CONTAINER_OF(m, struct server, in_lane));
		}
	}
}

/* --- waiting --- */

static void
round_of_pause(struct worker *w, struct job *job)
{
	act_close_idle(w, &job->scope);
	if (job->late)
		find_holders(w, job);
}

static void
give_up(struct job *job, struct err *e)
{
	unsigned found = atomic_load(&job->found);
	struct buf b = { 0 };

	err_set(e, SQLSTATE_CANCELED, "PAUSE was given up after %.1f s, servers still in use: %u",
	    (double)job->most / SECOND, scope_servers(job->admin->pooler, &job->scope));
	for (unsigned i = 0; i < found && i < HOLDERS_MOST; i++)
		buf_printf(&b, "%s%s", i > 0 ? "; " : "", job->strings + (size_t)i * HOLDER_BYTES);
	if (found > HOLDERS_MOST)
		buf_printf(&b, "; and %u more", found - HOLDERS_MOST);
	if (!b.failed && b.len > 0)
		err_detail(e, "%s", buf_text(&b));
	buf_fini(&b);
	err_hint(e, "%s", job->ours ? "everything goes on; KILL_CLIENT id ends a client" :
	    "it was paused before and stays so; KILL_CLIENT id ends a client");
	if (job->ours)
		admin_resume(job->admin, scope_name(&job->scope));
}

/* Is everything closed? Or has somebody resumed meanwhile? */
static enum job_step
look_paused(struct job *job, struct err *e)
{
	usec_t now = loop_now(job->home->loop);

	if (!place_paused(job->admin->pooler, scope_name(&job->scope))) {
		err_set(e, SQLSTATE_PROTOCOL, "PAUSE was ended by RESUME");
		return JOB_FAILED;
	}
	if (scope_servers(job->admin->pooler, &job->scope) == 0)
		return JOB_DONE;
	if (job->late) {
		give_up(job, e);
		return JOB_FAILED;
	}
	job->late = job->most > 0 && now - job->began >= job->most;
	return JOB_AGAIN;
}

/* As with PgBouncer, who does not want to wait for PAUSE does not want it. */
static void
cancel_pause(struct job *job)
{
	admin_resume(job->admin, scope_name(&job->scope));
}

static const struct job_kind pause_kind = { round_of_pause, look_paused, cancel_pause };

/* --- PAUSE --- */

/* Whom R is about; its limits stand behind that. */
static bool
read_scope(struct console *s, const struct request *r, const struct pause_wish *wish,
    struct scope *scope)
{
	struct request name = *r;

	name.words.count = wish->named ? 2 : 1;
	return command_scope(s, &name, scope);
}

/* How long it lasts is told to the keeper, as this console may be gone by then. */
static bool
limit_length(struct job *job, const struct pause_wish *wish, const struct conf *conf)
{
	usec_t length = wish->lasting != USEC_UNSET ? wish->lasting : conf->pause_time;

	return length == 0 ||
	    lull_begin(job->admin, scope_name(&job->scope), job->began, length);
}

void
run_pause(struct console *s, const struct request *r)
{
	const struct conf *conf = s->client->worker->setup->conf;
	struct pause_wish wish;
	struct scope scope;
	struct job *job;

	if (!pause_read(&r->words, &wish) || !read_scope(s, r, &wish, &scope))
		return;
	if (atomic_load(&s->admin->pooler->draining)) {
		console_fail(s, "pooler is shutting down");
		return;
	}
	job = job_new(s, &pause_kind);
	if (job == NULL)
		return;
	job->scope = scope;
	job->most = wish.within != USEC_UNSET ? wish.within : conf->pause_timeout;
	job->ours = place_pause(s->admin->pooler, scope_name(&scope), true);
	if (!job->ours && scope.all) {
		job_abandon(job);
		console_fail(s, "already suspended/paused");
		return;
	}
	console_log(s, "PAUSE %s", scope.database);
	if (limit_length(job, &wish, conf)) {
		job_begin(job);
		return;
	}
	if (job->ours)
		admin_resume(s->admin, scope_name(&scope));
	job_abandon(job);
	console_fail(s, "out of memory");
}
