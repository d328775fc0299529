/*
 * secure.c - one TLS session without a socket. Bytes from the other side are lent by
 * secure_feed(); bytes for it go into the buf of the call that makes them. Contexts and
 * what they verify are tls.c's; reading and writing sockets is link.c's.
 *
 * After the handshake of an accepted session record.c may take OpenSSL's place.
 *
 *	socket -> secure_feed -> window --BIO--> OpenSSL -> secure_read -> owner
 *	socket <- buf of the call  <----BIO----- OpenSSL <- secure_write <- owner
 */
#include "net/secure.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "net/certificate.h"
#include "net/record.h"
#include "net/tls_private.h"

#define TEXT_CAP 64

struct secure {
	struct tls_user	 user;
	SSL		*ssl;		/* owned; owns the BIO; NULL with a record */
	struct record	*record;	/* owned; instead of ssl after most handshakes */
	bool		 alpn;		/* with record: was "postgresql" agreed on? */
	struct span	 in;		/* borrowed; fed and not yet read */
	struct buf	*out;		/* borrowed; NULL outside of calls */
	const char	*why;		/* constant, or verdict; NULL: not failed */
	char		*verdict;	/* owned; what is wrong with the other side's certificate */
};

static BIO_METHOD *window;	/* made once, never freed */
static pthread_once_t window_once = PTHREAD_ONCE_INIT;

static void window_make(void);
static void forget_secrets(struct secure *s);
static void count_record(int written, int version, int type, const void *at, size_t len,
    SSL *ssl, void *arg);
static void go_on_without_ssl(struct secure *s);
static bool expect_host(struct secure *s);
static enum secure_state failed(struct secure *s);

struct secure *
secure_new(struct tls *context, enum link_role role, const char *host)
{
	struct secure *s = mem_new(sizeof(*s));
	BIO *bio;

	pthread_once(&window_once, window_make);
	if (s == NULL || window == NULL)
		goto fail;
	s->user.tls = tls_hold(context);
	if (host != NULL && role == LINK_CONNECTS) {
		s->user.host = mem_copy_text(host, strlen(host));
		if (s->user.host == NULL)
			goto fail;
	}
	s->ssl = SSL_new(tls_context(context));
	bio = BIO_new(window);
	if (s->ssl == NULL || bio == NULL) {
		BIO_free(bio);
		goto fail;
	}
	BIO_set_data(bio, s);
	SSL_set_bio(s->ssl, bio, bio);
	SSL_set_app_data(s->ssl, &s->user);
	if (role == LINK_ACCEPTS) {
		SSL_set_accept_state(s->ssl);
		s->user.secrets = mem_new(sizeof(*s->user.secrets));
		if (s->user.secrets != NULL)
			SSL_set_msg_callback(s->ssl, count_record);
		return s;
	}
	SSL_set_connect_state(s->ssl);
	if (!expect_host(s))
		s->why = "there is no host name to compare the certificate with";
	else
		tls_offer_session(&s->user, s->ssl);
	return s;
fail:
	ERR_clear_error();
	secure_free(s);
	return NULL;
}

void
secure_free(struct secure *s)
{
	if (s == NULL)
		return;
	SSL_free(s->ssl);
	record_free(s->record);
	forget_secrets(s);
	if (s->user.tls != NULL)
		tls_drop(s->user.tls);
	mem_free(s->user.host);
	mem_free(s->verdict);
	mem_free(s);
}

/* --- the other side's name --- */

/* Certificates older than subjectAltName may have an IP address as common name. */
static int
ip_as_common_name(int good, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store,
	    SSL_get_ex_data_X509_STORE_CTX_idx());
	const struct tls_user *user = SSL_get_app_data(ssl);
	X509 *cert = X509_STORE_CTX_get_current_cert(store);

	if (good || cert == NULL ||
	    X509_STORE_CTX_get_error(store) != X509_V_ERR_IP_ADDRESS_MISMATCH ||
	    X509_get_ext_by_NID(cert, NID_subject_alt_name, -1) >= 0 ||
	    X509_check_host(cert, user->host, 0, X509_CHECK_FLAG_NO_WILDCARDS, NULL) != 1)
		return good;
	X509_STORE_CTX_set_error(store, X509_V_OK);
	return 1;
}

