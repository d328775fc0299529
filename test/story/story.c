/*
 * story.c - the stage: a pooler without threads, its servers, its end.
 */
#include "story/story.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "admin/act.h"
#include "auth/keyring.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "pool/deadline.h"

static const char databases_usual[] =
	"app = host=db1 port=5432\nother = host=db2 port=5432\n";
static const char users_usual[] = "\"bob\" \"secret\"\n\"ann\" \"secret\"\n"
	"\"md5\" \"md55d80d273267dec78b5d118f9cae7cd26\"\n";

/* Settings of the world, not of the file. */
struct stage {
	uint64_t	 seed;
	struct sim_shape shape;
};

/* One word "name=value" or "name='the value'" off *TEXT; false at the end. */
static bool
next_setting(const char **text, char *name, char *value, size_t cap)
{
	const char *at = *text + strspn(*text, " ");
	size_t len = strcspn(at, "=");

	if (*at == '\0')
		return false;
	assert_true(at[len] == '=');
	span_copy(span_of(at, len), name, cap);
	at += len + 1;
	if (*at == '\'') {
		len = strcspn(at + 1, "'");
		span_copy(span_of(at + 1, len), value, cap);
		*text = at + len + 2;
	} else {
		len = strcspn(at, " ");
		span_copy(span_of(at, len), value, cap);
		*text = at + len;
	}
	return true;
}

/* Passwords lie in a file that has no name. */
static int
users_file(void)
{
	int fd = memfd_create("users", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, users_usual, strlen(users_usual)),
	    strlen(users_usual));
	return fd;
}

static void
put_setting(struct buf *b, const char *name, const char *value, struct stage *stage)
{
	if (strcmp(name, "seed") == 0)
		stage->seed = strtoull(value, NULL, 10);
	else if (strcmp(name, "capacity") == 0)
		stage->shape.capacity = strtoull(value, NULL, 10);
	else if (strcmp(name, "chop") == 0)
		stage->shape.chop = strtoull(value, NULL, 10);
	else
		buf_printf(b, "%s = %s\n",
		    strcmp(name, "pool_size") == 0 ? "default_pool_size" : name, value);
}

static struct setup *
make_setup(const char *settings, const char *databases, struct stage *stage)
{
	char name[64], value[300];
	int users = users_file();
	struct buf b = { 0 };
	struct setup *setup;
	struct conf *conf;
	struct err e;

	buf_printf(&b,
	    "[databases]\n%s[pgbouncer]\npool_mode = transaction\nworkers = 1\n"
	    "auth_type = trust\nserver_tls_sslmode = disable\nmax_client_conn = 1000\nauth_file = /proc/self/fd/%d\n",
	    databases, users);
	while (next_setting(&settings, name, value, sizeof(value)))
		put_setting(&b, name, value, stage);
	conf = conf_parse(buf_span(&b), "story", NULL, &e);
	if (conf == NULL)
		fail_msg("settings: %s", e.text);
	setup = setup_new(conf, &e);
	assert_non_null(setup);
	conf_drop(conf);
	buf_fini(&b);
	close(users);
	return setup;
}

static bool
console_enter(struct client *client, struct err *e)
{
	(void)client;
	return err_set(e, SQLSTATE_PROTOCOL, "no console in stories");
}

static void
console_nothing(struct client *client)
{
	(void)client;
}

static const struct console_calls no_console = { .enter = console_enter,
	.leave = console_nothing,
	.cancel = console_nothing };

static void
begin_workers(struct pooler *p)
{
	unsigned count = p->setup->conf->workers;
	struct err e;

	p->workers = mem_new(count * sizeof(struct worker *));
	for (unsigned i = 0; i < count; i++) {
		p->workers[i] = worker_new(p, i, &e);
		assert_non_null(p->workers[i]);
		timer_set(p->workers[i]->tick, DEADLINE_TICK);
	}
	p->worker_count = count;
}

