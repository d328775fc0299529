/*
 * waiting.c - who gets which server, and when.
 */
#include <stdio.h>

#include "story/story.h"

static void
second_waits_for_first(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");

	(void)state;
	say(a, "begin");
	story_settle(s);
	say(b, "select 1");
	story_pass(s, 3 * SECOND);
	is_text(actor_state(b), "waiting", "b has no server");
	hears(b, "", "and no answer");
	story_check(s);
	say(a, "commit");
	story_settle(s);
	hears(b, "T D:1 C Z:I", "b gets the same server");
	is_count(story_servers(s), 1, "and it was the only one");
	is_count(s->db1.most, 1, "ever");
	story_end(s);
}

static void
released_server_goes_to_the_oldest(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");
	struct actor *c = story_client(s, "app");

	(void)state;
	say(a, "begin");
	story_settle(s);
	say(c, "begin");
	story_pass(s, MSEC);
	say(b, "begin");
	story_settle(s);
	say(a, "commit");
	story_settle(s);
	hears(c, "C:BEGIN Z:T", "c came first");
	is_text(actor_state(b), "waiting", "b second");
	say(c, "commit");
	story_settle(s);
	hears(b, "C:BEGIN Z:T", "b's turn");
	story_end(s);
}

/* C, on the worker of the server, has waited LATER less than B on the other one. */
static void
three_on_two_workers(usec_t later, const char *b_state, const char *c_state)
{
	struct story *s = story_begin("pool_size=1 workers=2");
	struct actor *a = story_client_on(s, 0, "app"), *b = story_client_on(s, 1, "app");
	struct actor *c = story_client_on(s, 0, "app");

	say(a, "begin");
	story_settle(s);
	say(b, "begin");
	story_pass(s, later);
	say(c, "begin");
	story_settle(s);
	say(a, "commit");
	story_settle(s);
	is_text(actor_state(b), b_state, "b, who came first, next door");
	is_text(actor_state(c), c_state, "c, who came second, here");
	story_check(s);
	say(b, "commit");
	say(c, "commit");
	story_settle(s);
	is_text(actor_state(b), "idle", "b is done");
	is_text(actor_state(c), "idle", "c is done");
	story_end(s);
}

static void
order_holds_over_workers(void **state)
{
	(void)state;
	three_on_two_workers(PATIENCE + MSEC, "active", "waiting");
}

static void
hardly_older_is_no_reason_to_move(void **state)
{
	(void)state;
	three_on_two_workers(PATIENCE - MSEC, "waiting", "active");
}

static void
idle_server_next_door_is_used(void **state)
{
	struct story *s = story_begin("pool_size=1 workers=2");
	struct actor *a = story_client_on(s, 0, "app"), *b = story_client_on(s, 1, "app");

	(void)state;
	for (int i = 0; i < 3; i++) {
		say(a, "select a");
		story_settle(s);
		hears(a, "T D:a C Z:I", "a is served at home");
		say(b, "select b");
		story_settle(s);
		hears(b, "T D:b C Z:I", "b by the server of the other worker");
		story_check(s);
	}
	is_count(s->db1.logins, 1, "there was one login");
	story_end(s);
}

static void
limit_is_never_exceeded(void **state)
{
	(void)state;
	for (int seed = 1; seed <= 20; seed++) {
		char settings[64];
		struct actor *all[12];
		struct story *s;

		snprintf(settings, sizeof(settings), "pool_size=3 workers=2 seed=%d",
		    seed);
		s = story_begin(settings);
		for (unsigned i = 0; i < ARRAY_SIZE(all); i++) {
			all[i] = story_connect(s, i % 2);
			actor_login(all[i], "bob", "app", NULL);
			say(all[i], "sleep %u", i * 7 % 5);
		}
		story_pass(s, SECOND);
		for (unsigned i = 0; i < ARRAY_SIZE(all); i++)
			hears(all[i], "Z:I C:SLEEP Z:I", "everybody is served");
		assert_true(s->db1.most <= 3);
		is_count(s->db1.most, story_servers(s), "servers are kept");
		story_end(s);
	}
}

static void
opening_follows_the_number_of_waiters(void **state)
{
	struct story *s = story_begin("pool_size=10 workers=2");
	struct actor *all[6];

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(all); i++)
		all[i] = story_client(s, "app");
	is_count(story_servers(s), 1, "one server says what to greet with");
	for (unsigned i = 0; i < ARRAY_SIZE(all); i++)
		say(all[i], "begin");
	story_settle(s);
	is_count(story_servers(s), ARRAY_SIZE(all), "one each in a transaction");
	story_check(s);
	story_end(s);
}

static void
databases_and_users_have_pools_of_their_own(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "other");
	struct actor *c = story_connect(s, 0);

	(void)state;
	actor_login(c, "ann", "app", NULL);
	story_settle(s);
	actor_forget(c);
	say(a, "begin");
	say(b, "begin");
	say(c, "begin");
	story_settle(s);
	hears(a, "C Z:T", "a");
	hears(b, "C Z:T", "b on another database");
	hears(c, "C Z:T", "c as another user");
	is_count(s->db1.sessions_count, 2, "servers of app");
	is_count(s->db2.sessions_count, 1, "servers of other");
	story_end(s);
}

static void
query_behind_the_startup_packet_is_answered(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a = story_connect(s, 0);

	(void)state;
	actor_login(a, "bob", "app", NULL);
	say(a, "select 1");
	say(a, "select 2");
	story_settle(s);
	hears(a, "Z:I T D:1 C Z:I T D:2 C Z:I", "all in order");
	story_end(s);
}

int
main(void)
{
	const struct CMUnitTest stories[] = {
		UNIT_TEST(second_waits_for_first),
		UNIT_TEST(released_server_goes_to_the_oldest),
		UNIT_TEST(order_holds_over_workers),
		UNIT_TEST(hardly_older_is_no_reason_to_move),
		UNIT_TEST(idle_server_next_door_is_used),
		UNIT_TEST(limit_is_never_exceeded),
		UNIT_TEST(opening_follows_the_number_of_waiters),
		UNIT_TEST(databases_and_users_have_pools_of_their_own),
		UNIT_TEST(query_behind_the_startup_packet_is_answered),
	};

	return cmocka_run_group_tests_name("waiting", stories, NULL, NULL);
}
