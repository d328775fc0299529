/*
 * certificate.h - what a certificate says: the names in it, and its hash for channel
 * binding. Whether it is to be believed is OpenSSL's to verify.
 */
#ifndef NET_CERTIFICATE_H
#define NET_CERTIFICATE_H

#include <openssl/x509.h>

#include "base/span.h"

/*
 * Is there a name in CERT that FN says true to? Common name (if there is just one),
 * dNSNames, iPAddresses as text. None if any of them has a zero byte.
 */
bool certificate_has(X509 *cert, bool (*fn)(void *arg, struct span name), void *arg);

/* tls-server-end-point (RFC 5929, 4.1) into OUT (EVP_MAX_MD_SIZE bytes); its length, 0 if
 * the certificate's signature has no hash of its own. */
size_t certificate_hash(X509 *cert, unsigned char *out);

#endif
