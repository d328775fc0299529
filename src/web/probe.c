/*
 * probe.c - probes: /startupz, /livez, /readyz.
 */
#include <stdatomic.h>

#include "web/readiness.h"
#include "web/visit.h"
#include "web/web_private.h"

/* 200 if nothing is in FAULTS, a line each; else 503 and the lines. */
static void
answer(struct visit *v, struct buf *faults)
{
	int status = faults->len == 0 ? 200 : 503;

	if (faults->len == 0)
		buf_put_text(faults, "ok\n");
	visit_answer(v, status, TYPE_TEXT, faults);
}

void
run_startupz(struct visit *v)
{
	struct buf faults = { 0 };

	if (!atomic_load(&v->web->up))
		buf_put_text(&faults, "starting\n");
	answer(v, &faults);
}

void
run_livez(struct visit *v)
{
	struct buf faults = { 0 };

	beat_faults(v->web, &faults);
	answer(v, &faults);
}

void
run_readyz(struct visit *v)
{
	struct buf faults = { 0 };

	/* what servers say is not for everybody */
	readiness_faults(v->web, &faults,
	    visit_asks(v, "verbose") && visit_shows_token(v));
	answer(v, &faults);
}
