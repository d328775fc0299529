/*
 * flow.c - much data and somebody who reads slowly: memory stays bounded, nobody else is
 * held up, nothing is lost.
 */
#include "base/mem.h"
#include "story/story.h"

#define MEGABYTE 1000000u
#define READ_MOST 65536u

static void
slow_client_slows_its_server(void **state)
{
	struct story *s = story_begin("pool_size=2 capacity=20000");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");

	(void)state;
	actor_deaf(a, true);
	say(a, "rows 100000000");
	story_settle(s);
	assert_true(sim_most_unsent() > 0);
	assert_true(sim_most_unsent() <= READ_MOST);
	assert_true(pg_session_at(&s->db1, 0)->stream_left > 99 * MEGABYTE);
	story_check(s);
	say(b, "select b");
	story_settle(s);
	hears(b, "T D:b C Z:I", "b is not held up");
	actor_deaf(a, false);
	story_settle(s);
	hears(a, "T D:big C Z:I", "a hears everything");
	assert_true(a->bytes > 100 * MEGABYTE);
	assert_true(sim_most_unsent() <= READ_MOST);
	assert_true(sim_most_kept() <= READ_MOST);
	story_end(s);
}

static void
slow_client_of_a_copy(void **state)
{
	struct story *s = story_begin("pool_size=1 capacity=5000 chop=3000");
	struct actor *a = story_client(s, "app");

	(void)state;
	say(a, "copyout 10000000");
	for (int i = 0; i < 50; i++) {
		actor_deaf(a, i % 2 == 0);
		for (int j = 0; j < 20; j++)
			loop_turn_once(
			    j % 2 ? sim_outside() : s->pooler.workers[0]->loop);
	}
	actor_deaf(a, false);
	story_settle(s);
	hears(a, "H d c C Z:I", "all of it");
	assert_true(a->bytes > 10 * MEGABYTE);
	assert_true(sim_most_unsent() <= 5000);
	story_end(s);
}

static void
slow_server_slows_its_client(void **state)
{
	struct story *s = story_begin("pool_size=1 capacity=20000");
	struct actor *a = story_client(s, "app");
	struct buf megabyte = { 0 };

	(void)state;
	for (int i = 0; i < 100; i++)
		actor_write(&megabyte, "d 10000");
	say(a, "copyin");
	story_settle(s);
	pg_deaf(pg_session_at(&s->db1, 0), true);
	for (int i = 0; i < 3; i++) {
		actor_send(a, megabyte.at, megabyte.len);
		story_settle(s);
	}
	assert_true(sim_most_unsent() > 0);
	assert_true(sim_most_unsent() <= READ_MOST);
	assert_true(link_unsent(a->link) > 2 * MEGABYTE);
	story_check(s);
	pg_deaf(pg_session_at(&s->db1, 0), false);
	for (int i = 0; i < 97; i++) {
		actor_send(a, megabyte.at, megabyte.len);
		story_settle(s);
	}
	sends(a, "c");
	story_settle(s);
	hears(a, "G C:COPY_1 Z:I", "all has arrived");
	assert_true(sim_most_unsent() <= READ_MOST);
	assert_true(sim_most_kept() <= READ_MOST);
	buf_fini(&megabyte);
	story_end(s);
}

static void
who_waits_is_not_read_without_end(void **state)
{
	struct story *s = story_begin("pool_size=1 query_wait_notify=0");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");

	(void)state;
	say(a, "begin");
	story_settle(s);
	for (int i = 0; i < 100000; i++)
		say(b, "select 1");
	story_settle(s);
	is_text(actor_state(b), "waiting", "b waits");
	assert_true(sim_most_kept() <= 2 * READ_MOST);
	assert_true(link_unsent(b->link) > MEGABYTE);
	b->quiet = true;
	say(a, "commit");
	story_settle(s);
	is_count(b->readies, 100001, "every query is answered");
	assert_true(sim_most_kept() <= 2 * READ_MOST);
	story_end(s);
}

static void
large_statement_is_kept_whole(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a = story_client(s, "app");
	char *text = mem_new(MEGABYTE + 1);

	(void)state;
	memset(text, 'x', MEGABYTE);
	memcpy(text, "P one select ", 13);
	for (int i = 0; i < 3; i++) {
		struct buf b = { 0 };

		actor_write(&b, i == 0 ? text : "B one / E / S");
		actor_send(a, b.at, b.len);
		buf_fini(&b);
		story_settle(s);
	}
	hears(a, "1 2 D:big C Z:I 2 D:big C Z:I", "prepared and used");
	assert_true(sim_most_kept() <= MEGABYTE + 2 * READ_MOST);
	is_count(link_kept(actor_client(a)->link), 0, "nothing is kept afterwards");
	mem_free(text);
	story_end(s);
}

static void
deaf_client_that_leaves_frees_its_server(void **state)
{
	struct story *s = story_begin("pool_size=1 capacity=20000");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");

	(void)state;
	actor_deaf(a, true);
	say(a, "rows 100000000");
	story_settle(s);
	say(b, "select b");
	story_settle(s);
	hang_up(a);
	story_settle(s);
	hears(b, "T D:b C Z:I", "b is served");
	assert_true(sim_most_unsent() <= READ_MOST);
	story_end(s);
}

int
main(void)
{
	const struct CMUnitTest stories[] = {
		UNIT_TEST(slow_client_slows_its_server),
		UNIT_TEST(slow_client_of_a_copy),
		UNIT_TEST(slow_server_slows_its_client),
		UNIT_TEST(who_waits_is_not_read_without_end),
		UNIT_TEST(large_statement_is_kept_whole),
		UNIT_TEST(deaf_client_that_leaves_frees_its_server),
	};

	return cmocka_run_group_tests_name("flow", stories, NULL, NULL);
}
