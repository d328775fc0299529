/*
 * addr.c - tests of base/addr.h.
 */
#include "unit/unit.h"

#include <sys/un.h>

#include "base/addr.h"

static void
literals_print_as_parsed(void **state)
{
	static const struct {
		const char	*in, *host, *text;
		enum addr_kind	 kind;
	} rows[] = {
		{ "10.0.0.1", "10.0.0.1", "10.0.0.1:5432", ADDR_IP4 },
		{ "::1", "::1", "[::1]:5432", ADDR_IP6 },
		{ "2001:DB8::7", "2001:db8::7", "[2001:db8::7]:5432", ADDR_IP6 },
		{ "::ffff:10.0.0.1", "10.0.0.1", "10.0.0.1:5432", ADDR_IP4 },
	};
	char host[64], text[80];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct addr a;

		assert_true(addr_parse_ip(&a, span_text(rows[i].in), 5432));
		assert_int_equal(a.kind, rows[i].kind);
		assert_string_equal(addr_host(&a, host), rows[i].host);
		assert_string_equal(addr_text(&a, text), rows[i].text);
	}
}

static void
names_are_no_literals(void **state)
{
	static const struct span rows[] = { SPAN_LITERAL(""), SPAN_LITERAL("localhost"),
		SPAN_LITERAL("10.0.0"), SPAN_LITERAL("10.0.0.256"), SPAN_LITERAL("[::1]"),
		SPAN_LITERAL("10.0.0.1\0x"), SPAN_LITERAL("::g"),
		SPAN_LITERAL("fe80::1%eth0") };
	struct addr a = { .kind = ADDR_UNIX, .port = 7 };
	char longer[200];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		assert_false(addr_parse_ip(&a, rows[i], 1));
	memset(longer, '1', sizeof(longer));
	assert_false(addr_parse_ip(&a, span_of(longer, sizeof(longer)), 1));
	assert_int_equal(a.kind, ADDR_UNIX);
	assert_int_equal(a.port, 7);
}

static void
sockaddrs_go_and_come_back(void **state)
{
	static const char *const rows[] = { "192.168.1.254", "2001:db8::1" };
	struct sockaddr_storage sa;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct addr a, b;
		socklen_t len;

		assert_true(addr_parse_ip(&a, span_text(rows[i]), 6432));
		len = addr_to_sockaddr(&a, &sa);
		assert_true(len > 0);
		addr_from_sockaddr(&b, (struct sockaddr *)&sa, len);
		assert_true(addr_same(&a, &b));
		/* the kernel said less than the kind needs */
		addr_from_sockaddr(&b, (struct sockaddr *)&sa, len - 1);
		assert_int_equal(b.kind, ADDR_NONE);
	}
}

static void
a_mapped_peer_is_its_ip4_self(void **state)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(99) };
	struct addr a, b;

	(void)state;
	memcpy(in6.sin6_addr.s6_addr + 10, "\xff\xff\x0a\x00\x00\x01", 6);
	addr_from_sockaddr(&a, (struct sockaddr *)&in6, sizeof(in6));
	assert_true(addr_parse_ip(&b, SPAN_LITERAL("10.0.0.1"), 99));
	assert_true(addr_same(&a, &b));
}

static void
a_unix_peer_is_nobody_at_first(void **state)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct sockaddr_storage sa;
	char host[64], text[80];
	struct addr a, b;

	(void)state;
	addr_from_sockaddr(&a, (struct sockaddr *)&un, sizeof(un.sun_family));
	assert_int_equal(a.kind, ADDR_UNIX);
	assert_true(a.u.unix_peer.uid != 0);
	a.port = 6432;
	assert_string_equal(addr_text(&a, text), "unix:6432");
	b = a;
	a.u.unix_peer.pid = 123;
	assert_string_equal(addr_text(&a, text), "unix(123):6432");
	assert_string_equal(addr_host(&a, host), "unix");
	assert_int_equal(addr_to_sockaddr(&a, &sa), 0);
	assert_false(addr_same(&a, &b));
	addr_from_sockaddr(&a, (struct sockaddr *)&un, 0);
	assert_int_equal(a.kind, ADDR_NONE);
	assert_string_equal(addr_host(&a, host), "none");
}

static void
same_means_kind_address_and_port(void **state)
{
	struct addr a, b;

	(void)state;
	assert_true(addr_parse_ip(&a, SPAN_LITERAL("10.0.0.1"), 1));
	assert_true(addr_parse_ip(&b, SPAN_LITERAL("10.0.0.1"), 2));
	assert_false(addr_same(&a, &b));
	assert_true(addr_parse_ip(&b, SPAN_LITERAL("10.0.0.2"), 1));
	assert_false(addr_same(&a, &b));
	assert_true(addr_parse_ip(&b, SPAN_LITERAL("::1"), 1));
	assert_false(addr_same(&a, &b));
	a = (struct addr){ .kind = ADDR_NONE };
	b = a;
	assert_true(addr_same(&a, &b));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(literals_print_as_parsed),
		UNIT_TEST(names_are_no_literals),
		UNIT_TEST(sockaddrs_go_and_come_back),
		UNIT_TEST(a_mapped_peer_is_its_ip4_self),
		UNIT_TEST(a_unix_peer_is_nobody_at_first),
		UNIT_TEST(same_means_kind_address_and_port),
	};

	return cmocka_run_group_tests_name("base/addr", tests, NULL, NULL);
}
