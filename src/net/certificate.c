/*
 * certificate.c - names and hash of a certificate, by OpenSSL.
 */
#include "net/certificate.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

/* Who asks about names. */
struct asker {
	bool	(*fn)(void *arg, struct span name);
	void	*arg;
};

/* --- names --- */

/* The only common name, or NULL. */
static const ASN1_STRING *
common_name(X509 *cert)
{
	X509_NAME *subject = X509_get_subject_name(cert);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);

	if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
		return NULL;
	return X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
}

static bool
ask_common_name(X509 *cert, const struct asker *asker)
{
	const ASN1_STRING *name = common_name(cert);
	unsigned char *text = NULL;
	int len = name != NULL ? ASN1_STRING_to_UTF8(&text, name) : -1;
	bool yes = len > 0 && asker->fn(asker->arg, span_of((char *)text, (size_t)len));

	OPENSSL_free(text);
	return yes;
}

static bool
ask_address(const ASN1_OCTET_STRING *ip, const struct asker *asker)
{
	const unsigned char *at = ASN1_STRING_get0_data(ip);
	int len = ASN1_STRING_length(ip);
	char text[INET6_ADDRSTRLEN];

	if ((len != 4 && len != 16) ||
	    inet_ntop(len == 4 ? AF_INET : AF_INET6, at, text, sizeof(text)) == NULL)
		return false;
	return asker->fn(asker->arg, span_text(text));
}

static bool
ask_other_names(const GENERAL_NAMES *names, const struct asker *asker)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		struct span text;

		if (name->type == GEN_IPADD && ask_address(name->d.iPAddress, asker))
			return true;
		if (name->type != GEN_DNS)
			continue;
		text = span_of((const char *)ASN1_STRING_get0_data(name->d.dNSName),
		    (size_t)ASN1_STRING_length(name->d.dNSName));
		if (text.len > 0 && asker->fn(asker->arg, text))
			return true;
	}
	return false;
}

static bool
has_zero(void *arg, struct span name)
{
	(void)arg;
	return memchr(name.at, '\0', name.len) != NULL;
}

bool
certificate_has(X509 *cert, bool (*fn)(void *arg, struct span name), void *arg)
{
	const struct asker zero = { has_zero, NULL }, asker = { fn, arg };
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	bool yes;

	/* a name that reads differently to whoever stops at the zero byte */
	yes = !ask_common_name(cert, &zero) && !ask_other_names(names, &zero) &&
	    (ask_common_name(cert, &asker) || ask_other_names(names, &asker));
	GENERAL_NAMES_free(names);
	ERR_clear_error();
	return yes;
}

/* --- the hash --- */

size_t
certificate_hash(X509 *cert, unsigned char *out)
{
	int hash = NID_undef;
	const EVP_MD *md;
	unsigned len = 0;

	if (X509_get_signature_info(cert, &hash, NULL, NULL, NULL) != 1)
		hash = NID_undef;
	if (hash == NID_md5 || hash == NID_sha1)
		hash = NID_sha256;
	md = hash != NID_undef ? EVP_get_digestbynid(hash) : NULL;
	if (md == NULL || X509_digest(cert, md, out, &len) != 1)
		len = 0;
	ERR_clear_error();
	return len;
}
