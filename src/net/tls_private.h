/*
 * tls_private.h - what secure.c knows of a TLS context beyond net/tls.h.
 */
#ifndef NET_TLS_PRIVATE_H
#define NET_TLS_PRIVATE_H

#include <openssl/ssl.h>

#include "net/tls.h"

/* Who a session belongs to; its address is the session's SSL app data. */
struct tls_user {
	struct tls	*tls;		/* held */
	char		*host;		/* owned; name for SNI and the certificate, or NULL */
};

SSL_CTX *tls_context(const struct tls *tls);
enum tls_verify tls_verifies(const struct tls *tls);

/* Let SSL continue the last session with USER's host, if there was one (LINK_CONNECTS). */
void tls_offer_session(const struct tls_user *user, SSL *ssl);

/* The first reason of this thread's OpenSSL errors, which are forgotten; FALLBACK if there is none. Constant. */
const char *tls_reason(const char *fallback);

#endif
