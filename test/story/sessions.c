/*
 * sessions.c - what belongs to a client follows it over whatever server it gets: settings,
 * prepared statements.
 */
#include "story/story.h"

static void
ask(struct actor *a, const char *text, const char *expected)
{
	say(a, "%s", text);
	story_settle(a->story);
	hears(a, expected, text);
}

static void
batch(struct actor *a, const char *text, const char *expected)
{
	sends(a, "%s", text);
	story_settle(a->story);
	hears(a, expected, text);
}

static void
settings_follow_their_client(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");

	(void)state;
	ask(a, "set TimeZone Berlin", "C:SET S:TimeZone=Berlin Z:I");
	ask(b, "show TimeZone", "T D:UTC C Z:I");
	ask(b, "set TimeZone Tokyo", "C:SET S:TimeZone=Tokyo Z:I");
	ask(a, "show TimeZone", "T D:Berlin C Z:I");
	ask(b, "show TimeZone", "T D:Tokyo C Z:I");
	is_count(s->db1.logins, 1, "over one server");
	story_end(s);
}

static void
settings_follow_over_workers(void **state)
{
	struct story *s = story_begin("pool_size=1 workers=2");
	struct actor *a = story_client_on(s, 0, "app"), *b = story_client_on(s, 1, "app");

	(void)state;
	ask(a, "set DateStyle German", "C:SET S:DateStyle=German Z:I");
	ask(b, "show DateStyle", "T D:ISO,_MDY C Z:I");
	ask(a, "show DateStyle", "T D:German C Z:I");
	story_end(s);
}

static void
rollback_takes_settings_back(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");

	(void)state;
	ask(a, "begin", "C Z:T");
	ask(a, "set TimeZone Berlin", "C S Z:T");
	ask(a, "rollback", "C S:TimeZone=UTC Z:I");
	ask(b, "show TimeZone", "T D:UTC C Z:I");
	ask(a, "show TimeZone", "T D:UTC C Z:I");
	is_count(s->db1.logins, 1, "over one server");
	story_end(s);
}

static void
start_up_settings_are_the_clients_own(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a = story_client_with(s, "app", "search_path", "mine");
	struct actor *b = story_client(s, "app");
	struct actor *c = story_client_with(s, "app", "application_name", "c");

	(void)state;
	ask(a, "show search_path", "T D:mine C Z:I");
	ask(b, "show search_path", "T D:public C Z:I");
	ask(c, "show application_name", "T D:c C Z:I");
	ask(c, "show search_path", "T D:public C Z:I");
	ask(b, "show application_name", "T D C Z:I");
	ask(a, "show search_path", "T D:mine C Z:I");
	is_count(s->db1.logins, 1, "over one server");
	story_end(s);
}

static void
refused_setting_costs_no_server(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *b = story_client(s, "app"), *a;

	(void)state;
	a = story_client_with(s, "app", "no_such_setting", "1");
	if (a->in)
		say(a, "select a");
	story_settle(s);
	hears(a, "E:42704 x", "the server's own error");
	a = story_client_with(s, "app", "TimeZone", "bad");
	if (a->in)
		say(a, "select a");
	story_settle(s);
	hears(a, "E:22023 x", "the same for a value");
	ask(b, "select b", "T D:b C Z:I");
	is_count(s->db1.logins, 1, "the server is none the worse");
	story_end(s);
}

static void
named_statement_over_one_server(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");

	(void)state;
	batch(a, "P one select a / S", "1 Z:I");
	batch(b, "B one / E / S", "E:26000 Z:I");
	batch(b, "P one select b / S", "1 Z:I");
	batch(a, "B one / E / S", "2 D:a C Z:I");
	batch(b, "B one / E / S", "2 D:b C Z:I");
	batch(b, "D one / S", "t T Z:I");
	batch(a, "P one select c / S", "E:42P05 Z:I");
	batch(a, "C one / P one select c / B one / E / S", "3 1 2 D:c C Z:I");
	batch(b, "P same select c / B same / E / S", "1 2 D:c C Z:I");
	is_count(pg_session_at(&s->db1, 0)->named, 3,
	    "equal texts are one statement there");
	story_end(s);
}

