/*
 * set_web.c - tests of conf/web.h: where metrics are served.
 */
#include "unit/unit.h"

#include "base/buf.h"
#include "conf/settings.h"
#include "conf/web.h"

/* "host|port host|port", or what is no address with a ! before it. */
static void
read_list(const char *list, const char *expected)
{
	struct span rest = span_text(list);
	struct web_address a;
	struct buf out = { 0 };

	while (web_address_next(&rest, &a))
		buf_printf(&out, "%s%.*s|%u", out.len > 0 ? " " : "", (int)a.host.len, a.host.at,
		    a.port);
	if (a.word.len > 0)
		buf_printf(&out, "!%.*s", (int)a.word.len, a.word.at);
	assert_string_equal(buf_text(&out), expected);
	buf_fini(&out);
}

static void
addresses_have_ports(void **state)
{
	(void)state;
	read_list("", "");
	read_list(" , ", "");
	read_list("127.0.0.1:9127", "127.0.0.1|9127");
	read_list(":9127, [::1]:0", "*|9127 ::1|0");
	read_list("*:80,metrics.local:65535", "*|80 metrics.local|65535");
	read_list("[::]:1 \t b:2", "::|1 b|2");
}

static void
what_is_no_address_is_said(void **state)
{
	(void)state;
	read_list("9127", "!9127");
	read_list("a:1, localhost", "a|1!localhost");
	read_list("::1:9127", "!::1:9127");
	read_list("a:65536", "!a:65536");
	read_list("a:-1", "!a:-1");
	read_list("a:+1", "!a:+1");
	read_list("a:", "!a:");
	read_list("a:1x", "!a:1x");
	read_list("/run/pgweir.sock", "!/run/pgweir.sock");
}

static void
the_setting_says_what_it_expects(void **state)
{
	const struct setting *row = conf_setting_find(SPAN_LITERAL("metrics_listen"));
	const char *expected;

	(void)state;
	assert_true(row->check(SPAN_LITERAL("*:1, [::1]:2"), &expected));
	assert_true(row->check(SPAN_LITERAL(""), &expected));
	assert_false(row->check(SPAN_LITERAL("*:1, 2"), &expected));
	assert_non_null(strstr(expected, "127.0.0.1:9127"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(addresses_have_ports),
		UNIT_TEST(what_is_no_address_is_said),
		UNIT_TEST(the_setting_says_what_it_expects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