/* Ask for the host's name and, if the context says so, expect it in the certificate. */
static bool
expect_host(struct secure *s)
{
	const char *host = s->user.host;
	bool compare = tls_verifies(s->user.tls) == TLS_VERIFY_FULL;
	X509_VERIFY_PARAM *param = SSL_get0_param(s->ssl);
	struct in6_addr ip;

	if (host == NULL || host[0] == '\0')
		return !compare;
	if (inet_pton(AF_INET, host, &ip) == 1 || inet_pton(AF_INET6, host, &ip) == 1) {
		if (!compare)
			return true;
		SSL_set_verify(s->ssl, SSL_get_verify_mode(s->ssl), ip_as_common_name);
		return X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1;
	}
	/* a name that cannot go into SNI can still be compared */
	if (SSL_set_tlsext_host_name(s->ssl, host) != 1)
		ERR_clear_error();
	if (!compare)
		return true;
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return X509_VERIFY_PARAM_set1_host(param, host, 0) == 1;
}

/* --- bytes in, bytes out --- */

static int
window_read(BIO *bio, char *at, size_t cap, size_t *len)
{
	struct secure *s = BIO_get_data(bio);
	size_t n = cap < s->in.len ? cap : s->in.len;

	BIO_clear_retry_flags(bio);
	*len = n;
	if (n == 0) {
		BIO_set_retry_read(bio);
		return 0;
	}
	memcpy(at, s->in.at, n);
	s->in = span_skip(s->in, n);
	return 1;
}

/* A buf that has failed fails the link; OpenSSL need not know. */
static int
window_write(BIO *bio, const char *at, size_t len, size_t *done)
{
	struct secure *s = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	if (s->out != NULL)
		buf_put(s->out, at, len);
	*done = len;
	return 1;
}

static long
window_ctrl(BIO *bio, int what, long number, void *arg)
{
	(void)bio;
	(void)number;
	(void)arg;
	return what == BIO_CTRL_FLUSH;
}

static int
window_create(BIO *bio)
{
	BIO_set_init(bio, 1);
	return 1;
}

static void
window_make(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK,
	    "window");

	if (method == NULL)
		return;
	BIO_meth_set_read_ex(method, window_read);
	BIO_meth_set_write_ex(method, window_write);
	BIO_meth_set_ctrl(method, window_ctrl);
	BIO_meth_set_create(method, window_create);
	window = method;
}

void
secure_feed(struct secure *s, const char *at, size_t len)
{
	s->in = span_of(at, len);
}

enum secure_state
secure_handshake(struct secure *s, struct buf *out)
{
	int done;

	if (s->why != NULL)
		return SECURE_FAILED;
	ERR_clear_error();
	s->out = out;
	done = SSL_do_handshake(s->ssl);
	s->out = NULL;
	if (done == 1) {
		go_on_without_ssl(s);
		return SECURE_OK;
	}
	if (SSL_get_error(s->ssl, done) == SSL_ERROR_WANT_READ)
		return SECURE_MORE;
	return failed(s);
}

/* --- from OpenSSL to records --- */

static void
forget_secrets(struct secure *s)
{
	if (s->user.secrets == NULL)
		return;
	mem_wipe(s->user.secrets, sizeof(*s->user.secrets));
	mem_free(s->user.secrets);
	s->user.secrets = NULL;
}

/* Count records written since the server's secret was learnt: they carry our tickets. */
static void
count_record(int written, int version, int type, const void *at, size_t len, SSL *ssl,
    void *arg)
{
	const struct tls_user *user = SSL_get_app_data(ssl);

	(void)version;
	(void)at;
	(void)len;
	(void)arg;
	if (written && type == SSL3_RT_HEADER && user->secrets != NULL)
		user->secrets->sent++;
}

/*
 * The handshake is done. What remains of a TLS 1.3 session fits into a record; sessions
 * that need more of OpenSSL (older versions, rare suites, a client's certificate) keep it.
 */
static void
go_on_without_ssl(struct secure *s)
{
	struct tls_secrets *secrets = s->user.secrets;

	SSL_set_msg_callback(s->ssl, NULL);
	s->alpn = secure_alpn(s).len > 0;
	if (secrets != NULL && SSL_version(s->ssl) == TLS1_3_VERSION &&
	    SSL_get0_peer_certificate(s->ssl) == NULL && !SSL_has_pending(s->ssl))
		s->record = record_new(SSL_get_current_cipher(s->ssl), secrets);
	forget_secrets(s);
	if (s->record == NULL)
		return;
	SSL_free(s->ssl);
	s->ssl = NULL;
}

/* --- after the handshake --- */

