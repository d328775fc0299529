/*
 * readiness.c - what pg_isready hears with isready_checks_server.
 */
#include "story/story.h"

#define SETTINGS "pool_size=2 workers=2 isready_checks_server=1"

/* As libpq's pg_isready does, for DATABASE. */
static struct actor *
ask(struct story *s, unsigned worker, const char *database)
{
	static const char *const pairs[] = { "application_name", "pg_isready", NULL };
	struct actor *a = story_connect(s, worker);

	actor_login(a, "bob", database, pairs);
	story_settle(s);
	return a;
}

static void
hears_no(struct actor *a, const char *why)
{
	hears(a, "E:57P03 x", why);
	assert_true(a->closed);
	hang_up(a);
}

static void
hears_yes(struct actor *a, const char *why)
{
	hears(a, "Z:I", why);
	hang_up(a);
}

static void
a_server_is_opened_to_know(void **state)
{
	struct story *s = story_begin(SETTINGS);
	struct actor *a;

	(void)state;
	a = ask(s, 0, "app");
	story_pass(s, 200 * MSEC);
	hears_yes(a, "it could be opened");
	is_count(s->db1.logins, 1, "one was");
	hears_yes(ask(s, 0, "app"), "it is open");
	is_count(s->db1.logins, 1, "which is enough");
	story_check(s);
	story_end(s);
}

static void
nobody_is_there(void **state)
{
	struct story *s = story_begin(SETTINGS);
	struct actor *a, *client;
	unsigned tries;

	(void)state;
	s->db1.host.answer = SIM_REFUSES;
	a = ask(s, 0, "app");
	story_pass(s, 200 * MSEC);
	hears_no(a, "the one attempt has failed");
	tries = s->db1.attempts;
	client = story_connect(s, 0);
	actor_login(client, "bob", "app", NULL);
	story_pass(s, 5 * SECOND);
	is_text(actor_state(client), "waiting", "a client is not sent away");
	hears_no(ask(s, 1, "app"), "during the pause after a failure at once");
	is_count(s->db1.attempts, tries, "nobody has got through");
	s->db1.host.answer = SIM_CONNECTS;
	story_pass(s, 3 * SECOND);
	hears(client, "Z:I", "the client is served");
	hears_yes(ask(s, 1, "app"), "and it is true again");
	story_end(s);
}

static void
nobody_answers(void **state)
{
	struct story *s = story_begin(SETTINGS);
	struct actor *a, *b;

	(void)state;
	s->db1.host.answer = SIM_HANGS;
	a = ask(s, 0, "app");
	story_pass(s, SECOND);
	hears(a, "", "it may yet");
	b = ask(s, 1, "app");
	story_pass(s, 1500 * MSEC);
	hears_no(a, "before pg_isready gives up");
	hang_up(b);
	story_settle(s);
	is_count(story_servers(s), 1, "both have waited for one attempt");
	story_end(s);
}

static void
a_server_that_refuses_is_there(void **state)
{
	struct story *s = story_begin(SETTINGS);
	struct actor *a;

	(void)state;
	s->db1.refuse = "28P01";
	s->db1.refuse_text = "password authentication failed";
	a = ask(s, 0, "app");
	story_pass(s, 200 * MSEC);
	hears(a, "E:28P01 x", "what a client would hear");
	s->db2.refuse = "57P03";
	s->db2.refuse_text = "the database system is starting up";
	a = ask(s, 0, "other");
	story_pass(s, 200 * MSEC);
	hears_no(a, "there, and not ready");
	story_end(s);
}

static void
all_hosts_are_tried(void **state)
{
	struct story *s = story_begin_with(SETTINGS, "app = host=db1,db2 port=5432\n");
	struct actor *a;

	(void)state;
	s->db1.host.answer = SIM_REFUSES;
	a = ask(s, 0, "app");
	story_pass(s, 500 * MSEC);
	hears_yes(a, "the second one is there");
	is_count(s->db2.logins, 1, "");
	story_end(s);
}

static void
names_that_strangers_make_up(void **state)
{
	struct story *s = story_begin_with(SETTINGS " auth_user=bob", "* = host=db1 port=5432\n");
	struct actor *a;

	(void)state;
	s->db1.host.answer = SIM_REFUSES;
	for (unsigned i = 0; i < 3; i++) {
		static const char *const names[] = { "one", "two", "three" };

		a = ask(s, 0, names[i]);
		story_pass(s, 200 * MSEC);
		hears_no(a, "whatever it is called");
	}
	is_count(s->pooler.pools.count, 1, "they have no pools");
	story_end(s);
}

static void
a_database_that_there_is_not(void **state)
{
	struct story *s = story_begin(SETTINGS);
	struct actor *a;

	(void)state;
	s->db1.host.answer = SIM_REFUSES;
	a = ask(s, 0, "nonsense");
	story_pass(s, 200 * MSEC);
	hears_no(a, "stands for the first one");
	story_client(s, "other");
	a = ask(s, 0, "nonsense");
	hears(a, "E:08P01 x", "what a client would hear, as a server of another is there");
	story_end(s);
}

static void
what_the_operator_does(void **state)
{
	struct story *s = story_begin(SETTINGS);
	struct actor *a;

	(void)state;
	story_pause(s, true);
	a = ask(s, 0, "app");
	is_text(actor_state(a), "waiting", "PAUSE: clients are let in, and wait");
	is_count(s->db1.attempts, 0, "nothing is opened for a question");
	hang_up(a);
	story_pause(s, false);
	atomic_store(&s->pooler.draining, true);
	hears_no(ask(s, 0, "app"), "who drains is not ready");
	story_end(s);
}

static void
others_are_not_asked_about(void **state)
{
	struct story *s = story_begin("isready_checks_server=0");
	struct actor *a;

	(void)state;
	s->db1.host.answer = SIM_REFUSES;
	a = ask(s, 0, "app");
	story_pass(s, SECOND);
	is_text(actor_state(a), "waiting", "without the setting it is a client like others");
	story_end(s);
}

int
main(void)
{
	const struct CMUnitTest stories[] = {
		UNIT_TEST(a_server_is_opened_to_know),
		UNIT_TEST(nobody_is_there),
		UNIT_TEST(nobody_answers),
		UNIT_TEST(a_server_that_refuses_is_there),
		UNIT_TEST(all_hosts_are_tried),
		UNIT_TEST(names_that_strangers_make_up),
		UNIT_TEST(a_database_that_there_is_not),
		UNIT_TEST(what_the_operator_does),
		UNIT_TEST(others_are_not_asked_about),
	};

	return cmocka_run_group_tests_name("readiness", stories, NULL, NULL);
}
