/*
 * Unit tests of net/record.c: an accepted session of ours against OpenSSL's own client.
 */
#include "unit/unit.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/mem.h"
#include "net/record.h"
#include "net/secure.h"
#include "unit/net/certs.h"

#define MUCH ((size_t)200000)

/* Our session, OpenSSL's, and the bytes between. */
struct world {
	struct tls	*tls;
	struct secure	*server;
	enum secure_state state;
	struct buf	 heard;		/* by the server */
	size_t		 cap;		/* of what it reads at once */
	SSL_CTX		*ctx;
	SSL		*client;
	BIO		*to_client, *from_client;
};

/* The server gets LEN bytes; what it says goes to the client. */
static void
hear(struct world *w, const char *at, size_t len)
{
	struct buf out = { 0 };
	char plain[20000];
	size_t n;

	secure_feed(w->server, at, len);
	do {
		w->state = secure_read(w->server, plain, w->cap, &n, &out);
		buf_put(&w->heard, plain, n);
	} while (w->state == SECURE_OK);
	if (out.len > 0)
		BIO_write(w->to_client, out.at, (int)out.len);
	buf_fini(&out);
}

/* Take what the client has to say out of its BIO. */
static struct buf
said(struct world *w)
{
	struct buf b = { 0 };
	char *at;
	long len = BIO_get_mem_data(w->from_client, &at);

	buf_put(&b, at, (size_t)len);
	(void)BIO_reset(w->from_client);
	return b;
}

static void
carry(struct world *w, size_t chop)
{
	struct buf b = said(w);

	for (size_t at = 0; at < b.len; at += chop)
		hear(w, b.at + at, b.len - at < chop ? b.len - at : chop);
	buf_fini(&b);
}

static void
say(struct world *w, const char *text)
{
	assert_int_equal(SSL_write(w->client, text, (int)strlen(text)),
	    (int)strlen(text));
}

/* The server says TEXT, the client must read it. */
static void
answer(struct world *w, const char *text)
{
	struct buf out = { 0 };
	char plain[100];
	int n;

	assert_true(secure_write(w->server, text, strlen(text), &out));
	BIO_write(w->to_client, out.at, (int)out.len);
	buf_fini(&out);
	n = SSL_read(w->client, plain, sizeof(plain));
	assert_int_equal(n, (int)strlen(text));
	assert_memory_equal(plain, text, strlen(text));
}

/* Connect; SUITES: what the client offers, or NULL. */
static void
connect_with(struct world *w, const char *suites)
{
	enum secure_state state = SECURE_MORE;
	struct buf out = { 0 };

	w->tls = tls_new(&(struct tls_settings){ .role = LINK_ACCEPTS,
	    .cert_file = certs_path("server.crt"), .key_file = certs_path("server.key"),
	    .ciphers13 = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:"
	    "TLS_AES_128_GCM_SHA256:TLS_AES_128_CCM_SHA256" }, NULL);
	assert_non_null(w->tls);
	w->server = secure_new(w->tls, LINK_ACCEPTS, NULL);
	w->ctx = SSL_CTX_new(TLS_client_method());
	if (suites != NULL)
		assert_int_equal(SSL_CTX_set_ciphersuites(w->ctx, suites), 1);
	w->client = SSL_new(w->ctx);
	w->to_client = BIO_new(BIO_s_mem());
	w->from_client = BIO_new(BIO_s_mem());
	SSL_set_bio(w->client, w->to_client, w->from_client);
	w->cap = 20000;
	for (int i = 0;
	     i < 4 && (state == SECURE_MORE || !SSL_is_init_finished(w->client)); i++) {
		struct buf b;

		SSL_connect(w->client);
		b = said(w);
		secure_feed(w->server, b.at, b.len);
		state = secure_handshake(w->server, &out);
		BIO_write(w->to_client, out.at, (int)out.len);
		buf_clear(&out);
		buf_fini(&b);
	}
	assert_int_equal(state, SECURE_OK);
	buf_fini(&out);
}

