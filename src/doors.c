/*
 * doors.c - where clients come in: sockets are opened, or taken over from whoever started
 * us; they rest while there are too many clients, and close in two steps. What becomes of
 * a connection is the keeper's business.
 */
#include "doors.h"

#include <string.h>

#include "base/log.h"
#include "net/dial.h"
#include "pool/pooler.h"
#include "pool/worker.h"

/* How long full doors rest until somebody looks again. */
#define PACE (100 * MSEC)

static void look_again(void *owner);

/* One line for each address of L, as log readers know them. */
static void
announce(const struct listener *l, const char *how)
{
	struct span rest = span_text(listen_text(l)), one;

	while (span_cut(&rest, ",", &one)) {
		one = span_trim(one);
		log_line(LOG_LEVEL_LOG, NULL, "listening on %.*s%s", (int)one.len, one.at, how);
	}
}

/* --- opening --- */

/* One more TCP listener. An address that cannot be had is a pity, a name that leads nowhere a
 * mistake. */
static bool
open_address(struct doors *d, struct span address, const struct conf *conf, struct err *e)
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
	if (d->count == DOORS_MOST)
		return err_set(e, SQLSTATE_CONFIG,
		    "listen_addr: expected at most %u addresses", DOORS_MOST);
	d->each[d->count] = listen_open(d->loop, &on, d->fn, d->owner, e);
	if (d->each[d->count] != NULL) {
		announce(d->each[d->count++], "");
		return true;
	}
	if (strcmp(name, "*") != 0 && !addr_parse_ip(&literal, address, 0))
		return false;
	log_line(LOG_LEVEL_WARNING, NULL, "%s", e->text);
	return true;
}

static bool
open_addresses(struct doors *d, const struct conf *conf, struct err *e)
{
	struct span rest = span_text(conf->listen_addr), word;
	bool wanted = false;

	while (span_cut(&rest, ", \t", &word)) {
		if (word.len == 0)
			continue;
		wanted = true;
		if (!open_address(d, word, conf, e))
			return false;
	}
	if (wanted && d->count == 0)
		return err_set(e, SQLSTATE_CONFIG,
		    "cannot listen on any address of listen_addr");
	return true;
}

static bool
open_unix(struct doors *d, const struct conf *conf, struct err *e)
{
	struct listen_on on = {
		.unix_dir = conf->unix_socket_dir,
		.port = (uint16_t)conf->listen_port,
		.backlog = (int)conf->listen_backlog,
		.unix_mode = (int)conf->unix_socket_mode,
		.unix_group = conf->unix_socket_group,
	};

	if (on.unix_dir == NULL || on.unix_dir[0] == '\0')
		return true;
	if (d->count == DOORS_MOST)
		return err_set(e, SQLSTATE_CONFIG, "listen_addr: expected at most %u addresses "
		    "beside a unix socket", DOORS_MOST - 1);
	d->each[d->count] = listen_open(d->loop, &on, d->fn, d->owner, e);
	if (d->each[d->count] == NULL)
		return false;
	announce(d->each[d->count++], "");
	return true;
}

/* The file wishes for sockets, too; with inherited ones they are not opened. */
static void
warn_unused(const struct conf *conf)
{
	const struct setting *dir = conf_setting_find(SPAN_LITERAL("unix_socket_dir"));

	if (conf->listen_addr != NULL && conf->listen_addr[0] != '\0')
		log_line(LOG_LEVEL_WARNING, NULL, "listen_addr is not used: the sockets are "
		    "inherited");
	if (conf->unix_socket_dir != NULL && conf->unix_socket_dir[0] != '\0' &&
	    strcmp(conf->unix_socket_dir, dir->fallback) != 0)
		log_line(LOG_LEVEL_WARNING, NULL, "no socket is made in unix_socket_dir: the "
		    "sockets are inherited");
}

static bool
take_over(struct doors *d, const struct conf *conf, const struct inherited *inherited,
    struct err *e)
{
	warn_unused(conf);
	if (inherited->count > DOORS_MOST)
		return err_set(e, SQLSTATE_CONFIG, "expected at most %u inherited sockets, got %u",
		    DOORS_MOST, inherited->count);
	for (unsigned i = 0; i < inherited->count; i++) {
		struct listener *l = listen_inherit(d->loop, inherited->first + (int)i,
		    (uint16_t)conf->listen_port, d->fn, d->owner, e);

		if (l == NULL)
			return false;
		d->each[d->count++] = l;
		announce(l, " (inherited)");
	}
	doors_tune(d, conf);
	return true;
}

