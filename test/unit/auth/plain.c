/* plain.c: does a password in clear fit what is stored? */
#include "unit/auth/parts.h"

#include "auth/plain.h"

static void
cleartext_fits_every_kind_but_none(void **state)
{
	(void)state;
	for (enum secret_kind kind = SECRET_NONE; kind <= SECRET_SCRAM; kind++) {
		struct secret s;

		stored(kind, &s);
		assert_int_equal(plain_fits(&s, BOB, SPAN_LITERAL("sesame")),
		    kind != SECRET_NONE);
		assert_false(plain_fits(&s, BOB, SPAN_LITERAL("sesamf")));
		assert_false(plain_fits(&s, BOB, SPAN_LITERAL("sesam")));
		assert_false(plain_fits(&s, BOB, SPAN_LITERAL("sesames")));
		assert_false(plain_fits(&s, BOB, span_of(NULL, 0)));
		/* the stored text itself opens nothing unless it is the password */
		assert_int_equal(plain_fits(&s, BOB, secret_span(&s)),
		    kind == SECRET_PLAIN);
		secret_fini(&s);
	}
}

static void
only_md5_is_salted_with_the_user(void **state)
{
	(void)state;
	for (enum secret_kind kind = SECRET_PLAIN; kind <= SECRET_SCRAM; kind++) {
		struct secret s;

		stored(kind, &s);
		assert_int_equal(plain_fits(&s, SPAN_LITERAL("eve"),
		    SPAN_LITERAL("sesame")), kind != SECRET_MD5);
		secret_fini(&s);
	}
}

static void
costly_verifiers_are_not_computed(void **state)
{
	(void)state;
	for (uint32_t extra = 0; extra <= 1; extra++) {
		struct buf text = {0};
		struct secret s;

		put_verifier(&text, "sesame", SPAN_LITERAL("salt"),
		    PLAIN_ITERATIONS_MOST + extra);
		assert_true(secret_init(&s, buf_span(&text)));
		assert_int_equal(plain_fits(&s, BOB, SPAN_LITERAL("sesame")), extra == 0);
		secret_fini(&s);
		buf_fini(&text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cleartext_fits_every_kind_but_none),
		cmocka_unit_test(only_md5_is_salted_with_the_user),
		cmocka_unit_test(costly_verifiers_are_not_computed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
