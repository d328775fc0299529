/*
 * Unit tests of net/secure.c: two sessions back to back in memory.
 */
#include "unit/unit.h"

#include <openssl/ssl.h>
#include <stdio.h>

#include "net/secure.h"
#include "net/tls.h"
#include "unit/net/certs.h"

#define MEGABYTE ((size_t)1 << 20)

/* One end: its session, what it has to send, what it has got. */
struct end {
	struct secure	*secure;	/* owned */
	struct buf	 out;		/* to the other end */
	struct buf	 got;
	enum secure_state state;	/* of the handshake until OK, of reading then */
	bool		 ready;		/* the handshake is done */
};

struct two {
	struct end	 server, client;
};

static struct tls *
context(const struct tls_settings *settings)
{
	struct err e;
	struct tls *tls = tls_new(settings, &e);

	if (tls == NULL)
		fail_msg("%s", e.text);
	return tls;
}

static struct tls *
server_context(const char *cert, const char *key, const char *protocols)
{
	return context(&(struct tls_settings){
	    .role = LINK_ACCEPTS,
	    .cert_file = certs_path(cert),
	    .key_file = certs_path(key),
	    .protocols = protocols,
	});
}

static struct tls *
client_context(enum tls_verify verify, const char *ca)
{
	return context(&(struct tls_settings){
	    .role = LINK_CONNECTS,
	    .verify = verify,
	    .ca_file = ca != NULL ? certs_path(ca) : NULL,
	});
}

/* Two sessions over SERVER and CLIENT, whose holds are given up. */
static struct two
two_over(struct tls *server, struct tls *client, const char *host)
{
	struct two two = {
		.server.secure = secure_new(server, LINK_ACCEPTS, NULL),
		.client.secure = secure_new(client, LINK_CONNECTS, host),
	};

	assert_non_null(two.server.secure);
	assert_non_null(two.client.secure);
	two.server.state = two.client.state = SECURE_MORE;
	tls_drop(server);
	tls_drop(client);
	return two;
}

static void
end_free(struct end *end)
{
	secure_free(end->secure);
	buf_fini(&end->out);
	buf_fini(&end->got);
}

static void
two_free(struct two *two)
{
	end_free(&two->server);
	end_free(&two->client);
}

/* END gets LEN bytes. */
static void
hear(struct end *end, const char *at, size_t len)
{
	char plain[4096];
	size_t n;

	secure_feed(end->secure, at, len);
	if (!end->ready) {
		end->state = secure_handshake(end->secure, &end->out);
		end->ready = end->state == SECURE_OK;
		if (!end->ready)
			return;
	}
	while ((end->state = secure_read(end->secure, plain, sizeof(plain), &n, &end->out)) ==
	    SECURE_OK)
		buf_put(&end->got, plain, n);
}

/* Carry what FROM has to send to TO, CHOP bytes at a time. True if there was something. */
static bool
carry(struct end *from, struct end *to, size_t chop)
{
	struct buf sent = from->out;
	bool some = sent.len > 0;

	buf_init(&from->out);
	for (size_t at = 0; at < sent.len; at += chop) {
		size_t n = sent.len - at < chop ? sent.len - at : chop;

		if (to->state != SECURE_FAILED && to->state != SECURE_CLOSED)
			hear(to, sent.at + at, n);
	}
	buf_fini(&sent);
	return some;
}

/* Carry bytes until nobody has anything to say. */
static void
settle(struct two *two, size_t chop)
{
	bool some;

	do {
		some = carry(&two->client, &two->server, chop);
		some |= carry(&two->server, &two->client, chop);
	} while (some);
}

static void
shake(struct two *two, size_t chop)
{
	hear(&two->client, NULL, 0);
	settle(two, chop);
}

static void
shaken(struct two *two)
{
	shake(two, MEGABYTE);
	if (!two->client.ready)
		fail_msg("client: %s", secure_why(two->client.secure));
	if (!two->server.ready)
		fail_msg("server: %s", secure_why(two->server.secure));
}

/* The handshake must fail; the client says WHY. */
static void
client_refuses(struct two *two, const char *why)
{
	shake(two, MEGABYTE);
	assert_int_equal(two->client.state, SECURE_FAILED);
	assert_string_equal(secure_why(two->client.secure), why);
	assert_int_not_equal(two->server.state, SECURE_OK);
}

static void
say(struct end *end, const char *text)
{
	assert_true(secure_write(end->secure, text, strlen(text), &end->out));
}

/* --- sessions --- */

