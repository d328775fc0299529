/*
 * plain.h - AuthenticationCleartextPassword: does the password the client sent fit what
 * is stored?
 */
#ifndef AUTH_PLAIN_H
#define AUTH_PLAIN_H

#include "auth/secret.h"

/* Most iterations we compute for a stored verifier against a cleartext password. */
#define PLAIN_ITERATIONS_MOST 100000u

/* Does PASSWORD of USER fit S, of whatever kind? An empty secret fits nothing. */
bool plain_fits(const struct secret *s, struct span user, struct span password);

#endif
