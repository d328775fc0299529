/*
 * retiring.c - pools that nobody uses go, with their lanes on all workers; whoever comes in the
 * middle of that gets a new one.
 */
#include "story/story.h"

#include <stdio.h>

static void
count_one_more(void *owner, struct pool *pool)
{
	unsigned *count = owner;

	*count += !pool->console;
}

static unsigned
pools(struct story *s)
{
	unsigned count = 0;

	place_each(&s->pooler, count_one_more, &count);
	return count;
}

static unsigned
lanes(struct story *s)
{
	unsigned count = 0;

	for (unsigned i = 0; i < s->pooler.worker_count; i++)
		LIST_EACH(n, &s->pooler.workers[i]->lanes)
			count++;
	return count;
}

static void
idle_pool_goes(void **state)
{
	struct story *s = story_begin("workers=3 pool_idle_timeout=10 server_idle_timeout=5");
	struct actor *all[3];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		all[i] = story_client_on(s, i, "app");
		say(all[i], "sleep 100");
	}
	story_pass(s, 30 * SECOND);
	is_count(pools(s), 1, "it has clients, though no servers");
	is_count(lanes(s), 3, "on all workers");
	for (unsigned i = 0; i < 3; i++)
		leave(all[i]);
	story_pass(s, 9 * SECOND);
	is_count(pools(s), 1, "not so soon");
	story_pass(s, 2 * SECOND);
	is_count(pools(s), 0, "nobody needs it");
	is_count(lanes(s), 0, "nor its lanes");
	all[0] = story_client_on(s, 1, "app");
	say(all[0], "select a");
	story_settle(s);
	hears(all[0], "T D:a C Z:I", "who comes finds a new one");
	is_count(lanes(s), 1, "where it is needed");
	story_end(s);
}

static void
servers_keep_it(void **state)
{
	struct story *s = story_begin("pool_idle_timeout=10 server_idle_timeout=30");
	struct actor *a = story_client(s, "app");

	(void)state;
	say(a, "select a");
	story_settle(s);
	leave(a);
	story_pass(s, 29 * SECOND);
	is_count(pools(s), 1, "it has a server");
	story_pass(s, 12 * SECOND);
	is_count(pools(s), 0, "no more, for long enough");
	story_end(s);
}

static void
visitor_keeps_it(void **state)
{
	struct story *s = story_begin("workers=2 pool_idle_timeout=3 server_idle_timeout=1");

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		leave(story_client_on(s, i % 2, "app"));
		story_pass(s, 2900 * MSEC);
		is_count(pools(s), 1, "somebody came in time");
	}
	story_pass(s, 2 * SECOND);
	is_count(pools(s), 0, "and then nobody");
	story_end(s);
}

static void
entry_of_the_template_goes_by_its_own_time(void **state)
{
	struct story *s = story_begin_with("autodb_idle_timeout=20 server_idle_timeout=1",
	    "app = host=db1 port=5432\n* = host=db2 port=5432\n");

	(void)state;
	leave(story_client(s, "app"));
	leave(story_client(s, "auto"));
	story_pass(s, 18 * SECOND);
	is_count(pools(s), 2, "both are here");
	story_pass(s, 5 * SECOND);
	is_count(pools(s), 1, "what only the template covers is forgotten");
	story_reload(s, "autodb_idle_timeout=20 pool_idle_timeout=2", NULL);
	story_pass(s, 3 * SECOND);
	is_count(pools(s), 0, "and the other when it is idle, too");
	story_end(s);
}

static void
pool_that_keeps_servers_stays(void **state)
{
	struct story *s = story_begin_with("pool_idle_timeout=1 server_idle_timeout=1",
	    "app = host=db1 port=5432 user=bob min_pool_size=1\n");

	(void)state;
	leave(story_client(s, "app"));
	story_pass(s, 2 * SECOND);
	s->db1.host.answer = SIM_REFUSES;
	pg_crash(pg_session_at(&s->db1, 0));
	story_pass(s, 60 * SECOND);
	is_count(pools(s), 1, "even while it can have none");
	s->db1.host.answer = SIM_CONNECTS;
	story_pass(s, 5 * SECOND);
	is_count(story_servers(s), 1, "it has one again");
	story_end(s);
}

