/*
 * keeper.c - the main thread: it deals connections out if there are several workers, hears signals, reloads, tells the
 * service manager, and sees to an orderly end. Sockets are doors.c's business, what a client
 * or a server does the workers'.
 */
#include "keeper.h"

#include <sched.h>
#include <signal.h>
#include <string.h>

#include "admin/act.h"
#include "admin/admin.h"
#include "admin/order.h"
#include "admin/version.h"
#include "auth/clerk.h"
#include "base/log.h"
#include "base/mem.h"
#include "doors.h"
#include "ending.h"
#include "net/mailbox.h"
#include "net/resolve.h"
#include "notify.h"
#include "pool/place.h"
#include "pool/worker.h"
#include "process.h"
#include "pulse.h"
#include "reload.h"
#include "replicas.h"
#include "watch.h"
#include "web/web.h"

#define CLERKS_GRACE SECOND		/* for lookups and logins that are asked outside */

struct keeper {
	struct pooler	 pooler;
	struct admin	 admin;
	bool		 pooler_ready;
	const struct keeper_wish *wish;	/* borrowed */
	struct loop	*loop;		/* owned */
	struct mailbox	*mailbox;	/* owned */
	struct timer	*period;	/* owned; ends a stats_period */
	struct timer	*lull;		/* owned; ends a PAUSE FOR so long */
	struct doors	 doors;
	struct ending	 ending;
	struct pulse	 pulse;
	struct replicas	 replicas;
	struct web	*web;		/* owned; NULL: nobody has wished for it */
	struct watch	 files;
	unsigned	 started;	/* workers whose threads run */
	unsigned	 turn;		/* who is next when workers have equally many clients */
	usec_t		 period_length;
	bool		 pidfile_written;
};

static const struct scope everything = { .all = true };

static void carry_out(struct letter *letter, void *receiver);
static void on_accept(void *owner, int fd, const struct addr *peer);
static void on_signal(void *owner, int signo);
static void on_period(void *owner);
static void on_lull(void *owner);
static void on_files(void *owner);
static bool is_full(void *owner);

/* --- the beginning --- */

/* Cores we may run on. */
static unsigned
count_cores(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0 || CPU_COUNT(&set) < 1)
		return 1;
	return (unsigned)CPU_COUNT(&set);
}

static bool
begin_workers(struct keeper *k, struct err *e)
{
	struct pooler *p = &k->pooler;
	unsigned count = k->wish->setup->conf->workers;

	if (count == 0)
		count = count_cores();
	if (count > LANES_MOST)
		count = LANES_MOST;
	p->workers = mem_new(count * sizeof(*p->workers));
	if (p->workers == NULL)
		return err_set(e, SQLSTATE_NO_MEMORY, "out of memory");
	for (; p->worker_count < count; p->worker_count++) {
		p->workers[p->worker_count] = worker_new(p, p->worker_count, e);
		if (p->workers[p->worker_count] == NULL)
			return false;
	}
	for (; k->started < count; k->started++) {
		if (!worker_start(p->workers[k->started], e))
			return false;
	}
	return true;
}

static bool
begin_hearing(struct keeper *k, struct err *e)
{
	static const int signals[] = { SIGHUP, SIGTERM, SIGINT, SIGQUIT, SIGUSR1,
		SIGUSR2 };

	signal(SIGPIPE, SIG_IGN);
	for (unsigned i = 0; i < ARRAY_SIZE(signals); i++) {
		if (!loop_on_signal(k->loop, signals[i], on_signal, k))
			return err_set(e, SQLSTATE_NO_MEMORY, "cannot catch signal %d",
			    signals[i]);
	}
	return true;
}

/* Files and sockets that others see, when all behind them is there. */
static bool
begin_serving(struct keeper *k, struct err *e)
{
	struct pooler *p = &k->pooler;
	const struct conf *conf = k->wish->setup->conf;
	struct doors_wish doors = { .loop = k->loop, .conf = conf,
		.hall = p->worker_count == 1 ? p->workers[0] : NULL,	/* nothing to deal out */
		.inherited = &k->wish->inherited, .fn = on_accept, .full = is_full, .owner = k };

	process_log_files(conf, p->worker_count);
	atomic_store(&p->client_room, process_client_room(conf, p->worker_count));
	if (conf->pidfile != NULL && conf->pidfile[0] != '\0') {
		if (!process_write_pidfile(conf->pidfile, e))
			return false;
		k->pidfile_written = true;
	}
	return doors_open(&k->doors, &doors, e);	/* last: there may be clients from now on */
}

/* On a shared port another process may still serve metrics, too: then they come later. */
static bool
begin_web(struct keeper *k, struct err *e)
{
	const struct conf *conf = k->wish->setup->conf;

	if (conf->metrics_listen[0] != '\0')
		k->web = web_new(&k->admin, conf->so_reuseport, e);
	return k->web != NULL || conf->metrics_listen[0] == '\0';
}

