/*
 * dying.c - servers that end, and servers that do not let us in.
 */
#include "story/story.h"

static void
idle_server_dies(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a = story_client(s, "app");

	(void)state;
	pg_crash(pg_session_at(&s->db1, 0));
	story_settle(s);
	is_count(story_servers(s), 0, "it is counted out at once");
	story_check(s);
	say(a, "select a");
	story_settle(s);
	hears(a, "T D:a C Z:I", "a new one serves");
	pg_shut_down(pg_session_at(&s->db1, 0));
	story_settle(s);
	is_count(story_servers(s), 0, "the same with a word of farewell");
	say(a, "select a");
	story_settle(s);
	hears(a, "T D:a C Z:I", "nobody noticed");
	story_end(s);
}

static void
busy_server_dies(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");

	(void)state;
	say(a, "hang");
	story_settle(s);
	say(b, "select b");
	story_settle(s);
	pg_crash(pg_session_at(&s->db1, 0));
	story_settle(s);
	hears(a, "E:08P01 x", "a is told");
	hears(b, "T D:b C Z:I", "b gets a new server");
	story_check(s);
	say(b, "begin; select 1; fatal");
	story_settle(s);
	hears(b, "C T D:1 C E:57P01 x", "the server's own last words reach the client");
	story_end(s);
}

static void
server_dies_between_two_transactions_of_a_pipeline(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a = story_client(s, "app");

	(void)state;
	sends(a, "Q select 1 / Q crash / Q select 2");
	story_settle(s);
	hears(a, "T D:1 C Z:I E:08P01 x", "what was done, and that no more is");
	story_end(s);
}

static void
server_dies_while_settling(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a = story_client_with(s, "app", "search_path", "mine");
	struct actor *b = story_client(s, "app");

	(void)state;
	pg_deaf(pg_session_at(&s->db1, 0), true);
	say(a, "select a");
	story_settle(s);
	say(b, "select b");
	story_settle(s);
	pg_crash(pg_session_at(&s->db1, 0));
	story_settle(s);
	hears(a, "E:08P01 x", "a is told");
	hears(b, "T D:b C Z:I", "b gets a new server");
	story_end(s);
}

/* The server is on its way to the other worker, in a letter. */
static void
server_dies_while_travelling(void **state)
{
	(void)state;
	for (unsigned turns = 0; turns < 12; turns++) {
		struct story *s = story_begin("pool_size=1 workers=2");
		struct actor *a = story_client_on(s, 0, "app"),
			     *b = story_client_on(s, 1, "app");
		struct loop *loops[] = { sim_outside(), s->pooler.workers[1]->loop,
			s->pooler.workers[0]->loop };

		say(a, "select a");
		story_settle(s);
		say(b, "select b");
		for (unsigned i = 0; i < turns; i++)
			loop_turn_once(loops[i % 3]);
		if (s->db1.sessions_count > 0)
			pg_crash(pg_session_at(&s->db1, 0));
		story_settle(s);
		story_check(s);
		assert_true(
		    has_heard(b, "T D:b C:SELECT_1 Z:I") || has_heard(b, "E:08P01 x"));
		say(a, "select a");
		story_settle(s);
		hears(a, "T D:a C Z:I T D:a C Z:I", "others are served");
		story_end(s);
	}
}

static void
wrong_password_is_told_to_all_who_wait(void **state)
{
	struct story *s = story_begin("pool_size=2 workers=2");
	struct actor *a, *b;

	(void)state;
	s->db1.refuse = "28P01";
	s->db1.refuse_text = "password authentication failed for user \"bob\"";
	a = story_connect(s, 0);
	b = story_connect(s, 1);
	actor_login(a, "bob", "app", NULL);
	actor_login(b, "bob", "app", NULL);
	story_settle(s);
	hears(a, "E:28P01 x", "a hears it");
	hears(b, "E:28P01 x", "b on the other worker, too");
	assert_non_null(strstr(a->error, s->db1.refuse_text));
	story_check(s);
	is_count(s->db1.attempts <= 2, 1, "nobody is asked twice");
	a = story_client(s, "app");
	hears(a, "E:28P01 x", "and who comes later, at once");
	assert_non_null(strstr(a->error, s->db1.refuse_text));
	s->db1.refuse = NULL;
	story_pass(s, 20 * SECOND);
	a = story_client(s, "app");
	say(a, "select a");
	story_settle(s);
	hears(a, "T D:a C Z:I", "mended");
	story_end(s);
}

/* A server that is not there yet: clients wait, attempts get rarer, all is well in the end. */
static void
wait_and_retry(struct story *s, unsigned *attempts, void (*mend)(struct story *s))
{
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");

	story_pass(s, 20 * SECOND);
	is_text(actor_state(a), "waiting", "a waits");
	is_text(actor_state(b), "waiting", "b waits");
	hears(a, "", "and hears nothing");
	story_check(s);
	if (attempts != NULL)
		assert_true(*attempts >= 5 && *attempts <= 60);
	mend(s);
	story_pass(s, 5 * SECOND);
	hears(a, "Z:I", "a is greeted");
	hears(b, "Z:I", "b is greeted");
	story_end(s);
}

static void
mend_refusal(struct story *s)
{
	s->db1.refuse = NULL;
}

