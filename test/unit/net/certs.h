/*
 * certs.h - certificates for tests: a folder of files that lives as long as the test.
 */
#ifndef UNIT_NET_CERTS_H
#define UNIT_NET_CERTS_H

#include <stdbool.h>

struct cert_wish {
	const char	*file;		/* NAME.crt and NAME.key in the folder */
	const char	*common_name;
	const char	*names;		/* subjectAltName, "DNS:a,IP:::1", or NULL */
	const char	*issuer;	/* NAME of the CA, or NULL: itself */
	bool		 ca;
	bool		 expired;	/* since yesterday */
};

/* Make the folder; fails the test if it cannot. */
void certs_begin(void);
/* Make a P-256 key and a certificate. */
void certs_make(const struct cert_wish *wish);
/* The path of FILE in the folder; good for the next seven calls. */
const char *certs_path(const char *file);
/* Write TEXT into FILE. */
void certs_write(const char *file, const char *text);
/* Remove the folder and all that is in it. */
void certs_end(void);

#endif