static void
any_chopping_gives_the_same(void **state)
{
	static const size_t chops[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
	    17, 1000, MEGABYTE };

	(void)state;
	for (int old = 0; old < 2; old++)
		for (size_t i = 0; i < ARRAY_SIZE(chops); i++) {
			struct two two = two_over(
			    server_context("server.crt", "server.key", old ? "tlsv1.2" : NULL),
			    client_context(TLS_VERIFY_FULL, "ca.crt"), "db.example");

			shake(&two, chops[i]);
			assert_true(two.client.ready && two.server.ready);
			say(&two.client, "a question");
			say(&two.server, "an answer");
			settle(&two, chops[i]);
			assert_string_equal(buf_text(&two.server.got), "a question");
			assert_string_equal(buf_text(&two.client.got), "an answer");
			two_free(&two);
		}
}

/* LEN bytes that differ from place to place. */
static char *
pattern(size_t len)
{
	char *at = malloc(len);

	assert_non_null(at);
	for (size_t i = 0; i < len; i++)
		at[i] = (char)(i * 31 + i / 251);
	return at;
}

static void
much_goes_through_both_ways(void **state)
{
	struct two two = two_over(server_context("server.crt", "server.key", NULL),
	    client_context(TLS_VERIFY_NONE, NULL), NULL);
	char *much = pattern(MEGABYTE);

	(void)state;
	shaken(&two);
	assert_true(secure_write(two.server.secure, much, MEGABYTE, &two.server.out));
	assert_true(secure_write(two.client.secure, much, MEGABYTE, &two.client.out));
	/* records of 16 kB: 64 of them, 22 bytes more each */
	assert_true(two.server.out.len <= MEGABYTE + (size_t)64 * 22);
	settle(&two, 10007);
	assert_int_equal(two.server.got.len, MEGABYTE);
	assert_int_equal(two.client.got.len, MEGABYTE);
	assert_memory_equal(two.server.got.at, much, MEGABYTE);
	assert_memory_equal(two.client.got.at, much, MEGABYTE);
	free(much);
	two_free(&two);
}

static void
the_end_is_said(void **state)
{
	struct two two = two_over(server_context("server.crt", "server.key", NULL),
	    client_context(TLS_VERIFY_NONE, NULL), NULL);

	(void)state;
	shaken(&two);
	say(&two.client, "bye");
	secure_shutdown(two.client.secure, &two.client.out);
	carry(&two.client, &two.server, MEGABYTE);
	assert_string_equal(buf_text(&two.server.got), "bye");
	assert_int_equal(two.server.state, SECURE_CLOSED);
	two_free(&two);
}

static void
a_changed_byte_ends_the_session(void **state)
{
	struct two two = two_over(server_context("server.crt", "server.key", NULL),
	    client_context(TLS_VERIFY_NONE, NULL), NULL);

	(void)state;
	shaken(&two);
	say(&two.client, "a question");
	two.client.out.at[two.client.out.len - 1] ^= 1;
	carry(&two.client, &two.server, MEGABYTE);
	assert_int_equal(two.server.state, SECURE_FAILED);
	assert_int_equal(two.server.got.len, 0);
	assert_true(two.server.out.len > 0);	/* an alert */
	assert_false(secure_write(two.server.secure, "x", 1, &two.server.out));
	two_free(&two);
}

static void
garbage_is_no_hello(void **state)
{
	static const char *const garbage[] = { "GET / HTTP/1.0\r\n\r\n", "\0\0\0\010\4\322\026\057",
	    "\026\003\001\377\377\377\377", "\026\003\001\0\005\001\377\377\377\377" };
	static const size_t lens[] = { 18, 8, 7, 10 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++) {
		struct two two = two_over(server_context("server.crt", "server.key", NULL),
		    client_context(TLS_VERIFY_NONE, NULL), NULL);

		hear(&two.server, garbage[i], lens[i]);
		assert_int_equal(two.server.state, SECURE_FAILED);
		assert_string_not_equal(secure_why(two.server.secure), "");
		hear(&two.server, garbage[i], lens[i]);
		assert_int_equal(two.server.state, SECURE_FAILED);
		two_free(&two);
	}
}

static void
versions_are_as_set(void **state)
{
	static const struct {
		const char	*protocols, *begins;
	} rows[] = {
		{ NULL, "TLSv1.3/TLS_AES_256_GCM_SHA384" },
		{ "secure", "TLSv1.3/" },
		{ "tlsv1.2", "TLSv1.2/" },
		{ "all:!tlsv1.3", "TLSv1.2/" },
		{ "!tlsv1.3", "TLSv1.2/" },
		{ "tlsv1.2, TLSv1.3", "TLSv1.3/" },
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct two two = two_over(
		    server_context("server.crt", "server.key", rows[i].protocols),
		    client_context(TLS_VERIFY_NONE, NULL), NULL);

		shaken(&two);
		secure_text(two.server.secure, text);
		assert_int_equal(strncmp(text, rows[i].begins, strlen(rows[i].begins)), 0);
		assert_span(secure_alpn(two.server.secure), "postgresql");
		assert_span(secure_alpn(two.client.secure), "postgresql");
		two_free(&two);
	}
}

