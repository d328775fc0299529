/*
 * probe.c - probes: /startupz, /livez, /readyz.
 */
#include <stdatomic.h>

#include "pool/place.h"
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

	answer(v, &faults);
}

void
run_readyz(struct visit *v)
{
	struct pooler *p = v->web->pooler;
	struct buf faults = { 0 };

	if (!atomic_load(&v->web->up))
		buf_put_text(&faults, "starting\n");
	if (atomic_load(&p->draining))
		buf_put_text(&faults, "draining\n");
	else if (atomic_load(&p->shutting))
		buf_put_text(&faults, "shutting down\n");
	if (place_suspended(p))
		buf_put_text(&faults, "suspended\n");
	else if (place_paused(p, span_of(NULL, 0)))
		buf_put_text(&faults, "paused\n");
	answer(v, &faults);
}
