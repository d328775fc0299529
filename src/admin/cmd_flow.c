/*
 * cmd_flow.c - RESUME, DISABLE, ENABLE, WAIT_CLOSE: who may talk to servers. PAUSE is in
 * cmd_pause.c, SUSPEND in cmd_suspend.c.
 */
#include "admin/admin.h"
#include "admin/cmd.h"
#include "pool/client.h"
#include "pool/place.h"

bool
command_scope(struct console *s, const struct request *r, struct scope *scope)
{
	struct span name = words_at(&r->words, 1);

	scope->all = r->words.count < 2;
	scope->database[0] = '\0';
	if (scope->all)
		return true;
	if (!span_copy(name, scope->database, sizeof(scope->database)) ||
	    (!conf_is_console(name) &&
		conf_database(s->client->worker->setup->conf, name) == NULL)) {
		console_fail(s, "no such database: %s", scope->database);
		return false;
	}
	if (!conf_is_console(name))
		return true;
	console_fail(s, "cannot %s admin db: %s", r->command->word, scope->database);
	return false;
}

struct span
scope_name(const struct scope *scope)
{
	return scope->all ? span_of(NULL, 0) : span_text(scope->database);
}

/* A job for SCOPE, begun. */
static void
begin(struct console *s, const struct job_kind *kind, const struct scope *scope)
{
	struct job *job = job_new(s, kind);

	if (job == NULL)
		return;
	job->scope = *scope;
	job_begin(job);
}

/* --- RESUME --- */

static void
cover(struct worker *w, struct job *job)
{
	act_cover(w, &job->scope);
}

static enum job_step
once(struct job *job, struct err *e)
{
	(void)job;
	(void)e;
	return JOB_DONE;
}

static const struct job_kind resume_kind = { cover, once, NULL };

void
run_resume(struct console *s, const struct request *r)
{
	struct pooler *p = s->admin->pooler;
	struct scope scope;

	if (!command_scope(s, r, &scope))
		return;
	if (atomic_load(&p->shutting) && !atomic_load(&p->draining)) {
		console_fail(s, "pooler is shutting down");
		return;
	}
	lull_forget(s->admin, scope_name(&scope));
	if (!place_pause(p, scope_name(&scope), false)) {
		if (!scope.all) {
			console_fail(s, "database %s is not paused", scope.database);
			return;
		}
		/* kinder than PgBouncer: after KILL a plain RESUME will do */
		lull_forget_named(s->admin);
		if (!place_resume_named(p)) {
			console_fail(s, "pooler is not paused/suspended");
			return;
		}
	}
	console_log(s, "RESUME %s", scope.database);
	begin(s, &resume_kind, &scope);
}

/* --- WAIT_CLOSE --- */

static void
count_doomed(struct worker *w, struct job *job)
{
	atomic_fetch_add(&job->found, act_count_doomed(w, &job->scope));
}

static enum job_step
look_closed(struct job *job, struct err *e)
{
	(void)e;
	return atomic_load(&job->found) == 0 ? JOB_DONE : JOB_AGAIN;
}

static void
cancel_waiting(struct job *job)
{
	(void)job;
}

static const struct job_kind wait_close_kind = { count_doomed, look_closed,
	cancel_waiting };

void
run_wait_close(struct console *s, const struct request *r)
{
	struct scope scope;

	if (command_scope(s, r, &scope))
		begin(s, &wait_close_kind, &scope);
}

/* --- DISABLE, ENABLE --- */

static void
allow(struct console *s, const struct request *r, bool allowed)
{
	struct scope scope;

	if (r->words.count < 2) {
		console_fail(s, "a database is required");
		return;
	}
	if (!command_scope(s, r, &scope))
		return;
	place_disable(s->admin->pooler, scope_name(&scope), !allowed);
	console_log(s, "%s %s", allowed ? "ENABLE" : "DISABLE", scope.database);
	console_done(s, NULL);
}

void
run_disable(struct console *s, const struct request *r)
{
	allow(s, r, false);
}

void
run_enable(struct console *s, const struct request *r)
{
	allow(s, r, true);
}
