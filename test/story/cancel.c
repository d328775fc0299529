/*
 * cancel.c - cancel requests: they reach the query they are meant for, and no other.
 */
#include "story/story.h"

static void
running_query_is_canceled(void **state)
{
	struct story *s = story_begin("pool_size=2 workers=2");
	struct actor *a = story_client_on(s, 0, "app"), *b = story_client_on(s, 0, "app");

	(void)state;
	say(a, "hang");
	say(b, "begin; hang");
	story_settle(s);
	actor_cancel(a, 1);
	story_settle(s);
	hears(a, "E:57014 Z:I", "by way of another worker");
	hears(b, "C", "nobody else's");
	actor_cancel(b, 0);
	story_settle(s);
	hears(b, "E:57014 Z:E", "by way of the same");
	say(a, "select a");
	say(b, "rollback");
	story_settle(s);
	hears(a, "T D:a C Z:I", "a goes on");
	hears(b, "C Z:I", "b goes on");
	is_count(s->db1.logins, 2, "no server was lost");
	is_count(s->db1.cancels_hit, 2, "each request hit");
	story_end(s);
}

static void
waiting_client_is_canceled_at_once(void **state)
{
	struct story *s = story_begin("pool_size=1 query_wait_notify=0");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");

	(void)state;
	say(a, "begin");
	story_settle(s);
	say(b, "select b");
	story_settle(s);
	actor_cancel(b, 0);
	story_settle(s);
	hears(b, "E:57014 Z:I", "as PostgreSQL would");
	is_count(s->db1.cancels, 0, "the server was not asked");
	story_check(s);
	say(b, "select c");
	story_settle(s);
	is_text(actor_state(b), "waiting", "it waits again");
	say(a, "commit");
	story_settle(s);
	hears(b, "T D:c C Z:I", "the canceled query never runs");
	story_end(s);
}

static void
waiting_batch_is_canceled_up_to_its_sync(void **state)
{
	struct story *s = story_begin("pool_size=1 query_wait_notify=0");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");

	(void)state;
	say(a, "begin");
	story_settle(s);
	sends(b, "P one select b / B one / E");
	story_settle(s);
	actor_cancel(b, 0);
	story_settle(s);
	hears(b, "E:57014", "the batch goes on to its Sync");
	say(a, "commit");
	sends(b, "P two select c / S / P one select d / B one / E / S");
	story_settle(s);
	hears(b, "Z:I 1 2 D:d C Z:I", "and what follows is served");
	story_check(s);
	story_end(s);
}

static void
idle_client_has_nothing_to_cancel(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");

	(void)state;
	say(a, "select a");
	story_settle(s);
	actor_forget(a);
	say(b, "sleep 500");
	story_settle(s);
	actor_cancel(a, 0);
	story_settle(s);
	is_count(s->db1.cancels, 0, "the server runs b's query");
	story_pass(s, SECOND);
	hears(b, "C Z:I", "which ends well");
	hears(a, "", "a hears nothing");
	story_end(s);
}

static void
wrong_key_cancels_nothing(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a = story_client(s, "app");

	(void)state;
	say(a, "hang");
	story_settle(s);
	a->key[0] ^= 1;
	actor_cancel(a, 0);
	story_settle(s);
	hears(a, "", "the query goes on");
	a->key[0] ^= 1;
	actor_cancel(a, 0);
	story_settle(s);
	hears(a, "E:57014 Z:I", "until the right one comes");
	story_end(s);
}

static void
server_rests_until_its_cancel_is_through(void **state)
{
	struct story *s = story_begin("pool_size=1 query_wait_notify=0");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");

	(void)state;
	s->db1.hold_cancels = true;
	say(a, "sleep 100");
	story_settle(s);
	actor_cancel(a, 0);
	say(b, "sleep 1000");
	story_pass(s, 200 * MSEC);
	hears(a, "C Z:I", "the cancel came too late");
	is_text(actor_state(b), "waiting",
	    "b is not given a server that may be canceled");
	story_check(s);
	pg_let_cancels(&s->db1);
	story_pass(s, 2 * SECOND);
	hears(b, "C Z:I", "b's query runs whole");
	story_end(s);
}

