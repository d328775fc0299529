/*
 * record.h - TLS 1.3 records of a session whose handshake is done (RFC 8446, 5), for the
 * accepting side. What OpenSSL keeps for a session after its handshake is 14 kB; this is
 * a fifth of that, and encrypts straight into the caller's buf.
 */
#ifndef NET_RECORD_H
#define NET_RECORD_H

#include "base/buf.h"
#include "net/secure.h"
#include "net/tls_private.h"

struct record;

/* Go on after a handshake that agreed on CIPHER and SECRETS (copied). NULL: no memory, or
 * a suite not known here. */
struct record *record_new(const SSL_CIPHER *cipher, const struct tls_secrets *secrets);
/* NULL is fine. Secrets are wiped. */
void record_free(struct record *r);

/* As secure_read(), secure_write(), secure_shutdown(). What is read is taken off IN. */
enum secure_state record_read(struct record *r, struct span *in, char *at, size_t cap,
    size_t *len, struct buf *out);
bool record_write(struct record *r, const void *at, size_t len, struct buf *out);
void record_shutdown(struct record *r, struct buf *out);

/* Why it FAILED, constant. */
const char *record_why(const struct record *r);
/* Name of the suite, constant. */
const char *record_suite(const struct record *r);

#endif
