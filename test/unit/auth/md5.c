/* md5.c: the challenge from both ends. */
#include "unit/auth/parts.h"

#include "auth/md5.h"

static void
md5_answers_fit(void **state)
{
	static const char salt[MD5_SALT] = { 1, 0, (char)0xff, 4 };
	char answer[DIGEST_MD5_TEXT + 1], other[DIGEST_MD5_TEXT + 1];
	struct secret plain, md5, scram, none;

	(void)state;
	stored(SECRET_PLAIN, &plain);
	stored(SECRET_MD5, &md5);
	stored(SECRET_SCRAM, &scram);
	stored(SECRET_NONE, &none);
	assert_true(md5_answer(&plain, BOB, salt, answer));
	assert_true(md5_answer(&md5, BOB, salt, other));
	assert_string_equal(answer, other);
	assert_string_equal(answer, "md56ee9f0de136b6413cf3b96e4c6eb0f54");
	assert_true(md5_fits(&plain, BOB, salt, span_text(answer)));
	assert_true(md5_fits(&md5, BOB, salt, span_text(answer)));
	assert_false(md5_fits(&plain, SPAN_LITERAL("eve"), salt, span_text(answer)));
	assert_false(md5_fits(&md5, BOB, "\1\0\xff\5", span_text(answer)));
	assert_false(md5_answer(&scram, BOB, salt, other));
	assert_false(md5_fits(&scram, BOB, salt, span_text(answer)));

	/* nothing known answers for the empty password, but nothing fits it */
	assert_true(md5_answer(&none, BOB, salt, other));
	assert_false(md5_fits(&none, BOB, salt, span_text(other)));

	for (size_t i = 0; i < DIGEST_MD5_TEXT; i++) {
		assert_false(md5_fits(&md5, BOB, salt, span_of(answer, i)));
		answer[i] ^= 1;
		assert_false(md5_fits(&md5, BOB, salt, span_text(answer)));
		answer[i] ^= 1;
	}
	secret_fini(&plain);
	secret_fini(&md5);
	secret_fini(&scram);
	secret_fini(&none);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(md5_answers_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
