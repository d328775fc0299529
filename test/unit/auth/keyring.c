/* keyring.c: found by the whole name only, bounded, forgotten, thread-safe. */
#include "unit/auth/parts.h"

#include <pthread.h>

#define SALT SPAN_LITERAL("salt")

static struct scram_keys
some_keys(unsigned seed)
{
	struct scram_keys keys;

	memset(keys.client, (int)(seed & 0xff), sizeof(keys.client));
	memset(keys.server, (int)(~seed & 0xff), sizeof(keys.server));
	return keys;
}

static bool
finds(struct keyring *k, const char *user, const char *secret, struct span salt,
    uint32_t iterations, unsigned seed)
{
	struct scram_keys keys, expected = some_keys(seed);

	return keyring_find(k, span_text(user), span_text(secret), salt, iterations,
	    &keys) && memcmp(&keys, &expected, sizeof(keys)) == 0;
}

static void
keeps(struct keyring *k, const char *user, const char *secret, struct span salt,
    uint32_t iterations, unsigned seed)
{
	struct scram_keys keys = some_keys(seed);

	keyring_keep(k, span_text(user), span_text(secret), salt, iterations, &keys);
}

static void
found_by_the_whole_name_only(void **state)
{
	struct keyring *k = keyring_new(100);

	(void)state;
	keeps(k, "bob", "sesame", SALT, 4096, 1);
	assert_true(finds(k, "bob", "sesame", SALT, 4096, 1));
	assert_false(finds(k, "bo", "bsesame", SALT, 4096, 1));
	assert_false(finds(k, "eve", "sesame", SALT, 4096, 1));
	assert_false(finds(k, "bob", "changed", SALT, 4096, 1));
	assert_false(finds(k, "bob", "sesame", SPAN_LITERAL("sal"), 4096, 1));
	assert_false(finds(k, "bob", "sesame", SALT, 4097, 1));
	keeps(k, "bob", "sesame", SALT, 4096, 2);
	assert_true(finds(k, "bob", "sesame", SALT, 4096, 2));
	assert_int_equal(keyring_count(k), 1);
	keyring_free(k);
}

static void
the_longest_unused_goes_first(void **state)
{
	struct keyring *k = keyring_new(2);

	(void)state;
	keeps(k, "a", "x", SALT, 1, 1);
	keeps(k, "b", "x", SALT, 1, 2);
	assert_true(finds(k, "a", "x", SALT, 1, 1));
	keeps(k, "c", "x", SALT, 1, 3);
	assert_int_equal(keyring_count(k), 2);
	assert_true(finds(k, "a", "x", SALT, 1, 1));
	assert_false(finds(k, "b", "x", SALT, 1, 2));
	assert_true(finds(k, "c", "x", SALT, 1, 3));
	keyring_free(k);
}

static void
a_changed_secret_takes_all_its_keys_along(void **state)
{
	struct keyring *k = keyring_new(100);

	(void)state;
	keeps(k, "bob", "old", SALT, 1, 1);
	keeps(k, "bob", "old", SALT, 2, 2);
	keeps(k, "bob", "new", SALT, 1, 3);
	keeps(k, "eve", "old", SALT, 1, 4);
	keyring_forget(k, SPAN_LITERAL("bob"), SPAN_LITERAL("old"));
	assert_int_equal(keyring_count(k), 2);
	assert_false(finds(k, "bob", "old", SALT, 1, 1));
	assert_false(finds(k, "bob", "old", SALT, 2, 2));
	assert_true(finds(k, "bob", "new", SALT, 1, 3));
	assert_true(finds(k, "eve", "old", SALT, 1, 4));
	keyring_forget(k, SPAN_LITERAL("bob"), SPAN_LITERAL("never there"));
	assert_int_equal(keyring_count(k), 2);
	keyring_free(k);
}

static void
salts_are_stable_and_the_users_own(void **state)
{
	unsigned char one[KEYRING_SALT], two[KEYRING_SALT], other[KEYRING_SALT];
	struct keyring *k = keyring_new(1), *next = keyring_new(1);

	(void)state;
	assert_true(keyring_salt(k, SPAN_LITERAL("bob"), one));
	assert_true(keyring_salt(k, SPAN_LITERAL("bob"), two));
	assert_memory_equal(one, two, KEYRING_SALT);
	assert_true(keyring_salt(k, SPAN_LITERAL("eve"), other));
	assert_memory_not_equal(one, other, KEYRING_SALT);
	assert_true(keyring_salt(next, SPAN_LITERAL("bob"), other));
	assert_memory_not_equal(one, other, KEYRING_SALT);
	keyring_free(k);
	keyring_free(next);
}

#define THREADS 4
#define TURNS 2000
#define NAMES 8

struct hammer {
	struct keyring	*k;
	unsigned	 seed;
	unsigned	 wrong;		/* answers that are nobody's */
};

static void *
hammer(void *arg)
{
	struct hammer *h = arg;

	for (unsigned turn = 0; turn < TURNS; turn++) {
		unsigned pick = (h->seed * 7919 + turn * 31) % NAMES;
		char user[2] = { (char)('a' + pick), '\0' };
		struct scram_keys keys, expected = some_keys(pick);

		if (keyring_find(h->k, span_text(user), span_text("x"), SALT, 1, &keys) &&
		    memcmp(&keys, &expected, sizeof(keys)) != 0)
			h->wrong++;
		keyring_keep(h->k, span_text(user), span_text("x"), SALT, 1, &expected);
		if (turn % 16 == h->seed)
			keyring_forget(h->k, span_text(user), span_text("x"));
		if (keyring_count(h->k) > NAMES / 2)
			h->wrong++;
	}
	return NULL;
}

static void
threads_share_it(void **state)
{
	struct keyring *k = keyring_new(NAMES / 2);
	struct hammer hammers[THREADS];
	pthread_t threads[THREADS];

	(void)state;
	for (unsigned i = 0; i < THREADS; i++) {
		hammers[i] = (struct hammer){ .k = k, .seed = i };
		assert_int_equal(pthread_create(&threads[i], NULL, hammer, &hammers[i]),
		    0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(hammers[i].wrong, 0);
	}
	keyring_free(k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(found_by_the_whole_name_only),
		cmocka_unit_test(the_longest_unused_goes_first),
		cmocka_unit_test(a_changed_secret_takes_all_its_keys_along),
		cmocka_unit_test(salts_are_stable_and_the_users_own),
		cmocka_unit_test(threads_share_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
