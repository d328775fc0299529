/*
 * job.c - a command that cannot be answered at once. What is asked and when it is
 * enough is said in cmd_*.c.
 */
#include "admin/job.h"

#include <string.h>

#include "admin/admin.h"
#include "base/mem.h"
#include "pool/client.h"

static void on_timer(void *owner);

struct job *
job_new(struct console *s, const struct job_kind *kind)
{
	struct job *job = mem_new(sizeof(*job));

	if (job == NULL) {
		console_fail(s, "out of memory");
		return NULL;
	}
	job->console = s;
	job->admin = s->admin;
	job->home = s->client->worker;
	job->kind = kind;
	job->began = loop_now(job->home->loop);
	atomic_init(&job->found, 0);
	s->job = job;
	return job;
}

static void
job_free(struct job *job)
{
	timer_free(job->timer);
	buf_fini(&job->order.notes);
	mem_free(job);
}

/* The answer: E (NULL: well). The job is gone afterwards. */
static void
answer(struct job *job, const struct err *e)
{
	struct console *s = job->console;

	job_free(job);
	if (s == NULL)
		return;
	s->job = NULL;
	console_done(s, e);
}

static void
answer_no_memory(struct job *job)
{
	struct err e = { 0 };

	err_set(&e, SQLSTATE_NO_MEMORY, "out of memory");
	answer(job, &e);
}

void
job_abandon(struct job *job)
{
	if (job->console != NULL)
		job->console->job = NULL;
	job->console = NULL;
	if (!job->away)
		job_free(job);
}

/* --- rounds --- */

static void
ask_worker(struct worker *w, void *arg)
{
	struct job *job = arg;

	job->kind->round(w, job);
}

static void
round_over(void *arg)
{
	struct job *job = arg;
	struct err e = { 0 };
	enum job_step step;

	job->away = false;
	if (job->console == NULL) {
		job_free(job);
		return;
	}
	job->rounds++;
	step = job->kind->look(job, &e);
	if (step != JOB_AGAIN) {
		answer(job, step == JOB_FAILED ? &e : NULL);
		return;
	}
	if (job->timer == NULL)
		job->timer = timer_new(job->home->loop, on_timer, job);
	if (job->timer == NULL)
		answer_no_memory(job);
	else
		timer_set(job->timer, JOB_PAUSE);
}

void
job_begin(struct job *job)
{
	atomic_store(&job->found, 0);
	job->away = true;
	if (worker_ask_all(job->admin->pooler, job->home, ask_worker, round_over, job))
		return;
	job->away = false;
	answer_no_memory(job);
}

static void
on_timer(void *owner)
{
	job_begin(owner);
}

/* --- the keeper --- */

/* RELOAD says what changed, SET what should be known. */
static void
tell_notes(struct job *job)
{
	const struct order *o = &job->order;
	struct buf *notes = &job->order.notes;

	if (!o->ok || notes->failed || notes->len == 0)
		return;
	if (o->kind == ORDER_RELOAD)
		console_notice(job->console, "configuration reloaded", buf_text(notes));
	else
		console_notice(job->console, buf_text(notes), NULL);
}

/* Why the keeper did not do it, below the words that clients of PgBouncer know. */
static void
explain(const struct order *o, struct err *e)
{
	if (o->kind == ORDER_RELOAD)
		err_set(e, SQLSTATE_CONFIG,
		    "RELOAD failed, see logs for additional details");
	else
		err_set(e, SQLSTATE_PROTOCOL, "SET failed");
	err_detail(e, "%s", o->err.text);
	err_hint(e, "%s", o->err.hint);
}

static void
order_back(struct letter *letter, void *receiver)
{
	struct job *job = CONTAINER_OF(letter, struct job, back);
	bool ok = job->order.ok;
	struct err e = { 0 };

	(void)receiver;
	job->away = false;
	if (!ok)
		explain(&job->order, &e);
	else if (job->console != NULL)
		tell_notes(job);
	answer(job, ok ? NULL : &e);
}

/* On the keeper's thread. */
static void
order_done(struct order *order)
{
	struct job *job = order->owner;

	job->back.open = order_back;
	mailbox_post(job->home->mailbox, &job->back);
}

void
job_send_order(struct job *job)
{
	struct err e = { 0 };

	job->order.owner = job;
	job->order.done = order_done;
	job->away = true;
	if (admin_order(job->admin, &job->order))
		return;
	job->away = false;
	err_set(&e, SQLSTATE_PROTOCOL, "there is nobody to do it");
	answer(job, &e);
}

/* --- rows --- */

static void
rows_gathered(struct gathering *g)
{
	struct job *job = g->owner;
	struct portal *portal;
	struct view_source from;

	job->away = false;
	if (job->console == NULL || gathering_failed(g)) {
		gathering_free(g);
		answer_no_memory(job);
		return;
	}
	portal = job->console->running;
	portal->parts = g;
	from = (struct view_source){ .view = portal->request.view, .admin = job->admin,
		.loop = job->home->loop, .conf = job->home->setup->conf, .parts = g };
	if (from.view->finish != NULL)
		from.view->finish(&from, &portal->rows);
	else
		gathering_join(g, &portal->rows);
	if (portal->rows.failed)
		answer_no_memory(job);
	else
		answer(job, NULL);
}

void
job_gather(struct job *job, const struct view *view)
{
	job->away = true;
	if (gather(job->admin->pooler, job->home, view->part_size, view->fill,
		rows_gathered, job) != NULL)
		return;
	job->away = false;
	answer_no_memory(job);
}