static void
mend_host(struct story *s)
{
	s->db1.host.answer = SIM_CONNECTS;
}

static void
starting_up_is_waited_for(void **state)
{
	struct story *s = story_begin("pool_size=3");

	(void)state;
	s->db1.refuse = "57P03";
	s->db1.refuse_text = "the database system is starting up";
	wait_and_retry(s, &s->db1.attempts, mend_refusal);
}

static void
full_server_is_waited_for(void **state)
{
	struct story *s = story_begin("pool_size=3");

	(void)state;
	s->db1.refuse = "53300";
	s->db1.refuse_text = "sorry, too many clients already";
	wait_and_retry(s, &s->db1.attempts, mend_refusal);
}

static void
refused_connection_is_waited_for(void **state)
{
	struct story *s = story_begin("pool_size=3");

	(void)state;
	s->db1.host.answer = SIM_REFUSES;
	wait_and_retry(s, NULL, mend_host);
}

static void
silent_server_is_given_up(void **state)
{
	struct story *s = story_begin("pool_size=1 server_connect_timeout=3");
	struct actor *a;

	(void)state;
	s->db1.mute = true;
	a = story_client(s, "app");
	story_pass(s, 10 * SECOND);
	assert_true(actor_client(a) != NULL);
	s->db1.mute = false;
	story_pass(s, 5 * SECOND);
	hears(a, "Z:I", "the next attempt goes well");
	story_end(s);
}

static void
full_server_serves_with_what_there_is(void **state)
{
	struct story *s = story_begin("pool_size=5");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");

	(void)state;
	s->db1.refuse = "53300";
	s->db1.refuse_text = "sorry, too many clients already";
	say(a, "begin");
	story_settle(s);
	say(b, "select b");
	story_pass(s, SECOND);
	is_text(actor_state(b), "waiting", "no second server is to be had");
	say(a, "commit");
	story_settle(s);
	hears(b, "T D:b C Z:I", "b shares the first");
	story_end(s);
}

static void
wrong_password_spares_those_who_have_servers(void **state)
{
	struct story *s = story_begin("pool_size=5");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");

	(void)state;
	s->db1.refuse = "28P01";
	s->db1.refuse_text = "password changed";
	say(a, "begin");
	story_settle(s);
	say(b, "select b");
	story_pass(s, SECOND);
	is_text(actor_state(b), "waiting", "while a server is left b waits for it");
	say(a, "commit");
	story_settle(s);
	hears(b, "T D:b C Z:I", "and gets it");
	story_end(s);
}

static void
liar_costs_one_client(void **state)
{
	struct story *s = story_begin("pool_size=2");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");

	(void)state;
	say(b, "begin");
	story_settle(s);
	actor_forget(b);
	say(a, "lie");
	story_settle(s);
	hears(a, "E:08P01 x", "a is told");
	story_check(s);
	say(b, "select b");
	story_settle(s);
	hears(b, "T D:b C Z:T", "b has not noticed");
	is_count(s->db1.sessions_count, 1, "the liar is closed");
	say(b, "commit");
	story_settle(s);
	pg_lie(pg_session_at(&s->db1, 0));
	story_settle(s);
	is_count(s->db1.sessions_count, 0, "who lies while idle is closed as well");
	story_end(s);
}

static void
half_a_notice_is_not_the_next_clients(void **state)
{
	static const char notice[] = "N\0\0\0\x2aSNOTICE\0C00000\0Mcome and see us soon\0";
	struct story *s = story_begin("pool_size=1");
	struct actor *a = story_client(s, "app");
	struct pg_session *server = pg_session_at(&s->db1, 0);

	(void)state;
	for (unsigned cut = 1; cut < sizeof(notice); cut++) {
		say(a, "select 1");
		story_settle(s);
		actor_forget(a);
		link_send(server->link, notice, cut);
		story_settle(s);
		say(a, "select 2");
		pg_deaf(server, true);
		story_settle(s);
		link_send(server->link, notice + cut, sizeof(notice) - cut);
		story_settle(s);
		pg_deaf(server, false);
		story_settle(s);
		if (has_heard(a, "N:00000 "))
			hears(a, "N T D:2 C Z:I", "all of the notice");
		else
			hears(a, "T D:2 C Z:I", "or nothing of it");
	}
	is_count(s->db1.logins, 1, "it is a good server");
	story_end(s);
}

int
main(void)
{
	const struct CMUnitTest stories[] = {
		UNIT_TEST(idle_server_dies),
		UNIT_TEST(busy_server_dies),
		UNIT_TEST(server_dies_between_two_transactions_of_a_pipeline),
		UNIT_TEST(server_dies_while_settling),
		UNIT_TEST(server_dies_while_travelling),
		UNIT_TEST(wrong_password_is_told_to_all_who_wait),
		UNIT_TEST(starting_up_is_waited_for),
		UNIT_TEST(full_server_is_waited_for),
		UNIT_TEST(refused_connection_is_waited_for),
		UNIT_TEST(silent_server_is_given_up),
		UNIT_TEST(full_server_serves_with_what_there_is),
		UNIT_TEST(wrong_password_spares_those_who_have_servers),
		UNIT_TEST(liar_costs_one_client),
		UNIT_TEST(half_a_notice_is_not_the_next_clients),
	};

	return cmocka_run_group_tests_name("dying", stories, NULL, NULL);
}
