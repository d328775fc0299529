/*
 * cert.h - who a client may be by its TLS certificate.
 */
#ifndef AUTH_CERT_H
#define AUTH_CERT_H

#include "base/span.h"

struct hba;
struct link;

/*
 * May whoever has shown the certificate on LINK log in as USER? By MAP of HBA, if there is
 * one, a name in the certificate must be mapped to USER; else one must be USER, byte for
 * byte, or a wildcard for it as in host names ("*.example.com"). No verified certificate,
 * or a zero byte in any of its names: no.
 */
bool cert_allows(const struct link *link, const struct hba *hba, const char *map,
    struct span user);
/* Does NAME, of a certificate, stand for USER? */
bool cert_name_fits(struct span name, struct span user);

#endif
