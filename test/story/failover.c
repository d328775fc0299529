/*
 * failover.c - servers in the role that is wanted, found and found again, with clients that
 * hear nothing of it.
 */
#include "story/story.h"

#define PAIR(attrs) "app = host=db1,db2 port=5432 target_session_attrs=" attrs "\n"

static struct story *
begin(const char *databases, bool first_is_standby)
{
	struct story *s = story_begin_with("pool_size=4 query_wait_notify=0", databases);

	pg_turn(&s->db1, first_is_standby, false);
	pg_turn(&s->db2, !first_is_standby, false);
	return s;
}

/* Each of COUNT clients has one transaction of its own at the same time. */
static void
all_write(struct story *s, struct actor **all, unsigned count, const char *why)
{
	for (unsigned i = 0; i < count; i++)
		say(all[i], "begin");
	story_pass(s, SECOND);
	for (unsigned i = 0; i < count; i++) {
		hears(all[i], "C:BEGIN Z:T", why);
		say(all[i], "write %u", i);
		story_settle(s);
		hears(all[i], "T D C Z:T", why);
	}
	for (unsigned i = 0; i < count; i++)
		say(all[i], "commit");
	story_settle(s);
	for (unsigned i = 0; i < count; i++)
		hears(all[i], "C:COMMIT Z:I", why);
}

static void
the_primary_is_found(void **state)
{
	struct story *s = begin(PAIR("read-write"), true);
	struct actor *all[4];

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		all[i] = story_client(s, "app");
	all_write(s, all, 4, "at the primary");
	is_count(s->db1.logins, 1, "once asked is enough");
	is_count(s->db2.logins, 4, "all are there");
	is_count(story_servers(s), 4, "and no other");
	story_end(s);
}

