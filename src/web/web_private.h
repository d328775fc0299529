/*
 * web_private.h - what the files of src/web share: the thread's state. All of it belongs to
 * that thread, but for what is atomic.
 */
#ifndef WEB_WEB_PRIVATE_H
#define WEB_WEB_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "admin/admin.h"
#include "base/list.h"
#include "net/loop.h"
#include "net/mailbox.h"
#include "web/beat.h"
#include "web/expiry.h"
#include "web/gate.h"
#include "web/warden.h"
#include "web/web.h"

struct evhttp;

struct web {
	struct admin	*admin;		/* borrowed */
	struct pooler	*pooler;	/* borrowed */
	struct loop	*loop;		/* owned */
	struct mailbox	*mailbox;	/* owned */
	pthread_t	 thread;
	struct evhttp	*http;		/* owned */
	struct setup	*setup;		/* held; in force here */
	struct gates	 gates;
	struct warden	 warden;
	struct expiries	 expiries;
	struct list	 guests;	/* guest.in_web, oldest first */
	unsigned	 guest_count;
	struct timer	*sweep;		/* owned; looks after guests */
	struct timer	*tick;		/* owned; rings every second */
	size_t		 unsent;	/* bytes of answers that visitors have not taken yet */
	unsigned	 surveys;	/* under way */
	unsigned	 away;		/* questions to workers that are not answered yet */
	bool		 ending;	/* when nothing is away any more */
	struct letter	 follow;	/* from the keeper */
	atomic_bool	 following;	/* it is on its way */
	atomic_bool	 up;		/* clients are let in */
	struct beat	 beat;
	bool		 trying;	/* a worker is asked to open a server (readiness.c) */
	atomic_bool	 reload_failed;	/* the last one */
	atomic_ullong	 reloaded;	/* wall clock: when the configuration in force was read */
	atomic_ullong	 worker_nsec;	/* that workers spent on rows */
};

/* A question has come back: the thread may end if it is to. */
void web_back(struct web *web);

#endif
