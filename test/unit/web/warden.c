/*
 * warden.c - tests of web/warden.h: who is let in by a token, and which files are refused.
 */
#include "unit/unit.h"

#include <stdio.h>
#include <unistd.h>

#include "web/warden.h"

static char path[] = "/tmp/warden-XXXXXX";

static void
write_file(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static bool
load(struct warden *w, const char *text, struct err *e)
{
	struct conf conf = { .metrics_bearer_token_file = path, .metrics_tls_cert_file = "",
		.metrics_tls_key_file = "" };

	write_file(text);
	return warden_load(w, &conf, e);
}

static bool
lets_in(const struct warden *w, const char *authorization)
{
	return warden_lets_in(w, span_text(authorization));
}

static void
one_of_the_tokens_opens(void **state)
{
	struct warden w;
	struct err e;

	(void)state;
	assert_true(load(&w, "sesame\n\n  new one \n", &e));
	assert_true(lets_in(&w, "Bearer sesame"));
	assert_true(lets_in(&w, "bearer  sesame "));
	assert_true(lets_in(&w, "Bearer new one"));
	assert_false(lets_in(&w, "Bearer Sesame"));
	assert_false(lets_in(&w, "Bearer sesam"));
	assert_false(lets_in(&w, "Bearer"));
	assert_false(lets_in(&w, "Bearer "));
	assert_false(lets_in(&w, "Basic sesame"));
	assert_false(lets_in(&w, "sesame"));
	assert_false(lets_in(&w, ""));
	warden_fini(&w);
}

static void
without_tokens_everybody_is_let_in(void **state)
{
	struct conf conf = { .metrics_bearer_token_file = "", .metrics_tls_cert_file = "",
		.metrics_tls_key_file = NULL };
	struct warden w;
	struct err e;

	(void)state;
	assert_true(warden_load(&w, &conf, &e));
	assert_true(lets_in(&w, ""));
	warden_fini(&w);
}

static void
a_file_that_says_nothing_is_refused(void **state)
{
	struct conf conf = { .metrics_tls_cert_file = path };
	struct warden w;
	struct err e;
	char many[64] = "";

	(void)state;
	assert_false(load(&w, "\n \n", &e));
	assert_non_null(strstr(e.text, "expected a token"));
	for (unsigned i = 0; i <= TOKENS_MOST; i++)
		strcat(many, "a\n");
	assert_false(load(&w, many, &e));
	assert_non_null(strstr(e.text, "at most 8"));
	assert_int_equal(w.count, 0);
	assert_false(warden_load(&w, &conf, &e));
	assert_non_null(strstr(e.text, "metrics_tls_key_file"));
	conf.metrics_tls_key_file = path;
	assert_false(warden_load(&w, &conf, &e));
	assert_null(w.tls);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(one_of_the_tokens_opens),
		UNIT_TEST(without_tokens_everybody_is_let_in),
		UNIT_TEST(a_file_that_says_nothing_is_refused),
	};
	int fd = mkstemp(path), failed;

	if (fd < 0)
		return 1;
	close(fd);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}