/* What a server says to a client that offers ALPN (a list in wire format, or none). */
static enum secure_state
answer_to_alpn(const char *alpn, size_t len, struct buf *out)
{
	struct tls *tls = server_context("server.crt", "server.key", NULL);
	struct secure *server = secure_new(tls, LINK_ACCEPTS, NULL);
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *client = SSL_new(ctx);
	BIO *in = BIO_new(BIO_s_mem()), *hello = BIO_new(BIO_s_mem());
	enum secure_state state;
	char *at;

	SSL_set_bio(client, in, hello);
	SSL_set_alpn_protos(client, (const unsigned char *)alpn, (unsigned)len);
	assert_int_equal(SSL_connect(client), -1);
	len = (size_t)BIO_get_mem_data(hello, &at);
	secure_feed(server, at, len);
	state = secure_handshake(server, out);
	SSL_free(client);
	SSL_CTX_free(ctx);
	secure_free(server);
	tls_drop(tls);
	return state;
}

static void
who_speaks_something_else_is_told_so(void **state)
{
	static const char alert[] = { 21, 3, 3, 0, 2, 2, 120 };
	struct buf out = { 0 };

	(void)state;
	assert_int_equal(answer_to_alpn("\010http/1.1", 9, &out), SECURE_FAILED);
	assert_int_equal(out.len, sizeof(alert));
	assert_memory_equal(out.at, alert, sizeof(alert));
	assert_int_equal(answer_to_alpn("\013postgresql2", 12, &out), SECURE_FAILED);
	assert_int_equal(answer_to_alpn("\002h2\012postgresql", 14, &out), SECURE_MORE);
	assert_int_equal(answer_to_alpn(NULL, 0, &out), SECURE_MORE);
	buf_fini(&out);
}

/* --- who is believed --- */

static struct two
two_verifying(enum tls_verify verify, const char *ca, const char *cert, const char *host)
{
	char crt[32], key[32];

	snprintf(crt, sizeof(crt), "%s.crt", cert);
	snprintf(key, sizeof(key), "%s.key", cert);
	return two_over(server_context(crt, key, NULL), client_context(verify, ca), host);
}

