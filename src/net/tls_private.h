/*
 * tls_private.h - what secure.c knows of a TLS context beyond net/tls.h.
 */
#ifndef NET_TLS_PRIVATE_H
#define NET_TLS_PRIVATE_H

#include <openssl/ssl.h>

#include "net/tls.h"

/* The longest secret of a TLS 1.3 suite: a SHA-384. */
#define SECRET_MOST 48

/* What an accepting side learns in a TLS 1.3 handshake (RFC 8446, 7.1), for record.c. */
struct tls_secrets {
	size_t		 client_len, server_len;	/* 0: not known */
	unsigned char	 client[SECRET_MOST], server[SECRET_MOST];
	uint64_t	 sent;		/* records sent under the server's */
};

/* Who a session belongs to; its address is the session's SSL app data. */
struct tls_user {
	struct tls	*tls;		/* held */
	char		*host;		/* owned; for SNI and the certificate, or NULL */
	struct tls_secrets *secrets;	/* owned; LINK_ACCEPTS, during the handshake */
};

SSL_CTX *tls_context(const struct tls *tls);
enum tls_verify tls_verifies(const struct tls *tls);

/* Let SSL continue the last session with USER's host, if any (LINK_CONNECTS). */
void tls_offer_session(const struct tls_user *user, SSL *ssl);

/* The first of this thread's OpenSSL errors (forgotten then), or FALLBACK. Constant. */
const char *tls_reason(const char *fallback);

#endif
