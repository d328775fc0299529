/*
 * Unit tests of net/secure.c: two sessions back to back in memory.
 */
#include "unit/unit.h"

#include <openssl/ssl.h>

#include "net/secure.h"
#include "net/tls.h"
#include "unit/net/certs.h"
#include "unit/net/two.h"

/* --- sessions --- */

static void
any_chopping_gives_the_same(void **state)
{
	static const size_t chops[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
		16, 17, 1000, MEGABYTE };

	(void)state;
	for (int old = 0; old < 2; old++)
		for (size_t i = 0; i < ARRAY_SIZE(chops); i++) {
			struct two two = two_over(server_context("server.crt",
						      "server.key",
						      old ? "tlsv1.2" : NULL),
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
	static const char *const garbage[] = { "GET / HTTP/1.0\r\n\r\n",
		"\0\0\0\010\4\322\026\057", "\026\003\001\377\377\377\377",
		"\026\003\001\0\005\001\377\377\377\377" };
	static const size_t lens[] = { 18, 8, 7, 10 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++) {
		struct two two = two_over(server_context("server.crt", "server.key",
					      NULL),
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
		assert_int_equal(strncmp(text, rows[i].begins, strlen(rows[i].begins)),
		    0);
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
		struct tls *server = server_context("server.crt", "server.key",
		    protocols[i]);
		struct tls *again = server_context("server.crt", "server.key",
		    protocols[i]);
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
	certs_make(&(struct cert_wish){
	    "server", "server", "DNS:db.example,DNS:*.pool.example", "ca", false, false });
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
		UNIT_TEST(sessions_are_resumed_with_the_same_host_only),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
