/*
 * expiry.c - until when the certificates in force are good: read when a configuration is put in
 * force, as the certificates themselves are.
 */
#include "web/expiry.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <time.h>

/* A CA file may keep old ones beside the new: it is of use as long as one of them is. */
static const struct {
	const char	*setting;
	bool		 last;		/* the last that ends counts, not the first */
	size_t		 at;		/* of the file's name in struct conf */
} files[EXPIRIES_MOST] = {
	{ "client_tls_cert_file", false, offsetof(struct conf, client_tls_cert_file) },
	{ "client_tls_ca_file", true, offsetof(struct conf, client_tls_ca_file) },
	{ "server_tls_cert_file", false, offsetof(struct conf, server_tls_cert_file) },
	{ "server_tls_ca_file", true, offsetof(struct conf, server_tls_ca_file) },
	{ "metrics_tls_cert_file", false, offsetof(struct conf, metrics_tls_cert_file) },
};

/* Unix time; 0: it has none that we understand. */
static uint64_t
time_of(const X509 *cert)
{
	struct tm tm;
	time_t at;

	if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) != 1)
		return 0;
	at = timegm(&tm);
	return at > 0 ? (uint64_t)at : 0;
}

/* Of FILE; 0: there is no certificate in it. */
static uint64_t
read_file(const char *file, bool last)
{
	BIO *in = BIO_new_file(file, "r");
	uint64_t found = 0;
	X509 *cert;

	while (in != NULL && (cert = PEM_read_bio_X509_AUX(in, NULL, NULL, NULL)) != NULL) {
		uint64_t at = time_of(cert);

		if (at > 0 && (found == 0 || (last ? at > found : at < found)))
			found = at;
		X509_free(cert);
	}
	BIO_free(in);
	ERR_clear_error();
	return found;
}

void
expiries_read(struct expiries *x, const struct conf *conf)
{
	x->count = 0;
	for (unsigned i = 0; i < EXPIRIES_MOST; i++) {
		const char *file = *(const char *const *)(const void *)
		    ((const char *)conf + files[i].at);
		uint64_t at = file != NULL && file[0] != '\0' ?
		    read_file(file, files[i].last) : 0;

		if (at > 0)
			x->each[x->count++] = (struct expiry){ files[i].setting, file, at };
	}
}

void
expiries_write(const struct expiries *x, struct exposition *out)
{
	struct span name = SPAN_LITERAL(EXPIRY_NAME);

	exposition_family(out, name, FAMILY_GAUGE, EXPIRY_TEXT);
	for (unsigned i = 0; i < x->count; i++) {
		struct buf labels = { 0 };

		label_put(&labels, "file", x->each[i].file);
		label_put(&labels, "setting", x->each[i].setting);
		exposition_number(out, name, buf_span(&labels), x->each[i].at);
		out->out->failed |= labels.failed;
		buf_fini(&labels);
	}
}
