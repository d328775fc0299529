/* saslprep.c: the examples of RFC 4013, and what PostgreSQL leaves as it is. */
#include "unit/auth/parts.h"

#include "auth/saslprep.h"

static void
becomes(const char *password, const char *prepared)
{
	struct buf out = {0};

	saslprep(span_text(password), &out);
	assert_string_equal(buf_text(&out), prepared);
	buf_fini(&out);
}

static void
rfc_4013_examples(void **state)
{
	(void)state;
	becomes("I\xc2\xadX", "IX");		/* soft hyphen: to nothing */
	becomes("user", "user");
	becomes("USER", "USER");
	becomes("\xc2\xaa", "a");		/* feminine ordinal: NFKC */
	becomes("\xe2\x85\xa8", "IX");		/* roman numeral nine: NFKC */
	becomes("a\xc2\xa0" "b", "a b");	/* no-break space: to a space */
}

static void
what_cannot_be_prepared_stays(void **state)
{
	(void)state;
	becomes("", "");
	becomes("\x07", "\x07");			/* ASCII is left alone */
	becomes("\xd8\xa7" "1", "\xd8\xa7" "1");	/* right to left, then a digit */
	becomes("\xff\xfe", "\xff\xfe");		/* not UTF-8 */
	becomes("caf\xc3", "caf\xc3");			/* cut UTF-8 */
	becomes("\xc3\xa9\x07", "\xc3\xa9\x07");	/* a control character */
	becomes("\xcd\xb8\xc2\xaa", "\xcd\xb8\xc2\xaa");	/* U+0378: unassigned */
	becomes("\xc2\xad", "\xc2\xad");		/* nothing would be left */
}

static void
zero_bytes_stay(void **state)
{
	struct buf out = {0};

	(void)state;
	saslprep(SPAN_LITERAL("\xc2\xaa\0x"), &out);
	assert_int_equal(out.len, 4);
	assert_memory_equal(out.at, "\xc2\xaa\0x", 4);
	buf_fini(&out);
}

static void
the_longest_grows_most(void **state)
{
	char text[SASLPREP_MOST];
	struct buf out = {0};
	size_t len;

	(void)state;
	/* U+FDFA becomes 18 characters of 33 bytes */
	for (len = 0; len + 3 <= SASLPREP_MOST; len += 3)
		memcpy(text + len, "\xef\xb7\xba", 3);
	saslprep(span_of(text, len), &out);
	assert_int_equal(out.len, len * 11);
	buf_fini(&out);
}

static void
the_too_long_stays(void **state)
{
	char text[SASLPREP_MOST + 2];
	struct buf out = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(text); i += 2)
		memcpy(text + i, "\xc2\xaa", 2);
	saslprep(span_of(text, SASLPREP_MOST), &out);
	assert_int_equal(out.len, SASLPREP_MOST / 2);
	buf_clear(&out);
	saslprep(span_of(text, sizeof(text)), &out);
	assert_int_equal(out.len, sizeof(text));
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc_4013_examples),
		cmocka_unit_test(what_cannot_be_prepared_stays),
		cmocka_unit_test(zero_bytes_stay),
		cmocka_unit_test(the_longest_grows_most),
		cmocka_unit_test(the_too_long_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
