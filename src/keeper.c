/*
 * keeper.c - the main thread: it listens and deals out, hears signals, reloads, and sees
 * to an orderly end. What a client or a server does is the workers' business.
 */
#include "keeper.h"

#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <string.h>

#include "admin/act.h"
#include "admin/admin.h"
#include "admin/order.h"
#include "admin/version.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/listen.h"
#include "net/mailbox.h"
#include "net/resolve.h"
#include "pool/place.h"
#include "pool/worker.h"
#include "process.h"
#include "reload.h"

#define ADDRESSES_MOST 32u
#define WATCH_PERIOD (333 * MSEC)

struct keeper {
	struct pooler	 pooler;
	struct admin	 admin;
	bool		 pooler_ready;
	const struct keeper_wish *wish;	/* borrowed */
	struct loop	*loop;		/* owned */
	struct mailbox	*mailbox;	/* owned */
	struct timer	*period;	/* owned; ends a stats_period */
	struct timer	*watch;		/* owned; looks whether we may end */
	struct listener	*tcp[ADDRESSES_MOST];	/* owned */
	unsigned	 tcp_count;
	struct listener	*unix_socket;	/* owned; NULL: none */
	unsigned	 started;	/* workers whose threads run */
	unsigned turn; /* who is next when workers have equally many clients */
	usec_t		 period_length;
	enum shutdown_mode mode;
	bool		 pidfile_written;
};

static const struct scope everything = { .all = true };

static void carry_out(struct letter *letter, void *receiver);
static void on_accept(void *owner, int fd, const struct addr *peer);
static void on_signal(void *owner, int signo);
static void on_period(void *owner);
static void on_watch(void *owner);

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

/* One more listener. An address that cannot be had is a pity, a name that leads nowhere
 * a mistake. */
static bool
listen_on_address(struct keeper *k, struct span address, const struct conf *conf,
    struct err *e)
{
	char name[256];
	struct addr literal;
	struct socket_options options = pooler_socket_options(conf);
	struct listen_on on = {
		.addr = name,
		.port = (uint16_t)conf->listen_port,
		.backlog = (int)conf->listen_backlog,
		.reuse_port = conf->so_reuseport,
		.options = &options,
		.defer_accept = (int)conf->tcp_defer_accept,
	};

	if (!span_copy(address, name, sizeof(name)))
		return err_set(e, SQLSTATE_CONFIG, "listen_addr: name too long");
	if (k->tcp_count == ADDRESSES_MOST)
		return err_set(e, SQLSTATE_CONFIG,
		    "listen_addr: expected at most %u addresses", ADDRESSES_MOST);
	k->tcp[k->tcp_count] = listen_open(k->loop, &on, on_accept, k, e);
	if (k->tcp[k->tcp_count] != NULL) {
		log_line(LOG_LEVEL_LOG, NULL, "listening on %s",
		    listen_text(k->tcp[k->tcp_count++]));
		return true;
	}
	if (strcmp(name, "*") != 0 && !addr_parse_ip(&literal, address, 0))
		return false;
	log_line(LOG_LEVEL_WARNING, NULL, "%s", e->text);
	return true;
}