static bool
begin_timers(struct keeper *k, struct err *e)
{
	k->period = timer_new(k->loop, on_period, k);
	k->lull = timer_new(k->loop, on_lull, k);
	if (k->period == NULL || k->lull == NULL ||
	    !ending_init(&k->ending, &k->pooler, &k->doors, k->loop))
		return err_set(e, SQLSTATE_NO_MEMORY, "out of memory");
	k->period_length = k->wish->setup->conf->stats_period;
	timer_set(k->period, k->period_length);
	return pulse_begin(&k->pulse, &k->pooler, k->loop, e);
}

static bool
begin(struct keeper *k, struct err *e)
{
	if (!pooler_init(&k->pooler, e)) {
		setup_drop(k->wish->setup);
		return false;
	}
	k->pooler_ready = true;
	pooler_install(&k->pooler, k->wish->setup);
	k->loop = loop_new(e);
	if (k->loop == NULL)
		return false;
	k->pooler.started = loop_wall(k->loop);
	k->mailbox = mailbox_new(k->loop, k, e);
	if (k->mailbox == NULL)
		return false;
	admin_init(&k->admin, &k->pooler, k->mailbox, carry_out);
	k->admin.history.told = notify_status;
	if (!replicas_begin(&k->replicas, &k->pooler, k->loop))
		return err_set(e, SQLSTATE_NO_MEMORY, "out of memory");
	replicas_follow(&k->replicas, k->wish->setup->conf);
	k->files = (struct watch){ .pooler = &k->pooler, .override = &k->wish->override,
		.changed = on_files, .owner = k };
	if (!watch_begin(&k->files, k->loop, e))
		return false;
	watch_follow(&k->files, k->wish->setup->conf);
	if (!begin_hearing(k, e) || !begin_workers(k, e) || !begin_web(k, e) ||
	    !begin_serving(k, e) || !begin_timers(k, e))
		return false;
	if (k->web != NULL)
		web_up(k->web);
	log_line(LOG_LEVEL_LOG, NULL, "process up: %s, %s, adns: %s, tls: %s",
	    VERSION_TEXT, loop_version(), resolve_version(), tls_version());
	notify_ready();
	return true;
}

/* --- the end --- */

static void
end(struct keeper *k)
{
	struct pooler *p = &k->pooler;

	doors_close(&k->doors);
	if (k->pidfile_written)
		process_remove_pidfile(p->setup->conf->pidfile);
	web_stop(k->web);
	if (p->clerks != NULL)
		clerks_stop(p->clerks, CLERKS_GRACE);
	while (k->started > 0)
		worker_stop(p->workers[--k->started]);
	web_free(k->web);
	for (unsigned i = 0; i < p->worker_count; i++)
		worker_free(p->workers[i]);
	mem_free(p->workers);
	p->workers = NULL;
	p->worker_count = 0;
	if (k->admin.pooler != NULL)
		admin_fini(&k->admin);
	if (k->pooler_ready)
		pooler_fini(p);
	timer_free(k->period);
	timer_free(k->lull);
	ending_fini(&k->ending);
	pulse_end(&k->pulse);
	replicas_end(&k->replicas);
	watch_end(&k->files);
	mailbox_free(k->mailbox);
	loop_free(k->loop);
}

int
keeper_run(const struct keeper_wish *wish)
{
	struct keeper *k = mem_new(sizeof(*k));
	struct err e;
	int status = 0;

	if (k == NULL) {
		log_line(LOG_LEVEL_FATAL, NULL, "out of memory");
		setup_drop(wish->setup);
		return 1;
	}
	k->wish = wish;
	if (begin(k, &e)) {
		loop_run(k->loop);
		log_line(LOG_LEVEL_LOG, NULL, "shutting down");
	} else {
		log_line(LOG_LEVEL_FATAL, NULL, "%s", e.text);
		status = 1;
	}
	end(k);
	mem_free(k);
	return status;
}

/* --- connections --- */

/* On the only worker's thread if there is one, else on ours. */
static void
on_accept(void *owner, int fd, const struct addr *peer)
{
	struct keeper *k = owner;

	if (k->doors.hall != NULL)
		worker_take(k->doors.hall, fd, peer);
	else
		worker_accept(worker_least(&k->pooler, k->turn++), fd, peer);
	doors_look(&k->doors);
}

/* Would one more client take what servers, consoles and files need? */
static bool
is_full(void *owner)
{
	struct keeper *k = owner;
	unsigned room = atomic_load(&k->pooler.client_room);

	return atomic_load(&k->pooler.clients) >= room &&
	    atomic_load(&k->pooler.clients) - room >= PROCESS_SPARE_CLIENTS;
}

/* --- time --- */

static void
on_period(void *owner)
{
	struct keeper *k = owner;

	history_turn(&k->admin.history);
	timer_set(k->period, k->period_length);
}

