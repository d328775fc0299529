/*
 * orders.c - what an operator does: pause, resume, reload.
 */
#include "story/story.h"

static const char one_database[] = "app = host=db1 port=5432\n";
static const char moved_database[] =
    "app = host=db2 port=5432\nother = host=db2 port=5432\n";

static void
pause_lets_transactions_end(void **state)
{
	struct story *s = story_begin("pool_size=2 workers=2 query_wait_notify=0");
	struct actor *a = story_client_on(s, 0, "app"), *b = story_client_on(s, 1, "app");

	(void)state;
	say(a, "begin");
	say(b, "select b");
	story_settle(s);
	hears(b, "T D:b C Z:I", "b is served before");
	story_pause(s, true);
	is_count(story_servers(s), 1, "idle servers are closed");
	say(b, "select b");
	story_pass(s, 5 * SECOND);
	is_text(actor_state(b), "waiting", "b waits");
	say(a, "select a");
	story_settle(s);
	hears(a, "C Z:T T D:a C Z:T", "a goes on");
	say(a, "commit");
	story_settle(s);
	is_count(story_servers(s), 0, "then its server is closed: it is quiet");
	say(a, "select a");
	story_settle(s);
	is_text(actor_state(a), "waiting", "now a waits, too");
	story_check(s);
	story_pause(s, false);
	story_settle(s);
	hears(a, "C Z:I T D:a C Z:I", "a is served");
	hears(b, "T D:b C Z:I", "b is served");
	story_end(s);
}

static void
pause_holds_logins_back(void **state)
{
	struct story *s = story_begin("pool_size=2 query_wait_notify=0");
	struct actor *a;

	(void)state;
	place_pause(&s->pooler, SPAN_LITERAL("app"), true);
	a = story_client(s, "app");
	story_pass(s, 3 * SECOND);
	is_count(s->db1.attempts, 0, "nobody connects");
	hears(story_client(s, "other"), "", "another database is not concerned");
	place_pause(&s->pooler, SPAN_LITERAL("app"), false);
	story_pass(s, SECOND);
	hears(a, "Z:I", "a is let in");
	story_end(s);
}

static void
smaller_pool(void **state)
{
	struct story *s = story_begin("pool_size=4 query_wait_notify=0");
	struct actor *all[4];

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		all[i] = story_client(s, "app");
	for (unsigned i = 0; i < 4; i++)
		say(all[i], "begin");
	story_settle(s);
	is_count(story_servers(s), 4, "four");
	story_reload(s, "pool_size=1 query_wait_notify=0", NULL);
	is_count(story_servers(s), 4, "nobody is thrown out");
	for (unsigned i = 0; i < 4; i++)
		say(all[i], "commit");
	story_settle(s);
	is_count(story_servers(s), 1, "but not one more is kept");
	for (unsigned i = 0; i < 4; i++)
		say(all[i], "select 1");
	story_settle(s);
	for (unsigned i = 0; i < 4; i++)
		hears(all[i], "C Z:T C Z:I T D C Z:I", "all are served by it");
	is_count(s->db1.logins, 4, "no new one was opened");
	story_end(s);
}

static void
larger_pool(void **state)
{
	struct story *s = story_begin("pool_size=1 query_wait_notify=0");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");

	(void)state;
	say(a, "begin");
	story_settle(s);
	say(b, "begin");
	story_settle(s);
	is_text(actor_state(b), "waiting", "b waits");
	story_reload(s, "pool_size=2", NULL);
	story_pass(s, 200 * MSEC);
	hears(b, "C Z:T", "not for long");
	story_end(s);
}

static void
removed_database(void **state)
{
	struct story *s = story_begin("pool_size=1 query_wait_notify=0");
	struct actor *a = story_client(s, "other"), *b = story_client(s, "other");
	struct actor *c = story_client(s, "app");

	(void)state;
	say(a, "begin");
	story_settle(s);
	say(b, "select b");
	story_settle(s);
	story_reload(s, NULL, one_database);
	story_pass(s, SECOND);
	assert_true(has_heard(b, "E:08P01 x"));
	assert_true(has_heard(a, "E:08P01 x"));
	is_text(b->error, "database removed", "says why");
	is_count(s->db2.sessions_count, 0, "no server is left");
	say(c, "select c");
	story_settle(s);
	hears(c, "T D:c C Z:I", "another database is not concerned");
	a = story_client(s, "other");
	hears(a, "E:08P01 x", "nobody gets in");
	story_reload(s, NULL, NULL);
	a = story_client(s, "other");
	say(a, "select a");
	story_settle(s);
	hears(a, "T D:a C Z:I", "until it is back");
	story_end(s);
}

static void
moved(void **state)
{
	struct story *s = story_begin("pool_size=2");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");

	(void)state;
	say(a, "begin");
	say(b, "select b");
	story_settle(s);
	actor_forget(a);
	actor_forget(b);
	story_reload(s, NULL, moved_database);
	is_count(s->db1.sessions_count, 1, "idle servers are closed");
	say(a, "select a");
	say(b, "select b");
	story_settle(s);
	hears(a, "T D:a C Z:T", "a ends its transaction where it began");
	hears(b, "T D:b C Z:I", "b is at the new place");
	is_count(s->db2.logins, 1, "indeed");
	say(a, "commit");
	story_settle(s);
	is_count(s->db1.sessions_count, 0, "nobody goes back");
	say(a, "select a");
	story_settle(s);
	hears(a, "C Z:I T D:a C Z:I", "a has moved, too");
	story_end(s);
}

int
main(void)
{
	const struct CMUnitTest stories[] = {
		UNIT_TEST(pause_lets_transactions_end),
		UNIT_TEST(pause_holds_logins_back),
		UNIT_TEST(smaller_pool),
		UNIT_TEST(larger_pool),
		UNIT_TEST(removed_database),
		UNIT_TEST(moved),
	};

	return cmocka_run_group_tests_name("orders", stories, NULL, NULL);
}
