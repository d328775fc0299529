/*
 * console_bind.c - tests of admin/console.h: the extended protocol, and messages that are
 * none.
 */
#include "unit/admin/guest.h"

#include "wire/write.h"

static void
put_bind(struct buf *b, const char *portal, const char *name, unsigned binary)
{
	size_t mark = write_begin(b, 'B');

	write_text(b, portal);
	write_text(b, name);
	write_u16(b, 0);
	write_u16(b, 0);
	write_u16(b, (uint16_t)(binary != 0));
	if (binary != 0)
		write_u16(b, 1);
	write_end(b, mark);
}

static void
put_execute(struct buf *b, const char *portal, uint32_t limit)
{
	size_t mark = write_begin(b, 'E');

	write_text(b, portal);
	write_u32(b, limit);
	write_end(b, mark);
}

static void
says(struct guest *g, struct buf *b, const char *expected)
{
	say_bytes(g, b);
	buf_fini(b);
	hears(g, expected);
}

static void
statements_are_described_and_run(void **state)
{
	struct guest g = enter_as("pgbouncer", 0);
	struct buf b = { 0 };

	(void)state;
	query_write_parse_text(&b, SPAN_LITERAL("s"), SPAN_LITERAL("show state"));
	query_write_target(&b, 'D', 'S', SPAN_LITERAL("s"));
	write_empty(&b, 'H');
	says(&g, &b, "1tT");
	put_bind(&b, "", "s", 1);
	query_write_target(&b, 'D', 'P', SPAN_LITERAL(""));
	put_execute(&b, "", 0);
	write_empty(&b, 'S');
	says(&g, &b, "2TDDDCZ");
	put_bind(&b, "", "s", 0);
	put_execute(&b, "", 0);
	query_write_target(&b, 'C', 'S', SPAN_LITERAL("s"));
	put_bind(&b, "", "s", 0);
	write_empty(&b, 'S');
	says(&g, &b, "2DDDC3EZ");
	was_error(&g, "26000", "prepared statement does not exist");
	query_write_parse_text(&b, SPAN_LITERAL(""), SPAN_LITERAL("show help"));
	query_write_target(&b, 'D', 'S', SPAN_LITERAL(""));
	put_bind(&b, "", "", 0);
	put_execute(&b, "", 0);
	query_write_parse_text(&b, SPAN_LITERAL(""), SPAN_LITERAL(" "));
	put_bind(&b, "", "", 0);
	put_execute(&b, "", 0);
	write_empty(&b, 'S');
	says(&g, &b, "1tn2NC12IZ");
	leave(&g);
}

static void
an_error_ends_everything_until_sync(void **state)
{
	struct guest g = enter_as("pgbouncer", 0);
	struct buf b = { 0 };

	(void)state;
	query_write_parse_text(&b, SPAN_LITERAL(""), SPAN_LITERAL("bogus"));
	put_bind(&b, "", "", 0);
	put_execute(&b, "", 0);
	query_write(&b, SPAN_LITERAL("show version"));
	write_empty(&b, 'S');
	query_write(&b, SPAN_LITERAL("show version"));
	says(&g, &b, "EZ");
	hears(&g, "TDCZ");
	query_write_parse_text(&b, SPAN_LITERAL("a"), SPAN_LITERAL("show version"));
	query_write_parse_text(&b, SPAN_LITERAL("a"), SPAN_LITERAL("show version"));
	write_empty(&b, 'S');
	says(&g, &b, "1EZ");
	was_error(&g, "42P05", "prepared statement already exists");
	asks(&g, "deallocate all", "CZ");
	was_tag(&g, "DEALLOCATE ALL");
	query_write_parse_text(&b, SPAN_LITERAL("a"), SPAN_LITERAL("kill_client 0"));
	put_bind(&b, "", "a", 0);
	put_execute(&b, "", 0);
	put_execute(&b, "", 0);
	write_empty(&b, 'S');
	says(&g, &b, "12EZ");
	was_error(&g, "08P01", "client not found");
	leave(&g);
}

static void
a_portal_can_be_suspended(void **state)
{
	struct guest g = enter_as("pgbouncer", 1);
	struct buf b = { 0 };

	(void)state;
	query_write_parse_text(&b, SPAN_LITERAL(""), SPAN_LITERAL("show lists"));
	put_bind(&b, "p", "", 0);
	put_execute(&b, "p", 3);
	put_execute(&b, "p", 10);
	put_execute(&b, "p", 10);
	put_execute(&b, "p", 0);
	write_empty(&b, 'S');
	says(&g, &b, "12DDDsDDDDDDDDDDsDCCZ");
	put_execute(&b, "p", 0);
	write_empty(&b, 'S');
	says(&g, &b, "EZ");
	was_error(&g, "34000", "portal does not exist");
	leave(&g);
}

static void
broken_messages_cost_one_command(void **state)
{
	static const char kinds[] = { 'P', 'B', 'D', 'C', 'E' };
	struct guest g = enter_as("pgbouncer", 0);
	struct buf b = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(kinds); i++) {
		size_t mark = write_begin(&b, kinds[i]);

		write_u8(&b, 'x');
		write_end(&b, mark);
		write_empty(&b, 'S');
		says(&g, &b, "EZ");
	}
	write_end(&b, write_begin(&b, 'Q'));
	says(&g, &b, "EZ");
	asks(&g, "show version", "TDCZ");
	leave(&g);
}

static void
what_cannot_be_a_message_ends_the_connection(void **state)
{
	struct guest g = enter_as("pgbouncer", 0);
	struct buf b = { 0 };

	(void)state;
	write_empty(&b, 'z');
	says(&g, &b, "E");
	hears_end(&g);
	leave(&g);
	g = enter_as("pgbouncer", 0);
	buf_put(&b, "Q\0\0\0\3", 5);
	says(&g, &b, "E");
	hears_end(&g);
	leave(&g);
	g = enter_as("pgbouncer", 0);
	buf_put(&b, "Q\0\2\0\0", 5);
	says(&g, &b, "E");
	hears_end(&g);
	leave(&g);
	g = enter_as("pgbouncer", 0);
	write_empty(&b, 'X');
	say_bytes(&g, &b);
	buf_fini(&b);
	hears_end(&g);
	leave(&g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ALONE_TEST(statements_are_described_and_run),
		ALONE_TEST(an_error_ends_everything_until_sync),
		ALONE_TEST(a_portal_can_be_suspended),
		ALONE_TEST(broken_messages_cost_one_command),
		ALONE_TEST(what_cannot_be_a_message_ends_the_connection),
	};

	return cmocka_run_group_tests_name("console_bind", tests, begin_world, end_world);
}
