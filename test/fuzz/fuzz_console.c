/*
 * fuzz_console.c - whoever may enter the console says anything at all: as one who may only
 * look nothing changes; as one who may do everything the pooler still works when all is
 * resumed.
 *
 * The first byte says who it is. Then comes a row of acts: a byte that says what, one that
 * says how many bytes follow.
 */
#include "fuzz/fuzz.h"

#include "admin/admin.h"
#include "story/story.h"
#include "wire/query.h"

#define ACTS_MOST 64u

struct scene {
	struct story	*story;
	struct actor	*guest;
	struct span	 rest;		/* of the input */
};

/* A query whose text is TEXT up to its first NUL. */
static void
ask(struct actor *guest, struct span text)
{
	struct buf b = { 0 };
	const char *nul = text.len > 0 ? memchr(text.at, '\0', text.len) : NULL;

	if (nul != NULL)
		text.len = (size_t)(nul - text.at);
	query_write(&b, text);
	actor_send(guest, b.at, b.len);
	buf_fini(&b);
}

static void
act(struct scene *scene)
{
	struct span head = take(&scene->rest, 2);
	struct span bytes = take(&scene->rest, head.len == 2 ? (uint8_t)head.at[1] : 0);

	switch ((uint8_t)head.at[0] % 6) {
	case 0:
	case 1:
		ask(scene->guest, bytes);
		break;
	case 2:
		actor_send(scene->guest, bytes.at, bytes.len);
		break;
	case 3:
		sim_settle();
		break;
	case 4:
		story_pass(scene->story, bytes.len * MSEC);
		break;
	default:
		if (actor_client(scene->guest) != NULL)
			scene->story->pooler.console->cancel(actor_client(scene->guest));
		break;
	}
}

static void
resume_all(struct story *s)
{
	struct pooler *p = &s->pooler;

	place_pause(p, span_of(NULL, 0), false);
	place_resume_named(p);
	place_disable(p, SPAN_LITERAL("app"), false);
	place_disable(p, SPAN_LITERAL("other"), false);
	admin_resume(admin_of(p), span_of(NULL, 0));
	story_pass(s, SECOND);
}

static void
is_served(struct story *s, struct actor *a)
{
	must(a->in);
	actor_forget(a);
	say(a, "select well");
	story_settle(s);
	must(strcmp(actor_heard(a), "T D:well C:SELECT_1 Z:I ") == 0);
}

static void
is_untouched(struct pooler *p)
{
	must(!place_paused(p, span_of(NULL, 0)) && !place_any_paused(p));
	must(!place_suspended(p) && !atomic_load(&p->shutting));
	must(!place_disabled(p, SPAN_LITERAL("app")));
	must(!place_disabled(p, SPAN_LITERAL("other")));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct scene scene = { .rest = span_of(bytes, len) };
	bool may_all = take(&scene.rest, 1).len == 1 && bytes[0] % 2 == 0;
	struct story *s = story_begin(
	    "pool_size=1 workers=2 query_wait_notify=0 admin_users=bob stats_users=ann");
	struct actor *other;
	struct admin admin;

	admin_init(&admin, &s->pooler, NULL, NULL);
	other = story_client(s, "app");
	scene.story = s;
	scene.guest = story_connect(s, 1);
	scene.guest->quiet = true;
	actor_login(scene.guest, may_all ? "bob" : "ann", "pgbouncer", NULL);
	sim_settle();
	must(strcmp(actor_state(scene.guest), "idle") == 0);
	for (unsigned i = 0; i < ACTS_MOST && scene.rest.len > 0; i++)
		act(&scene);
	sim_settle();
	if (!may_all) {
		is_untouched(&s->pooler);
		is_served(s, other);
	}
	hang_up(scene.guest);
	sim_settle();
	must(!place_suspended(&s->pooler));
	resume_all(s);
	is_served(s, story_client(s, "app"));
	must(story_wrong(s) == NULL);
	story_end(s);
	admin_fini(&admin);
	return 0;
}