static void
each_role_is_found(void **state)
{
	static const struct {
		const char *databases;
		bool	    second;
	} cases[] = {
		{ PAIR("any"), false },
		{ PAIR("read-write"), false },
		{ PAIR("primary"), false },
		{ PAIR("read-only"), true },
		{ PAIR("standby"), true },
		{ PAIR("prefer-standby"), true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct story *s = begin(cases[i].databases, false);
		struct actor *a = story_client(s, "app");

		say(a, "select one");
		story_pass(s, SECOND);
		hears(a, "T D:one C Z:I", cases[i].databases);
		is_count(s->db2.sessions_count, cases[i].second, cases[i].databases);
		is_count(s->db1.sessions_count, !cases[i].second, cases[i].databases);
		story_end(s);
	}
}

static void
who_does_not_report_is_asked(void **state)
{
	struct story *s = begin(PAIR("read-write"), true);
	struct actor *a;

	(void)state;
	s->db1.old = s->db2.old = true;
	a = story_client(s, "app");
	all_write(s, &a, 1, "at the primary");
	is_count(s->db1.sessions_count, 0, "the standby was asked, and left");
	story_end(s);
}

static void
a_primary_will_do(void **state)
{
	struct story *s = begin(PAIR("prefer-standby"), false);
	struct actor *a;

	(void)state;
	s->db2.host.answer = SIM_REFUSES;
	a = story_client(s, "app");
	say(a, "select one");
	story_pass(s, SECOND);
	hears(a, "T D:one C Z:I", "there is no standby");
	is_count(s->db1.sessions_count, 1, "at the primary");
	story_end(s);
}

static void
who_wants_a_standby_waits_for_one(void **state)
{
	struct story *s = begin(PAIR("standby"), false);
	struct actor *a;

	(void)state;
	s->db2.host.answer = SIM_REFUSES;
	a = story_connect(s, 0);
	actor_login(a, "bob", "app", NULL);
	story_pass(s, 20 * SECOND);
	hears(a, "", "it is held");
	s->db2.host.answer = SIM_CONNECTS;
	story_pass(s, SECOND);
	hears(a, "Z:I", "let in, now that there is one");
	is_count(s->db1.sessions_count, 0, "never at the primary");
	story_end(s);
}

/* The primary's machine dies, and a little later the other one is promoted. */
static void
a_crash_is_waited_out(void **state)
{
	struct story *s = begin(PAIR("read-write"), false);
	struct actor *all[4];

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		all[i] = story_client(s, "app");
	all_write(s, all, 4, "at the first");
	s->db1.host.answer = SIM_REFUSES;
	while (pg_session_at(&s->db1, 0) != NULL)
		pg_crash(pg_session_at(&s->db1, 0));
	story_settle(s);
	for (unsigned i = 0; i < 4; i++)
		say(all[i], "write %u", i);
	story_pass(s, 10 * SECOND);
	for (unsigned i = 0; i < 4; i++)
		hears(all[i], "", "waits");
	pg_turn(&s->db2, false, false);
	story_pass(s, 600 * MSEC);
	for (unsigned i = 0; i < 4; i++)
		hears(all[i], "T D C Z:I", "served by the other");
	/* the old one is back as a standby */
	s->db1.host.answer = SIM_CONNECTS;
	pg_turn(&s->db1, true, false);
	all_write(s, all, 4, "at the second");
	is_count(s->db1.sessions_count, 0, "nobody went back");
	story_end(s);
}

static void
one_that_hangs_is_left_for_the_next(void **state)
{
	struct story *s = begin(PAIR("read-write"), true);
	struct actor *a;

	(void)state;
	s->db1.mute = true;
	a = story_connect(s, 0);
	actor_login(a, "bob", "app", NULL);
	story_pass(s, 1500 * MSEC);
	is_count(has_heard(a, "Z:I"), true, "let in by the next host");
	story_end(s);
}

/* A server that is made read-only says so to the first who writes; nobody else hears of it. */
static void
one_error_tells_of_a_host(void **state)
{
	struct story *s = begin(PAIR("read-write"), false);
	struct actor *all[4];

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		all[i] = story_client(s, "app");
	all_write(s, all, 4, "at the first");
	pg_turn(&s->db1, false, true);
	say(all[0], "write a");
	story_settle(s);
	hears(all[0], "E:25006 Z:I", "the first to find out");
	for (unsigned i = 1; i < 4; i++)
		say(all[i], "write %u", i);
	story_pass(s, SECOND);
	for (unsigned i = 1; i < 4; i++)
		hears(all[i], "", "held");
	is_count(s->db1.sessions_count, 0, "its servers are gone");
	pg_turn(&s->db2, false, false);
	story_pass(s, SECOND);
	for (unsigned i = 1; i < 4; i++)
		hears(all[i], "T D C Z:I", "served by the other");
	say(all[0], "write a");
	story_pass(s, SECOND);
	is_count(has_heard(all[0], "D:a"), true, "who heard the error may write there, too");
	is_count(has_heard(all[0], "E:25006"), false, "it did not ask for read-only");
	story_end(s);
}

/* What a client wants for itself is no news about the host. */
static void
a_client_s_own_wish_is_kept(void **state)
{
	struct story *s = begin(PAIR("read-write"), false);
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");
	unsigned logins = s->db1.logins;

	(void)state;
	say(a, "set default_transaction_read_only on");
	story_settle(s);
	actor_forget(a);
	for (unsigned i = 0; i < 20; i++) {
		say(a, "write a");
		story_settle(s);
		hears(a, "E:25006 Z:I", "as it wished");
		say(b, "write b");
		story_settle(s);
		is_count(has_heard(b, "D:b"), true, "not b's wish");
		actor_forget(b);
		story_pass(s, 100 * MSEC);
	}
	is_count(s->db1.logins - logins <= 1, true, "servers are not lost for it");
	story_end(s);
}

static void
a_promotion_is_heard_of(void **state)
{
	struct story *s = begin(PAIR("standby"), true);
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");

	(void)state;
	say(a, "begin");
	say(b, "begin");
	story_settle(s);
	say(a, "commit");
	story_settle(s);
	actor_forget(a);
	actor_forget(b);
	pg_turn(&s->db1, false, false);
	pg_turn(&s->db2, true, false);
	say(a, "select one");
	story_settle(s);
	hears(a, "T D:one C S Z:I", "it was still there");
	say(b, "select two");
	story_settle(s);
	is_count(has_heard(b, "D:two"), true, "to the end of its transaction");
	say(b, "commit");
	story_pass(s, SECOND);
	is_count(s->db1.sessions_count, 0, "that is no standby any more");
	say(a, "select three");
	story_pass(s, SECOND);
	is_count(has_heard(a, "D:three"), true, "served by the new one");
	is_count(s->db2.sessions_count, 1, "there");
	story_end(s);
}

/* A fast stop tells each session on its own, and the first to hear it speaks for all. */
static void
a_host_that_goes_takes_nobody_along(void **state)
{
	struct story *s = begin(PAIR("read-write"), false);
	struct actor *all[4];

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		all[i] = story_client(s, "app");
	all_write(s, all, 4, "at the first");
	pg_shut_down(pg_session_at(&s->db1, 2));
	s->db1.refuse = "57P03";
	s->db1.refuse_text = "the database system is shutting down";
	story_settle(s);
	is_count(s->db1.sessions_count, 0, "no idle one is left to be met by a client");
	for (unsigned i = 0; i < 4; i++)
		say(all[i], "write %u", i);
	story_pass(s, 2 * SECOND);
	for (unsigned i = 0; i < 4; i++)
		hears(all[i], "", "held");
	pg_turn(&s->db2, false, false);
	story_pass(s, SECOND);
	for (unsigned i = 0; i < 4; i++)
		hears(all[i], "T D C Z:I", "served by the other");
	story_end(s);
}

/* One host of two that lacks the database, or will not have us, says nothing about the other. */
static void
one_refusal_is_not_the_last_word(void **state)
{
	struct story *s = begin(PAIR("read-write"), true);
	struct actor *a;

	(void)state;
	s->db1.refuse = "3D000";
	s->db1.refuse_text = "database \"app\" does not exist";
	a = story_client(s, "app");
	all_write(s, &a, 1, "by the other");
	story_end(s);
}

static void
holding_has_an_end(void **state)
{
	struct story *s = story_begin_with("pool_size=4 query_wait_notify=0 failover_hold_time=5",
	    PAIR("read-write"));
	struct actor *a, *b;

	(void)state;
	pg_turn(&s->db2, true, false);
	a = story_client(s, "app");
	b = story_client(s, "app");
	s->db1.host.answer = SIM_REFUSES;
	pg_crash(pg_session_at(&s->db1, 0));
	story_settle(s);
	say(a, "write a");
	story_pass(s, 4 * SECOND);
	hears(a, "", "held");
	story_pass(s, 2 * SECOND);
	is_count(has_heard(a, "E:08006"), true, "not for ever");
	say(b, "write b");
	story_pass(s, 600 * MSEC);
	is_count(has_heard(b, "E:08006"), true, "nor is anybody until a server can be opened");
	pg_turn(&s->db2, false, false);
	a = story_connect(s, 0);
	actor_login(a, "bob", "app", NULL);
	story_pass(s, SECOND);
	say(a, "write c");
	story_settle(s);
	is_count(has_heard(a, "D:c"), true, "now one can");
	story_end(s);
}

/* A server that was asked for its role in between is reset all the same. */
static void
the_next_session_is_clean(void **state)
{
	struct story *s = story_begin_with("pool_size=1 pool_mode=session query_wait_notify=0",
	    PAIR("read-write"));
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");

	(void)state;
	sends(a, "Q set default_transaction_read_only on / P one select 1 / S");
	story_settle(s);
	say(a, "write a");
	story_settle(s);
	is_count(has_heard(a, "E:25006"), true, "as it wished");
	is_count(pg_session_at(&s->db1, 0)->named, 1, "a statement of a's");
	leave(a);
	story_settle(s);
	say(b, "select b");
	story_settle(s);
	is_count(has_heard(b, "D:b"), true, "b is served");
	is_count(s->db1.logins, 1, "by the same server");
	is_count(pg_session_at(&s->db1, 0)->named, 0, "without a's statements");
	story_end(s);
}

/* A session that PostgreSQL ends for its own idleness says nothing about the others. */
static void
one_idle_session_s_end_is_its_own(void **state)
{
	struct story *s = begin(PAIR("read-write"), false);
	struct actor *all[4];

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		all[i] = story_client(s, "app");
	all_write(s, all, 4, "at the first");
	pg_time_out(pg_session_at(&s->db1, 1));
	story_settle(s);
	is_count(s->db1.sessions_count, 3, "the others stay");
	story_end(s);
}

/* What may be a standby is not taken for a primary. */
static void
who_does_not_say_is_not_taken(void **state)
{
	struct story *s = begin(PAIR("read-write"), true);
	struct actor *a;

	(void)state;
	s->db1.old = s->db1.shy = true;
	a = story_client(s, "app");
	all_write(s, &a, 1, "at the primary");
	is_count(s->db1.sessions_count, 0, "the other one has not said what it is");
	story_end(s);
}

/* A walsender reports its role, too. */
static void
who_replicates_finds_the_role(void **state)
{
	struct story *s = begin(PAIR("primary"), true);
	struct actor *a = story_client_with(s, "app", "replication", "database");

	(void)state;
	is_text(actor_state(a), "idle", "let in");
	is_count(s->db1.sessions_count, 0, "not at the standby");
	is_count(s->db2.sessions_count, 1, "but at the primary");
	story_end(s);
}

int
main(void)
{
	const struct CMUnitTest stories[] = {
		UNIT_TEST(the_primary_is_found),
		UNIT_TEST(each_role_is_found),
		UNIT_TEST(who_does_not_report_is_asked),
		UNIT_TEST(a_primary_will_do),
		UNIT_TEST(who_wants_a_standby_waits_for_one),
		UNIT_TEST(a_crash_is_waited_out),
		UNIT_TEST(one_that_hangs_is_left_for_the_next),
		UNIT_TEST(one_error_tells_of_a_host),
		UNIT_TEST(a_client_s_own_wish_is_kept),
		UNIT_TEST(a_promotion_is_heard_of),
		UNIT_TEST(a_host_that_goes_takes_nobody_along),
		UNIT_TEST(one_refusal_is_not_the_last_word),
		UNIT_TEST(holding_has_an_end),
		UNIT_TEST(the_next_session_is_clean),
		UNIT_TEST(one_idle_session_s_end_is_its_own),
		UNIT_TEST(who_does_not_say_is_not_taken),
		UNIT_TEST(who_replicates_finds_the_role),
	};

	return cmocka_run_group_tests(stories, NULL, NULL);
}
