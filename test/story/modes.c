/*
 * modes.c - what settings forbid or change of a session's course: simple queries, long
 * messages, transactions in statement mode, sessions over servers that must go, and what is
 * asked of a server between two of its clients.
 */
#include "story/story.h"

static void
simple_queries_are_refused(void **state)
{
	struct story *s = story_begin("pool_size=1 disable_pqexec=1");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");

	(void)state;
	sends(a, "P - begin / B - / E / S");
	story_settle(s);
	hears(a, "1 2 C Z:T", "the extended protocol is not");
	say(a, "select 1");
	say(b, "select 1");
	story_settle(s);
	hears(a, "E:08P01 x", "with a server");
	is_text(a->error, "PQexec disallowed", "says why");
	hears(b, "E:08P01 x", "without one");
	story_end(s);
}

static void
long_message_of_a_client_ends_it(void **state)
{
	struct story *s = story_begin("pool_size=1 max_packet_size=64");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");

	(void)state;
	say(a, "select %051u", 1);
	story_settle(s);
	hears(a, "T D C Z:I", "just long enough: 64 bytes");
	say(a, "select %052u", 1);
	story_settle(s);
	hears(a, "E:08P01 x", "one more is too long");
	is_text(a->error,
	    "bad packet header: expected at most max_packet_size, 64 bytes, got 65", "says why");
	say(b, "begin");
	story_settle(s);
	sends(b, "d 60");
	story_settle(s);
	hears(b, "C Z:T E:08P01 x", "also with a server, also when nobody wants the message");
	story_end(s);
}

static void
long_message_is_refused_before_it_is_here(void **state)
{
	struct story *s = story_begin("pool_size=1 max_packet_size=1000");
	struct actor *a = story_client(s, "app");

	(void)state;
	actor_send(a, "Q\0\0\x03\xe8", 5);	/* 1001 bytes with its kind */
	story_settle(s);
	hears(a, "E:08P01 x", "its header says enough");
	story_end(s);
}

static void
long_message_of_a_server_ends_it(void **state)
{
	struct story *s = story_begin("pool_size=2 max_packet_size=8011");
	struct actor *a = story_client(s, "app");

	(void)state;
	say(a, "rows 16000");
	story_settle(s);
	hears(a, "T D C Z:I", "just long enough: 8011 bytes");
	story_reload(s, "pool_size=2 max_packet_size=8010", NULL);
	say(a, "rows 7000");
	story_settle(s);
	hears(a, "T D C Z:I", "shorter ones pass");
	say(a, "rows 16000");
	story_settle(s);
	hears(a, "T E:08P01 x", "a longer one ends it");
	is_text(a->error, "server sent a message longer than max_packet_size", "says why");
	is_count(story_servers(s), 0, "with the server");
	a = story_client(s, "app");
	sends(a, "P - rows 15999 / B - / E / S");
	story_settle(s);
	hears(a, "1 2 E:08P01 x", "in the extended protocol, too");
	story_end(s);
}

static void
statement_mode_has_no_transactions(void **state)
{
	struct story *s = story_begin("pool_size=1 pool_mode=statement");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");

	(void)state;
	say(a, "select a");
	say(b, "select b");
	story_settle(s);
	hears(a, "T D:a C Z:I", "a statement");
	hears(b, "T D:b C Z:I", "another's, on the same server");
	is_count(s->db1.logins, 1, "the same server");
	say(a, "begin");
	story_settle(s);
	is_text(a->error, "transaction blocks not allowed in statement pooling mode", "says why");
	is_count(a->closed, 1, "its client goes");
	is_count(story_servers(s), 0, "its server, too");
	say(b, "select 1; select 2");
	story_settle(s);
	hears(b, "T D:1 C T D:2 C Z:I", "several in one query are one");
	story_end(s);
}

static const char moved[] = "app = host=db2 port=5432\nother = host=db2 port=5432\n";

static void
session_outlives_its_configuration(void **state)
{
	struct story *s = story_begin("pool_mode=session pool_size=2");
	struct actor *a = story_client(s, "app");

	(void)state;
	say(a, "select a");
	story_settle(s);
	story_reload(s, NULL, moved);
	story_pass(s, SECOND);
	actor_forget(a);
	say(a, "select b");
	story_settle(s);
	hears(a, "T D:b C Z:I", "it goes on where it is");
	leave(a);
	story_settle(s);
	is_count(story_servers(s), 0, "then its server goes");
	story_end(s);
}

