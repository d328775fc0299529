/*
 * ending.c - how the process ends, PgBouncer's ways. The phases of a drain are drain.c's.
 */
#include "ending.h"

#include "admin/act.h"
#include "base/log.h"
#include "notify.h"
#include "pool/place.h"
#include "pool/worker.h"

#define WATCH_PERIOD (333 * MSEC)

static const struct scope everything = { .all = true };

static void on_watch(void *owner);

bool
ending_init(struct ending *x, struct pooler *p, struct doors *doors, struct loop *loop)
{
	*x = (struct ending){ .pooler = p, .doors = doors, .loop = loop };
	x->watch = timer_new(loop, on_watch, x);
	return x->watch != NULL && drain_init(&x->drain, p, doors, loop);
}

void
ending_fini(struct ending *x)
{
	timer_free(x->watch);
	x->watch = NULL;
	drain_fini(&x->drain);
}

static void
send_away(struct worker *w, void *arg)
{
	(void)arg;
	act_send_away(w);
	act_close_idle(w, &everything);
}

static void
nothing(void *arg)
{
	(void)arg;
}

/* From now on nobody new comes but to the console, by a unix socket. */
static void
close_doors(struct ending *x)
{
	doors_close_tcp(x->doors);
	atomic_store(&x->pooler->shutting, true);
}

/* While we are to end: may we? */
static void
on_watch(void *owner)
{
	struct ending *x = owner;
	struct pooler *p = x->pooler;
	bool over = x->mode == SHUTDOWN_NOW;

	if (x->mode == SHUTDOWN_DRAIN)
		return;
	if (!atomic_load(&p->shutting))
		close_doors(x);
	if (x->mode == SHUTDOWN_WAIT_FOR_CLIENTS)
		over = atomic_load(&p->clients) == 0;
	if (x->mode == SHUTDOWN_WAIT_FOR_SERVERS) {
		over = scope_servers(p, &everything) == 0;
		if (!over)
			worker_ask_all(p, NULL, send_away, nothing, NULL);
	}
	if (over)
		loop_stop(x->loop);
	else
		timer_set(x->watch, WATCH_PERIOD);
}

static void
begin_waiting(struct ending *x)
{
	log_line(LOG_LEVEL_LOG, NULL, "shutting down when all %s are gone",
	    x->mode == SHUTDOWN_WAIT_FOR_CLIENTS ? "clients" : "servers");
	if (x->mode == SHUTDOWN_WAIT_FOR_CLIENTS && x->pooler->setup->conf->so_reuseport) {
		/* another process has the port, too: nobody shall notice that we go */
		doors_ebb(x->doors);
		timer_set(x->watch, DOORS_EBB);
		return;
	}
	close_doors(x);
	if (x->mode == SHUTDOWN_WAIT_FOR_SERVERS) {
		atomic_store(&x->pooler->no_servers, true);
		place_pause(x->pooler, span_of(NULL, 0), true);
		worker_ask_all(x->pooler, NULL, send_away, nothing, NULL);
	}
	timer_set(x->watch, WATCH_PERIOD);
}

/* A preStop hook may have said SHUTDOWN WAIT_FOR_CLIENTS before SIGTERM comes: that is no reason to cut them off. */
static bool
goes_on(const struct ending *x, enum shutdown_mode mode)
{
	return x->mode == SHUTDOWN_NONE ||
	    (x->mode == SHUTDOWN_WAIT_FOR_CLIENTS && mode == SHUTDOWN_DRAIN);
}

void
ending_begin(struct ending *x, enum shutdown_mode mode)
{
	notify_stopping();
	/* suspended, nobody is read from and so nobody could be seen leaving */
	if (mode == SHUTDOWN_NOW || !goes_on(x, mode) || place_suspended(x->pooler)) {
		log_line(LOG_LEVEL_LOG, NULL, "shutting down at once");
		x->mode = SHUTDOWN_NOW;
		loop_stop(x->loop);
		return;
	}
	x->mode = mode;
	if (mode == SHUTDOWN_DRAIN)
		drain_begin(&x->drain, x->pooler->setup->conf);
	else
		begin_waiting(x);
}

void
ending_terminate(struct ending *x)
{
	bool drain = x->pooler->setup->conf->shutdown_mode == SHUTDOWN_WORD_DRAIN;

	ending_begin(x, drain ? SHUTDOWN_DRAIN : SHUTDOWN_WAIT_FOR_CLIENTS);
}