static void
hang_up(struct world *w)
{
	secure_free(w->server);
	tls_drop(w->tls);
	SSL_free(w->client);
	SSL_CTX_free(w->ctx);
	buf_fini(&w->heard);
	memset(w, 0, sizeof(*w));
}

static void
every_suite_is_spoken(void **state)
{
	static const char *const suites[] = { "TLS_AES_256_GCM_SHA384",
		"TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256",
		"TLS_AES_128_CCM_SHA256" };
	struct world w = { 0 };
	char text[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(suites); i++) {
		connect_with(&w, suites[i]);
		assert_string_equal(secure_text(w.server, text) + strlen("TLSv1.3/"),
		    suites[i]);
		for (unsigned round = 0; round < 3; round++) {
			say(&w, "ping");
			carry(&w, 1000);
			answer(&w, "pong");
		}
		assert_string_equal(buf_text(&w.heard), "pingpingping");
		hang_up(&w);
	}
}

static void
much_is_read_in_any_chops_and_pieces(void **state)
{
	static const size_t chops[] = { 1, 4, 5, 6, 21, 22, 16405, 16406, 16407,
		1000000 };
	static const size_t caps[] = { 100, 16384, 16385, 20000 };
	struct world w = { 0 };
	char *much = malloc(MUCH);

	(void)state;
	for (size_t i = 0; i < MUCH; i++)
		much[i] = (char)(i * 7 + i / 256);
	for (size_t i = 0; i < ARRAY_SIZE(chops); i++)
		for (size_t k = 0; k < ARRAY_SIZE(caps); k++) {
			connect_with(&w, NULL);
			w.cap = caps[k];
			assert_int_equal(SSL_write(w.client, much, (int)MUCH), (int)MUCH);
			carry(&w, chops[i]);
			assert_int_equal(w.heard.len, MUCH);
			assert_memory_equal(w.heard.at, much, MUCH);
			hang_up(&w);
		}
	free(much);
}

static void
padding_is_taken_off(void **state)
{
	struct world w = { 0 };

	(void)state;
	connect_with(&w, NULL);
	SSL_set_block_padding(w.client, 512);
	say(&w, "padded");
	carry(&w, 100);
	assert_string_equal(buf_text(&w.heard), "padded");
	hang_up(&w);
}

static void
keys_may_change_at_any_time(void **state)
{
	struct world w = { 0 };

	(void)state;
	connect_with(&w, NULL);
	for (unsigned round = 0; round < 100; round++) {
		assert_int_equal(SSL_key_update(w.client,
				     round % 3 == 0 ? SSL_KEY_UPDATE_NOT_REQUESTED :
						      SSL_KEY_UPDATE_REQUESTED),
		    1);
		say(&w, "x");
		carry(&w, 7);
		assert_int_equal(w.state, SECURE_MORE);
		answer(&w, "y");
	}
	assert_int_equal(w.heard.len, 100);
	hang_up(&w);
}

/* What the server says to LEN bytes AT: it must fail with WHY, the client hear ALERT. */
static void
is_refused(struct world *w, const char *at, size_t len, const char *why,
    const char *alert)
{
	char plain[10];
	int reason;

	hear(w, at, len);
	assert_int_equal(w->state, SECURE_FAILED);
	assert_string_equal(secure_why(w->server), why);
	assert_true(SSL_read(w->client, plain, sizeof(plain)) <= 0);
	reason = ERR_GET_REASON(ERR_get_error());
	assert_string_equal(SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET),
	    alert);
	/* and for good */
	hear(w, at, len);
	assert_int_equal(w->state, SECURE_FAILED);
	assert_false(secure_write(w->server, "x", 1, &w->heard));
	assert_int_equal(w->heard.len, 0);
	hang_up(w);
}