enum secure_state
secure_read(struct secure *s, char *at, size_t cap, size_t *len, struct buf *out)
{
	int done, reason;

	*len = 0;
	if (s->record != NULL)
		return record_read(s->record, &s->in, at, cap, len, out);
	if (s->why != NULL)
		return SECURE_FAILED;
	ERR_clear_error();
	s->out = out;
	done = SSL_read_ex(s->ssl, at, cap, len);
	s->out = NULL;
	if (done == 1)
		return SECURE_OK;
	*len = 0;
	reason = SSL_get_error(s->ssl, done);
	if (reason == SSL_ERROR_WANT_READ)
		return SECURE_MORE;
	if (reason == SSL_ERROR_ZERO_RETURN)
		return SECURE_CLOSED;
	return failed(s);
}

bool
secure_write(struct secure *s, const void *at, size_t len, struct buf *out)
{
	size_t written;
	int done;

	if (s->record != NULL)
		return record_write(s->record, at, len, out);
	if (s->why != NULL)
		return false;
	if (len == 0)
		return true;
	ERR_clear_error();
	s->out = out;
	done = SSL_write_ex(s->ssl, at, len, &written);
	s->out = NULL;
	if (done == 1)
		return true;
	failed(s);
	return false;
}

void
secure_shutdown(struct secure *s, struct buf *out)
{
	if (s->record != NULL) {
		record_shutdown(s->record, out);
		return;
	}
	if (s->why != NULL || !SSL_is_init_finished(s->ssl))
		return;
	ERR_clear_error();
	s->out = out;
	SSL_shutdown(s->ssl);
	s->out = NULL;
	ERR_clear_error();
}

/* --- what people see --- */

/* Libraries and operators look for OpenSSL's own three words. */
static const char *
verdict_text(struct secure *s, long verdict)
{
	static const char format[] = "certificate verify failed: %s";
	const char *text = X509_verify_cert_error_string(verdict);
	size_t size = sizeof(format) + strlen(text);

	if (s->verdict == NULL && (s->verdict = mem_new(size)) != NULL)
		snprintf(s->verdict, size, format, text);
	return s->verdict != NULL ? s->verdict : text;
}

/* The session has failed: why, says OpenSSL or its verdict on the certificate. */
static enum secure_state
failed(struct secure *s)
{
	long verdict = SSL_get_verify_result(s->ssl);

	if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_CERTIFICATE_VERIFY_FAILED &&
	    verdict != X509_V_OK) {
		ERR_clear_error();
		s->why = verdict_text(s, verdict);
	} else {
		s->why = tls_reason("TLS failed for no given reason");
	}
	return SECURE_FAILED;
}

const char *
secure_why(const struct secure *s)
{
	const char *why = s->record != NULL ? record_why(s->record) : s->why;

	return why != NULL ? why : "out of memory";
}

const char *
secure_text(const struct secure *s, char *out)
{
	if (s->record != NULL)
		snprintf(out, TEXT_CAP, "TLSv1.3/%s", record_suite(s->record));
	else
		snprintf(out, TEXT_CAP, "%s/%s", SSL_get_version(s->ssl),
		    SSL_get_cipher(s->ssl));
	return out;
}

struct span
secure_alpn(const struct secure *s)
{
	const unsigned char *at;
	unsigned int len;

	if (s->record != NULL)
		return s->alpn ? SPAN_LITERAL("postgresql") : span_of("", 0);
	SSL_get0_alpn_selected(s->ssl, &at, &len);
	return span_of(at, len);
}

/* --- certificates --- */

/* The other side's, verified; NULL: none. */
static X509 *
verified_cert(const struct secure *s)
{
	if (s->ssl == NULL || SSL_get_verify_mode(s->ssl) == SSL_VERIFY_NONE ||
	    SSL_get_verify_result(s->ssl) != X509_V_OK)
		return NULL;
	return SSL_get0_peer_certificate(s->ssl);
}

bool
secure_has_cert(const struct secure *s)
{
	return verified_cert(s) != NULL;
}

bool
secure_cert_has(const struct secure *s, bool (*fn)(void *arg, struct span name), void *arg)
{
	X509 *cert = verified_cert(s);

	return cert != NULL && certificate_has(cert, fn, arg);
}

struct span
secure_binding(const struct secure *s, unsigned char out[LINK_BINDING_MOST])
{
	X509 *cert = NULL;

	if (s->ssl == NULL || SSL_is_server(s->ssl))
		cert = SSL_CTX_get0_certificate(tls_context(s->user.tls));
	else
		cert = SSL_get0_peer_certificate(s->ssl);
	return span_of((const char *)out, cert != NULL ? certificate_hash(cert, out) : 0);
}