struct story *
story_begin_with(const char *settings, const char *databases)
{
	struct stage stage = { .seed = 1, .shape = { .capacity = 65536 } };
	struct story *s = mem_new(sizeof(*s));
	struct setup *setup;
	struct err e;

	log_to_stderr(getenv("STORY_LOG") != NULL);
	setup = make_setup(settings, databases, &stage);
	sim_begin(stage.seed);
	sim_set_shape(&stage.shape);
	rand_seed(stage.seed + 1);
	list_init(&s->actors);
	assert_true(pooler_init(&s->pooler, &e));
	s->settings = settings;
	s->pooler.setup = setup;
	s->pooler.console = &no_console;
	pg_open(&s->db1, "db1", 5432);
	pg_open(&s->db2, "db2", 5432);
	s->db1.keyring = s->db2.keyring = s->pooler.keyring;
	begin_workers(&s->pooler);
	return s;
}

struct story *
story_begin(const char *settings)
{
	return story_begin_with(settings, databases_usual);
}

void
story_reload(struct story *s, const char *settings, const char *databases)
{
	struct stage unused = { 0 };

	pooler_install(&s->pooler,
	    make_setup(settings != NULL ? settings : s->settings,
	    databases != NULL ? databases : databases_usual, &unused));
	sim_settle();
}

/* --- going on --- */

void
story_settle(struct story *s)
{
	(void)s;
	sim_settle();
}

void
story_pass(struct story *s, usec_t time)
{
	(void)s;
	sim_pass(time);
}

void
story_check(struct story *s)
{
	const char *what = story_wrong(s);

	if (what != NULL)
		fail_msg("%s", what);
}

static void
add_open(void *owner, struct pool *pool)
{
	unsigned *sum = owner;

	*sum += pool->ledger.open;
}

unsigned
story_servers(struct story *s)
{
	unsigned sum = 0;

	place_each(&s->pooler, add_open, &sum);
	return sum;
}

static void
close_idle(struct worker *w, void *arg)
{
	act_close_idle(w, arg);
}

static void
cover(struct worker *w, void *arg)
{
	act_cover(w, arg);
}

static void
nothing(void *arg)
{
	(void)arg;
}

void
story_pause(struct story *s, bool paused)
{
	struct scope all = { .all = true };

	if (place_pause(&s->pooler, span_of(NULL, 0), paused))
		worker_ask_all(&s->pooler, NULL, paused ? close_idle : cover, nothing,
		    &all);
	story_settle(s);
}

/* --- the end --- */

void
story_end(struct story *s)
{
	struct pooler *p = &s->pooler;

	story_settle(s);
	story_check(s);
	for (unsigned i = 0; i < p->worker_count; i++) {
		p->workers[i]->stopping = true;
		worker_close_everything(p->workers[i]);
	}
	LIST_EACH(n, &s->actors)
		actor_free(CONTAINER_OF(n, struct actor, in_story));
	pg_close(&s->db1);
	pg_close(&s->db2);
	sim_settle();
	for (unsigned i = 0; i < p->worker_count; i++)
		worker_free(p->workers[i]);
	mem_free(p->workers);
	pooler_fini(p);
	mem_free(s);
	is_count(sim_end(), 0, "things the pooler left behind");
	rand_seed(0);
}

/* --- words for rules --- */

void
is_text_at(const char *got, const char *wanted, const char *why, const char *file,
    int line)
{
	if (strcmp(got, wanted) == 0)
		return;
	print_error("%s: expected \"%s\", got \"%s\"\n", why, wanted, got);
	_fail(file, line);
}

void
is_count_at(uint64_t got, uint64_t wanted, const char *why, const char *file, int line)
{
	if (got == wanted)
		return;
	print_error("%s: expected %llu, got %llu\n", why, (unsigned long long)wanted,
	    (unsigned long long)got);
	_fail(file, line);
}
