/*
 * leaving.c - clients that hang up: what becomes of their servers, and of those who wait.
 */
#include "story/story.h"

/* B, who comes after somebody left, is served by the only server there ever was. */
static void
same_server_serves(struct story *s, struct actor *b)
{
	story_settle(s);
	story_check(s);
	actor_forget(b);
	say(b, "select next");
	story_settle(s);
	hears(b, "T D:next C Z:I", "the next one is served");
	is_count(s->db1.logins, 1, "by the same server");
	is_text(pg_setting(pg_session_at(&s->db1, 0), SPAN_LITERAL("search_path")),
	    "public", "which has nobody's settings");
	is_count(pg_session_at(&s->db1, 0)->status, 'I', "and no transaction");
	story_end(s);
}

static void
while_waiting(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");
	struct actor *c = story_client(s, "app");

	(void)state;
	say(a, "begin");
	story_settle(s);
	say(b, "select b");
	say(c, "select c");
	story_settle(s);
	hang_up(b);
	story_settle(s);
	is_text(actor_state(b), "gone", "it need not wait to be noticed");
	story_check(s);
	say(a, "commit");
	story_settle(s);
	hears(c, "T D:c C Z:I", "c is not held up by b's place");
	same_server_serves(s, a);
}

static void
while_its_server_is_opened(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a, *b;

	(void)state;
	s->db1.host.answer = SIM_HANGS;
	a = story_client(s, "app");
	is_text(actor_state(a), "waiting", "a waits for its login");
	hang_up(a);
	story_settle(s);
	story_check(s);
	is_count(story_servers(s), 1, "the server is still being opened");
	s->db1.host.answer = SIM_CONNECTS;
	story_settle(s);
	story_check(s);
	b = story_client(s, "app");
	same_server_serves(s, b);
}

static void
while_settling(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a = story_client_with(s, "app", "search_path", "mine");
	struct actor *b = story_client(s, "app");

	(void)state;
	say(b, "select b");
	story_settle(s);
	hears(b, "T D C Z:I", "b has made the server its own");
	pg_deaf(pg_session_at(&s->db1, 0), true);
	say(a, "select a");
	story_settle(s);
	is_text(actor_client(a)->server->state == &SERVER_SETTLING ? "yes" : "no", "yes",
	    "the server is being made to fit");
	hang_up(a);
	story_settle(s);
	pg_deaf(pg_session_at(&s->db1, 0), false);
	same_server_serves(s, b);
}

static void
in_a_transaction(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");

	(void)state;
	say(a, "begin; set search_path mine");
	story_settle(s);
	hang_up(a);
	same_server_serves(s, b);
}

static void
in_a_failed_transaction(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");

	(void)state;
	say(a, "begin; error");
	story_settle(s);
	hears(a, "C E:22012 Z:E", "a has failed");
	leave(a);
	same_server_serves(s, b);
}

static void
in_a_query(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");

	(void)state;
	say(a, "hang");
	story_settle(s);
	hang_up(a);
	story_settle(s);
	is_count(s->db1.cancels_hit, 1, "the query is canceled");
	same_server_serves(s, b);
}

static void
in_a_query_of_a_transaction(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");

	(void)state;
	say(a, "begin; hang");
	story_settle(s);
	hang_up(a);
	same_server_serves(s, b);
}

static void
in_a_pipeline_without_sync(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");

	(void)state;
	sends(a, "P one begin / B one / E / P two select 2 / B two / E / H");
	story_settle(s);
	hears(a, "1 2 C 1 2 D C", "answers have come");
	hang_up(a);
	same_server_serves(s, b);
}

static void
after_an_error_without_sync(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");

	(void)state;
	sends(a, "P - error / B - / E / P - select 2 / B - / H");
	story_settle(s);
	hears(a, "1 2 E", "the server skips");
	hang_up(a);
	same_server_serves(s, b);
}

static void
in_copy_in(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");

	(void)state;
	say(a, "copyin");
	story_settle(s);
	sends(a, "d 100");
	story_settle(s);
	hears(a, "G", "rows are wanted");
	hang_up(a);
	same_server_serves(s, b);
}

static void
in_copy_in_of_a_batch(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");

	(void)state;
	sends(a, "P - copyin / B - / E / H / d 10");
	story_settle(s);
	hears(a, "1 2 G", "rows are wanted");
	hang_up(a);
	same_server_serves(s, b);
}

static void
in_copy_out(void **state)
{
	struct story *s = story_begin("pool_size=1 capacity=10000");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");

	(void)state;
	actor_deaf(a, true);
	say(a, "copyout 1000000");
	story_settle(s);
	hang_up(a);
	same_server_serves(s, b);
}

static void
in_a_message_its_server_is_closed(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");
	char half[20000] = { 'Q', 0, 1, 0, 0 };

	(void)state;
	memset(half + 5, 'x', sizeof(half) - 5);
	actor_send(a, half, sizeof(half));
	story_settle(s);
	is_text(actor_state(a), "active", "a long message goes on before it is whole");
	say(b, "select b");
	story_settle(s);
	hang_up(a);
	story_settle(s);
	story_check(s);
	hears(b, "T D:b C Z:I", "b is served");
	is_count(s->db1.logins, 2, "by a new server: nothing can be said to the old one");
	is_count(s->db1.sessions_count, 1, "which is closed");
	story_end(s);
}

static void
while_all_wait_for_its_cancel(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");

	(void)state;
	s->db1.hold_cancels = true;
	say(a, "sleep 50");
	story_settle(s);
	hang_up(a);
	say(b, "select b");
	story_pass(s, 100 * MSEC);
	story_check(s);
	is_text(actor_state(b), "waiting", "a late cancel must not hit b's query");
	pg_let_cancels(&s->db1);
	story_settle(s);
	hears(b, "T D:b C Z:I", "when it is through, b is served");
	is_count(s->db1.logins, 1, "by the same server");
	story_end(s);
}

static void
in_session_mode_the_server_is_reset(void **state)
{
	struct story *s = story_begin("pool_size=1 pool_mode=session");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");

	(void)state;
	sends(a, "Q set search_path mine / P one select 1 / S");
	story_settle(s);
	say(b, "select b");
	story_settle(s);
	is_text(actor_state(b), "waiting", "a keeps its server");
	leave(a);
	story_settle(s);
	hears(b, "T D:b C Z:I", "b is served");
	is_count(pg_session_at(&s->db1, 0)->named, 0, "without a's statements");
	same_server_serves(s, b);
}

int
main(void)
{
	const struct CMUnitTest stories[] = {
		UNIT_TEST(while_waiting),
		UNIT_TEST(while_its_server_is_opened),
		UNIT_TEST(while_settling),
		UNIT_TEST(in_a_transaction),
		UNIT_TEST(in_a_failed_transaction),
		UNIT_TEST(in_a_query),
		UNIT_TEST(in_a_query_of_a_transaction),
		UNIT_TEST(in_a_pipeline_without_sync),
		UNIT_TEST(after_an_error_without_sync),
		UNIT_TEST(in_copy_in),
		UNIT_TEST(in_copy_in_of_a_batch),
		UNIT_TEST(in_copy_out),
		UNIT_TEST(in_a_message_its_server_is_closed),
		UNIT_TEST(while_all_wait_for_its_cancel),
		UNIT_TEST(in_session_mode_the_server_is_reset),
	};

	return cmocka_run_group_tests_name("leaving", stories, NULL, NULL);
}
