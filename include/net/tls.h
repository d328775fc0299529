/*
 * tls.h - TLS contexts made from files: what the configuration says about certificates,
 * made once, shared by all links, replaced as a whole on reload. Thread-safe once made.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "base/err.h"
#include "base/span.h"
#include "net/link.h"

struct tls;

enum tls_verify { TLS_VERIFY_NONE, TLS_VERIFY_IF_GIVEN, TLS_VERIFY_CA, TLS_VERIFY_FULL };

/* All texts may be NULL or "" where the configuration leaves them out. */
struct tls_settings {
	enum link_role	 role;
	enum tls_verify	 verify;
	const char	*ca_file, *cert_file, *key_file;
	const char	*protocols;	/* "secure", "all", "tlsv1.2,tlsv1.3", "!tlsv1.0", ... */
	const char	*ciphers;	/* TLS <= 1.2 list; "default" "secure" "fast" "normal": OpenSSL's */
	const char	*ciphers13;	/* TLS 1.3 suites */
	const char	*curve;		/* "auto", "none" or a name */
	const char	*dheparams;	/* "auto" or "none" */
};

/* Read and check all files. NULL with a text that names the setting and OpenSSL's reason. One hold is the caller's. */
struct tls *tls_new(const struct tls_settings *settings, struct err *e);
struct tls *tls_hold(struct tls *tls);
void tls_drop(struct tls *tls);

/* "OpenSSL 3.0.16 ..." for -V. */
const char *tls_version(void);

#endif
