/*
 * md5.h - AuthenticationMD5Password, both sides: "md5" and md5(md5(password user) salt)
 * in hex (protocol 3, 55.2.1).
 */
#ifndef AUTH_MD5_H
#define AUTH_MD5_H

#include "auth/digest.h"
#include "auth/secret.h"

#define MD5_SALT 4u

/*
 * The answer to SALT for USER from S (none, plain or md5), with a NUL. False: S is a
 * SCRAM verifier, or there is no MD5 in this process.
 */
bool md5_answer(const struct secret *s, struct span user, const char salt[MD5_SALT],
    char out[DIGEST_MD5_TEXT + 1]) MUST_USE;

/* Is ANSWER the right one? */
bool md5_fits(const struct secret *s, struct span user, const char salt[MD5_SALT],
    struct span answer);

#endif
