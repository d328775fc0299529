/*
 * fuzz_story.c - strangers on both sides: a client and a server that say anything at all,
 * in an order that is part of the input. Whatever they say, every list, count and owner is
 * right afterwards, an honest client beside them is served, and nothing is left behind.
 *
 * The input is a row of acts: a byte that says what, one that says how many bytes follow.
 */
#include "fuzz/fuzz.h"

#include "story/story.h"

#define ACTS_MOST 64u

struct scene {
	struct story	*story;
	struct actor	*stranger;	/* NULL: has left */
	struct span	 rest;		/* of the input */
};

static void
server_says(struct scene *scene, struct span bytes)
{
	struct pg_session *s = pg_session_at(&scene->story->db2, 0);

	if (s != NULL)
		link_send(s->link, bytes.at, bytes.len);
}

static void
stranger_comes(struct scene *scene, bool logs_in)
{
	if (scene->stranger != NULL)
		actor_free(scene->stranger);
	scene->stranger = story_connect(scene->story, 0);
	scene->stranger->quiet = true;
	if (logs_in)
		actor_login(scene->stranger, "bob", "other", NULL);
	sim_settle();
}

static void
act(struct scene *scene)
{
	struct span head = take(&scene->rest, 2);
	struct span bytes = take(&scene->rest, head.len == 2 ? (uint8_t)head.at[1] : 0);

	switch ((uint8_t)head.at[0] % 8) {
	case 0:
	case 1:
		if (scene->stranger != NULL)
			actor_send(scene->stranger, bytes.at, bytes.len);
		break;
	case 2:
	case 3:
		server_says(scene, bytes);
		break;
	case 4:
		sim_settle();
		break;
	case 5:
		stranger_comes(scene, bytes.len % 2 == 0);
		break;
	case 6:
		if (scene->stranger != NULL)
			hang_up(scene->stranger);
		break;
	default:
		sim_pass(bytes.len * SECOND / 10);
		break;
	}
}

/* The pooler's servers of the strangers' database are not what they seem. */
static void
check(struct scene *scene)
{
	struct actor *honest = story_client(scene->story, "app");

	must(honest->in);
	say(honest, "select honest");
	story_settle(scene->story);
	must(strcmp(actor_heard(honest), "T D:honest C:SELECT_1 Z:I ") == 0);
	actor_free(honest);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct scene scene = { .rest = span_of(bytes, len) };
	const char *what;

	scene.story = story_begin("pool_size=1");
	scene.story->liars = true;
	stranger_comes(&scene, true);
	for (unsigned i = 0; i < ACTS_MOST && scene.rest.len > 0; i++)
		act(&scene);
	sim_settle();
	check(&scene);
	what = story_wrong(scene.story);
	if (what != NULL)
		fprintf(stderr, "%s\n", what);
	must(what == NULL);
	story_end(scene.story);
	return 0;
}
