/*
 * startup.c - tests of wire/startup.h.
 */
#include "unit/unit.h"

#include "base/mem.h"
#include "wire/startup.h"
#include "wire/write.h"

/* Look at a copy of BYTES that ends where they end; OUT's spans lead nowhere. */
static enum startup_kind
look(const void *bytes, size_t len, struct startup *out)
{
	char *block = exact_copy(bytes, len);
	enum startup_kind kind = startup_read(span_of(block, len), out);

	free(block);
	return kind;
}

/* SIZE, CODE and then whatever TAIL says. */
static void
packet(struct buf *b, uint32_t size, uint32_t code, struct span tail)
{
	buf_clear(b);
	write_u32(b, size);
	write_u32(b, code);
	buf_put_span(b, tail);
}

static void
codes_have_kinds_and_lengths(void **state)
{
	static const struct {
		uint32_t	 code, size;
		enum startup_kind kind;
	} rows[] = {
		{ 80877103, 8, STARTUP_SSL },
		{ 80877103, 9, STARTUP_BAD },
		{ 80877104, 8, STARTUP_GSS },
		{ 80877104, 12, STARTUP_BAD },
		{ 80877102, 15, STARTUP_BAD },
		{ 80877102, 16, STARTUP_CANCEL },
		{ 80877102, 44, STARTUP_CANCEL },
		{ 80877102, 268, STARTUP_CANCEL },
		{ 80877102, 269, STARTUP_BAD },
		{ PROTOCOL_3_0, 8, STARTUP_BAD },
		{ PROTOCOL_3_0, 9, STARTUP_HELLO },
		{ PROTOCOL_3_2, 9, STARTUP_HELLO },
		{ 3 << 16 | 9999, 9, STARTUP_HELLO },
		{ 3 << 16 | 65535, 9, STARTUP_HELLO },
		{ 2 << 16, 296, STARTUP_OLD },
		{ 2 << 16 | 1, 8, STARTUP_OLD },
		{ 4 << 16, 9, STARTUP_NEW },
		{ UINT32_MAX, 9, STARTUP_NEW },
		{ 80877105, 8, STARTUP_NEW },
		{ 80877856, 8, STARTUP_PEER },
		{ 80877856, 12, STARTUP_BAD },
		{ 1 << 16, 9, STARTUP_BAD },
		{ 0, 9, STARTUP_BAD },
		{ 65535, 9, STARTUP_BAD },
	};
	static const char zeros[300];
	struct buf b = { 0 };
	struct startup s;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		enum startup_kind kind;

		packet(&b, rows[i].size, rows[i].code, span_of(zeros, rows[i].size - 8));
		kind = look(b.at, b.len, &s);
		if (kind != rows[i].kind)
			fail_msg("code %u size %u gave %d", rows[i].code, rows[i].size,
			    kind);
		if (kind == STARTUP_BAD) {
			assert_non_null(s.why);
			assert_int_equal(s.size, 0);
			/* and is told from its head alone */
			assert_int_equal(look(b.at, 8, &s), STARTUP_BAD);
		} else {
			assert_null(s.why);
			assert_int_equal(s.size, rows[i].size);
			assert_int_equal(s.version, rows[i].code);
		}
	}
	buf_fini(&b);
}

static void
lengths_are_judged_from_four_bytes(void **state)
{
	static const struct {
		uint32_t	 size;
		enum startup_kind kind;
	} rows[] = {
		{ 0, STARTUP_BAD }, { 4, STARTUP_BAD }, { 7, STARTUP_BAD },
		{ 8, STARTUP_MORE }, { 10000, STARTUP_MORE }, { 10001, STARTUP_BAD },
		{ 0x16030102, STARTUP_BAD }, { 0x7fffffff, STARTUP_BAD },
		{ 0xffffffff, STARTUP_BAD },
	};
	struct startup s;
	char size[4];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		write_be32(size, rows[i].size);
		assert_int_equal(look(size, 4, &s), rows[i].kind);
		assert_int_equal(look(size, 3, &s), STARTUP_MORE);
	}
}

