/*
 * console.c - tests of admin/console.h: who enters, simple queries, and orders.
 */
#include "unit/admin/guest.h"

#include "admin/command.h"
#include "admin/view.h"
#include "pool/place.h"
#include "wire/write.h"

/* Bind the unnamed statement, execute it. */
static void
write_bind(struct buf *b)
{
	size_t mark = write_begin(b, 'B');

	write_text(b, "");
	write_text(b, "");
	write_u16(b, 0);
	write_u16(b, 0);
	write_u16(b, 0);
	write_end(b, mark);
	mark = write_begin(b, 'E');
	write_text(b, "");
	write_u32(b, 0);
	write_end(b, mark);
}

/* --- who enters --- */

static void
the_greeting_names_a_bouncer(void **state)
{
	struct guest g = connect_as("pgbouncer", 0);
	struct span name, value;

	(void)state;
	hears(&g, "RS");
	assert_true(reply_parameter(span_of(g.body, g.body_len), &name, &value));
	assert_span(name, "server_version");
	assert_span(value, "1.25.2/bouncer");
	hears(&g, "SSSSSSKZ");
	leave(&g);
}

static void
only_admins_change_things(void **state)
{
	struct guest own = enter_as("pgbouncer", 0), boss = enter_as("boss", 1);
	struct guest other = enter_as("other", 1);

	(void)state;
	asks(&other, "pause", "EZ");
	was_error(&other, "08P01", "admin access needed");
	asks(&other, "set default_pool_size = 3", "EZ");
	was_error(&other, "08P01", "admin access needed");
	asks(&other, "set extra_float_digits = 3", "NCZ");
	asks(&other, "show state", "TDDDCZ");
	asks(&own, "reload", "CZ");
	asks(&boss, "reload", "CZ");
	leave(&own);
	leave(&boss);
	leave(&other);
}

/* A query of COMMAND that is well-formed. */
static void
write_command(char *text, size_t cap, const struct command *command)
{
	static const char *const arguments[] = { [ARGS_NONE] = "",
		[ARGS_MAYBE_DATABASE] = " app", [ARGS_DATABASE] = " app",
		[ARGS_PAUSE] = " app within 5",
		[ARGS_TOPIC] = " version", [ARGS_ID] = " 1",
		[ARGS_MODE] = " wait_for_clients", [ARGS_SET] = " default_pool_size = 3",
		[ARGS_ANY] = "" };

	snprintf(text, cap, "%s%s", command->word, arguments[command->args]);
}

/* By simple query and by the extended protocol; whatever is added to the table, too. */
static void
who_may_look_may_change_nothing(void **state)
{
	struct guest other = enter_as("other", 1);
	unsigned before = atomic_load(&world->orders), refused = 0;

	(void)state;
	for (size_t i = 0; i < command_count; i++) {
		struct buf b = { 0 };
		char text[80];

		if (commands[i].role != ROLE_ADMIN && commands[i].args != ARGS_SET)
			continue;
		write_command(text, sizeof(text), &commands[i]);
		asks(&other, text, "EZ");
		was_error(&other, "08P01", "admin access needed");
		query_write_parse_text(&b, SPAN_LITERAL(""), span_text(text));
		write_bind(&b);
		write_empty(&b, 'S');
		say_bytes(&other, &b);
		buf_fini(&b);
		/* SET is refused when it is run: what drivers set is not */
		hears(&other, commands[i].args == ARGS_SET ? "12EZ" : "EZ");
		was_error(&other, "08P01", "admin access needed");
		refused++;
	}
	assert_true(refused > 10);
	assert_int_equal(atomic_load(&world->orders), before);
	assert_false(place_paused(&world->pooler, span_of(NULL, 0)));
	assert_false(place_paused(&world->pooler, SPAN_LITERAL("app")));
	assert_false(place_disabled(&world->pooler, SPAN_LITERAL("app")));
	assert_false(place_suspended(&world->pooler));
	leave(&other);
}

static void
every_command_runs_by_the_extended_protocol(void **state)
{
	struct guest g = enter_as("pgbouncer", 1);

	(void)state;
	for (size_t i = 0; i < command_count; i++) {
		struct buf b = { 0 };
		char text[80];

		write_command(text, sizeof(text), &commands[i]);
		query_write_parse_text(&b, SPAN_LITERAL(""), span_text(text));
		write_bind(&b);
		write_empty(&b, 'S');
		say_bytes(&g, &b);
		buf_fini(&b);
		if (commands[i].args == ARGS_TOPIC)
			hears(&g, "12DCZ");
		else if (commands[i].args == ARGS_ID || commands[i].run == run_suspend)
			hears(&g, "12EZ");	/* nobody has that id, app is paused */
		else
			hears(&g, "12CZ");
	}
	asks(&g, "resume", "CZ");	/* KILL has paused app */
	leave(&g);
}

/* --- simple queries --- */