static void
lost_cancel_is_given_up(void **state)
{
	struct story *s = story_begin(
	    "pool_size=1 cancel_wait_timeout=5 query_wait_notify=0");
	struct actor *a = story_client(s, "app");

	(void)state;
	say(a, "sleep 100");
	story_settle(s);
	s->db1.host.answer = SIM_HANGS;
	actor_cancel(a, 0);
	story_pass(s, 200 * MSEC);
	hears(a, "C Z:I", "the query ended");
	say(a, "select a");
	story_pass(s, 4 * SECOND);
	hears(a, "", "its server is not to be trusted yet");
	story_pass(s, 2 * SECOND);
	hears(a, "T D:a C Z:I", "now it is");
	is_count(s->db1.logins, 1, "the same one");
	story_end(s);
}

/* Cancel A's query COUNT times at once. */
static void
cancel_often(struct actor *a, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		actor_cancel(a, 0);
	story_settle(a->story);
}

static void
many_requests_for_one_query_open_few_connections(void **state)
{
	struct story *s = story_begin("pool_size=1 query_wait_notify=0");
	struct actor *a = story_client(s, "app");

	(void)state;
	s->db1.hold_cancels = true;
	say(a, "sleep 500");
	story_settle(s);
	cancel_often(a, 20);
	is_count(s->db1.cancels, 2, "the server need not hear it twenty times");
	is_count(actor_client(a)->server->cancels, 20, "but all are kept in mind");
	story_pass(s, SECOND);
	hears(a, "C Z:I", "the query ends by itself");
	pg_let_cancels(&s->db1);
	story_settle(s);
	is_count(s->db1.cancels, 2, "what has not been sent by then is not sent any more");
	say(a, "select a");
	story_settle(s);
	hears(a, "T D:a C Z:I", "the server is free again");
	story_end(s);
}

/* The server stays with its client, so that nothing but the query tells one from the other. */
static void
next_query_of_the_same_client_is_not_canceled(void **state)
{
	struct story *s = story_begin("pool_size=1 query_wait_notify=0 cancel_wait_timeout=9");
	struct actor *a = story_client(s, "app");

	(void)state;
	say(a, "begin");
	say(a, "sleep 100");
	story_settle(s);
	s->db1.hold_cancels = true;
	cancel_often(a, 3);
	story_pass(s, 200 * MSEC);
	hears(a, "C Z:T C Z:T", "two hang before the server, one waits");
	say(a, "hang");
	story_settle(s);
	pg_let_cancels(&s->db1);
	story_settle(s);
	is_count(s->db1.cancels, 2, "the one that waited was for the query before");
	hears(a, "E:57014 Z:E", "what had been sent already cannot be called back");
	say(a, "rollback");
	story_settle(s);
	hears(a, "C Z:I", "a goes on");
	story_end(s);
}

static void
who_tries_many_wrong_keys_is_not_heard(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a = story_client(s, "app");

	(void)state;
	say(a, "hang");
	story_settle(s);
	a->key[0] ^= 1;
	cancel_often(a, 199);
	a->key[0] ^= 1;
	cancel_often(a, 1);
	hears(a, "E:57014 Z:I", "some mistakes are forgiven");
	say(a, "hang");
	story_settle(s);
	a->key[0] ^= 1;
	cancel_often(a, 2);
	a->key[0] ^= 1;
	cancel_often(a, 1);
	hears(a, "", "too many are not");
	story_pass(s, 11 * SECOND);
	cancel_often(a, 1);
	hears(a, "E:57014 Z:I", "after a while they are forgotten");
	story_end(s);
}

int
main(void)
{
	const struct CMUnitTest stories[] = {
		UNIT_TEST(running_query_is_canceled),
		UNIT_TEST(waiting_client_is_canceled_at_once),
		UNIT_TEST(waiting_batch_is_canceled_up_to_its_sync),
		UNIT_TEST(idle_client_has_nothing_to_cancel),
		UNIT_TEST(wrong_key_cancels_nothing),
		UNIT_TEST(server_rests_until_its_cancel_is_through),
		UNIT_TEST(lost_cancel_is_given_up),
		UNIT_TEST(many_requests_for_one_query_open_few_connections),
		UNIT_TEST(next_query_of_the_same_client_is_not_canceled),
		UNIT_TEST(who_tries_many_wrong_keys_is_not_heard),
	};

	return cmocka_run_group_tests_name("cancel", stories, NULL, NULL);
}