static void
what_is_no_record_is_refused(void **state)
{
	struct world w = { 0 };
	char forged[100] = { 23, 3, 3, 0, 40 };

	(void)state;
	connect_with(&w, NULL);
	is_refused(&w, forged, 45, "decryption failed or bad record mac",
	    "bad record mac");
	connect_with(&w, NULL);
	is_refused(&w, "\027\003\003\000\020abcdefghijklmnop", 21, "length too short",
	    "bad record mac");
	connect_with(&w, NULL);
	is_refused(&w, "\027\003\003\101\001", 5, "encrypted length too long",
	    "record overflow");
	connect_with(&w, NULL);
	is_refused(&w, "\024\003\003\000\001\001", 6, "unexpected record",
	    "unexpected_message");
	connect_with(&w, NULL);
	/* an alert in clear, as an attacker would send it */
	is_refused(&w, "\025\003\003\000\002\002\050", 7, "unexpected record",
	    "unexpected_message");
}

static void
records_are_not_replayed_or_lost(void **state)
{
	struct world w = { 0 };
	struct buf first, second;

	(void)state;
	connect_with(&w, NULL);
	say(&w, "first");
	first = said(&w);
	hear(&w, first.at, first.len);
	assert_string_equal(buf_text(&w.heard), "first");
	buf_clear(&w.heard);
	is_refused(&w, first.at, first.len, "decryption failed or bad record mac",
	    "bad record mac");
	buf_fini(&first);

	connect_with(&w, NULL);
	say(&w, "first");
	first = said(&w);
	say(&w, "second");
	second = said(&w);
	is_refused(&w, second.at, second.len, "decryption failed or bad record mac",
	    "bad record mac");
	buf_fini(&first);
	buf_fini(&second);
}

static void
nothing_for_ever_is_refused(void **state)
{
	struct world w = { 0 };
	struct buf all = { 0 };

	(void)state;
	connect_with(&w, NULL);
	for (unsigned i = 0; i < 40; i++) {
		assert_int_equal(SSL_key_update(w.client, SSL_KEY_UPDATE_NOT_REQUESTED),
		    1);
		assert_int_equal(SSL_do_handshake(w.client), 1);
	}
	all = said(&w);
	is_refused(&w, all.at, all.len, "too many records without data",
	    "unexpected_message");
	buf_fini(&all);
}

static void
the_end_is_said_and_heard(void **state)
{
	struct world w = { 0 };
	struct buf out = { 0 };
	char plain[10];

	(void)state;
	connect_with(&w, NULL);
	say(&w, "bye");
	SSL_shutdown(w.client);
	carry(&w, 3);
	assert_string_equal(buf_text(&w.heard), "bye");
	assert_int_equal(w.state, SECURE_CLOSED);
	/* the other direction is still open */
	answer(&w, "bye");
	secure_shutdown(w.server, &out);
	BIO_write(w.to_client, out.at, (int)out.len);
	assert_int_equal(SSL_read(w.client, plain, sizeof(plain)), 0);
	assert_int_equal(SSL_get_error(w.client, 0), SSL_ERROR_ZERO_RETURN);
	buf_fini(&out);
	hang_up(&w);
}

static void
without_memory_the_session_ends(void **state)
{
	struct world w = { 0 };
	struct buf b;

	(void)state;
	connect_with(&w, NULL);
	say(&w, "a question");
	b = said(&w);
	mem_fail_after(1);
	hear(&w, b.at, 3);
	assert_int_equal(w.state, SECURE_FAILED);
	assert_string_equal(secure_why(w.server), "out of memory");
	mem_fail_after(0);
	buf_fini(&b);
	hang_up(&w);
}

static int
begin(void **state)
{
	(void)state;
	certs_begin();
	certs_make(&(struct cert_wish){ "server", "server", NULL, NULL, false, false });
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
		UNIT_TEST(every_suite_is_spoken),
		UNIT_TEST(much_is_read_in_any_chops_and_pieces),
		UNIT_TEST(padding_is_taken_off),
		UNIT_TEST(keys_may_change_at_any_time),
		UNIT_TEST(what_is_no_record_is_refused),
		UNIT_TEST(records_are_not_replayed_or_lost),
		UNIT_TEST(nothing_for_ever_is_refused),
		UNIT_TEST(the_end_is_said_and_heard),
		UNIT_TEST(without_memory_the_session_ends),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