static void
a_query_is_answered(void **state)
{
	struct guest g = enter_as("pgbouncer", 0);

	(void)state;
	asks(&g, "show version", "TDCZ");
	was_tag(&g, "SHOW");
	asks(&g, "show help", "NCZ");
	asks(&g, "", "IZ");
	asks(&g, "-- nothing", "IZ");
	asks(&g, "bogus", "EZ");
	was_error(&g, "08P01", "invalid command 'bogus', use SHOW HELP;");
	asks(&g, "show lists", "TDDDDDDDDDDDDDDCZ");
	asks(&g, "begin", "CZ");
	was_tag(&g, "BEGIN");
	asks(&g, "commit", "CZ");
	was_tag(&g, "COMMIT");
	leave(&g);
}

static void
what_is_refused_says_what_to_do(void **state)
{
	struct guest boss = enter_as("boss", 0), other = enter_as("other", 1);

	(void)state;
	asks(&boss, "show fds", "EZ");
	was_error(&boss, "0A000",
	    "SHOW FDS, which hands open connections to another process, is not supported: let "
	    "both processes listen with so_reuseport, name each other in [peers], then end "
	    "this one by SHUTDOWN WAIT_FOR_CLIENTS");
	asks(&other, "show fds", "EZ");
	was_error(&other, "08P01", "admin access needed");
	leave(&boss);
	leave(&other);
}

static void
every_view_can_be_shown(void **state)
{
	struct guest g = enter_as("pgbouncer", 1);

	(void)state;
	for (const struct view *v = view_next(NULL); v != NULL; v = view_next(v)) {
		struct buf b = { 0 };
		char kind = 0;

		if (v->refused != NULL)
			continue;
		buf_printf(&b, "show %s", v->topic);
		asks(&g, buf_text(&b), "T");
		while (kind != 'C') {
			char head[5], body[4096];
			struct frame_head h = { 0 };

			read_exactly(&g, head, sizeof(head));
			assert_int_equal(frame_look(head, sizeof(head), &h),
			    FRAME_HEADER);
			assert_true(h.size - FRAME_HEAD <= sizeof(body));
			read_exactly(&g, body, h.size - FRAME_HEAD);
			kind = h.kind;
			assert_true(kind == 'D' || kind == 'C');
		}
		hears(&g, "Z");
		buf_fini(&b);
	}
	leave(&g);
}

static void
it_matters_not_how_bytes_are_chopped(void **state)
{
	struct guest g = enter_as("pgbouncer", 0);
	struct buf b = { 0 };

	(void)state;
	query_write(&b, SPAN_LITERAL("show version"));
	query_write(&b, SPAN_LITERAL("show state"));
	for (size_t i = 0; i < b.len; i++)
		assert_int_equal(send(g.fd, b.at + i, 1, MSG_NOSIGNAL), 1);
	buf_fini(&b);
	hears(&g, "TDCZ");
	hears(&g, "TDDDCZ");
	leave(&g);
}

static void
rows_of_all_workers_come_together(void **state)
{
	struct guest a = enter_as("pgbouncer", 0), b = enter_as("pgbouncer", 1);

	(void)state;
	/* one row for the console's pool, though it has a lane on both */
	asks(&a, "show pools", "TDCZ");
	asks(&b, "show clients", "TDDCZ");
	leave(&a);
	leave(&b);
}

/* --- orders --- */

static void
databases_are_paused_and_resumed(void **state)
{
	struct guest g = enter_as("pgbouncer", 0);

	(void)state;
	asks(&g, "pause nope", "EZ");
	was_error(&g, "08P01", "no such database: nope");
	asks(&g, "pause pgbouncer", "EZ");
	asks(&g, "resume", "EZ");
	was_error(&g, "08P01", "pooler is not paused/suspended");
	asks(&g, "pause", "CZ");
	was_tag(&g, "PAUSE");
	asks(&g, "pause", "EZ");
	was_error(&g, "08P01", "already suspended/paused");
	asks(&g, "kill", "EZ");
	asks(&g, "resume", "CZ");
	asks(&g, "resume app", "EZ");
	was_error(&g, "08P01", "database app is not paused");
	asks(&g, "kill app", "CZ");
	asks(&g, "resume", "CZ");
	asks(&g, "reconnect", "CZ");
	asks(&g, "wait_close app", "CZ");
	was_tag(&g, "WAIT_CLOSE");
	asks(&g, "disable", "EZ");
	was_error(&g, "08P01", "a database is required");
	asks(&g, "disable app", "CZ");
	asks(&g, "enable app", "CZ");
	asks(&g, "kill_client x", "EZ");
	was_error(&g, "08P01", "invalid client pointer supplied");
	leave(&g);
}

