/*
 * survey.c - rows for the web's thread: every worker fills its part of several views at one
 * go, the last of them sends all home by a letter.
 *
 *	web             worker 0        worker 1
 *	visit_survey -> fill, fill ...
 *	             ------------------> fill, fill ...
 *	come_home   <------------------- last one
 *	finish, finish ..., done
 */
#include <time.h>

#include "admin/gather.h"
#include "base/mem.h"
#include "web/visit.h"
#include "web/web_private.h"

/* What strangers may cost: workers' time, and memory of answers that nobody takes. */
#define SURVEYS_AT_ONCE 8u
#define UNSENT_MOST ((size_t)32 << 20)

struct survey {
	struct letter	 back;
	struct visit	*visit;		/* borrowed */
	void		(*done)(struct visit *v, const struct sheet *sheets);
	unsigned	 count;
	const struct view *views[SURVEY_MOST];
	struct gathering *parts[SURVEY_MOST];	/* owned; NULL: the workers are not asked */
	struct sheet	 sheets[SURVEY_MOST];
};

static void
survey_free(struct survey *s)
{
	for (unsigned i = 0; i < s->count; i++) {
		gathering_free(s->parts[i]);
		sheet_fini(&s->sheets[i]);
	}
	mem_free(s);
}

static struct survey *
survey_new(const struct visit *v, const struct view *const *views, unsigned count)
{
	struct survey *s = mem_new(sizeof(*s));

	if (s == NULL)
		return NULL;
	for (; s->count < count; s->count++) {
		const struct view *view = views[s->count];

		s->views[s->count] = view;
		sheet_init(&s->sheets[s->count], view->row_size);
		if (view->fill == NULL)
			continue;
		s->parts[s->count] = gathering_new(v->web->pooler, view->part_size);
		if (s->parts[s->count] == NULL) {
			survey_free(s);
			return NULL;
		}
	}
	return s;
}

/* Processor time of this thread. */
static uint64_t
thread_nsec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* On each worker: nobody else touches its parts now. */
static void
fill_parts(struct worker *w, void *arg)
{
	struct survey *s = arg;
	uint64_t began = thread_nsec();

	for (unsigned i = 0; i < s->count; i++) {
		if (s->parts[i] != NULL)
			s->views[i]->fill(&s->parts[i]->parts[w->index], w);
	}
	atomic_fetch_add(&s->visit->web->worker_nsec, thread_nsec() - began);
}

static bool
finish(struct survey *s, unsigned at)
{
	const struct web *web = s->visit->web;
	struct view_source from = { .view = s->views[at], .admin = web->admin,
		.loop = web->loop, .conf = web->setup->conf, .parts = s->parts[at] };

	if (from.parts != NULL && gathering_failed(from.parts))
		return false;
	if (from.view->finish != NULL)
		from.view->finish(&from, &s->sheets[at]);
	else
		gathering_join(from.parts, &s->sheets[at]);
	return !s->sheets[at].failed;
}

/* On the web's thread. */
static void
come_home(struct letter *letter, void *receiver)
{
	struct survey *s = CONTAINER_OF(letter, struct survey, back);
	struct web *web = receiver;
	bool whole = true;

	for (unsigned i = 0; i < s->count; i++)
		whole &= finish(s, i);
	if (whole)
		s->done(s->visit, s->sheets);
	else
		visit_say(s->visit, 503, "out of memory");
	survey_free(s);
	web->surveys--;
	web_back(web);
}

/* On the worker that was last. */
static void
all_filled(void *arg)
{
	struct survey *s = arg;

	mailbox_post(s->visit->web->mailbox, &s->back);
}

void
visit_survey(struct visit *v, const struct view *const *views, unsigned count,
    void (*done)(struct visit *v, const struct sheet *sheets))
{
	struct survey *s;

	if (v->web->surveys == SURVEYS_AT_ONCE || v->web->unsent > UNSENT_MOST) {
		visit_say(v, 503, "too many ask at once");
		return;
	}
	s = survey_new(v, views, count);
	if (s != NULL) {
		s->visit = v;
		s->done = done;
		s->back.open = come_home;
		v->web->away++;
		v->web->surveys++;
		if (worker_ask_all(v->web->pooler, NULL, fill_parts, all_filled, s))
			return;
		v->web->away--;
		v->web->surveys--;
		survey_free(s);
	}
	visit_say(v, 503, "out of memory");
}
