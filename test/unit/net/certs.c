/*
 * certs.c - certificates for tests, made with OpenSSL in a temporary folder.
 */
#include "unit/net/certs.h"

#include <dirent.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit/unit.h"

#define DAY (24 * 60 * 60L)

static char folder[64];
static long serial;

void
certs_begin(void)
{
	snprintf(folder, sizeof(folder), "/tmp/pgweir-certs-XXXXXX");
	assert_non_null(mkdtemp(folder));
}

const char *
certs_path(const char *file)
{
	static char paths[8][512];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, file);
	return path;
}

static FILE *
open_file(const char *name, const char *extension, const char *mode)
{
	char file[96];
	FILE *f;

	snprintf(file, sizeof(file), "%s%s", name, extension);
	f = fopen(certs_path(file), mode);
	assert_non_null(f);
	return f;
}

void
certs_write(const char *file, const char *text)
{
	FILE *f = open_file(file, "", "w");

	fputs(text, f);
	fclose(f);
}

static void
add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	assert_non_null(extension);
	X509_add_ext(cert, extension, -1);
	X509_EXTENSION_free(extension);
}

void
certs_make(const struct cert_wish *wish)
{
	EVP_PKEY *key = EVP_EC_gen("P-256"), *signer = key;
	X509 *cert = X509_new(), *issuer = cert;
	FILE *f;

	if (wish->issuer != NULL) {
		f = open_file(wish->issuer, ".crt", "r");
		issuer = PEM_read_X509(f, NULL, NULL, NULL);
		fclose(f);
		f = open_file(wish->issuer, ".key", "r");
		signer = PEM_read_PrivateKey(f, NULL, NULL, NULL);
		fclose(f);
	}
	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(cert), -2 * DAY);
	X509_gmtime_adj(X509_getm_notAfter(cert), wish->expired ? -DAY : DAY);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8,
	    (const unsigned char *)wish->common_name, -1, -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(issuer));
	X509_set_pubkey(cert, key);
	add_extension(cert, issuer, NID_basic_constraints,
	    wish->ca ? "critical,CA:TRUE" : "CA:FALSE");
	if (wish->names != NULL)
		add_extension(cert, issuer, NID_subject_alt_name, wish->names);
	assert_true(X509_sign(cert, signer, EVP_sha256()) > 0);

	f = open_file(wish->file, ".crt", "w");
	PEM_write_X509(f, cert);
	fclose(f);
	f = open_file(wish->file, ".key", "w");
	fchmod(fileno(f), 0600);
	PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	fclose(f);

	if (wish->issuer != NULL) {
		X509_free(issuer);
		EVP_PKEY_free(signer);
	}
	X509_free(cert);
	EVP_PKEY_free(key);
}

void
certs_end(void)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			unlink(certs_path(entry->d_name));
	closedir(dir);
	rmdir(folder);
}
