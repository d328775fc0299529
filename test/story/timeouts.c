/*
 * timeouts.c - everything that happens because time passes.
 */
#include "story/story.h"

/* Two clients of one server, which A holds. */
static struct story *
one_holds(const char *settings, struct actor **a, struct actor **b)
{
	struct story *s = story_begin(settings);

	*a = story_client(s, "app");
	*b = story_client(s, "app");
	say(*a, "begin");
	story_settle(s);
	actor_forget(*a);
	return s;
}

static void
query_wait_timeout(void **state)
{
	struct actor *a, *b;
	struct story *s = one_holds("pool_size=1 query_wait_timeout=10", &a, &b);

	(void)state;
	say(b, "select b");
	story_pass(s, 9900 * MSEC);
	is_text(actor_state(b), "waiting", "b waits nearly so long");
	story_pass(s, 200 * MSEC);
	hears(b, "N E:08P01 x", "and is sent away");
	is_text(b->error, "query_wait_timeout", "with PgBouncer's word");
	hears(a, "", "a has nothing to do with it");
	story_end(s);
}

static void
query_wait_notify(void **state)
{
	struct actor *a, *b;
	struct story *s = one_holds("pool_size=1 query_wait_notify=2", &a, &b);

	(void)state;
	say(b, "select b");
	story_pass(s, 1800 * MSEC);
	hears(b, "", "nothing yet");
	story_pass(s, 20 * SECOND);
	hears(b, "N", "it is told once");
	say(a, "commit");
	story_settle(s);
	hears(b, "T D:b C Z:I", "and then served");
	say(a, "begin");
	story_settle(s);
	say(b, "select b");
	story_pass(s, 3 * SECOND);
	hears(b, "N", "another query, another notice");
	story_end(s);
}

static void
query_timeout(void **state)
{
	struct actor *a, *b;
	struct story *s = one_holds("pool_size=1 query_timeout=5 query_wait_notify=0", &a,
	    &b);

	(void)state;
	say(a, "sleep 4000");
	story_pass(s, 4500 * MSEC);
	hears(a, "C Z:T", "fast enough");
	say(a, "hang");
	story_pass(s, 5200 * MSEC);
	hears(a, "E:08P01 x", "too slow");
	is_text(a->error, "query timeout", "says why");
	say(b, "select b");
	story_pass(s, 200 * MSEC);
	hears(b, "T D:b C Z:I", "the place is free again");
	story_end(s);
}

static void
idle_transaction_timeout(void **state)
{
	struct actor *a, *b;
	struct story *s = one_holds("pool_size=1 idle_transaction_timeout=5", &a, &b);

	(void)state;
	story_pass(s, 4 * SECOND);
	say(a, "select 1");
	story_pass(s, 4 * SECOND);
	hears(a, "T D:1 C Z:T", "it is not the transaction's age that counts");
	story_pass(s, 1500 * MSEC);
	hears(a, "E:08P01 x", "but its idleness");
	is_text(a->error, "idle transaction timeout", "says why");
	say(b, "select b");
	story_settle(s);
	hears(b, "T D:b C Z:I", "b is served");
	story_end(s);
}

static void
transaction_timeout(void **state)
{
	struct actor *a, *b;
	struct story *s = one_holds("pool_size=1 transaction_timeout=5", &a, &b);

	(void)state;
	for (int i = 0; i < 4; i++) {
		say(a, "select 1");
		story_pass(s, SECOND);
	}
	hears(a, "T D C Z:T T D C Z:T T D C Z:T T D C Z:T", "busy all the time");
	story_pass(s, 1200 * MSEC);
	hears(a, "E:08P01 x", "but too long");
	is_text(a->error, "transaction timeout", "says why");
	story_end(s);
}

static void
client_idle_timeout(void **state)
{
	struct actor *a, *b;
	struct story *s = one_holds("pool_size=1 client_idle_timeout=5", &a, &b);

	(void)state;
	story_pass(s, 6 * SECOND);
	hears(b, "E:08P01 x", "b did nothing");
	is_text(b->error, "client_idle_timeout", "says why");
	hears(a, "", "a holds a server, that is something else");
	say(a, "commit");
	story_pass(s, 4 * SECOND);
	say(a, "select 1");
	story_pass(s, 4 * SECOND);
	hears(a, "C Z:I T D C Z:I", "a query begins it anew");
	story_end(s);
}

static void
client_login_timeout(void **state)
{
	struct story *s = story_begin("client_login_timeout=5");
	struct actor *silent = story_connect(s, 0), *waiting, *good;

	(void)state;
	s->db1.mute = true;
	good = story_client(s, "other");
	waiting = story_client(s, "app");
	story_pass(s, 4800 * MSEC);
	hears(silent, "", "time enough");
	story_pass(s, 400 * MSEC);
	hears(silent, "E:08P01 x", "who says nothing is sent away");
	is_text(silent->error, "client_login_timeout", "says why");
	hears(waiting, "E:08P01 x", "who waits for the first server, too");
	is_text(waiting->error, "client_login_timeout (server down)", "says why");
	hears(good, "", "who is in stays");
	story_check(s);
	story_end(s);
}

static void
server_idle_timeout(void **state)
{
	struct story *s = story_begin("pool_size=5 server_idle_timeout=5");
	struct actor *all[3];

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		all[i] = story_client(s, "app");
	for (unsigned i = 0; i < 3; i++)
		say(all[i], "sleep 100");
	story_pass(s, SECOND);
	is_count(story_servers(s), 3, "three were needed");
	for (unsigned i = 0; i < 4; i++) {
		say(all[0], "select 1");
		story_pass(s, 2 * SECOND);
	}
	is_count(story_servers(s), 1, "the one that is used is kept");
	story_pass(s, 6 * SECOND);
	is_count(story_servers(s), 0, "in the end none is");
	story_end(s);
}

