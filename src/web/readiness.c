/*
 * readiness.c - are new clients welcome? Of servers only those of readiness_databases matter.
 *
 * A pooler that is not ready gets no clients, and without clients nobody would find out that
 * the server is back: so every look at a failed pool asks a worker to try, within the pauses
 * that pools keep after failures.
 */
#include "web/readiness.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "pool/lane.h"
#include "pool/place.h"
#include "pool/readiness.h"
#include "pool/server.h"
#include "web/web_private.h"

struct survey {
	struct web	*web;
	struct span	 database;
	bool		 open;		/* one of its pools has servers */
	struct pool	*failed;	/* held; one whose last attempt found no server */
};

static void
look(void *owner, struct pool *pool)
{
	struct survey *s = owner;
	struct ledger_view view;

	if (pool->console || pool->replication != NULL || !span_is(s->database, pool->database))
		return;
	ledger_look(&pool->ledger, &view);
	s->open |= view.open > view.opening;
	if (s->failed == NULL && readiness_failed(s->web->pooler, pool)) {
		place_join(s->web->pooler, pool);
		s->failed = pool;
	}
}

/* --- trying again --- */

struct trial {
	struct letter	 back;
	struct web	*web;
	struct pool	*pool;		/* held */
};

static void
try_here(struct worker *w, void *arg)
{
	struct trial *trial = arg;
	struct lane *lane;

	if (w->index != 0)
		return;
	lane = worker_lane(w, trial->pool);
	if (lane != NULL && ledger_fill(&lane->seat, 1, loop_now(w->loop)))
		server_open(lane);
}

static void
come_home(struct letter *letter, void *receiver)
{
	struct trial *trial = CONTAINER_OF(letter, struct trial, back);
	struct web *web = receiver;

	place_leave(trial->pool);
	mem_free(trial);
	web->trying = false;
	web_back(web);
}

static void
all_asked(void *arg)
{
	struct trial *trial = arg;

	mailbox_post(trial->web->mailbox, &trial->back);
}

/* One at a time; POOL's hold passes over. */
static void
try_again(struct web *web, struct pool *pool)
{
	struct trial *trial = web->trying || web->ending ? NULL : mem_new(sizeof(*trial));

	if (trial == NULL) {
		place_leave(pool);
		return;
	}
	*trial = (struct trial){ .back.open = come_home, .web = web, .pool = pool };
	web->trying = true;
	web->away++;
	if (worker_ask_all(web->pooler, NULL, try_here, all_asked, trial))
		return;
	web->away--;
	web->trying = false;
	place_leave(pool);
	mem_free(trial);
}

/* --- reasons --- */

struct reasons {
	struct buf	*out;		/* borrowed, or NULL */
	bool		 verbose;
	unsigned	 count;
};

static void
add(struct reasons *r, const char *what)
{
	r->count++;
	if (r->out != NULL)
		buf_printf(r->out, "%s\n", what);
}

/* The last attempt to open a server of POOL has failed. */
static void
add_database(struct reasons *r, struct pooler *p, struct pool *pool)
{
	char name[128], said[256];
	struct err e;

	pthread_mutex_lock(&p->mutex);
	e = pool->last_error;
	pthread_mutex_unlock(&p->mutex);
	r->count++;
	if (r->out == NULL)
		return;
	buf_printf(r->out, "no server of database %s",
	    log_escape(span_text(pool->database), name, sizeof(name)));
	if (r->verbose)
		buf_printf(r->out, ": %s", log_escape(span_text(e.text), said, sizeof(said)));
	buf_put_byte(r->out, '\n');
}

static void
check_database(struct web *web, const char *name, struct reasons *r)
{
	struct survey s = { .web = web, .database = span_text(name) };

	place_each(web->pooler, look, &s);
	if (s.failed == NULL)
		return;
	if (s.open) {
		place_leave(s.failed);
		return;
	}
	add_database(r, web->pooler, s.failed);
	try_again(web, s.failed);
}

static void
check_databases(struct web *web, struct reasons *r)
{
	const struct conf *conf = web->setup->conf;
	struct span rest = span_text(conf->readiness_databases), one;
	char name[256];

	if (text_list_has(span_text(conf->readiness_databases), SPAN_LITERAL("*"))) {
		for (size_t i = 0; i < conf->n_databases; i++)
			check_database(web, conf->databases[i].name, r);
		return;
	}
	while (span_cut(&rest, " ,\t\n", &one)) {
		if (one.len > 0 && span_copy(one, name, sizeof(name)))
			check_database(web, name, r);
	}
}

unsigned
readiness_faults(struct web *web, struct buf *out, bool verbose)
{
	struct pooler *p = web->pooler;
	struct reasons r = { .out = out, .verbose = verbose };

	if (!atomic_load(&web->up))
		add(&r, "starting");
	if (atomic_load(&p->draining))
		add(&r, "draining");
	else if (atomic_load(&p->shutting))
		add(&r, "shutting down");
	if (place_suspended(p))
		add(&r, "suspended");
	else if (place_paused(p, span_of(NULL, 0)))
		add(&r, "paused");
	if (atomic_load(&web->up) && atomic_load(&p->clients) >= atomic_load(&p->client_room))
		add(&r, "no file descriptors are left for clients");
	check_databases(web, &r);
	return r.count;
}
