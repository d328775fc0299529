/* digest.c against vectors of RFC 4231, RFC 7914 and the MD5 of PostgreSQL's manual. */
#include "unit/auth/parts.h"

#include "auth/digest.h"

static void
is_hex(const unsigned char *sum, const char *hex)
{
	char text[65];

	hex_encode(sum, 32, text);
	assert_string_equal(text, hex);
}

static void
sha256_of_nothing_and_abc(void **state)
{
	unsigned char sum[DIGEST_SHA256];

	(void)state;
	assert_true(digest_sha256(span_of(NULL, 0), sum));
	is_hex(sum, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_true(digest_sha256(SPAN_LITERAL("abc"), sum));
	is_hex(sum, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void
hmac_joins_its_parts(void **state)
{
	struct span parts[] = { SPAN_LITERAL("what do ya "), span_of(NULL, 0),
		SPAN_LITERAL("want for nothing?") };
	unsigned char sum[DIGEST_SHA256];

	(void)state;
	assert_true(digest_hmac(SPAN_LITERAL("Jefe"), parts, 3, sum));
	is_hex(sum, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

static void
hmac_hashes_a_long_key(void **state)
{
	struct span text = SPAN_LITERAL(
	    "Test Using Larger Than Block-Size Key - Hash Key First");
	unsigned char key[131], sum[DIGEST_SHA256];

	(void)state;
	memset(key, 0xaa, sizeof(key));
	assert_true(digest_hmac(span_of(key, sizeof(key)), &text, 1, sum));
	is_hex(sum, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void
pbkdf2_knows_its_vectors(void **state)
{
	unsigned char sum[DIGEST_SHA256];

	(void)state;
	assert_true(digest_pbkdf2(SPAN_LITERAL("passwd"), SPAN_LITERAL("salt"), 1, sum));
	is_hex(sum, "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc");
	assert_true(digest_pbkdf2(SPAN_LITERAL("password"), SPAN_LITERAL("salt"), 4096,
	    sum));
	is_hex(sum, "c5e478d59288c841aa530db6845c4c8d962893a001ce4e11a4963873aa98134a");
}

static void
pbkdf2_takes_empty_parts_but_no_mad_counts(void **state)
{
	unsigned char sum[DIGEST_SHA256];

	(void)state;
	assert_true(digest_pbkdf2(span_of(NULL, 0), span_of(NULL, 0), 1, sum));
	assert_false(digest_pbkdf2(span_of(NULL, 0), span_of(NULL, 0), 0, sum));
	assert_false(digest_pbkdf2(span_of(NULL, 0), span_of(NULL, 0), 0x80000000u, sum));
	assert_false(digest_pbkdf2(span_of("", SIZE_MAX), span_of(NULL, 0), 1, sum));
}

static void
md5_is_written_as_postgresql_stores_it(void **state)
{
	char text[DIGEST_MD5_TEXT + 1];

	(void)state;
	assert_true(digest_md5_text(SPAN_LITERAL("postgres"), SPAN_LITERAL("postgres"),
	    text));
	assert_string_equal(text, "md53175bce1d3201d16594cebf9d7eb3f9d");
	assert_true(digest_md5_text(span_of(NULL, 0), span_of(NULL, 0), text));
	assert_string_equal(text, "md5d41d8cd98f00b204e9800998ecf8427e");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256_of_nothing_and_abc),
		cmocka_unit_test(hmac_joins_its_parts),
		cmocka_unit_test(hmac_hashes_a_long_key),
		cmocka_unit_test(pbkdf2_knows_its_vectors),
		cmocka_unit_test(pbkdf2_takes_empty_parts_but_no_mad_counts),
		cmocka_unit_test(md5_is_written_as_postgresql_stores_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