static void
fast_close_ends_sessions_between_transactions(void **state)
{
	struct story *s = story_begin("pool_mode=session pool_size=5 server_fast_close=1");
	struct actor *idle = story_client(s, "app"), *busy = story_client(s, "app");
	struct actor *other = story_client(s, "other");

	(void)state;
	say(idle, "select a");
	say(busy, "begin");
	say(other, "select o");
	story_settle(s);
	actor_forget(idle);
	actor_forget(busy);
	story_reload(s, NULL, moved);
	story_pass(s, 200 * MSEC);
	hears(idle, "E:08P01 x", "it was between two transactions");
	is_text(idle->error, "database configuration changed", "says why");
	say(busy, "select b");
	story_pass(s, 10 * SECOND);
	hears(busy, "T D:b C Z:T", "a transaction may end");
	say(busy, "commit");
	story_pass(s, 200 * MSEC);
	hears(busy, "C Z:I E:08P01 x", "but nothing more");
	hears(other, "T D:o C Z:I", "whose entry has not changed stays");
	story_end(s);
}

static void
server_is_checked_before_every_use(void **state)
{
	struct story *s = story_begin("pool_size=1 server_check_delay=0 "
	    "server_check_query='set application_name checked'");
	struct actor *a = story_client(s, "app");

	(void)state;
	say(a, "show application_name");
	story_settle(s);
	hears(a, "S T D:checked C Z:I", "the first time");
	say(a, "set application_name mine");
	story_settle(s);
	actor_forget(a);
	pg_deaf(pg_session_at(&s->db1, 0), true);
	say(a, "select a");
	story_pass(s, SECOND);
	hears(a, "", "the next is checked again, however short the pause: nobody answers");
	story_end(s);
}

static void
reset_query_is_for_sessions(void **state)
{
	struct story *s = story_begin("pool_size=1 server_reset_query='set search_path reset'");
	struct actor *a = story_client(s, "app");

	(void)state;
	say(a, "set search_path mine");
	story_settle(s);
	is_text(pg_setting(pg_session_at(&s->db1, 0), SPAN_LITERAL("search_path")), "mine",
	    "not after a transaction");
	story_reload(s, "pool_size=1 server_reset_query='set search_path reset' "
	    "server_reset_query_always=1", NULL);
	say(a, "select a");
	story_settle(s);
	is_text(pg_setting(pg_session_at(&s->db1, 0), SPAN_LITERAL("search_path")), "reset",
	    "unless always");
	story_reload(s, "pool_size=1 pool_mode=session server_reset_query='set search_path reset'",
	    NULL);
	say(a, "set search_path yours");
	story_settle(s);
	is_text(pg_setting(pg_session_at(&s->db1, 0), SPAN_LITERAL("search_path")), "yours",
	    "not while the session lasts");
	leave(a);
	story_settle(s);
	is_text(pg_setting(pg_session_at(&s->db1, 0), SPAN_LITERAL("search_path")), "reset",
	    "but when it ends");
	story_end(s);
}

static void
failing_reset_query_costs_the_server(void **state)
{
	struct story *s = story_begin("pool_size=1 pool_mode=session server_reset_query=error");
	struct actor *a = story_client(s, "app");

	(void)state;
	say(a, "select a");
	story_settle(s);
	is_count(story_servers(s), 1, "while it lasts");
	leave(a);
	story_settle(s);
	is_count(story_servers(s), 0, "nobody knows what is left of the session");
	story_end(s);
}

static void
connect_query_may_fail(void **state)
{
	struct story *s = story_begin_with("pool_size=1 server_check_query=''",
	    "app = host=db1 port=5432 connect_query='begin; error'\n"
	    "other = host=db2 port=5432 connect_query='set search_path mine'\n");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "other");

	(void)state;
	say(a, "select a");
	story_settle(s);
	hears(a, "T D:a C Z:I", "its errors and the transaction it leaves are nobody's business");
	is_count(s->db1.logins, 1, "with the same server");
	say(b, "select b");
	story_settle(s);
	is_text(pg_setting(pg_session_at(&s->db2, 0), SPAN_LITERAL("search_path")), "mine",
	    "it runs before the first use");
	story_end(s);
}

int
main(void)
{
	const struct CMUnitTest stories[] = {
		UNIT_TEST(simple_queries_are_refused),
		UNIT_TEST(long_message_of_a_client_ends_it),
		UNIT_TEST(long_message_is_refused_before_it_is_here),
		UNIT_TEST(long_message_of_a_server_ends_it),
		UNIT_TEST(statement_mode_has_no_transactions),
		UNIT_TEST(session_outlives_its_configuration),
		UNIT_TEST(fast_close_ends_sessions_between_transactions),
		UNIT_TEST(server_is_checked_before_every_use),
		UNIT_TEST(reset_query_is_for_sessions),
		UNIT_TEST(failing_reset_query_costs_the_server),
		UNIT_TEST(connect_query_may_fail),
	};

	return cmocka_run_group_tests_name("modes", stories, NULL, NULL);
}
