/*
 * warden.c - who may see metrics: a TLS context, and digests of tokens, which are compared in a
 * time that says nothing about them.
 */
#include "web/warden.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

static bool
is_given(const char *text)
{
	return text != NULL && text[0] != '\0';
}

static bool
refuse(struct err *e, const char *setting, const char *file, const char *why)
{
	return err_set(e, SQLSTATE_CONFIG, "%s \"%s\": %s", setting, file, why);
}

/* --- TLS --- */

/* The first of OpenSSL's reasons, or FALLBACK. */
static const char *
reason(const char *fallback)
{
	unsigned long code = ERR_peek_error();
	const char *text = code != 0 && !ERR_SYSTEM_ERROR(code) ?
	    ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	return text != NULL ? text : fallback;
}

/* Can FILE be read? OpenSSL's own text for that names functions, not files. */
static bool
readable(const char *setting, const char *file, struct err *e)
{
	FILE *f = fopen(file, "re");

	if (f == NULL)
		return refuse(e, setting, file, strerror(errno));
	fclose(f);
	return true;
}

/* There is no terminal to ask for a passphrase. */
static int
no_passphrase(char *out, int cap, int writing, void *arg)
{
	(void)out;
	(void)cap;
	(void)writing;
	(void)arg;
	return -1;
}

static bool
load_pair(SSL_CTX *tls, const char *cert, const char *key, struct err *e)
{
	if (!readable("metrics_tls_cert_file", cert, e) ||
	    !readable("metrics_tls_key_file", key, e))
		return false;
	if (SSL_CTX_use_certificate_chain_file(tls, cert) != 1)
		return refuse(e, "metrics_tls_cert_file", cert, reason("not a certificate"));
	if (SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(tls) != 1)
		return refuse(e, "metrics_tls_key_file", key, reason("not a key"));
	return true;
}

static bool
load_tls(struct warden *w, const struct conf *conf, struct err *e)
{
	const char *cert = conf->metrics_tls_cert_file, *key = conf->metrics_tls_key_file;

	if (is_given(cert) != is_given(key))
		return err_set(e, SQLSTATE_CONFIG,
		    "metrics_tls_cert_file: expected metrics_tls_key_file beside it, and the "
		    "other way round");
	if (!is_given(cert))
		return true;
	ERR_clear_error();
	w->tls = SSL_CTX_new(TLS_server_method());
	if (w->tls == NULL)
		return err_set(e, SQLSTATE_NO_MEMORY, "out of memory");
	SSL_CTX_set_default_passwd_cb(w->tls, no_passphrase);
	SSL_CTX_set_min_proto_version(w->tls, TLS1_2_VERSION);
	SSL_CTX_set_options(w->tls, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_session_cache_mode(w->tls, SSL_SESS_CACHE_OFF);
	return load_pair(w->tls, cert, key, e);
}

/* --- tokens --- */

/* One a line, so that a new one can be valid beside the old. */
static bool
read_tokens(struct warden *w, struct span text, const char *file, struct err *e)
{
	struct span line;

	while (span_cut(&text, "\r\n", &line)) {
		line = span_trim(line);
		if (line.len == 0)
			continue;
		if (w->count == TOKENS_MOST)
			return refuse(e, "metrics_bearer_token_file", file,
			    "expected at most 8 tokens, a line each");
		if (!digest_sha256(line, w->tokens[w->count++]))
			return err_set(e, SQLSTATE_NO_MEMORY, "out of memory");
	}
	/* an empty file would let everybody in */
	return w->count > 0 || refuse(e, "metrics_bearer_token_file", file, "expected a token");
}

static bool
load_tokens(struct warden *w, const struct conf *conf, struct err *e)
{
	const char *file = conf->metrics_bearer_token_file;
	char text[4096];
	size_t len;
	bool good;
	FILE *f;

	if (!is_given(file))
		return true;
	f = fopen(file, "re");
	if (f == NULL)
		return refuse(e, "metrics_bearer_token_file", file, strerror(errno));
	errno = 0;
	len = fread(text, 1, sizeof(text), f);
	if (ferror(f))
		good = refuse(e, "metrics_bearer_token_file", file, strerror(errno));
	else if (len == sizeof(text))
		good = refuse(e, "metrics_bearer_token_file", file,
		    "expected less than 4096 bytes");
	else
		good = read_tokens(w, span_of(text, len), file, e);
	fclose(f);
	mem_wipe(text, sizeof(text));
	return good;
}

bool
warden_load(struct warden *w, const struct conf *conf, struct err *e)
{
	*w = (struct warden){ 0 };
	if (load_tls(w, conf, e) && load_tokens(w, conf, e))
		return true;
	warden_fini(w);
	return false;
}

void
warden_fini(struct warden *w)
{
	SSL_CTX_free(w->tls);
	mem_wipe(w, sizeof(*w));
}

static bool
same(const unsigned char *a, const unsigned char *b)
{
	unsigned differ = 0;

	for (unsigned i = 0; i < DIGEST_SHA256; i++)
		differ |= a[i] ^ b[i];
	return differ == 0;
}

bool
warden_lets_in(const struct warden *w, struct span authorization)
{
	unsigned char digest[DIGEST_SHA256];
	struct span scheme;
	bool found = false;

	if (w->count == 0)
		return true;
	if (!span_cut(&authorization, " ", &scheme) || !span_is_nocase(scheme, "bearer") ||
	    !digest_sha256(span_trim(authorization), digest))
		return false;
	for (unsigned i = 0; i < w->count; i++)
		found |= same(digest, w->tokens[i]);
	return found;
}