static void
servers_are_verified_as_set(void **state)
{
	static const struct {
		enum tls_verify	 verify;
		const char	*ca, *cert, *host, *why;
	} rows[] = {
		{ TLS_VERIFY_NONE, NULL, "server", "db.example", NULL },
		{ TLS_VERIFY_NONE, "other.crt", "expired", "no.example", NULL },
		{ TLS_VERIFY_CA, "ca.crt", "server", "no.example", NULL },
		{ TLS_VERIFY_CA, "ca.crt", "server", NULL, NULL },
		{ TLS_VERIFY_CA, "other.crt", "server", "db.example",
		    "unable to get local issuer certificate" },
		{ TLS_VERIFY_CA, NULL, "server", "db.example",
		    "unable to get local issuer certificate" },
		{ TLS_VERIFY_CA, "ca.crt", "expired", "db.example", "certificate has expired" },
		{ TLS_VERIFY_FULL, "ca.crt", "server", "db.example", NULL },
		{ TLS_VERIFY_FULL, "ca.crt", "server", "DB.Example", NULL },
		{ TLS_VERIFY_FULL, "ca.crt", "server", "a.pool.example", NULL },
		{ TLS_VERIFY_FULL, "ca.crt", "server", "127.0.0.1", NULL },
		{ TLS_VERIFY_FULL, "ca.crt", "server", "no.example", "hostname mismatch" },
		{ TLS_VERIFY_FULL, "ca.crt", "server", "a.b.pool.example", "hostname mismatch" },
		{ TLS_VERIFY_FULL, "ca.crt", "server", "127.0.0.2", "IP address mismatch" },
		{ TLS_VERIFY_FULL, "ca.crt", "plain", "127.0.0.3", NULL },
		{ TLS_VERIFY_FULL, "ca.crt", "plain", "127.0.0.4", "IP address mismatch" },
		{ TLS_VERIFY_FULL, "ca.crt", "expired", "db.example", "certificate has expired" },
		{ TLS_VERIFY_FULL, "ca.crt", "server", NULL,
		    "there is no host name to compare the certificate with" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct two two = two_verifying(rows[i].verify, rows[i].ca, rows[i].cert,
		    rows[i].host);

		if (rows[i].why == NULL)
			shaken(&two);
		else
			client_refuses(&two, rows[i].why);
		two_free(&two);
	}
}

/* Clients with the certificate of row CERT (NULL: none) meet a server that does VERIFY. */
static bool
is_let_in(enum tls_verify verify, const char *ca, const char *cert)
{
	char crt[32] = "", key[32] = "";
	struct two two;
	bool in;

	if (cert != NULL) {
		snprintf(crt, sizeof(crt), "%s.crt", cert);
		snprintf(key, sizeof(key), "%s.key", cert);
	}
	two = two_over(context(&(struct tls_settings){
	    .role = LINK_ACCEPTS, .verify = verify,
	    .ca_file = ca != NULL ? certs_path(ca) : "",
	    .cert_file = certs_path("server.crt"), .key_file = certs_path("server.key") }),
	    context(&(struct tls_settings){
	    .role = LINK_CONNECTS,
	    .cert_file = cert != NULL ? certs_path(crt) : NULL,
	    .key_file = cert != NULL ? certs_path(key) : NULL }), NULL);
	shake(&two, MEGABYTE);
	in = two.server.ready && two.client.state == SECURE_MORE;
	two_free(&two);
	return in;
}

static void
clients_are_verified_as_set(void **state)
{
	(void)state;
	assert_true(is_let_in(TLS_VERIFY_NONE, "ca.crt", NULL));
	assert_true(is_let_in(TLS_VERIFY_NONE, "ca.crt", "stranger"));
	assert_true(is_let_in(TLS_VERIFY_IF_GIVEN, NULL, "stranger"));
	assert_true(is_let_in(TLS_VERIFY_IF_GIVEN, "ca.crt", NULL));
	assert_true(is_let_in(TLS_VERIFY_IF_GIVEN, "ca.crt", "server"));
	assert_false(is_let_in(TLS_VERIFY_IF_GIVEN, "ca.crt", "stranger"));
	assert_true(is_let_in(TLS_VERIFY_CA, "ca.crt", "server"));
	assert_false(is_let_in(TLS_VERIFY_CA, "ca.crt", NULL));
	assert_false(is_let_in(TLS_VERIFY_FULL, "ca.crt", "expired"));
}

/* --- resumption --- */

static bool
resumes(struct tls *server, struct tls *client, const char *host)
{
	struct two two = two_over(tls_hold(server), tls_hold(client), host);
	size_t hello;
	bool resumed;

	hear(&two.client, NULL, 0);
	carry(&two.client, &two.server, MEGABYTE);
	/* a resumed handshake carries no certificate: the answer is short */
	hello = two.server.out.len;
	resumed = hello < 400;
	settle(&two, MEGABYTE);
	assert_true(two.client.ready && two.server.ready);
	say(&two.server, "hello");
	settle(&two, MEGABYTE);
	assert_string_equal(buf_text(&two.client.got), "hello");
	two_free(&two);
	return resumed;
}

static void
sessions_are_resumed_with_the_same_host_only(void **state)
{
	static const char *const protocols[] = { "tlsv1.3", "tlsv1.2" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
		struct tls *server = server_context("server.crt", "server.key", protocols[i]);
		struct tls *again = server_context("server.crt", "server.key", protocols[i]);
		struct tls *client = client_context(TLS_VERIFY_FULL, "ca.crt");

		assert_false(resumes(server, client, "db.example"));
		assert_true(resumes(server, client, "db.example"));
		assert_true(resumes(server, client, "db.example"));
		assert_false(resumes(server, client, "a.pool.example"));
		assert_true(resumes(server, client, "a.pool.example"));
		assert_true(resumes(server, client, "db.example"));
		/* another context does not know the ticket */
		assert_false(resumes(again, client, "db.example"));
		tls_drop(server);
		tls_drop(again);
		tls_drop(client);
	}
}

static int
begin(void **state)
{
	(void)state;
	certs_begin();
	certs_make(&(struct cert_wish){ "ca", "test CA", NULL, NULL, true, false });
	certs_make(&(struct cert_wish){ "other", "other CA", NULL, NULL, true, false });
	certs_make(&(struct cert_wish){ "server", "server",
	    "DNS:db.example,DNS:*.pool.example,IP:127.0.0.1", "ca", false, false });
	certs_make(&(struct cert_wish){ "plain", "127.0.0.3", NULL, "ca", false, false });
	certs_make(&(struct cert_wish){ "expired", "x", "DNS:db.example", "ca", false, true });
	certs_make(&(struct cert_wish){ "stranger", "mallory", NULL, "other", false, false });
	return 0;
}

static int
end(void **state)
{
	(void)state;
	certs_end();
	return 0;
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(any_chopping_gives_the_same),
		UNIT_TEST(much_goes_through_both_ways),
		UNIT_TEST(the_end_is_said),
		UNIT_TEST(a_changed_byte_ends_the_session),
		UNIT_TEST(garbage_is_no_hello),
		UNIT_TEST(versions_are_as_set),
		UNIT_TEST(who_speaks_something_else_is_told_so),
		UNIT_TEST(servers_are_verified_as_set),
		UNIT_TEST(clients_are_verified_as_set),
		UNIT_TEST(sessions_are_resumed_with_the_same_host_only),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
