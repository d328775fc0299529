/*
 * cmd_suspend.c - SUSPEND: nothing is read and no server is given until RESUME. What that
 * means for a worker is in act.c; that pools give nothing, place.c's business.
 */
#include "admin/admin.h"
#include "admin/cmd.h"
#include "pool/client.h"
#include "pool/place.h"

/* A server may be on its way between two workers in the first round, and log in. */
#define ROUNDS_LEAST 3u

static void
hold(struct worker *w, struct job *job)
{
	act_hold(w);
	atomic_fetch_add(&job->found, act_count_unsent(w, job->late));
}

/* Has everybody got what was on its way to them? */
static enum job_step
look_flushed(struct job *job, struct err *e)
{
	usec_t most = job->home->setup->conf->suspend_timeout;

	if (!place_suspended(job->admin->pooler)) {
		err_set(e, SQLSTATE_PROTOCOL, "SUSPEND was ended by RESUME");
		return JOB_FAILED;
	}
	if (job->rounds >= ROUNDS_LEAST && atomic_load(&job->found) == 0)
		return JOB_DONE;
	if (loop_now(job->home->loop) - job->began >= most)
		job->late = true;
	return JOB_AGAIN;
}

static void
cancel_suspend(struct job *job)
{
	admin_resume(job->admin, span_of(NULL, 0));
}

static const struct job_kind suspend_kind = { hold, look_flushed, cancel_suspend };

void
run_suspend(struct console *s, const struct request *r)
{
	struct pooler *p = s->admin->pooler;
	struct job *job;

	(void)r;
	if (place_any_paused(p)) {
		console_fail(s, "cannot suspend with paused databases");
		return;
	}
	if (atomic_load(&p->shutting) || atomic_load(&p->draining)) {
		console_fail(s, "pooler is shutting down");
		return;
	}
	job = job_new(s, &suspend_kind);
	if (job == NULL)
		return;
	if (!place_suspend(p)) {
		job_abandon(job);
		console_fail(s, "already suspended/paused");
		return;
	}
	console_log(s, "SUSPEND");
	s->suspension = atomic_fetch_add(&s->admin->suspensions, 1) + 1;
	job_begin(job);
}

void
suspend_leave(struct console *s)
{
	/* when all ends, nobody is left to ask */
	if (s->client->worker->stopping || s->suspension == 0 ||
	    s->suspension != atomic_load(&s->admin->suspensions) ||
	    !place_suspended(s->admin->pooler))
		return;
	console_log(s, "left after SUSPEND: RESUME");
	admin_resume(s->admin, span_of(NULL, 0));
}
