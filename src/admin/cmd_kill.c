/*
 * cmd_kill.c - KILL, KILL_CLIENT, RECONNECT: connections end.
 */
#include "admin/admin.h"
#include "admin/cmd.h"
#include "pool/client.h"
#include "pool/place.h"

#define KILL_ROUNDS 250u	/* five seconds: whatever is left then ends by itself */

/* --- KILL --- */

struct pausing {
	struct pooler	*pooler;
	const struct scope *scope;
};

static void
pause_pool(void *owner, struct pool *pool)
{
	struct pausing *pausing = owner;

	if (scope_has(pausing->scope, pool))
		place_pause(pausing->pooler, span_text(pool->database), true);
}

static void
kill_on(struct worker *w, struct job *job)
{
	act_kill(w, &job->scope);
}

/* A server on its way from one worker to another is met in a later round. */
static enum job_step
look_killed(struct job *job, struct err *e)
{
	(void)e;
	if (scope_servers(job->admin->pooler, &job->scope) == 0 ||
	    job->rounds >= KILL_ROUNDS)
		return JOB_DONE;
	return JOB_AGAIN;
}

static const struct job_kind kill_kind = { kill_on, look_killed, NULL };

void
run_kill(struct console *s, const struct request *r)
{
	struct pausing pausing = { s->admin->pooler, NULL };
	struct scope scope;
	struct job *job;

	if (!command_scope(s, r, &scope))
		return;
	if (place_paused(s->admin->pooler, span_of(NULL, 0)) ||
	    place_suspended(s->admin->pooler)) {
		console_fail(s, "already suspended/paused");
		return;
	}
	job = job_new(s, &kill_kind);
	if (job == NULL)
		return;
	console_log(s, "KILL %s", scope.database);
	job->scope = scope;
	pausing.scope = &job->scope;
	/* what it leaves paused stays so, whatever limit a PAUSE had */
	if (!scope.all) {
		lull_forget(s->admin, scope_name(&scope));
		place_pause(s->admin->pooler, scope_name(&scope), true);
	} else {
		lull_forget_named(s->admin);
		place_each(s->admin->pooler, pause_pool, &pausing);
	}
	scope_forget_welcome(s->admin->pooler, &scope);
	job_begin(job);
}

/* --- KILL_CLIENT --- */

static void
kill_client_on(struct worker *w, struct job *job)
{
	if (act_kill_client(w, job->id))
		atomic_fetch_add(&job->found, 1);
}

static enum job_step
look_found(struct job *job, struct err *e)
{
	if (atomic_load(&job->found) > 0)
		return JOB_DONE;
	err_set(e, SQLSTATE_PROTOCOL, "client not found");
	return JOB_FAILED;
}

static const struct job_kind kill_client_kind = { kill_client_on, look_found, NULL };

static bool
read_id(struct span text, uint64_t *id)
{
	*id = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] < '0' || text.at[i] > '9' || *id > UINT64_MAX / 16)
			return false;
		*id = *id * 10 + (uint64_t)(text.at[i] - '0');
	}
	return text.len > 0;
}

void
run_kill_client(struct console *s, const struct request *r)
{
	struct job *job;
	uint64_t id;

	if (!read_id(words_at(&r->words, 1), &id)) {
		console_fail(s, "invalid client pointer supplied");
		return;
	}
	job = job_new(s, &kill_client_kind);
	if (job == NULL)
		return;
	console_log(s, "KILL_CLIENT %llu", (unsigned long long)id);
	job->id = id;
	job_begin(job);
}

/* --- RECONNECT --- */

static void
retire(struct worker *w, struct job *job)
{
	act_retire(w, &job->scope, job->began);
}

/* Twice: a server may have been on its way between two workers the first time. */
static enum job_step
look_retired(struct job *job, struct err *e)
{
	(void)e;
	return job->rounds < 2 ? JOB_AGAIN : JOB_DONE;
}

static const struct job_kind reconnect_kind = { retire, look_retired, NULL };

void
run_reconnect(struct console *s, const struct request *r)
{
	struct scope scope;
	struct job *job;

	if (!command_scope(s, r, &scope))
		return;
	job = job_new(s, &reconnect_kind);
	if (job == NULL)
		return;
	console_log(s, "RECONNECT %s", scope.database);
	job->scope = scope;
	scope_forget_welcome(s->admin->pooler, &scope);
	job_begin(job);
}