static void
follow_web(struct keeper *k, const struct conf *conf)
{
	struct err e;

	if (k->web != NULL) {
		web_follow(k->web);
		return;
	}
	if (conf->metrics_listen[0] == '\0')
		return;
	k->web = web_new(&k->admin, true, &e);
	if (k->web != NULL)
		web_up(k->web);
	else
		log_line(LOG_LEVEL_ERROR, NULL, "%s", e.text);
}

static void
on_lull(void *owner)
{
	struct keeper *k = owner;
	usec_t now = loop_now(k->loop), next = lulls_look(&k->admin, now);

	if (next != 0)
		timer_set(k->lull, next - now);
}

/* The configuration may have changed: new connections and periods follow it. */
static void
follow(struct keeper *k)
{
	const struct conf *conf = k->pooler.setup->conf;
	usec_t length = conf->stats_period;
	unsigned room = process_client_room(conf, k->pooler.worker_count);

	doors_tune(&k->doors, conf);
	follow_web(k, conf);
	replicas_follow(&k->replicas, conf);
	watch_follow(&k->files, conf);
	if (atomic_exchange(&k->pooler.client_room, room) != room)
		process_log_files(conf, k->pooler.worker_count);
	if (length == k->period_length)
		return;
	k->period_length = length;
	timer_set(k->period, length);
}

/* --- orders --- */

static bool
reload(struct keeper *k, struct buf *notes, struct err *e)
{
	bool going = ending_begun(&k->ending);	/* STOPPING=1 is the last word */
	bool done;

	if (!going)
		notify_reloading();
	watch_before(&k->files);
	done = reload_files(&k->pooler, &k->wish->override, notes, e);
	watch_after(&k->files, done);
	if (k->web != NULL)
		web_reloaded(k->web, done, loop_wall(k->loop));
	if (!going)
		notify_ready();
	return done;
}

/* The same, with nobody to tell but the log. */
static void
reload_unasked(struct keeper *k, const char *why)
{
	struct buf notes = { 0 };
	struct err e;

	log_line(LOG_LEVEL_LOG, NULL, "%s, reloading", why);
	reload(k, &notes, &e);
	follow(k);
	buf_fini(&notes);
}

static void
on_files(void *owner)
{
	reload_unasked(owner, "files have changed");
}

static void
carry_out(struct letter *letter, void *receiver)
{
	struct order *order = CONTAINER_OF(letter, struct order, letter);
	struct keeper *k = receiver;

	switch (order->kind) {
	case ORDER_RELOAD:
		order->ok = reload(k, &order->notes, &order->err);
		break;
	case ORDER_SET:
		order->ok = reload_one(&k->pooler, order->key, order->value,
		    &order->notes, &order->err);
		break;
	case ORDER_SHUTDOWN:
		order->ok = true;
		ending_begin(&k->ending, order->mode);
		break;
	case ORDER_LULL:
		order->ok = true;
		on_lull(k);
		break;
	}
	follow(k);
	order->done(order);
}

/* --- signals --- */

static void
nothing(void *arg)
{
	(void)arg;
}

static void
close_idle(struct worker *w, void *arg)
{
	(void)arg;
	act_close_idle(w, &everything);
}

static void
pause_or_resume(struct keeper *k, bool pause)
{
	usec_t length = k->pooler.setup->conf->pause_time;
	const char *name = pause ? "SIGUSR1" : "SIGUSR2";
	bool done;

	if (ending_begun(&k->ending)) {
		log_line(LOG_LEVEL_LOG, NULL, "got %s while shutting down, ignoring",
		    name);
		return;
	}
	done = pause ? place_pause(&k->pooler, span_of(NULL, 0), true) :
		       admin_resume(&k->admin, span_of(NULL, 0));
	if (!done) {
		log_line(LOG_LEVEL_LOG, NULL, "got %s, but already %s", name,
		    pause ? "paused" : "running");
		return;
	}
	log_line(LOG_LEVEL_LOG, NULL, "got %s, %s", name, pause ? "PAUSE" : "RESUME");
	if (!pause)
		return;
	worker_ask_all(&k->pooler, NULL, close_idle, nothing, NULL);
	if (length > 0)
		lull_begin(&k->admin, span_of(NULL, 0), loop_now(k->loop), length);
}

static void
on_signal(void *owner, int signo)
{
	struct keeper *k = owner;

	switch (signo) {
	case SIGHUP:
		reload_unasked(k, "got SIGHUP");
		break;
	case SIGTERM:
		log_line(LOG_LEVEL_LOG, NULL, "got SIGTERM");
		ending_terminate(&k->ending);
		break;
	case SIGINT:
		log_line(LOG_LEVEL_LOG, NULL, "got SIGINT");
		ending_begin(&k->ending, SHUTDOWN_WAIT_FOR_SERVERS);
		break;
	case SIGQUIT:
		log_line(LOG_LEVEL_LOG, NULL, "got SIGQUIT");
		ending_begin(&k->ending, SHUTDOWN_NOW);
		break;
	case SIGUSR1:
		pause_or_resume(k, true);
		break;
	case SIGUSR2:
		pause_or_resume(k, false);
		break;
	}
}