static void
a_hello_is_read_back_and_needs_every_byte(void **state)
{
	static const char *const pairs[] = { "user", "bob", "database", "app", "options",
		"", "application_name", "a\\ b", NULL };
	struct buf b = { 0 };
	struct span params, name, value;
	struct startup s;
	size_t len, i;

	(void)state;
	startup_write(&b, PROTOCOL_3_2, pairs);
	assert_false(b.failed);
	for (len = 0; len < b.len; len++)
		assert_int_equal(look(b.at, len, &s), STARTUP_MORE);
	len = b.len;
	buf_put_text(&b, "and what comes later");
	assert_int_equal(startup_read(buf_span(&b), &s), STARTUP_HELLO);
	assert_int_equal(s.size, len);
	assert_true(s.version == PROTOCOL_3_2);
	params = s.params;
	for (i = 0; pairs[i] != NULL; i += 2) {
		assert_true(startup_next(&params, &name, &value));
		assert_span(name, pairs[i]);
		assert_span(value, pairs[i + 1]);
		assert_int_equal(value.at[value.len], 0);
	}
	assert_false(startup_next(&params, &name, &value));
	buf_fini(&b);
}

static void
a_hello_ends_exactly(void **state)
{
	static const struct {
		struct span	 tail;
		enum startup_kind kind;
	} rows[] = {
		{ SPAN_LITERAL("\0"), STARTUP_HELLO },
		{ SPAN_LITERAL("user\0bob\0\0"), STARTUP_HELLO },
		{ SPAN_LITERAL("user\0\0\0"), STARTUP_HELLO },
		{ SPAN_LITERAL("user\0bob\0"), STARTUP_BAD },
		{ SPAN_LITERAL("user\0bob"), STARTUP_BAD },
		{ SPAN_LITERAL("user\0bob\0\0\0"), STARTUP_BAD },
		{ SPAN_LITERAL("user\0bob\0\0x\0"), STARTUP_BAD },
		{ SPAN_LITERAL("user\0bob\0\0x\0y\0\0"), STARTUP_BAD },
		{ SPAN_LITERAL("user\0\0"), STARTUP_BAD },
		{ SPAN_LITERAL("user\0"), STARTUP_BAD },
		{ SPAN_LITERAL("x"), STARTUP_BAD },
		{ SPAN_LITERAL("\0\0"), STARTUP_BAD },
		{ SPAN_LITERAL("\0bob\0\0"), STARTUP_BAD },
		{ SPAN_LITERAL("user\0bob\0database\0\0"), STARTUP_BAD },
	};
	struct buf b = { 0 };
	struct startup s;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		packet(&b, (uint32_t)(8 + rows[i].tail.len), PROTOCOL_3_0, rows[i].tail);
		if (look(b.at, b.len, &s) != rows[i].kind)
			fail_msg("row %zu", i);
	}
	buf_fini(&b);
}

static void
cancels_carry_pid_and_key(void **state)
{
	static const size_t lengths[] = { 4, 32, 256 };
	struct buf b = { 0 };
	struct startup s;
	char key[256];
	size_t i, len;

	(void)state;
	for (i = 0; i < sizeof(key); i++)
		key[i] = (char)(255 - i);
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		buf_clear(&b);
		startup_write_cancel(&b, 0x80000007, span_of(key, lengths[i]));
		for (len = 0; len < b.len; len++)
			assert_int_equal(look(b.at, len, &s), STARTUP_MORE);
		assert_int_equal(startup_read(buf_span(&b), &s), STARTUP_CANCEL);
		assert_true(s.pid == 0x80000007);
		assert_true(span_same(s.key, span_of(key, lengths[i])));
		assert_int_equal(s.size, b.len);
	}
	buf_clear(&b);
	startup_write_ssl(&b);
	assert_int_equal(look(b.at, b.len, &s), STARTUP_SSL);
	assert_int_equal(s.size, b.len);
	buf_fini(&b);
}