static void
server_lifetime(void **state)
{
	struct story *s = story_begin("pool_size=2 server_lifetime=10");
	struct actor *a = story_client(s, "app");

	(void)state;
	story_pass(s, 9 * SECOND);
	say(a, "begin");
	story_pass(s, 5 * SECOND);
	is_count(s->db1.logins, 1, "nobody is thrown out of a transaction");
	is_count(story_servers(s), 1, "it is still there");
	say(a, "commit");
	story_settle(s);
	hears(a, "C Z:T C Z:I", "a has noticed nothing");
	is_count(story_servers(s), 0, "given back, it is closed");
	say(a, "select 1");
	story_settle(s);
	story_pass(s, 12 * SECOND);
	is_count(story_servers(s), 0, "an idle one, too");
	story_end(s);
}

static void
min_pool_size(void **state)
{
	struct story *s = story_begin(
	    "pool_size=5 min_pool_size=3 server_idle_timeout=2");
	struct actor *a = story_client(s, "app");

	(void)state;
	story_pass(s, 2 * SECOND);
	is_count(story_servers(s), 3, "so many are kept for who is here");
	story_pass(s, 60 * SECOND);
	is_count(story_servers(s), 3, "idle as they are");
	pg_crash(pg_session_at(&s->db1, 0));
	story_pass(s, SECOND);
	is_count(story_servers(s), 3, "a lost one is replaced");
	leave(a);
	story_pass(s, 60 * SECOND);
	is_count(s->db1.most <= 4, 1, "never more");
	story_check(s);
	story_end(s);
}

/* With a forced user it is known who the servers are for. */
static void
min_pool_size_needs_no_clients(void **state)
{
	struct story *s = story_begin_with("workers=2 pool_idle_timeout=1",
	    "app = host=db1 port=5432 user=bob min_pool_size=3\n"
	    "other = host=db2 port=5432 min_pool_size=3\n");

	(void)state;
	story_pass(s, 2 * SECOND);
	is_count(s->db1.sessions_count, 3, "of the entry with a user");
	is_count(s->db2.sessions_count, 0, "not of the one without");
	story_reload(s, NULL, "app = host=db1 port=5432 user=bob\n"
	    "other = host=db2 port=5432 user=bob min_pool_size=2\n");
	story_pass(s, 2 * SECOND);
	is_count(s->db2.sessions_count, 2, "a reload may say so, too");
	story_end(s);
}

static void
reserve_pool(void **state)
{
	struct story *s = story_begin(
	    "pool_size=1 reserve_pool_size=1 reserve_pool_timeout=3 "
	    "query_wait_notify=0");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");
	struct actor *c = story_client(s, "app");

	(void)state;
	say(a, "begin");
	story_settle(s);
	say(b, "begin");
	say(c, "begin");
	story_pass(s, 2800 * MSEC);
	is_count(story_servers(s), 1, "the pool's size");
	story_pass(s, 400 * MSEC);
	is_count(story_servers(s), 2, "the reserve");
	hears(b, "C Z:T", "b waited long enough");
	story_pass(s, 60 * SECOND);
	is_count(story_servers(s), 2, "there is no more");
	is_text(actor_state(c), "waiting", "c waits");
	story_check(s);
	say(a, "commit");
	story_settle(s);
	hears(c, "C Z:T", "c is next");
	story_end(s);
}

static void
silent_server_does_not_hold_up_settling(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a = story_client_with(s, "app", "search_path", "mine");
	struct actor *b = story_client(s, "app");

	(void)state;
	say(b, "select b");
	story_settle(s);
	actor_forget(b);
	pg_deaf(pg_session_at(&s->db1, 0), true);
	say(a, "select a");
	story_pass(s, 11 * SECOND);
	hears(a, "E:08P01 x", "given up after ten seconds");
	is_count(s->db1.sessions_count == 0 || story_servers(s) == 0, 1,
	    "with the server");
	say(b, "select b");
	story_pass(s, SECOND);
	hears(b, "T D:b C Z:I", "others get a new one");
	story_end(s);
}

static void
stale_server_is_checked(void **state)
{
	struct story *s = story_begin("pool_size=1 server_check_delay=5 "
	    "server_check_query='select check'");
	struct actor *a = story_client(s, "app");

	(void)state;
	story_pass(s, 10 * SECOND);
	say(a, "select a");
	story_settle(s);
	hears(a, "T D:a C Z:I", "a hears nothing of it");
	pg_deaf(pg_session_at(&s->db1, 0), true);
	story_pass(s, 10 * SECOND);
	say(a, "select a");
	story_pass(s, SECOND);
	is_text(actor_state(a), "active", "the check is not answered");
	is_text(actor_client(a)->server->state == &SERVER_SETTLING ? "yes" : "no", "yes",
	    "the client's query has not been sent");
	story_end(s);
}

int
main(void)
{
	const struct CMUnitTest stories[] = {
		UNIT_TEST(query_wait_timeout),
		UNIT_TEST(query_wait_notify),
		UNIT_TEST(query_timeout),
		UNIT_TEST(idle_transaction_timeout),
		UNIT_TEST(transaction_timeout),
		UNIT_TEST(client_idle_timeout),
		UNIT_TEST(client_login_timeout),
		UNIT_TEST(server_idle_timeout),
		UNIT_TEST(server_lifetime),
		UNIT_TEST(min_pool_size),
		UNIT_TEST(min_pool_size_needs_no_clients),
		UNIT_TEST(reserve_pool),
		UNIT_TEST(silent_server_does_not_hold_up_settling),
		UNIT_TEST(stale_server_is_checked),
	};

	return cmocka_run_group_tests_name("timeouts", stories, NULL, NULL);
}
