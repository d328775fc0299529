/*
 * watch.c - looks every two seconds whether files that were read have become others. Asks
 * for each by its name, so that links are followed anew and whatever way it was changed is
 * seen: written to, put in its place, a folder above it swapped. What is read is reload.c's
 * business. The keeper waits for the answers, so a file system that hangs holds it up.
 */
#include "watch.h"

#include <errno.h>
#include <sys/stat.h>

#include "pool/pooler.h"
#include "reload.h"

/* Also how long files must rest before they are read, lest they be half written. */
#define LOOK_EVERY (2 * SECOND)
/* A fault may be mended in a file that is not one of ours yet: looks between two tries. */
#define TRY_EVERY 3

/* Put what is at AT into HASH (FNV-1a). */
static void
mix(uint64_t *hash, const void *at, size_t len)
{
	const unsigned char *bytes = at;

	for (size_t i = 0; i < len; i++)
		*hash = (*hash ^ bytes[i]) * UINT64_C(0x100000001b3);
}

static void
look_at_file(void *arg, const char *file)
{
	struct watch_look *look = arg;
	uint64_t state[8] = { 0 };
	struct stat st;

	if (stat(file, &st) == 0) {
		state[0] = st.st_dev;
		state[1] = st.st_ino;
		state[2] = (uint64_t)st.st_size;
		state[3] = (uint64_t)st.st_mtim.tv_sec;
		state[4] = (uint64_t)st.st_mtim.tv_nsec;
		state[5] = (uint64_t)st.st_ctim.tv_sec;
		state[6] = (uint64_t)st.st_ctim.tv_nsec;
	} else {
		state[7] = (uint64_t)errno;
	}
	mix(&look->names, file, strlen(file) + 1);
	mix(&look->state, state, sizeof(state));
}

static struct watch_look
look_at(const struct conf *conf)
{
	struct watch_look look = { 0 };

	conf_sources(conf, look_at_file, &look);
	return look;
}

static bool
is_same(const struct watch_look *a, const struct watch_look *b)
{
	return a->names == b->names && a->state == b->state;
}

/* Nothing has changed since a fault was read. Would it do now? */
static bool
is_mended(struct watch *w)
{
	struct err e;

	if (++w->quiet < TRY_EVERY)
		return false;
	w->quiet = 0;
	return reload_would_do(w->pooler, w->override, &e);
}

static void
on_look(void *owner)
{
	struct watch *w = owner;
	struct watch_look now = look_at(w->pooler->setup->conf);
	bool rests = is_same(&now, &w->last);

	timer_set(w->timer, LOOK_EVERY);
	w->last = now;
	if (now.names != w->read.names)		/* SET has put others in their place */
		w->read = now;
	if (is_same(&now, &w->read) ? w->failed && is_mended(w) : rests)
		w->changed(w->owner);
}

bool
watch_begin(struct watch *w, struct loop *loop, struct err *e)
{
	w->timer = timer_new(loop, on_look, w);
	if (w->timer == NULL)
		return err_set(e, SQLSTATE_NO_MEMORY, "out of memory");
	return true;
}

void
watch_follow(struct watch *w, const struct conf *conf)
{
	if (w->timer == NULL || w->on == conf->reload_on_change)
		return;
	w->on = conf->reload_on_change;
	if (!w->on) {
		timer_stop(w->timer);
		return;
	}
	w->read = w->last = look_at(conf);
	w->failed = false;
	timer_set(w->timer, LOOK_EVERY);
}

void
watch_before(struct watch *w)
{
	if (w->on)
		w->read = w->last = look_at(w->pooler->setup->conf);
}

void
watch_after(struct watch *w, bool done)
{
	struct watch_look now;

	if (!w->on)
		return;
	w->failed = !done;
	w->quiet = 0;
	now = look_at(w->pooler->setup->conf);
	if (now.names != w->read.names)
		w->read = w->last = now;
}

void
watch_end(struct watch *w)
{
	timer_free(w->timer);
	w->timer = NULL;
}
