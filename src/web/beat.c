/*
 * beat.c - do all threads turn? What counts is how often our own timer has rung since they
 * were asked: a machine that slept has not kept anybody waiting.
 */
#include "web/beat.h"

#include "web/web_private.h"

/* Reading large files at a RELOAD may take the keeper a while. */
#define LATE_MOST 5u

static void
note_worker(struct worker *w, void *arg)
{
	struct web *web = arg;

	atomic_store(&web->beat.answered[w->index], true);
}

/* On the worker that was last. */
static void
all_answered(void *arg)
{
	struct web *web = arg;

	mailbox_post(web->mailbox, &web->beat.back);
}

static void
come_home(struct letter *letter, void *receiver)
{
	struct web *web = receiver;

	(void)letter;
	web->beat.asking = false;
	web->beat.late = 0;
	web_back(web);
}

/* On the keeper's thread. */
static void
note_keeper(struct letter *letter, void *receiver)
{
	struct beat *beat = CONTAINER_OF(letter, struct beat, keeper);

	(void)receiver;
	atomic_store(&beat->keeper_answered, true);
}

static void
ask_workers(struct web *web)
{
	struct beat *beat = &web->beat;

	for (unsigned i = 0; i < web->pooler->worker_count; i++)
		atomic_store(&beat->answered[i], false);
	beat->asking = true;
	web->away++;
	if (worker_ask_all(web->pooler, NULL, note_worker, all_answered, web))
		return;
	web->away--;
	beat->asking = false;
}

void
beat_begin(struct web *web)
{
	web->beat.back.open = come_home;
	web->beat.keeper.open = note_keeper;
	atomic_store(&web->beat.keeper_answered, true);
}

void
beat_tick(struct web *web)
{
	struct beat *beat = &web->beat;

	if (beat->asking)
		beat->late++;
	else if (!web->ending)
		ask_workers(web);
	if (!atomic_exchange(&beat->keeper_answered, false)) {
		beat->keeper_late++;
		return;
	}
	beat->keeper_late = 0;
	mailbox_post(web->admin->keeper, &beat->keeper);
}

void
beat_faults(const struct web *web, struct buf *out)
{
	const struct beat *beat = &web->beat;

	for (unsigned i = 0; beat->late > LATE_MOST && i < web->pooler->worker_count; i++) {
		if (!atomic_load(&beat->answered[i]))
			buf_printf(out, "worker %u has not answered for %u seconds\n", i,
			    beat->late);
	}
	if (beat->keeper_late > LATE_MOST)
		buf_printf(out, "the main thread has not answered for %u seconds\n",
		    beat->keeper_late);
}