static bool
open_all(struct doors *d, const struct doors_wish *wish, struct err *e)
{
	d->pace = timer_new(d->loop, look_again, d);
	if (d->pace == NULL)
		return err_set(e, SQLSTATE_NO_MEMORY, "out of memory");
	if (wish->inherited->count > 0)
		return take_over(d, wish->conf, wish->inherited, e);
	if (!open_addresses(d, wish->conf, e) || !open_unix(d, wish->conf, e))
		return false;
	if (d->count == 0)
		return err_set(e, SQLSTATE_CONFIG,
		    "nothing to listen on: listen_addr and unix_socket_dir are both empty");
	return true;
}

struct opening {
	struct doors	*doors;
	const struct doors_wish *wish;
	struct err	*err;
	bool		 done;
};

static void
open_there(void *arg)
{
	struct opening *o = arg;

	o->done = open_all(o->doors, o->wish, o->err);
}

/* On the thread whose loop the sockets are in. */
static void
there(struct doors *d, void (*fn)(void *arg), void *arg)
{
	if (d->hall != NULL)
		worker_do(d->hall, fn, arg);
	else
		fn(arg);
}

bool
doors_open(struct doors *d, const struct doors_wish *wish, struct err *e)
{
	struct opening opening = { .doors = d, .wish = wish, .err = e };

	*d = (struct doors){ .hall = wish->hall, .fn = wish->fn, .full = wish->full,
		.owner = wish->owner };
	d->loop = d->hall != NULL ? d->hall->loop : wish->loop;
	there(d, open_there, &opening);
	return opening.done;
}

/* --- open --- */

void
doors_tune(struct doors *d, const struct conf *conf)
{
	struct socket_options options = pooler_socket_options(conf);

	for (unsigned i = 0; i < d->count; i++)
		listen_tune(d->each[i], &options, (int)conf->tcp_defer_accept);
}

/* Unix sockets stay open: by them the operator gets in. */
static void
rest(struct doors *d, bool resting)
{
	d->resting = resting;
	for (unsigned i = 0; i < d->count; i++) {
		if (listen_is_tcp(d->each[i]))
			listen_pause(d->each[i], resting);
	}
}

void
doors_look(struct doors *d)
{
	if (d->resting || !d->full(d->owner))
		return;
	log_line(LOG_LEVEL_WARNING, NULL, "file descriptors are used up: nobody is let in by TCP "
	    "until clients leave; raise the limit (LimitNOFILE=, ulimit -n) or lower "
	    "max_client_conn");
	rest(d, true);
	timer_set(d->pace, PACE);
}

static void
look_again(void *owner)
{
	struct doors *d = owner;

	if (d->full(d->owner)) {
		timer_set(d->pace, PACE);
		return;
	}
	rest(d, false);
}

/* --- closing --- */

void
doors_ebb(struct doors *d)
{
	bool ebb = true;

	for (unsigned i = 0; i < d->count; i++)
		ebb &= listen_ebb(d->each[i]);
	if (!ebb)
		log_line(LOG_LEVEL_DEBUG, NULL, "no filter is allowed on listeners: whoever "
		    "connects in the instant they close may be cut off");
}

/* They are not ours any more when the last who wait there come in. */
static void
close_tcp(void *arg)
{
	struct doors *d = arg;
	struct listener *going[DOORS_MOST];
	unsigned kept = 0, leave = 0;

	for (unsigned i = 0; i < d->count; i++) {
		if (listen_is_tcp(d->each[i]))
			going[leave++] = d->each[i];
		else
			d->each[kept++] = d->each[i];
	}
	d->count = kept;
	while (leave > 0)
		listen_close_drained(going[--leave]);
}

void
doors_close_tcp(struct doors *d)
{
	there(d, close_tcp, d);
}

static void
close_all(void *arg)
{
	struct doors *d = arg;

	while (d->count > 0)
		listen_close(d->each[--d->count]);
	timer_free(d->pace);
	d->pace = NULL;
}

void
doors_close(struct doors *d)
{
	there(d, close_all, d);
}
