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

int
main(void)
{
	const struct CMUnitTest stories[] = {
		UNIT_TEST(a_crowd_goes_to_the_standby),
		UNIT_TEST(no_storm_beside_what_is_open),
	};

	return cmocka_run_group_tests_name("openings", stories, NULL, NULL);
}