static void
named_statement_over_two_servers(void **state)
{
	struct story *s = story_begin("pool_size=2");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");

	(void)state;
	batch(a, "P one select a / S", "1 Z:I");
	ask(b, "begin", "C Z:T");
	batch(a, "B one / E / S", "2 D:a C Z:I");
	is_count(s->db1.logins, 2, "a was on the second server");
	batch(a, "D one / B one / E / C one / S", "t T 2 D:a C 3 Z:I");
	batch(a, "B one / E / S", "E:26000 Z:I");
	story_end(s);
}

static void
unnamed_statement_over_two_servers(void **state)
{
	struct story *s = story_begin("pool_size=2");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");

	(void)state;
	batch(a, "P - select a / D - / S", "1 t T Z:I");
	batch(b, "P - begin / B - / E / S", "1 2 C Z:T");
	batch(a, "B - / E / S", "2 D:a C Z:I");
	batch(a, "B - / E / S", "2 D:a C Z:I");
	batch(b, "P - select b / B - / E / S", "1 2 D:b C Z:T");
	ask(b, "commit", "C Z:I");
	batch(a, "B - / E / S", "2 D:a C Z:I");
	batch(b, "B - / E / S", "E:26000 Z:I");
	story_end(s);
}

static void
oldest_statement_makes_room(void **state)
{
	struct story *s = story_begin("pool_size=1 max_prepared_statements=2");
	struct actor *a = story_client(s, "app");

	(void)state;
	batch(a, "P one select 1 / S", "1 Z:I");
	batch(a, "P two select 2 / S", "1 Z:I");
	batch(a, "B one / E / S", "2 D:1 C Z:I");
	batch(a, "P three select 3 / S", "1 Z:I");
	is_count(pg_session_at(&s->db1, 0)->named, 2, "no more than two");
	batch(a, "B two / E / S", "2 D:2 C Z:I");
	batch(a, "B one / E / B two / E / B three / E / S",
	    "2 D:1 C 2 D:2 C 2 D:3 C Z:I");
	is_count(pg_session_at(&s->db1, 0)->named, 2, "still");
	story_check(s);
	story_end(s);
}

static void
failed_parse_is_undone(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a = story_client(s, "app");

	(void)state;
	batch(a, "P one bad / S", "E:42601 Z:I");
	batch(a, "B one / E / S", "E:26000 Z:I");
	batch(a, "P one select 1 / B one / E / S", "1 2 D:1 C Z:I");
	batch(a, "P two error / B two / E / P three select 3 / C one / S",
	    "1 2 E:22012 Z:I");
	batch(a, "B three / E / S", "E:26000 Z:I");
	batch(a, "B one / E / S", "2 D:1 C Z:I");
	batch(a, "B two / E / S", "2 E:22012 Z:I");
	batch(a, "P three select 3 / B three / E / S", "1 2 D:3 C Z:I");
	story_check(s);
	story_end(s);
}

static void
discard_all_forgets_statements(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a = story_client(s, "app"), *b = story_client(s, "app");

	(void)state;
	batch(a, "P one select 1 / S", "1 Z:I");
	batch(b, "P two select 2 / S", "1 Z:I");
	ask(a, "discard all", "C:DISCARD_ALL Z:I");
	story_check(s);
	batch(a, "B one / E / S", "E:26000 Z:I");
	batch(b, "B two / E / S", "2 D:2 C Z:I");
	ask(b, "deallocate all", "C:DEALLOCATE_ALL Z:I");
	batch(b, "B two / E / S", "E:26000 Z:I");
	batch(b, "P two select 3 / B two / E / S", "1 2 D:3 C Z:I");
	story_check(s);
	story_end(s);
}

