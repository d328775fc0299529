/*
 * tls.c - TLS contexts from files. What may be configured is checked here, once; the
 * sessions that use a context are secure.c's. A context does not change after tls_new()
 * but for the tickets it has got, which have a lock.
 */
#include "net/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "net/tickets.h"
#include "net/tls_private.h"

/* A longer list of CA names is not sent: it would be a system's whole bundle. */
#define CA_NAMES_MOST 32

struct tls {
	SSL_CTX		*ctx;		/* owned */
	enum link_role	 role;
	enum tls_verify	 verify;
	atomic_uint	 holds;
	struct tickets	 tickets;	/* LINK_CONNECTS */
};

static bool set_protocols(struct tls *tls, const struct tls_settings *set, struct err *e);
static bool set_ciphers(struct tls *tls, const struct tls_settings *set, struct err *e);
static bool set_groups(struct tls *tls, const struct tls_settings *set, struct err *e);
static bool load_own(struct tls *tls, const struct tls_settings *set, struct err *e);
static bool load_ca(struct tls *tls, const struct tls_settings *set, struct err *e);
static void complete_chain(struct tls *tls);
static void set_alpn(struct tls *tls);
static void set_hooks(struct tls *tls);

/* Passphrases would be asked for on a terminal; a pooler has none. */
static int
no_passphrase(char *out, int cap, int writing, void *arg)
{
	(void)out;
	(void)cap;
	(void)writing;
	(void)arg;
	return -1;
}

