/*
 * hosts.c - which of several hosts a server is opened at, and names that come to mean
 * another address.
 */
#include "story/story.h"

static void
by_turns(void **state)
{
	struct story *s = story_begin_with("pool_size=4",
	    "app = host=db1,db2 port=5432\n");
	struct actor *all[4];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		all[i] = story_client(s, "app");
		say(all[i], "begin");
		story_settle(s);
	}
	is_count(s->db1.logins, 2, "one half");
	is_count(s->db2.logins, 2, "the other half");
	story_end(s);
}

static void
stays_where_it_went(void **state)
{
	struct story *s = story_begin_with("pool_size=1 query_wait_notify=0",
	    "app = host=db1,db2 port=5432 load_balance_hosts=disable\n");
	struct actor *a = story_client(s, "app");

	(void)state;
	is_count(s->db1.logins, 1, "the first one");
	/* db1 dies: the next one */
	s->db1.host.answer = SIM_REFUSES;
	say(a, "crash");
	story_settle(s);
	a = story_client(s, "app");
	say(a, "select a");
	story_pass(s, 2 * SECOND);
	hears(a, "T D:a C Z:I", "is served elsewhere");
	is_count(s->db2.logins, 1, "at the second one");
	/* it is back, but nothing is wrong with the other */
	s->db1.host.answer = SIM_CONNECTS;
	for (unsigned i = 0; i < 3; i++) {
		say(a, "crash");
		story_settle(s);
		a = story_client(s, "app");
		say(a, "select a");
		story_pass(s, 2 * SECOND);
		hears(a, "T D:a C Z:I", "is served");
	}
	is_count(s->db1.logins, 1, "nobody has gone back");
	/* after the last comes the first */
	s->db2.host.answer = SIM_REFUSES;
	say(a, "crash");
	story_settle(s);
	a = story_client(s, "app");
	say(a, "select a");
	story_pass(s, 2 * SECOND);
	hears(a, "T D:a C Z:I", "is served");
	is_count(s->db1.logins, 2, "by the first one");
	story_end(s);
}

/* Several that fail at once move on by one host, not by one each. */
static void
moves_on_once(void **state)
{
	struct story *s = story_begin_with("pool_size=3 query_wait_notify=0",
	    "app = host=db1,db2,nowhere port=5432 load_balance_hosts=disable\n");
	struct actor *all[3];

	(void)state;
	s->db1.host.answer = SIM_REFUSES;
	for (unsigned i = 0; i < 3; i++) {
		all[i] = story_client(s, "app");
		say(all[i], "select %u", i);
	}
	story_pass(s, 3 * SECOND);
	for (unsigned i = 0; i < 3; i++)
		assert_true(has_heard(all[i], "C"));
	assert_true(s->db2.logins >= 1);
	story_end(s);
}

static void
an_address_is_gone(void **state)
{
	struct addr elsewhere = { .kind = ADDR_IP4, .port = 5432 };
	struct story *s = story_begin("pool_size=2 workers=2");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");
	struct actor *c = story_client(s, "other");

	(void)state;
	say(a, "begin");
	say(c, "select c");
	story_settle(s);
	say(b, "select b");
	story_settle(s);
	actor_forget(a);
	actor_forget(b);
	actor_forget(c);
	is_count(s->db1.sessions_count, 2, "one busy, one idle");
	elsewhere.u.ip4.s_addr = htonl(0x0a010064);
	sim_host_move(&s->db1.host, &elsewhere);
	story_settle(s);
	is_count(s->db1.sessions_count, 1, "the idle one is closed");
	is_count(s->db2.sessions_count, 1, "another name is not concerned");
	say(a, "select a");
	say(b, "select b");
	story_settle(s);
	hears(a, "T D:a C Z:T", "a ends its transaction where it began");
	hears(b, "T D:b C Z:I", "b is at the new address");
	say(a, "commit");
	story_settle(s);
	hears(a, "C Z:I", "a is through");
	is_count(s->db1.sessions_count, 1, "its server is closed");
	/* nothing has changed: nothing happens */
	sim_host_move(&s->db1.host, &elsewhere);
	story_settle(s);
	is_count(s->db1.sessions_count, 1, "nobody is closed");
	story_end(s);
}

int
main(void)
{
	const struct CMUnitTest stories[] = {
		UNIT_TEST(by_turns),
		UNIT_TEST(stays_where_it_went),
		UNIT_TEST(moves_on_once),
		UNIT_TEST(an_address_is_gone),
	};

	return cmocka_run_group_tests_name("hosts", stories, NULL, NULL);
}