static void
what_follows_discard_all_stands(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a = story_client(s, "app");

	(void)state;
	batch(a, "P one select 1 / S", "1 Z:I");
	batch(a,
	    "Q deallocate all / P one select 2 / B one / E / C one / P one select 3 / S / "
	    "B one / E / S",
	    "C Z:I 1 2 D:2 C 3 1 Z:I 2 D:3 C Z:I");
	batch(a, "B one / E / S", "2 D:3 C Z:I");
	story_check(s);
	story_end(s);
}

static void
discard_all_goes_back_to_the_start(void **state)
{
	struct story *s = story_begin("pool_size=1");
	struct actor *a = story_client_with(s, "app", "application_name", "mine");

	(void)state;
	ask(a, "set application_name other", "C S:application_name=other Z:I");
	ask(a, "discard all", "C S:application_name=mine Z:I");
	ask(a, "show application_name", "T D:mine C Z:I");
	ask(a, "set application_name other", "C S:application_name=other Z:I");
	ask(a, "reset all", "C S:application_name=mine Z:I");
	ask(a, "show application_name", "T D:mine C Z:I");
	story_end(s);
}

static void
reset_that_is_rolled_back_leaks_nothing(void **state)
{
	static const char *const ways[][3] = {
		{ "begin", "reset all", "rollback" },
		{ "begin; reset all", "error", "rollback" },
		{ "reset all; error", "select 1", "select 1" },
		{ "begin", "reset all", "commit" },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(ways); i++) {
		struct story *s = story_begin("pool_size=1");
		struct actor *a = story_client_with(s, "app", "search_path", "mine");
		struct actor *b = story_client(s, "app");

		for (unsigned j = 0; j < 3; j++) {
			say(a, "%s", ways[i][j]);
			story_settle(s);
		}
		actor_forget(a);
		ask(b, "show search_path", "T D:public C Z:I");
		ask(a, "show search_path", "T D:mine C Z:I");
		story_check(s);
		story_end(s);
	}
}

static void
last_command_of_who_leaves_is_followed(void **state)
{
	static const char *const commands[] = { "sleep 5; reset all", "discard all" };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++) {
		struct story *s = story_begin("pool_size=1");
		struct actor *a = story_client_with(s, "app", "search_path", "mine");
		struct actor *b = story_client_with(s, "app", "search_path", "mine");

		s->db1.hold_cancels = true;
		ask(a, "show search_path", "T D:mine C Z:I");
		pg_deaf(pg_session_at(&s->db1, 0), true);
		say(a, "%s", commands[i]);
		story_settle(s);
		hang_up(a);
		story_settle(s);
		pg_deaf(pg_session_at(&s->db1, 0), false);
		story_pass(s, SECOND);
		pg_let_cancels(&s->db1);
		story_settle(s);
		story_check(s);
		ask(b, "show search_path", "T D:mine C Z:I");
		story_end(s);
	}
}

int
main(void)
{
	const struct CMUnitTest stories[] = {
		UNIT_TEST(settings_follow_their_client),
		UNIT_TEST(settings_follow_over_workers),
		UNIT_TEST(rollback_takes_settings_back),
		UNIT_TEST(start_up_settings_are_the_clients_own),
		UNIT_TEST(refused_setting_costs_no_server),
		UNIT_TEST(named_statement_over_one_server),
		UNIT_TEST(named_statement_over_two_servers),
		UNIT_TEST(unnamed_statement_over_two_servers),
		UNIT_TEST(oldest_statement_makes_room),
		UNIT_TEST(failed_parse_is_undone),
		UNIT_TEST(discard_all_forgets_statements),
		UNIT_TEST(what_follows_discard_all_stands),
		UNIT_TEST(discard_all_goes_back_to_the_start),
		UNIT_TEST(reset_that_is_rolled_back_leaks_nothing),
		UNIT_TEST(last_command_of_who_leaves_is_followed),
	};

	return cmocka_run_group_tests_name("sessions", stories, NULL, NULL);
}
