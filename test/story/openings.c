/*
 * openings.c - servers that take long to open, or cannot be opened: how often it is tried,
 * where, and what those who wait hear.
 */
#include "story/story.h"

#define PAIR(attrs) "app = host=db1,db2 port=5432 target_session_attrs=" attrs "\n"

/* Where one standby serves, many who come at once find it, too. */
static void
a_crowd_goes_to_the_standby(void **state)
{
	struct story *s = story_begin_with("pool_size=8 query_wait_notify=0", PAIR("prefer-standby"));
	struct actor *all[8];

	(void)state;
	pg_turn(&s->db2, true, false);
	for (unsigned i = 0; i < 8; i++)
		all[i] = story_client(s, "app");
	is_count(s->db1.sessions_count, 0, "none at the primary");
	s->db2.login_time = 20 * MSEC;
	for (unsigned i = 0; i < 8; i++)
		say(all[i], "begin");
	story_pass(s, 2 * SECOND);
	for (unsigned i = 0; i < 8; i++)
		is_count(has_heard(all[i], "Z:T"), true, "served");
	is_count(s->db1.sessions_count, 0, "none at the primary");
	is_count(s->db2.sessions_count, 8, "all at the standby");
	story_end(s);
}

/* Some logins that fail side by side are no reason for the next ones not to wait. */
static void
no_storm_beside_what_is_open(void **state)
{
	struct story *s = story_begin_with("pool_size=12 query_wait_notify=0", PAIR("any"));
	struct actor *all[12];
	unsigned before;

	(void)state;
	for (unsigned i = 0; i < 12; i++)
		all[i] = story_client(s, "app");
	say(all[0], "begin");
	story_settle(s);
	s->db1.refuse = s->db2.refuse = "57P03";
	s->db1.refuse_text = s->db2.refuse_text = "the database system is starting up";
	before = s->db1.attempts + s->db2.attempts;
	for (unsigned i = 1; i < 12; i++)
		say(all[i], "begin");
	story_pass(s, SECOND);
	is_count(s->db1.attempts + s->db2.attempts - before < 60, true, "there are pauses");
	story_end(s);
}

/* What failed long ago, when somebody tried, is nobody's business today. */
static void
an_old_failure_is_forgotten(void **state)
{
	struct story *s = story_begin_with("pool_size=4 query_wait_notify=0 failover_hold_time=5 "
	    "query_wait_timeout=2", PAIR("read-write"));
	struct actor *a, *b;

	(void)state;
	pg_turn(&s->db2, true, false);
	a = story_client(s, "app");
	b = story_client(s, "app");
	s->db1.host.answer = SIM_REFUSES;
	pg_crash(pg_session_at(&s->db1, 0));
	story_settle(s);
	say(a, "write a");
	story_pass(s, 3 * SECOND);
	is_count(has_heard(a, "E:"), true, "gave up");
	story_pass(s, 3600 * SECOND);
	s->db1.host.answer = SIM_CONNECTS;
	s->db1.login_time = 300 * MSEC;
	say(b, "write b");
	story_pass(s, SECOND);
	hears(b, "T D:b C Z:I", "it is let time for a login");
	story_end(s);
}

/* A login that goes on is not given up for its length. */
static void
a_slow_login_is_waited_for(void **state)
{
	struct story *s;
	struct actor *a;

	(void)state;
	s = story_begin_with("pool_size=4 query_wait_notify=0", PAIR("any"));
	s->db1.login_time = s->db2.login_time = 3 * SECOND;
	a = story_connect(s, 0);
	actor_login(a, "bob", "app", NULL);
	story_pass(s, 3500 * MSEC);
	is_count(has_heard(a, "Z:I"), true, "let in");
	is_count(s->db1.attempts + s->db2.attempts, 1, "by the first that was tried");
	story_end(s);
}

/* In the middle of a login nothing can be said, not even farewell. */
static void
a_login_given_up_is_closed(void **state)
{
	struct story *s = story_begin_with("pool_size=4 query_wait_notify=0 server_connect_timeout=1",
	    "app = host=db1 port=5432\n");
	struct actor *a = story_connect(s, 0);

	(void)state;
	s->db1.login_time = 3 * SECOND;
	actor_login(a, "bob", "app", NULL);
	story_pass(s, 2 * SECOND);
	is_count(s->db1.attempts >= 1, true, "one was given up");
	s->db1.login_time = 0;
	story_pass(s, 3 * SECOND);
	is_count(has_heard(a, "Z:I"), true, "another one let it in");
	story_end(s);
}

static void
doom_opening(struct story *s)
{
	for (unsigned i = 0; i < s->pooler.worker_count; i++)
		LIST_EACH(n, &s->pooler.workers[i]->lanes)
			LIST_EACH(m, &CONTAINER_OF(n, struct lane, in_worker)->opening)
				CONTAINER_OF(m, struct server, in_lane)->doomed = true;
}

/* While it is asked for its role its name begins to lead elsewhere. */
static void
one_that_is_doomed_while_it_is_asked_is_closed(void **state)
{
	struct story *s = story_begin_with("pool_size=4 query_wait_notify=0",
	    "app = host=db1 port=5432 target_session_attrs=read-write\n");
	struct actor *a = story_connect(s, 0);

	(void)state;
	s->db1.old = true;
	s->db1.login_time = 100 * MSEC;
	actor_login(a, "bob", "app", NULL);
	story_settle(s);
	pg_deaf(LIST_FIRST(&s->db1.sessions, struct pg_session, in_pg), true);
	story_pass(s, 200 * MSEC);
	doom_opening(s);
	pg_deaf(LIST_FIRST(&s->db1.sessions, struct pg_session, in_pg), false);
	story_pass(s, SECOND);
	is_count(has_heard(a, "Z:I"), true, "let in by the next");
	is_count(s->db1.logins, 2, "the first was no good");
	is_count(s->db1.sessions_count, 1, "and is closed");
	story_end(s);
}

int
main(void)
{
	const struct CMUnitTest stories[] = {
		UNIT_TEST(a_crowd_goes_to_the_standby),
		UNIT_TEST(no_storm_beside_what_is_open),
		UNIT_TEST(an_old_failure_is_forgotten),
		UNIT_TEST(a_slow_login_is_waited_for),
		UNIT_TEST(a_login_given_up_is_closed),
		UNIT_TEST(one_that_is_doomed_while_it_is_asked_is_closed),
	};

	return cmocka_run_group_tests_name("openings", stories, NULL, NULL);
}