static void
the_pooler_is_suspended_until_its_console_leaves(void **state)
{
	struct guest a = enter_as("pgbouncer", 0), b = enter_as("boss", 1);

	(void)state;
	asks(&b, "pause app", "CZ");
	asks(&a, "suspend", "EZ");
	was_error(&a, "08P01", "cannot suspend with paused databases");
	asks(&b, "resume app", "CZ");
	asks(&a, "suspend x", "EZ");
	was_error(&a, "08P01", "invalid command 'suspend x', use SHOW HELP;");
	asks(&a, "suspend", "CZ");
	was_tag(&a, "SUSPEND");
	assert_true(place_suspended(&world->pooler));
	assert_false(place_paused(&world->pooler, span_of(NULL, 0)));
	/* consoles are heard */
	asks(&b, "suspend", "EZ");
	was_error(&b, "08P01", "already suspended/paused");
	asks(&b, "pause", "EZ");
	was_error(&b, "08P01", "already suspended/paused");
	asks(&b, "kill", "EZ");
	was_error(&b, "08P01", "already suspended/paused");
	asks(&b, "resume", "CZ");
	assert_false(place_suspended(&world->pooler));
	asks(&b, "resume", "EZ");
	was_error(&b, "08P01", "pooler is not paused/suspended");

	/* whose suspension it is ends it by leaving, nobody else does */
	asks(&a, "suspend", "CZ");
	asks(&a, "resume", "CZ");
	asks(&b, "suspend", "CZ");
	leave(&a);
	for (unsigned i = 0; atomic_load(&world->pooler.clients) > 1 && i < 20000; i++)
		usleep(1000);
	assert_true(place_suspended(&world->pooler));
	leave(&b);
	for (unsigned i = 0; place_suspended(&world->pooler) && i < 20000; i++)
		usleep(1000);
	assert_false(place_suspended(&world->pooler));
}

static void
the_keeper_is_asked(void **state)
{
	struct guest g = enter_as("pgbouncer", 1);
	unsigned before = atomic_load(&world->orders);

	(void)state;
	asks(&g, "set default_pool_size = 3", "CZ");
	was_tag(&g, "SET default_pool_size=3");
	asks(&g, "set default_pool_size to '4'", "EZ");
	was_error(&g, "08P01", "SET failed");
	asks(&g, "set default_pol_size = 3", "EZ");
	was_error(&g, "08P01", "SET failed");
	asks(&g, "set default_pool_size = 3 4", "EZ");
	was_error(&g, "08P01", "bad arguments");
	asks(&g, "reload", "CZ");
	assert_int_equal(atomic_load(&world->orders) - before, 3);
	/* this one is answered before the keeper has it */
	asks(&g, "shutdown wait_for_clients", "CZ");
	for (unsigned i = 0; atomic_load(&world->orders) - before < 4 && i < 20000; i++)
		usleep(1000);
	assert_int_equal(atomic_load(&world->orders) - before, 4);
	leave(&g);
}

/* Whatever is under way must not miss it. */
static void
a_console_may_leave_at_any_time(void **state)
{
	static const char *const texts[] = { "show clients", "reload", "reconnect",
		"show stats", "set default_pool_size = 3", "wait_close", "kill app" };

	(void)state;
	for (unsigned i = 0; i < 70; i++) {
		struct guest g = enter_as("pgbouncer", i % WORKERS);
		struct buf b = { 0 };

		query_write(&b, span_text(texts[i % ARRAY_SIZE(texts)]));
		say_bytes(&g, &b);
		buf_fini(&b);
		leave(&g);
	}
}

static void
one_console_can_end_another(void **state)
{
	struct guest a = enter_as("pgbouncer", 0), b = enter_as("pgbouncer", 1);
	unsigned long long newest = atomic_load(&world->pooler.next_id);
	char text[64];

	(void)state;
	snprintf(text, sizeof(text), "kill_client %llu", newest);
	asks(&a, text, "CZ");
	hears(&b, "E");
	was_error(&b, "08P01", "admin forced disconnect");
	hears_end(&b);
	leave(&a);
	leave(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ALONE_TEST(the_greeting_names_a_bouncer),
		ALONE_TEST(only_admins_change_things),
		ALONE_TEST(who_may_look_may_change_nothing),
		ALONE_TEST(every_command_runs_by_the_extended_protocol),
		ALONE_TEST(a_query_is_answered),
		ALONE_TEST(what_is_refused_says_what_to_do),
		ALONE_TEST(every_view_can_be_shown),
		ALONE_TEST(it_matters_not_how_bytes_are_chopped),
		ALONE_TEST(rows_of_all_workers_come_together),
		ALONE_TEST(databases_are_paused_and_resumed),
		ALONE_TEST(the_pooler_is_suspended_until_its_console_leaves),
		ALONE_TEST(the_keeper_is_asked),
		ALONE_TEST(a_console_may_leave_at_any_time),
		ALONE_TEST(one_console_can_end_another),
	};

	return cmocka_run_group_tests_name("console", tests, begin_world, end_world);
}
