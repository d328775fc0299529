/*
 * deadlines.c - whose time limits count: a user's own, a database's, those of all, none; who is
 * not looked at by them.
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

/* A server that has been told to go has its place until it is gone, but not for long. */
static void
one_that_leaves_is_waited_for(void **state)
{
	struct story *s = story_begin("pool_size=1 server_lifetime=1");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");

	(void)state;
	say(a, "begin");
	story_pass(s, 2 * SECOND);
	s->db1.lingers = true;
	say(b, "select b");
	say(a, "commit");
	story_settle(s);
	hears(a, "C:BEGIN Z:T C:COMMIT Z:I", "the last transaction of an old server");
	story_check(s);
	hears(b, "", "it is nobody's any more");
	is_count(s->db1.logins, 1, "and in its place there is no other");
	story_pause(s, true);
	is_count(story_servers(s), 1, "a pause is not complete yet");
	story_pause(s, false);
	story_pass(s, 1200 * MSEC);
	hears(b, "T D:b C Z:I", "it was not waited for longer than a second");
	is_count(s->db1.logins, 2, "by another");
	story_end(s);
}

int
main(void)
{
	const struct CMUnitTest stories[] = {
		UNIT_TEST(query_timeout_of_who_waits),
		UNIT_TEST(users_have_limits_of_their_own),
		UNIT_TEST(idle_limit_of_one_user_is_nobody_else_s),
		UNIT_TEST(who_may_wait_how_long),
		UNIT_TEST(zero_is_no_limit),
		UNIT_TEST(session_that_holds_a_server_is_not_idle),
		UNIT_TEST(server_login_retry),
		UNIT_TEST(one_that_leaves_is_waited_for),
	};

	return cmocka_run_group_tests_name("deadlines", stories, NULL, NULL);
}
