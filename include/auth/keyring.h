/*
 * keyring.h - SCRAM keys that were costly or impossible to compute again, for the whole
 * process: those learnt from a client's proof (they log in to servers that keep the same
 * verifier), and those salted from a plain secret (one PBKDF2 a user and salt, not a
 * login). Found by user, secret text, salt and iterations together, so that a changed
 * secret never finds old keys. Thread-safe; bounded, the longest unused go first; wiped.
 */
#ifndef AUTH_KEYRING_H
#define AUTH_KEYRING_H

#include "auth/secret.h"

#define KEYRING_SALT 16u	/* bytes of the salts we make */

struct keyring;

/* For at most MOST entries (at least 1) of about 200 bytes; NULL: no memory. */
struct keyring *keyring_new(size_t most) MUST_USE;
void keyring_free(struct keyring *k);

/*
 * The salt shown for USER when no verifier brings one: the same for the life of the
 * process whether the user exists or not, and not to be foretold.
 */
bool keyring_salt(const struct keyring *k, struct span user,
    unsigned char out[KEYRING_SALT]);

/* Keys of USER with the stored SECRET under SALT (raw bytes) and ITERATIONS, if known. */
bool keyring_find(struct keyring *k, struct span user, struct span secret,
    struct span salt, uint32_t iterations, struct scram_keys *out);
/* Remember them; without memory they are simply not remembered. */
void keyring_keep(struct keyring *k, struct span user, struct span secret,
    struct span salt, uint32_t iterations, const struct scram_keys *keys);
/* USER's secret is no longer SECRET: wipe what belongs to it. */
void keyring_forget(struct keyring *k, struct span user, struct span secret);
/* How many entries there are. */
size_t keyring_count(struct keyring *k);

#endif
