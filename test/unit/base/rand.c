/*
 * rand.c - tests of base/rand.h.
 */
#include "unit/unit.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/rand.h"

static void
draws_differ_and_fill(void **state)
{
	static const size_t lengths[] = { 16, 100, 255, 256, 257, 5000 };
	unsigned char a[5001], b[5001];
	size_t i, k, zeros;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		size_t len = lengths[i];

		memset(a, 0, sizeof(a));
		memset(b, 0, sizeof(b));
		rand_bytes(a, len);
		rand_bytes(b, len);
		assert_memory_not_equal(a, b, len);
		assert_int_equal(a[len], 0);
		/* 16 zero bytes in a row by chance: never */
		for (k = zeros = 0; k < len; k++) {
			zeros = a[k] == 0 ? zeros + 1 : 0;
			assert_true(zeros < 16);
		}
	}
	rand_bytes(NULL, 0);
}

static void
no_byte_is_handed_out_twice(void **state)
{
	static uint64_t drawn[400];
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(drawn); i++) {
		rand_bytes(&drawn[i], sizeof(drawn[i]));
		for (k = 0; k < i; k++)
			assert_true(drawn[i] != drawn[k]);
		/* lengths that do not divide the stock */
		rand_bytes(&(char[3]){ 0 }, i % 4);
	}
}

static void
no_wiped_byte_is_handed_out(void **state)
{
	unsigned char drawn[3];
	unsigned i, zeros = 0;

	(void)state;
	for (i = 0; i < 1000; i++) {
		rand_bytes(drawn, sizeof(drawn));
		zeros += drawn[0] == 0;
	}
	assert_true(zeros < 50);
}

static void
a_child_draws_its_own(void **state)
{
	unsigned char mine[16], childs[16], whole[256];
	int pipes[2], status;
	pid_t child;

	(void)state;
	rand_bytes(whole, sizeof(whole));
	rand_bytes(mine, 1);	/* now there is a stock, all but one byte */
	assert_int_equal(pipe(pipes), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		rand_bytes(childs, sizeof(childs));
		_exit(write(pipes[1], childs, sizeof(childs)) == sizeof(childs) ? 0 : 1);
	}
	rand_bytes(mine, sizeof(mine));
	assert_int_equal(read(pipes[0], childs, sizeof(childs)), sizeof(childs));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	close(pipes[0]);
	close(pipes[1]);
	assert_memory_not_equal(mine, childs, sizeof(mine));
}

static void *
draw(void *out)
{
	rand_bytes(out, 16);
	return NULL;
}

static void
threads_draw_their_own(void **state)
{
	unsigned char drawn[3][16];
	pthread_t threads[2];
	int i;

	(void)state;
	rand_seed(5);
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, draw, drawn[i]), 0);
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	draw(drawn[2]);
	rand_seed(0);
	assert_memory_not_equal(drawn[0], drawn[1], 16);
	assert_memory_not_equal(drawn[0], drawn[2], 16);
}

static void
a_seed_repeats_until_it_is_taken_back(void **state)
{
	unsigned char a[40], b[40];
	uint32_t first;

	(void)state;
	rand_seed(7);
	rand_bytes(a, sizeof(a));
	first = rand_u32();
	rand_seed(7);
	rand_bytes(b, sizeof(b));
	assert_memory_equal(a, b, sizeof(a));
	assert_int_equal(rand_u32(), first);
	rand_seed(8);
	rand_bytes(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	rand_seed(0);
	rand_bytes(a, sizeof(a));
	rand_seed(0);
	rand_bytes(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
}

static void
base64_is_rfc_4648(void **state)
{
	/* section 10 */
	static const struct {
		const char	*plain, *coded;
	} rows[] = {
		{ "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t len = strlen(rows[i].plain), coded = strlen(rows[i].coded);
		char *out = malloc(coded + 1);
		char *in = exact_copy(rows[i].coded, coded), *back = malloc(len + 1);

		assert_int_equal(base64_encode(rows[i].plain, len, out), coded);
		assert_string_equal(out, rows[i].coded);
		assert_int_equal(base64_decode(span_of(in, coded), back, len), len);
		assert_memory_equal(back, rows[i].plain, len);
		if (len > 0)
			assert_int_equal(
			    base64_decode(span_of(in, coded), back, len - 1), -1);
		free(out);
		free(in);
		free(back);
	}
}

static void
base64_is_strict(void **state)
{
	static const char *const rows[] = { "Z", "Zg", "Zg=", "Zg==Zg==", "Z===", "====",
		"=g==", "Zh==", "Zm9=", "Zm8 ", " Zm8", "Zm8=\n", "Zm9v\n", "Zm-_",
		"Zm8=Zm9v", "Zm\xc3\xa4" };
	char out[16];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (base64_decode(span_text(rows[i]), out, sizeof(out)) != -1)
			fail_msg("\"%s\" was decoded", rows[i]);
	assert_int_equal(base64_decode(SPAN_LITERAL("Zm\0v"), out, sizeof(out)), -1);
}

static void
all_bytes_survive_both_codings(void **state)
{
	unsigned char all[256], back[256];
	char coded[600];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(all); i++)
		all[i] = (unsigned char)i;
	base64_encode(all, sizeof(all), coded);
	assert_int_equal(
	    base64_decode(span_text(coded), back, sizeof(back)), sizeof(all));
	assert_memory_equal(all, back, sizeof(all));
	hex_encode(all, sizeof(all), coded);
	memset(back, 0, sizeof(back));
	assert_true(hex_decode(span_text(coded), back, sizeof(back)));
	assert_memory_equal(all, back, sizeof(all));
}

static void
hex_has_just_the_right_length(void **state)
{
	char coded[5];
	unsigned char out[2];

	(void)state;
	hex_encode("\xab\x09", 2, coded);
	assert_string_equal(coded, "ab09");
	assert_true(hex_decode(SPAN_LITERAL("AbCd"), out, 2));
	assert_memory_equal(out, "\xab\xcd", 2);
	assert_false(hex_decode(SPAN_LITERAL("abc"), out, 1));
	assert_false(hex_decode(SPAN_LITERAL("ab"), out, 2));
	assert_false(hex_decode(SPAN_LITERAL("abcdef"), out, 2));
	assert_false(hex_decode(SPAN_LITERAL("abcg"), out, 2));
	assert_false(hex_decode(SPAN_LITERAL(" abc"), out, 2));
}

static void
secrets_are_the_same_or_not(void **state)
{
	(void)state;
	assert_true(secret_same("abc", "abd", 2));
	assert_false(secret_same("abc", "abd", 3));
	assert_false(secret_same("\x80", "\0", 1));
	assert_true(secret_same(NULL, NULL, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(draws_differ_and_fill),
		UNIT_TEST(no_byte_is_handed_out_twice),
		UNIT_TEST(no_wiped_byte_is_handed_out),
		UNIT_TEST(a_child_draws_its_own),
		UNIT_TEST(threads_draw_their_own),
		UNIT_TEST(a_seed_repeats_until_it_is_taken_back),
		UNIT_TEST(base64_is_rfc_4648),
		UNIT_TEST(base64_is_strict),
		UNIT_TEST(all_bytes_survive_both_codings),
		UNIT_TEST(hex_has_just_the_right_length),
		UNIT_TEST(secrets_are_the_same_or_not),
	};

	return cmocka_run_group_tests_name("base/rand", tests, NULL, NULL);
}