static void
paused_database_is_kept(void **state)
{
	struct story *s = story_begin("pool_idle_timeout=5 server_idle_timeout=1");

	(void)state;
	leave(story_client(s, "app"));
	story_pause(s, true);
	story_pass(s, 60 * SECOND);
	is_count(pools(s), 1, "somebody may look at it");
	story_pause(s, false);
	story_pass(s, 6 * SECOND);
	is_count(pools(s), 0, "now nobody does");
	story_end(s);
}

static void
pools_of_a_removed_database_go(void **state)
{
	struct story *s = story_begin("workers=2");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "other");

	(void)state;
	story_reload(s, NULL, "other = host=db2 port=5432\n");
	story_pass(s, SECOND);
	is_text(a->error, "database removed", "its clients");
	is_count(pools(s), 1, "and its pool");
	say(b, "select b");
	story_settle(s);
	hears(b, "T D:b C Z:I", "the other stays");
	story_end(s);
}

/* Workers turn in any order; clients come and go all the time, so that some come while pools go. */
static void
who_comes_in_the_middle(void **state)
{
	static const char *const names[] = { "app", "other", "auto1", "auto2" };
	char settings[200];

	(void)state;
	for (unsigned seed = 1; seed <= 30; seed++) {
		struct actor *all[6] = { NULL };
		struct story *s;

		snprintf(settings, sizeof(settings), "seed=%u workers=3 pool_size=2 "
		    "pool_idle_timeout=0.3 server_idle_timeout=0.2", seed);
		s = story_begin_with(settings, "app = host=db1 port=5432\n"
		    "other = host=db2 port=5432\n* = host=db2 port=5432\n");
		for (unsigned i = 0; i < 150; i++) {
			unsigned who = (unsigned)sim_draw(ARRAY_SIZE(all));

			if (all[who] == NULL) {
				all[who] = story_connect(s, (unsigned)sim_draw(3));
				actor_login(all[who], "bob", names[sim_draw(ARRAY_SIZE(names))],
				    NULL);
			} else if (sim_draw(3) == 0 && all[who]->in) {
				say(all[who], "sleep 20");
			} else {
				hang_up(all[who]);
				all[who] = NULL;
			}
			if (sim_draw(10) == 0)
				story_pass(s, sim_draw(700) * MSEC);
			else
				for (unsigned turns = (unsigned)sim_draw(8); turns > 0; turns--)
					loop_turn_once(s->pooler.workers[sim_draw(3)]->loop);
		}
		for (unsigned i = 0; i < ARRAY_SIZE(all); i++)
			if (all[i] != NULL)
				hang_up(all[i]);
		story_pass(s, 3 * SECOND);
		is_count(pools(s) + lanes(s), 0, "all are gone in the end");
		story_end(s);
	}
}

static void
server_lifetimes_end_one_after_the_other(void **state)
{
	struct story *s = story_begin("pool_size=4 server_lifetime=40 server_idle_timeout=0");
	struct actor *all[4];

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		all[i] = story_client(s, "app");
	for (unsigned i = 0; i < 4; i++)
		say(all[i], "sleep 100");
	story_pass(s, SECOND);
	is_count(story_servers(s), 4, "opened together");
	story_pass(s, 40 * SECOND);
	is_count(story_servers(s), 3, "the first goes when its time is over");
	story_pass(s, 8 * SECOND);
	is_count(story_servers(s), 3, "the next not at once");
	say(all[0], "select a");
	story_settle(s);
	is_count(story_servers(s), 3, "not when it is given back either");
	story_pass(s, 3 * SECOND);
	is_count(story_servers(s), 2, "but a quarter of a lifetime later");
	story_pass(s, 20 * SECOND);
	is_count(story_servers(s), 0, "and so on");
	story_end(s);
}

int
main(void)
{
	const struct CMUnitTest stories[] = {
		UNIT_TEST(idle_pool_goes),
		UNIT_TEST(servers_keep_it),
		UNIT_TEST(visitor_keeps_it),
		UNIT_TEST(entry_of_the_template_goes_by_its_own_time),
		UNIT_TEST(pool_that_keeps_servers_stays),
		UNIT_TEST(paused_database_is_kept),
		UNIT_TEST(pools_of_a_removed_database_go),
		UNIT_TEST(who_comes_in_the_middle),
		UNIT_TEST(server_lifetimes_end_one_after_the_other),
	};

	return cmocka_run_group_tests_name("retiring", stories, NULL, NULL);
}
