/*
 * web.c - the thread that serves metrics, probes and the status page: how it begins, follows
 * the configuration, and ends.
 */
#include "web/web.h"

#include <event2/event.h>
#include <event2/http.h>
#include <signal.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "pool/pooler.h"
#include "web/guest.h"
#include "web/visit.h"
#include "web/web_private.h"

#define TICK SECOND

static void on_tick(void *owner);
static void on_follow(struct letter *letter, void *receiver);

/* What libevent has to say belongs in the log. */
static void
on_event_log(int severity, const char *text)
{
	if (severity >= EVENT_LOG_WARN)
		log_line(LOG_LEVEL_WARNING, NULL, "libevent: %s", text);
}

/* --- beginning --- */

static bool
make_parts(struct web *web, struct err *e)
{
	web->loop = loop_new(e);
	if (web->loop == NULL)
		return false;
	web->mailbox = mailbox_new(web->loop, web, e);
	if (web->mailbox == NULL)
		return false;
	web->http = evhttp_new(loop_base(web->loop));
	web->tick = timer_new(web->loop, on_tick, web);
	if (web->http == NULL || web->tick == NULL || !guests_init(web))
		return err_set(e, SQLSTATE_NO_MEMORY, "out of memory");
	web->gates.http = web->http;
	visits_begin(web);
	return true;
}

static void *
run(void *arg)
{
	struct web *web = arg;

	timer_set(web->tick, TICK);
	loop_run(web->loop);
	return NULL;
}

static bool
start(struct web *web, struct err *e)
{
	sigset_t all, before;
	int failed;

	/* Signals are the keeper's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&web->thread, NULL, run, web);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed != 0)
		return err_set(e, SQLSTATE_NO_MEMORY, "cannot start a thread: %s",
		    strerror(failed));
	return true;
}

static void
take_apart(struct web *web)
{
	if (web->http != NULL) {
		gates_fini(&web->gates);
		evhttp_free(web->http);
	}
	guests_fini(web);
	timer_free(web->tick);
	mailbox_free(web->mailbox);
	loop_free(web->loop);
	warden_fini(&web->warden);
	setup_drop(web->setup);
	mem_free(web);
}

bool
web_check(const struct conf *conf, struct err *e)
{
	struct warden warden;

	if (conf->metrics_listen[0] == '\0')
		return true;
	if (!warden_load(&warden, conf, e))
		return false;
	warden_fini(&warden);
	return true;
}

struct web *
web_new(struct admin *admin, bool later, struct err *e)
{
	struct web *web = mem_new(sizeof(*web));

	if (web == NULL) {
		err_set(e, SQLSTATE_NO_MEMORY, "out of memory");
		return NULL;
	}
	event_set_log_callback(on_event_log);
	list_init(&web->guests);
	web->admin = admin;
	web->pooler = admin->pooler;
	web->setup = pooler_setup(web->pooler);
	web->follow.open = on_follow;
	atomic_store(&web->reloaded, web->pooler->started);
	beat_begin(web);
	expiries_read(&web->expiries, web->setup->conf);
	if (make_parts(web, e) && warden_load(&web->warden, web->setup->conf, e) &&
	    (gates_follow(&web->gates, web->setup->conf->metrics_listen, e) || later) &&
	    start(web, e))
		return web;
	take_apart(web);
	return NULL;
}

void
web_up(struct web *web)
{
	atomic_store(&web->up, true);
}

void
web_reloaded(struct web *web, bool good, usec_t now)
{
	atomic_store(&web->reload_failed, !good);
	if (good)
		atomic_store(&web->reloaded, now);
}

/* --- running --- */

static void
on_tick(void *owner)
{
	struct web *web = owner;

	beat_tick(web);
	gates_tick(&web->gates);
	timer_set(web->tick, TICK);
}

static void
on_follow(struct letter *letter, void *receiver)
{
	struct web *web = receiver;
	struct warden warden;
	struct err e;

	(void)letter;
	atomic_store(&web->following, false);
	setup_drop(web->setup);
	web->setup = pooler_setup(web->pooler);
	expiries_read(&web->expiries, web->setup->conf);
	if (warden_load(&warden, web->setup->conf, &e)) {
		warden_fini(&web->warden);
		web->warden = warden;
	} else {
		log_line(LOG_LEVEL_ERROR, NULL, "%s: metrics stay as they were", e.text);
	}
	if (!gates_follow(&web->gates, web->setup->conf->metrics_listen, &e))
		log_line(LOG_LEVEL_ERROR, NULL, "%s, trying again every second", e.text);
}

void
web_follow(struct web *web)
{
	if (!atomic_exchange(&web->following, true))
		mailbox_post(web->mailbox, &web->follow);
}

/* --- the end --- */

static void
end_if_quiet(struct web *web)
{
	if (web->ending && web->away == 0)
		loop_stop(web->loop);
}

void
web_back(struct web *web)
{
	web->away--;
	end_if_quiet(web);
}

static void
stop_here(struct letter *letter, void *receiver)
{
	struct web *web = receiver;

	(void)letter;
	web->ending = true;
	end_if_quiet(web);
}

void
web_stop(struct web *web)
{
	struct letter letter = { NULL, stop_here };

	if (web == NULL)
		return;
	mailbox_post(web->mailbox, &letter);
	pthread_join(web->thread, NULL);
}

void
web_free(struct web *web)
{
	if (web != NULL)
		take_apart(web);
}