static bool
begin_listening(struct keeper *k, struct err *e)
{
	const struct conf *conf = k->wish->setup->conf;
	struct span rest = span_text(conf->listen_addr), word;
	struct listen_on on = {
		.unix_dir = conf->unix_socket_dir,
		.port = (uint16_t)conf->listen_port,
		.backlog = (int)conf->listen_backlog,
		.unix_mode = (int)conf->unix_socket_mode,
		.unix_group = conf->unix_socket_group,
	};
	bool wanted = false;

	while (span_cut(&rest, ", \t", &word)) {
		if (word.len == 0)
			continue;
		wanted = true;
		if (!listen_on_address(k, word, conf, e))
			return false;
	}
	if (wanted && k->tcp_count == 0)
		return err_set(e, SQLSTATE_CONFIG,
		    "cannot listen on any address of listen_addr");
	if (on.unix_dir != NULL && on.unix_dir[0] != '\0') {
		k->unix_socket = listen_open(k->loop, &on, on_accept, k, e);
		if (k->unix_socket == NULL)
			return false;
		log_line(LOG_LEVEL_LOG, NULL, "listening on %s",
		    listen_text(k->unix_socket));
	}
	if (k->tcp_count == 0 && k->unix_socket == NULL)
		return err_set(e, SQLSTATE_CONFIG,
		    "nothing to listen on: listen_addr and unix_socket_dir are both empty");
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

static bool
begin(struct keeper *k, struct err *e)
{
	const struct conf *conf = k->wish->setup->conf;

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
	k->period = timer_new(k->loop, on_period, k);
	k->watch = timer_new(k->loop, on_watch, k);
	if (k->mailbox == NULL || k->period == NULL || k->watch == NULL)
		return err_set(e, SQLSTATE_NO_MEMORY, "out of memory");
	admin_init(&k->admin, &k->pooler, k->mailbox, carry_out);
	if (!begin_hearing(k, e) || !begin_workers(k, e) || !begin_listening(k, e))
		return false;
	if (conf->pidfile != NULL && conf->pidfile[0] != '\0') {
		if (!process_write_pidfile(conf->pidfile, e))
			return false;
		k->pidfile_written = true;
	}
	k->period_length = conf->stats_period;
	timer_set(k->period, k->period_length);
	log_line(LOG_LEVEL_LOG, NULL, "process up: %s, %s, adns: %s, tls: %s",
	    VERSION_TEXT, loop_version(), resolve_version(), tls_version());
	return true;
}

/* --- the end --- */

static void
end(struct keeper *k)
{
	struct pooler *p = &k->pooler;

	for (unsigned i = 0; i < k->tcp_count; i++)
		listen_close(k->tcp[i]);
	if (k->unix_socket != NULL)
		listen_close(k->unix_socket);
	if (k->pidfile_written)
		process_remove_pidfile(p->setup->conf->pidfile);
	while (k->started > 0)
		worker_stop(p->workers[--k->started]);
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
	timer_free(k->watch);
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

static void
on_accept(void *owner, int fd, const struct addr *peer)
{
	struct keeper *k = owner;
	struct pooler *p = &k->pooler;
	unsigned best = k->turn++ % p->worker_count, least = UINT_MAX;

	for (unsigned i = 0; i < p->worker_count; i++) {
		unsigned at = (k->turn + i) % p->worker_count;
		unsigned count = atomic_load_explicit(&p->workers[at]->client_count,
		    memory_order_relaxed);

		if (count < least) {
			best = at;
			least = count;
		}
	}
	worker_accept(p->workers[best], fd, peer);
}

/* --- time --- */

static void
on_period(void *owner)
{
	struct keeper *k = owner;

	history_turn(&k->admin.history);
	timer_set(k->period, k->period_length);
}

/* The configuration may have changed: new connections and periods follow it. */
static void
follow(struct keeper *k)
{
	const struct conf *conf = k->pooler.setup->conf;
	struct socket_options options = pooler_socket_options(conf);
	usec_t length = conf->stats_period;

	for (unsigned i = 0; i < k->tcp_count; i++)
		listen_tune(k->tcp[i], &options, (int)conf->tcp_defer_accept);
	if (length == k->period_length)
		return;
	k->period_length = length;
	timer_set(k->period, length);
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

/* While we are to end: may we? */
static void
on_watch(void *owner)
{
	struct keeper *k = owner;
	struct pooler *p = &k->pooler;
	bool over = k->mode == SHUTDOWN_NOW;

	if (k->mode == SHUTDOWN_WAIT_FOR_CLIENTS)
		over = atomic_load(&p->clients) == 0;
	if (k->mode == SHUTDOWN_WAIT_FOR_SERVERS) {
		over = scope_servers(p, &everything) == 0;
		if (!over)
			worker_ask_all(p, NULL, send_away, nothing, NULL);
	}
	if (over)
		loop_stop(k->loop);
	else
		timer_set(k->watch, WATCH_PERIOD);
}

/* --- orders --- */

static void
shut_down(struct keeper *k, enum shutdown_mode mode)
{
	if (mode == SHUTDOWN_NOW || k->mode != SHUTDOWN_NONE) {
		log_line(LOG_LEVEL_LOG, NULL, "shutting down at once");
		k->mode = SHUTDOWN_NOW;
		loop_stop(k->loop);
		return;
	}
	log_line(LOG_LEVEL_LOG, NULL, "shutting down when all %s are gone",
	    mode == SHUTDOWN_WAIT_FOR_CLIENTS ? "clients" : "servers");
	k->mode = mode;
	atomic_store(&k->pooler.shutting, true);
	for (; k->tcp_count > 0; k->tcp_count--)
		listen_close(k->tcp[k->tcp_count - 1]);
	if (mode == SHUTDOWN_WAIT_FOR_SERVERS) {
		atomic_store(&k->pooler.no_servers, true);
		place_pause(&k->pooler, span_of(NULL, 0), true);
		worker_ask_all(&k->pooler, NULL, send_away, nothing, NULL);
	}
	timer_set(k->watch, WATCH_PERIOD);
}

static void
carry_out(struct letter *letter, void *receiver)
{
	struct order *order = CONTAINER_OF(letter, struct order, letter);
	struct keeper *k = receiver;

	switch (order->kind) {
	case ORDER_RELOAD:
		order->ok = reload_files(&k->pooler, &k->wish->override, &order->notes,
		    &order->err);
		break;
	case ORDER_SET:
		order->ok = reload_one(&k->pooler, order->key, order->value,
		    &order->notes, &order->err);
		break;
	case ORDER_SHUTDOWN:
		order->ok = true;
		shut_down(k, order->mode);
		break;
	}
	follow(k);
	order->done(order);
}

/* --- signals --- */

static void
close_idle(struct worker *w, void *arg)
{
	(void)arg;
	act_close_idle(w, &everything);
}

static void
cover(struct worker *w, void *arg)
{
	(void)arg;
	act_cover(w, &everything);
}

static void
pause_or_resume(struct keeper *k, bool pause)
{
	const char *name = pause ? "SIGUSR1" : "SIGUSR2";

	if (k->mode != SHUTDOWN_NONE) {
		log_line(LOG_LEVEL_LOG, NULL, "got %s while shutting down, ignoring",
		    name);
		return;
	}
	if (!place_pause(&k->pooler, span_of(NULL, 0), pause)) {
		log_line(LOG_LEVEL_LOG, NULL, "got %s, but already %s", name,
		    pause ? "paused" : "running");
		return;
	}
	log_line(LOG_LEVEL_LOG, NULL, "got %s, %s", name, pause ? "PAUSE" : "RESUME");
	worker_ask_all(&k->pooler, NULL, pause ? close_idle : cover, nothing, NULL);
}

static void
on_signal(void *owner, int signo)
{
	struct keeper *k = owner;
	struct buf notes = { 0 };
	struct err e;

	switch (signo) {
	case SIGHUP:
		log_line(LOG_LEVEL_LOG, NULL, "got SIGHUP, reloading");
		reload_files(&k->pooler, &k->wish->override, &notes, &e);
		follow(k);
		buf_fini(&notes);
		break;
	case SIGTERM:
		log_line(LOG_LEVEL_LOG, NULL, "got SIGTERM");
		shut_down(k, SHUTDOWN_WAIT_FOR_CLIENTS);
		break;
	case SIGINT:
		log_line(LOG_LEVEL_LOG, NULL, "got SIGINT");
		shut_down(k, SHUTDOWN_WAIT_FOR_SERVERS);
		break;
	case SIGQUIT:
		log_line(LOG_LEVEL_LOG, NULL, "got SIGQUIT");
		shut_down(k, SHUTDOWN_NOW);
		break;
	case SIGUSR1:
		pause_or_resume(k, true);
		break;
	case SIGUSR2:
		pause_or_resume(k, false);
		break;
	}
}
