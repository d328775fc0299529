/*
 * pulse.c - telling the service manager, again and again, that all threads live: the
 * keeper, as its timer rings, and every worker, as it has answered a question. One that
 * hangs is not covered up by the rest.
 */
#include "pulse.h"

#include "notify.h"
#include "pool/worker.h"

static void
ask_nothing(struct worker *w, void *arg)
{
	(void)w;
	(void)arg;
}

static void
all_answered(void *arg)
{
	struct pulse *pulse = arg;

	atomic_store(&pulse->answered, true);
}

static void
beat(void *owner)
{
	struct pulse *pulse = owner;

	if (atomic_exchange(&pulse->answered, false)) {
		notify_alive();
		if (!worker_ask_all(pulse->pooler, NULL, ask_nothing, all_answered, pulse))
			atomic_store(&pulse->answered, true);
	}
	timer_set(pulse->timer, pulse->period);
}

bool
pulse_begin(struct pulse *pulse, struct pooler *p, struct loop *loop, struct err *e)
{
	pulse->period = notify_period();
	if (pulse->period == 0)
		return true;
	pulse->pooler = p;
	atomic_store(&pulse->answered, true);
	pulse->timer = timer_new(loop, beat, pulse);
	if (pulse->timer == NULL)
		return err_set(e, SQLSTATE_NO_MEMORY, "out of memory");
	timer_set(pulse->timer, 0);
	return true;
}

void
pulse_end(struct pulse *pulse)
{
	timer_free(pulse->timer);
	pulse->timer = NULL;
}
