/*
 * secure.h - TLS for link.c and nobody else: bytes in, bytes out; no socket, no loop.
 */
#ifndef NET_SECURE_H
#define NET_SECURE_H

#include "base/buf.h"
#include "net/tls.h"

struct secure;

enum secure_state { SECURE_OK, SECURE_MORE, SECURE_CLOSED, SECURE_FAILED };

/* A session over CONTEXT (held). HOST: SNI and name to verify, for LINK_CONNECTS. NULL: no memory. */
struct secure *secure_new(struct tls *context, enum link_role role, const char *host);
/* Does not send close_notify; NULL is fine. */
void secure_free(struct secure *s);

/* Hand over LEN bytes from the socket; they must stay until secure_read()/secure_handshake() says MORE. */
void secure_feed(struct secure *s, const char *at, size_t len);
/* Go on with the handshake. What is to be sent is appended to OUT. OK: done. */
enum secure_state secure_handshake(struct secure *s, struct buf *out);
/* Decrypt into AT (CAP bytes), *LEN says how many. OK: call again; MORE: all that was fed is used up; CLOSED: close_notify.
 * What is to be sent (alerts, key updates) is appended to OUT. */
enum secure_state secure_read(struct secure *s, char *at, size_t cap, size_t *len, struct buf *out);
/* Encrypt LEN bytes onto OUT. False: the session is broken. */
bool secure_write(struct secure *s, const void *at, size_t len, struct buf *out);
/* close_notify onto OUT. */
void secure_shutdown(struct secure *s, struct buf *out);

/* Why it FAILED: OpenSSL's reason, a constant or living in S. */
const char *secure_why(const struct secure *s);
const char *secure_text(const struct secure *s, char *out);
struct span secure_alpn(const struct secure *s);
/* As link_has_cert(), link_cert_has(), link_binding(). */
bool secure_has_cert(const struct secure *s);
bool secure_cert_has(const struct secure *s, bool (*fn)(void *arg, struct span name), void *arg);
struct span secure_binding(const struct secure *s, unsigned char out[LINK_BINDING_MOST]);

#endif
