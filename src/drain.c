/*
 * drain.c - the phases of a drain, on the keeper's thread. Who is told to leave at which
 * moment is pool/goodbye.c's, how the process ends otherwise ending.c's.
 *
 *	ACCEPTING --> TELLING --> LATE --> LAST --> OVER
 *	   drain_accept_time  drain_time |   servers are closed
 *	                         drain_timeout: what runs is canceled
 */
#include "drain.h"

#include <stdio.h>

#include "admin/act.h"
#include "base/log.h"
#include "notify.h"
#include "pool/goodbye.h"
#include "pool/place.h"
#include "pool/worker.h"

#define PERIOD (100 * MSEC)
/* For cancel requests and clean-ups behind the last client. */
#define LAST_MOST (2 * SECOND)

static const struct scope everything = { .all = true };

static void on_timer(void *owner);

bool
drain_init(struct drain *d, struct pooler *p, struct doors *doors, struct loop *loop)
{
	*d = (struct drain){ .pooler = p, .doors = doors, .loop = loop };
	d->timer = timer_new(loop, on_timer, d);
	return d->timer != NULL;
}

void
drain_fini(struct drain *d)
{
	timer_free(d->timer);
	d->timer = NULL;
}

/* Clients that are no consoles. */
static unsigned
count_clients(const struct drain *d)
{
	unsigned clients = atomic_load(&d->pooler->clients);
	unsigned consoles = atomic_load(&d->pooler->consoles);

	return clients > consoles ? clients - consoles : 0;
}

static double
seconds_since(const struct drain *d, usec_t then)
{
	return (double)(loop_now(d->loop) - then) / SECOND;
}

/* --- what the workers do --- */

static void
nothing(void *arg)
{
	(void)arg;
}

static void
say_goodbye(struct worker *w, void *arg)
{
	const struct drain *d = arg;

	goodbye_begin(w, d->late - d->doors_close);
}

static void
say_goodbye_to_all(struct worker *w, void *arg)
{
	(void)arg;
	goodbye_to_all(w, false);
}

static void
say_goodbye_to_consoles(struct worker *w, void *arg)
{
	(void)arg;
	goodbye_to_all(w, true);
}

static void
close_idle(struct worker *w, void *arg)
{
	(void)arg;
	act_close_idle(w, &everything);
}

/* --- phases --- */

void
drain_begin(struct drain *d, const struct conf *conf)
{
	struct pooler *p = d->pooler;
	bool open = !atomic_load(&p->shutting);

	d->phase = DRAIN_ACCEPTING;
	d->began = loop_now(d->loop);
	d->doors_close = d->began;
	if (open && conf->so_reuseport) {
		/* another process has the port, too: nobody shall notice that we go */
		doors_ebb(d->doors);
		d->doors_close += DOORS_EBB;
	} else if (open) {
		d->doors_close += conf->drain_accept_time;
	}
	d->late = d->doors_close + conf->drain_time;
	d->time_up = conf->drain_timeout > 0 ? d->began + conf->drain_timeout : 0;
	atomic_store(&p->drain_began, loop_wall(d->loop));
	atomic_store(&p->draining, true);
	log_line(LOG_LEVEL_LOG, NULL, "draining: clients are let in for %.1f s more; %u are here, "
	    "with %u servers", (double)(d->doors_close - d->began) / SECOND, count_clients(d),
	    scope_servers(p, &everything));
	timer_set(d->timer, 0);
}

/* Do other replicas pass cancel requests on to us, by TCP, for as long as our clients are here? */
static bool
replicas_call(const struct conf *conf)
{
	return conf->budget_peers[0] != '\0' && conf->n_peer_secrets > 0 && !conf->so_reuseport;
}

static void
close_doors(struct drain *d)
{
	struct setup *setup = pooler_setup(d->pooler);

	d->phase = DRAIN_TELLING;
	if (replicas_call(setup->conf))
		atomic_store(&d->pooler->closed_at, loop_wall(d->loop));
	else
		doors_close_tcp(d->doors);
	setup_drop(setup);
	atomic_store(&d->pooler->shutting, true);
	log_line(LOG_LEVEL_LOG, NULL, "draining: nobody is let in any more; %u clients are told to leave "
	    "within %.1f s", count_clients(d), (double)(d->late - d->doors_close) / SECOND);
	worker_ask_all(d->pooler, NULL, say_goodbye, nothing, d);
}

/* Clients are gone, or have had their time: servers are closed as they come to rest. */
static void
begin_last(struct drain *d)
{
	unsigned left = count_clients(d);

	d->phase = DRAIN_LAST;
	d->last = loop_now(d->loop);
	if (left > 0) {
		log_line(LOG_LEVEL_WARNING, NULL, "draining: %u clients are still here after %.1f s "
		    "(drain_timeout): what runs is canceled", left, seconds_since(d, d->began));
		worker_ask_all(d->pooler, NULL, say_goodbye_to_all, nothing, NULL);
	} else {
		log_line(LOG_LEVEL_LOG, NULL, "draining: all clients are gone after %.1f s",
		    seconds_since(d, d->began));
	}
	place_pause(d->pooler, span_of(NULL, 0), true);
}

static void
finish(struct drain *d)
{
	unsigned servers = scope_servers(d->pooler, &everything);

	if (servers > 0)
		log_line(LOG_LEVEL_WARNING, NULL, "draining: %u servers are not at rest after %.1f s, "
		    "closing them", servers, seconds_since(d, d->last));
	d->phase = DRAIN_OVER;
	worker_ask_all(d->pooler, NULL, say_goodbye_to_consoles, nothing, NULL);
}

/* Has there been nobody, this time and the time before? The counts are read one after the other. */
static bool
all_gone(struct drain *d)
{
	bool before = d->alone;

	d->alone = count_clients(d) == 0;
	return before && d->alone;
}

static void
look(struct drain *d, usec_t now)
{
	bool time_up = d->time_up > 0 && now >= d->time_up;

	switch (d->phase) {
	case DRAIN_ACCEPTING:
		if (now >= d->doors_close || time_up)
			close_doors(d);
		break;
	case DRAIN_TELLING:
		if (now >= d->late) {
			d->phase = DRAIN_LATE;
			log_line(LOG_LEVEL_LOG, NULL, "draining: drain_time is over, %u clients leave at "
			    "the end of their transactions", count_clients(d));
		}
		/* fall through */
	case DRAIN_LATE:
		if (all_gone(d) || time_up)
			begin_last(d);
		break;
	case DRAIN_LAST:
		worker_ask_all(d->pooler, NULL, close_idle, nothing, NULL);
		if (scope_servers(d->pooler, &everything) == 0 || now - d->last >= LAST_MOST)
			finish(d);
		break;
	case DRAIN_NONE:
	case DRAIN_OVER:
		loop_stop(d->loop);
		break;
	}
}

static void
tell_manager(struct drain *d, usec_t now)
{
	char line[80];

	if (d->told != 0 && now - d->told < SECOND)
		return;
	d->told = now;
	snprintf(line, sizeof(line), "draining for %.0f s, %u clients are left",
	    seconds_since(d, d->began), count_clients(d));
	notify_status(line);
}

static void
on_timer(void *owner)
{
	struct drain *d = owner;
	usec_t now = loop_now(d->loop);

	tell_manager(d, now);
	look(d, now);
	timer_set(d->timer, PERIOD);
}
