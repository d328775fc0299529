/*
 * timeouts.c - everything that happens because time passes.
 */
#include "story/story.h"

#include "pool/deadline.h"

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

static struct actor *
client_of(struct story *s, const char *user, const char *database)
{
	struct actor *a = story_connect(s, 0);

	actor_login(a, user, database, NULL);
	story_settle(s);
	actor_forget(a);
	return a;
}

static void
query_timeout_of_who_waits(void **state)
{
	struct actor *a, *b;
	struct story *s = one_holds("pool_size=1 query_timeout=5 query_wait_notify=0", &a,
	    &b);

	(void)state;
	say(b, "select b");
	story_pass(s, 4800 * MSEC);
	hears(b, "", "it may wait so long");
	story_pass(s, 400 * MSEC);
	is_text(b->error, "query_timeout", "with an underscore: it has not run");
	story_pass(s, 60 * SECOND);
	hears(a, "", "no query runs in a's transaction: it may stay open");
	say(a, "select a");
	story_settle(s);
	hears(a, "T D:a C Z:T", "and go on");
	story_end(s);
}

static const char two_kinds[] = "app = host=db1 port=5432\n"
	"[users]\nann = query_timeout=2 idle_transaction_timeout=3 transaction_timeout=6 "
	"client_idle_timeout=4\n";

static void
users_have_limits_of_their_own(void **state)
{
	struct story *s = story_begin_with("pool_size=3 query_timeout=10 "
	    "idle_transaction_timeout=20 transaction_timeout=40", two_kinds);
	struct actor *a = client_of(s, "ann", "app"), *b = client_of(s, "bob", "app");

	(void)state;
	say(a, "hang");
	say(b, "hang");
	story_pass(s, 2200 * MSEC);
	is_text(a->error, "query timeout", "ann's");
	story_pass(s, 7 * SECOND);
	hears(b, "", "bob has the usual one");
	story_pass(s, SECOND);
	is_text(b->error, "query timeout", "which ends, too");
	a = client_of(s, "ann", "app");
	b = client_of(s, "bob", "app");
	say(a, "begin");
	say(b, "begin");
	story_pass(s, 3200 * MSEC);
	is_text(a->error, "idle transaction timeout", "ann's");
	actor_forget(b);
	story_pass(s, 16 * SECOND);
	hears(b, "", "not yet bob's");
	a = client_of(s, "ann", "app");
	say(a, "begin");
	for (unsigned i = 0; i < 5; i++) {
		say(a, "sleep 900");
		story_pass(s, 1200 * MSEC);
	}
	is_text(a->error, "transaction timeout", "ann's");
	story_end(s);
}

/* With a limit of one user only, others must not be looked at by it (PgBouncer closes them all). */
static void
idle_limit_of_one_user_is_nobody_else_s(void **state)
{
	struct story *s = story_begin_with("pool_size=3", two_kinds);
	struct actor *a = client_of(s, "ann", "app"), *b = client_of(s, "bob", "app");

	(void)state;
	story_pass(s, 4200 * MSEC);
	is_text(a->error, "client_idle_timeout", "ann was idle");
	story_pass(s, 600 * SECOND);
	hears(b, "", "bob may be");
	story_end(s);
}

static void
who_may_wait_how_long(void **state)
{
	struct story *s = story_begin_with("pool_size=1 query_wait_timeout=30 "
	    "query_wait_notify=0", "app = host=db1 port=5432\n"
	    "slow = host=db1 port=5432 query_wait_timeout=20\n"
	    "[users]\nann = query_wait_timeout=7\n");
	struct actor *all[6];
	static const struct {
		const char *user, *database;
		usec_t most;
	} rows[3] = { { "ann", "slow", 7 }, { "bob", "slow", 20 }, { "bob", "app", 30 } };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		all[i] = client_of(s, rows[i].user, rows[i].database);
		all[i + 3] = client_of(s, rows[i].user, rows[i].database);
		say(all[i], "hang");
		story_settle(s);
		say(all[i + 3], "select 1");
	}
	for (unsigned i = 0; i < 3; i++) {
		story_pass(s, (rows[i].most - (i > 0 ? rows[i - 1].most : 0)) * SECOND - 500 * MSEC);
		hears(all[i + 3], "", "so long");
		story_pass(s, 500 * MSEC + DEADLINE_TICK);
		is_text(all[i + 3]->error, "query_wait_timeout", "no longer");
	}
	story_end(s);
}

static void
zero_is_no_limit(void **state)
{
	struct actor *a, *b;
	struct story *s = one_holds("pool_size=1 query_timeout=0 query_wait_timeout=0 "
	    "query_wait_notify=0 client_idle_timeout=0 client_login_timeout=0 "
	    "idle_transaction_timeout=0 transaction_timeout=0 cancel_wait_timeout=0 "
	    "server_idle_timeout=0", &a, &b);
	struct actor *silent = story_connect(s, 0), *asker = story_client(s, "other");

	(void)state;
	say(b, "select b");
	say(asker, "hang");
	story_settle(s);
	s->db2.host.answer = SIM_HANGS;
	actor_cancel(asker, 0);
	story_pass(s, 7200 * SECOND);
	hears(a, "", "a transaction");
	hears(b, "", "waiting");
	hears(silent, "", "a login");
	hears(asker, "", "a query, and its cancel request");
	say(a, "commit");
	story_settle(s);
	hears(b, "T D:b C Z:I", "in the end b is served");
	s->db2.host.answer = SIM_CONNECTS;
	hang_up(asker);
	hang_up(silent);
	story_end(s);
}

static void
session_that_holds_a_server_is_not_idle(void **state)
{
	struct story *s = story_begin("pool_mode=session client_idle_timeout=5");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");

	(void)state;
	say(a, "select a");
	story_pass(s, 60 * SECOND);
	hears(a, "T D:a C Z:I", "a holds one");
	is_text(b->error, "client_idle_timeout", "b has never asked");
	story_end(s);
}

/* A server that refuses our login is asked again after server_login_retry, not earlier. */
static void
server_login_retry(void **state)
{
	struct story *s = story_begin("pool_size=2 server_login_retry=15 server_lifetime=1");
	struct actor *a = story_client(s, "app");

	(void)state;
	story_pass(s, 3 * SECOND);
	is_count(story_servers(s), 0, "the server has gone");
	s->db1.refuse = "28P01";
	s->db1.refuse_text = "wrong password";
	say(a, "select a");
	story_settle(s);
	is_text(a->error, "wrong password", "the server's own words");
	is_count(s->db1.attempts, 2, "tried once more");
	a = story_client(s, "app");
	say(a, "select a");
	story_pass(s, 14 * SECOND);
	is_count(s->db1.attempts, 2, "not again so soon");
	is_text(a->error, "server login has been failing, cached error: wrong password "
	    "(server_login_retry)", "who comes meanwhile hears it");
	s->db1.refuse = NULL;
	story_pass(s, 2 * SECOND);
	a = story_client(s, "app");
	say(a, "select a");
	story_settle(s);
	hears(a, "T D:a C Z:I", "then it is tried, and nobody is refused for the past");
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
		UNIT_TEST(query_timeout_of_who_waits),
		UNIT_TEST(users_have_limits_of_their_own),
		UNIT_TEST(idle_limit_of_one_user_is_nobody_else_s),
		UNIT_TEST(who_may_wait_how_long),
		UNIT_TEST(zero_is_no_limit),
		UNIT_TEST(session_that_holds_a_server_is_not_idle),
		UNIT_TEST(server_login_retry),
	};

	return cmocka_run_group_tests_name("timeouts", stories, NULL, NULL);
}