struct tls *
tls_new(const struct tls_settings *settings, struct err *e)
{
	struct tls *tls = mem_new(sizeof(*tls));

	ERR_clear_error();
	if (tls == NULL) {
		err_set(e, SQLSTATE_NO_MEMORY,
		    "cannot make a TLS context: out of memory");
		return NULL;
	}
	atomic_init(&tls->holds, 1);
	tickets_init(&tls->tickets);
	tls->role = settings->role;
	tls->verify = settings->verify;
	tls->ctx = SSL_CTX_new(
	    tls->role == LINK_ACCEPTS ? TLS_server_method() : TLS_client_method());
	if (tls->ctx == NULL) {
		err_set(e, SQLSTATE_CONFIG, "cannot make a TLS context: %s",
		    tls_reason("out of memory"));
		tls_drop(tls);
		return NULL;
	}
	SSL_CTX_set_default_passwd_cb(tls->ctx, no_passphrase);
	/* idle sessions give their buffers back; a caller's may move between calls */
	SSL_CTX_set_mode(tls->ctx, SSL_MODE_RELEASE_BUFFERS |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_options(tls->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	if (!set_protocols(tls, settings, e) || !set_ciphers(tls, settings, e) ||
	    !set_groups(tls, settings, e) || !load_own(tls, settings, e) ||
	    !load_ca(tls, settings, e)) {
		tls_drop(tls);
		ERR_clear_error();
		return NULL;
	}
	complete_chain(tls);
	set_alpn(tls);
	set_hooks(tls);
	ERR_clear_error();
	return tls;
}

struct tls *
tls_hold(struct tls *tls)
{
	atomic_fetch_add(&tls->holds, 1);
	return tls;
}

void
tls_drop(struct tls *tls)
{
	if (tls == NULL || atomic_fetch_sub(&tls->holds, 1) > 1)
		return;
	tickets_fini(&tls->tickets);
	SSL_CTX_free(tls->ctx);
	mem_free(tls);
}

const char *
tls_version(void)
{
	return OpenSSL_version(OPENSSL_VERSION);
}

SSL_CTX *
tls_context(const struct tls *tls)
{
	return tls->ctx;
}

enum tls_verify
tls_verifies(const struct tls *tls)
{
	return tls->verify;
}

/* --- settings --- */

static bool
is_set(const char *text)
{
	return text != NULL && text[0] != '\0';
}

/* Fill E with what is wrong with the setting WHICH ("cert_file") of VALUE. */
static bool
refuse(const struct tls *tls, const char *which, const char *value, const char *why,
    struct err *e)
{
	return err_set(e, SQLSTATE_CONFIG, "%s_%s \"%s\": %s",
	    tls->role == LINK_ACCEPTS ? "client_tls" : "server_tls", which, value, why);
}

const char *
tls_reason(const char *fallback)
{
	unsigned long code = ERR_peek_error();
	const char *text = NULL;

	if (code != 0)
		text = ERR_SYSTEM_ERROR(code) ? strerror(ERR_GET_REASON(code)) :
		    ERR_reason_error_string(code);
	ERR_clear_error();
	return text != NULL ? text : fallback;
}

#define VERSION_1_0 1u
#define VERSION_1_1 2u
#define VERSION_1_2 4u
#define VERSION_1_3 8u
#define VERSION_ALL 15u

/* The versions that WORD stands for, 0 if it is none. */
static unsigned
versions_of(struct span word)
{
	static const struct {
		const char	*word;
		unsigned	 versions;
	} words[] = {
		{ "all", VERSION_ALL },
		{ "tlsv1", VERSION_ALL },
		{ "tlsv1.0", VERSION_1_0 },
		{ "tlsv1.1", VERSION_1_1 },
		{ "tlsv1.2", VERSION_1_2 },
		{ "tlsv1.3", VERSION_1_3 },
		{ "secure", VERSION_1_2 | VERSION_1_3 },
		{ "default", VERSION_1_2 | VERSION_1_3 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (span_is_nocase(word, words[i].word))
			return words[i].versions;
	return 0;
}

static bool
set_protocols(struct tls *tls, const struct tls_settings *set, struct err *e)
{
	struct span rest = span_text(is_set(set->protocols) ? set->protocols : "secure");
	unsigned versions = 0;
	struct span word;

	while (span_cut(&rest, ",:", &word)) {
		bool without;
		unsigned v;

		word = span_trim(word);
		without = span_starts(word, "!");
		v = versions_of(without ? span_skip(word, 1) : word);
		if (v == 0)
			return refuse(tls, "protocols", set->protocols,
			    "not a list of protocols", e);
		if (!without)
			versions |= v;
		else
			versions = (versions == 0 ? VERSION_ALL : versions) & ~v;
	}
	if (versions == 0)
		return refuse(tls, "protocols", set->protocols, "no protocol is left", e);
	SSL_CTX_set_min_proto_version(tls->ctx, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(tls->ctx, 0);
	SSL_CTX_set_options(tls->ctx,
	    ((versions & VERSION_1_0) != 0 ? 0 : SSL_OP_NO_TLSv1) |
	    ((versions & VERSION_1_1) != 0 ? 0 : SSL_OP_NO_TLSv1_1) |
	    ((versions & VERSION_1_2) != 0 ? 0 : SSL_OP_NO_TLSv1_2) |
	    ((versions & VERSION_1_3) != 0 ? 0 : SSL_OP_NO_TLSv1_3));
	return true;
}

/* Words that mean "what OpenSSL thinks best". */
static bool
is_default_ciphers(const char *ciphers)
{
	struct span s = span_text(ciphers);

	return s.len == 0 || span_is_nocase(s, "default") ||
	    span_is_nocase(s, "secure") || span_is_nocase(s, "fast") ||
	    span_is_nocase(s, "normal");
}

static bool
set_ciphers(struct tls *tls, const struct tls_settings *set, struct err *e)
{
	if (!is_default_ciphers(set->ciphers) &&
	    SSL_CTX_set_cipher_list(tls->ctx, set->ciphers) != 1)
		return refuse(tls, "ciphers", set->ciphers, tls_reason("no such cipher"),
		    e);
	if (is_set(set->ciphers13) &&
	    SSL_CTX_set_ciphersuites(tls->ctx, set->ciphers13) != 1)
		return err_set(e, SQLSTATE_CONFIG,
		    "%s_tls13_ciphers \"%s\": failed to set the TLSv1.3 cipher suites: %s",
		    tls->role == LINK_ACCEPTS ? "client" : "server", set->ciphers13,
		    tls_reason("no such cipher suite"));
	return true;
}

/* "auto" and "none" leave the curves to OpenSSL, whose own list is a good one. */
static bool
set_groups(struct tls *tls, const struct tls_settings *set, struct err *e)
{
	struct span curve = span_text(set->curve);
	struct span dh = span_text(set->dheparams);

	if (curve.len > 0 && !span_is_nocase(curve, "auto") &&
	    !span_is_nocase(curve, "none") &&
	    SSL_CTX_set1_groups_list(tls->ctx, set->curve) != 1) {
		ERR_clear_error();
		return refuse(tls, "ecdhcurve", set->curve, "no such curve", e);
	}
	if (dh.len == 0 || span_is_nocase(dh, "auto"))
		SSL_CTX_set_dh_auto(tls->ctx, 1);
	else if (!span_is_nocase(dh, "none"))
		return refuse(tls, "dheparams", set->dheparams, "expected auto or none",
		    e);
	return true;
}

/* --- files --- */

/* Can FILE be opened? OpenSSL's own text for that names functions, not files. */
static bool
readable(const struct tls *tls, const char *which, const char *file, struct stat *st,
    struct err *e)
{
	FILE *f = fopen(file, "re");
	int saved = errno;

	if (f == NULL)
		return refuse(tls, which, file, strerror(saved), e);
	if (fstat(fileno(f), st) != 0)
		memset(st, 0, sizeof(*st));
	fclose(f);
	if (S_ISDIR(st->st_mode))
		return refuse(tls, which, file, strerror(EISDIR), e);
	return true;
}

/* Our certificate and key. */
static bool
load_own(struct tls *tls, const struct tls_settings *set, struct err *e)
{
	struct stat st;

	if (!is_set(set->cert_file) && !is_set(set->key_file)) {
		if (tls->role == LINK_CONNECTS)
			return true;
		return err_set(e, SQLSTATE_CONFIG,
		    "client_tls_cert_file and client_tls_key_file must be set to accept TLS");
	}
	if (!is_set(set->cert_file))
		return refuse(tls, "key_file", set->key_file,
		    "there is no certificate to it", e);
	if (!is_set(set->key_file))
		return refuse(tls, "cert_file", set->cert_file, "there is no key to it",
		    e);
	if (!readable(tls, "cert_file", set->cert_file, &st, e))
		return false;
	if (SSL_CTX_use_certificate_chain_file(tls->ctx, set->cert_file) != 1)
		return refuse(tls, "cert_file", set->cert_file,
		    tls_reason("not a certificate"), e);
	if (!readable(tls, "key_file", set->key_file, &st, e))
		return false;
	if (SSL_CTX_use_PrivateKey_file(tls->ctx, set->key_file, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(tls->ctx) != 1)
		return refuse(tls, "key_file", set->key_file, tls_reason("not a key"), e);
	if (S_ISREG(st.st_mode) && (st.st_mode & S_IROTH) != 0)
		log_line(LOG_LEVEL_WARNING, NULL,
		    "private key \"%s\" is readable by everybody, expected mode 0600",
		    set->key_file);
	return true;
}

/* Tell clients whose certificates we want, unless that is everybody. */
static void
set_ca_names(struct tls *tls, const char *ca_file)
{
	STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(ca_file);

	if (names == NULL)
		return;
	if (sk_X509_NAME_num(names) > CA_NAMES_MOST)
		sk_X509_NAME_pop_free(names, X509_NAME_free);
	else
		SSL_CTX_set_client_CA_list(tls->ctx, names);
}

/* Whom we believe, and whom we ask. */
static bool
load_ca(struct tls *tls, const struct tls_settings *set, struct err *e)
{
	int mode = SSL_VERIFY_NONE;
	struct stat st;

	if (is_set(set->ca_file)) {
		if (!readable(tls, "ca_file", set->ca_file, &st, e))
			return false;
		if (SSL_CTX_load_verify_file(tls->ctx, set->ca_file) != 1)
			return refuse(tls, "ca_file", set->ca_file,
			    tls_reason("no certificate in it"), e);
	} else if (tls->verify >= TLS_VERIFY_CA) {
		if (SSL_CTX_set_default_verify_paths(tls->ctx) != 1)
			return err_set(e, SQLSTATE_CONFIG,
			    "cannot use the system's CA files: %s",
			    tls_reason("unknown reason"));
	}
	switch (tls->verify) {
	case TLS_VERIFY_NONE:
		break;
	case TLS_VERIFY_IF_GIVEN:
		if (is_set(set->ca_file))
			mode = SSL_VERIFY_PEER;
		break;
	case TLS_VERIFY_CA:
	case TLS_VERIFY_FULL:
		mode = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
		break;
	}
	SSL_CTX_set_verify(tls->ctx, mode, NULL);
	if (tls->role == LINK_ACCEPTS && mode != SSL_VERIFY_NONE && is_set(set->ca_file))
		set_ca_names(tls, set->ca_file);
	return true;
}

/*
 * A certificate file without intermediate certificates: take them from the CA file, now
 * and not in each handshake as OpenSSL would.
 */
static void
complete_chain(struct tls *tls)
{
	STACK_OF(X509) *chain = NULL;

	if (SSL_CTX_get0_certificate(tls->ctx) == NULL)
		return;
	SSL_CTX_get0_chain_certs(tls->ctx, &chain);
	if (sk_X509_num(chain) <= 0)
		SSL_CTX_build_cert_chain(tls->ctx, SSL_BUILD_CHAIN_FLAG_NO_ROOT |
		    SSL_BUILD_CHAIN_FLAG_IGNORE_ERROR | SSL_BUILD_CHAIN_FLAG_CLEAR_ERROR);
}

/* --- ALPN --- */

static const unsigned char alpn_list[] = "\012postgresql";
#define ALPN_LIST_LEN (sizeof(alpn_list) - 1)

/* Take "postgresql"; a client that offers only others speaks something else. */
static int
choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
    const unsigned char *in, unsigned int len, void *arg)
{
	unsigned int at = 0;

	(void)ssl;
	(void)arg;
	while (at < len) {
		unsigned int n = in[at];

		if (n > len - at - 1)
			break;
		if (n == alpn_list[0] && memcmp(in + at, alpn_list, n + 1) == 0) {
			*out = in + at + 1;
			*out_len = (unsigned char)n;
			return SSL_TLSEXT_ERR_OK;
		}
		at += n + 1;
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static void
set_alpn(struct tls *tls)
{
	if (tls->role == LINK_ACCEPTS)
		SSL_CTX_set_alpn_select_cb(tls->ctx, choose_alpn, NULL);
	else
		SSL_CTX_set_alpn_protos(tls->ctx, alpn_list, ALPN_LIST_LEN);
}

/* --- what sessions tell --- */

static const char *
host_of(const struct tls_user *user)
{
	return user->host != NULL ? user->host : "";
}

/* A server has sent a ticket. 0: SESSION stays OpenSSL's. */
static int
keep_session(SSL *ssl, SSL_SESSION *session)
{
	const struct tls_user *user = SSL_get_app_data(ssl);

	tickets_keep(&user->tls->tickets, host_of(user), session);
	return 0;
}

void
tls_offer_session(const struct tls_user *user, SSL *ssl)
{
	tickets_offer(&user->tls->tickets, host_of(user), ssl);
}

/* A line "LABEL CLIENT_RANDOM SECRET", the last two in hex; two labels matter. */
static void
learn_secret(const SSL *ssl, const char *line)
{
	struct tls_secrets *secrets = ((struct tls_user *)SSL_get_app_data(ssl))->secrets;
	struct span rest = span_text(line), label, secret;

	if (secrets == NULL || !span_cut(&rest, " ", &label) ||
	    !span_cut(&rest, " ", &secret) || !span_cut(&rest, " ", &secret) ||
	    secret.len / 2 > SECRET_MOST)
		return;
	if (span_is(label, "CLIENT_TRAFFIC_SECRET_0") &&
	    hex_decode(secret, secrets->client, secret.len / 2))
		secrets->client_len = secret.len / 2;
	if (span_is(label, "SERVER_TRAFFIC_SECRET_0") &&
	    hex_decode(secret, secrets->server, secret.len / 2)) {
		secrets->server_len = secret.len / 2;
		secrets->sent = 0;
	}
}

/* Who accepts gives one ticket that holds everything and keeps nothing itself. */
static void
set_hooks(struct tls *tls)
{
	static const unsigned char id[] = "pgweir";

	if (tls->role == LINK_ACCEPTS) {
		SSL_CTX_set_session_cache_mode(tls->ctx, SSL_SESS_CACHE_OFF);
		SSL_CTX_set_session_id_context(tls->ctx, id, sizeof(id) - 1);
		SSL_CTX_set_num_tickets(tls->ctx, 1);
		SSL_CTX_set_keylog_callback(tls->ctx, learn_secret);
	} else {
		SSL_CTX_set_session_cache_mode(tls->ctx,
		    SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
		SSL_CTX_sess_set_new_cb(tls->ctx, keep_session);
	}
}