static void
options_are_read_as_postgresql_reads_them(void **state)
{
	/* found settings as "name=value|", then what the end was */
	static const struct {
		const char	*text, *found;
		int		 end;
		const char	*rest;
	} rows[] = {
		{ "", "", 0, "" },
		{ " \t\n", "", 0, "" },
		{ "-c geqo=off", "geqo=off|", 0, "" },
		{ "-cgeqo=off", "geqo=off|", 0, "" },
		{ "--geqo=off", "geqo=off|", 0, "" },
		{ "  -c\n  geqo=off\t", "geqo=off|", 0, "" },
		{ "-c a=1 -cb=2  --c=3", "a=1|b=2|c=3|", 0, "" },
		{ "--statement-timeout=5-6", "statement_timeout=5-6|", 0, "" },
		{ "-c search_path=a\\ b,\\\\c", "search_path=a b,\\c|", 0, "" },
		{ "-c a=\\-c", "a=-c|", 0, "" },
		{ "-c a=b=c", "a=b=c|", 0, "" },
		{ "-c a=", "a=|", 0, "" },
		{ "-c a=1\\", "a=1|", 0, "" },
		{ "--a=1 -d 5", "a=1|", -1, "-d 5" },
		{ "-c a=1 -c", "a=1|", -1, "-c" },
		{ "-c a=1 -c  ", "a=1|", -1, "-c  " },
		{ "-c a", "", -1, "-c a" },
		{ "-c =1", "", -1, "-c =1" },
		{ "--=1", "", -1, "--=1" },
		{ "--", "", -1, "--" },
		{ "-", "", -1, "-" },
		{ "\\", "", -1, "\\" },
		{ "a=1", "", -1, "a=1" },
		{ " -e", "", -1, "-e" },
	};
	struct buf name = { 0 }, value = { 0 }, found = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t len = strlen(rows[i].text);
		char *block = exact_copy(rows[i].text, len);
		struct span rest = span_of(block, len);
		int end;

		buf_clear(&found);
		while ((end = startup_option(&rest, &name, &value)) == 1) {
			buf_put_span(&found, buf_span(&name));
			buf_put_byte(&found, '=');
			buf_put_span(&found, buf_span(&value));
			buf_put_byte(&found, '|');
		}
		if (end != rows[i].end)
			fail_msg("\"%s\" ended with %d", rows[i].text, end);
		assert_string_equal(buf_text(&found), rows[i].found);
		assert_span(rest, rows[i].rest);
		free(block);
	}
	buf_fini(&name);
	buf_fini(&value);
	buf_fini(&found);
}

static void
options_without_memory_are_an_error(void **state)
{
	unsigned at;

	(void)state;
	for (at = 1; at <= 2; at++) {
		struct buf name = { 0 }, value = { 0 };
		struct span rest = SPAN_LITERAL("-c a=1");

		mem_fail_after(at);
		assert_int_equal(startup_option(&rest, &name, &value), -1);
		assert_true(name.failed || value.failed);
		mem_fail_after(0);
		assert_int_equal(startup_option(&rest, &name, &value), 1);
		buf_fini(&name);
		buf_fini(&value);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(codes_have_kinds_and_lengths),
		UNIT_TEST(lengths_are_judged_from_four_bytes),
		UNIT_TEST(a_hello_is_read_back_and_needs_every_byte),
		UNIT_TEST(a_hello_ends_exactly),
		UNIT_TEST(cancels_carry_pid_and_key),
		UNIT_TEST(options_are_read_as_postgresql_reads_them),
		UNIT_TEST(options_without_memory_are_an_error),
	};

	return cmocka_run_group_tests_name("wire/startup", tests, NULL, NULL);
}
