/*
 * Unit tests of net/secure.c and net/tls.c: who is believed.
 */
#include "unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "net/secure.h"
#include "net/tls.h"
#include "unit/net/certs.h"
#include "unit/net/two.h"

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
		    "certificate verify failed: unable to get local issuer certificate" },
		{ TLS_VERIFY_CA, NULL, "server", "db.example",
		    "certificate verify failed: unable to get local issuer certificate" },
		{ TLS_VERIFY_CA, "ca.crt", "expired", "db.example",
		    "certificate verify failed: certificate has expired" },
		{ TLS_VERIFY_FULL, "ca.crt", "server", "db.example", NULL },
		{ TLS_VERIFY_FULL, "ca.crt", "server", "DB.Example", NULL },
		{ TLS_VERIFY_FULL, "ca.crt", "server", "a.pool.example", NULL },
		{ TLS_VERIFY_FULL, "ca.crt", "server", "127.0.0.1", NULL },
		{ TLS_VERIFY_FULL, "ca.crt", "server", "no.example",
		    "certificate verify failed: hostname mismatch" },
		{ TLS_VERIFY_FULL, "ca.crt", "server", "a.b.pool.example",
		    "certificate verify failed: hostname mismatch" },
		{ TLS_VERIFY_FULL, "ca.crt", "server", "127.0.0.2",
		    "certificate verify failed: IP address mismatch" },
		{ TLS_VERIFY_FULL, "ca.crt", "plain", "127.0.0.3", NULL },
		{ TLS_VERIFY_FULL, "ca.crt", "plain", "127.0.0.4",
		    "certificate verify failed: IP address mismatch" },
		{ TLS_VERIFY_FULL, "ca.crt", "expired", "db.example",
		    "certificate verify failed: certificate has expired" },
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
	two = two_over(context(&(struct tls_settings){ .role = LINK_ACCEPTS,
			   .verify = verify,
			   .ca_file = ca != NULL ? certs_path(ca) : "",
			   .cert_file = certs_path("server.crt"),
			   .key_file = certs_path("server.key") }),
	    context(&(struct tls_settings){ .role = LINK_CONNECTS,
		.cert_file = cert != NULL ? certs_path(crt) : NULL,
		.key_file = cert != NULL ? certs_path(key) : NULL }),
	    NULL);
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

/* --- what certificates say ---------------------------------------------------- */

struct names {
	char	 text[300];	/* all that were asked about, with commas */
	const char *wanted;
};

static bool
note_name(void *arg, struct span name)
{
	struct names *names = arg;
	size_t len = strlen(names->text);

	snprintf(names->text + len, sizeof(names->text) - len, "%.*s,", (int)name.len,
	    name.at);
	return names->wanted != NULL && span_is(name, names->wanted);
}

/* A server that wants client certificates meets one with CERT (NULL: none). */
static struct two
two_with_card(const char *ca, const char *cert)
{
	char crt[32] = "", key[32] = "";
	struct two two;

	if (cert != NULL) {
		snprintf(crt, sizeof(crt), "%s.crt", cert);
		snprintf(key, sizeof(key), "%s.key", cert);
	}
	two = two_over(context(&(struct tls_settings){ .role = LINK_ACCEPTS,
			   .verify = TLS_VERIFY_IF_GIVEN,
			   .ca_file = ca != NULL ? certs_path(ca) : "",
			   .cert_file = certs_path("server.crt"),
			   .key_file = certs_path("server.key") }),
	    context(&(struct tls_settings){ .role = LINK_CONNECTS,
		.cert_file = cert != NULL ? certs_path(crt) : NULL,
		.key_file = cert != NULL ? certs_path(key) : NULL }),
	    NULL);
	shaken(&two);
	return two;
}

static void
names_of_a_verified_certificate(void **state)
{
	struct two two = two_with_card("ca.crt", "server");
	struct names all = { .text = "" }, one = { .wanted = "db.example" };

	(void)state;
	assert_true(secure_has_cert(two.server.secure));
	assert_false(secure_cert_has(two.server.secure, note_name, &all));
	assert_string_equal(all.text, "server,db.example,*.pool.example,127.0.0.1,");
	assert_true(secure_cert_has(two.server.secure, note_name, &one));
	assert_string_equal(one.text, "server,db.example,");
	two_free(&two);
}

static void
no_names_without_a_verified_certificate(void **state)
{
	const struct {
		const char	*ca, *cert;
	} rows[] = { { "ca.crt", NULL }, { NULL, "server" }, { NULL, "stranger" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct two two = two_with_card(rows[i].ca, rows[i].cert);
		struct names all = { .text = "" };

		assert_false(secure_has_cert(two.server.secure));
		assert_false(secure_cert_has(two.server.secure, note_name, &all));
		assert_string_equal(all.text, "");
		two_free(&two);
	}
}

/* Also when OpenSSL's session has made way for records, and when it has not. */
static void
both_sides_bind_to_the_servers_certificate(void **state)
{
	static const char *const cards[] = { NULL, "server" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cards); i++) {
		unsigned char a[LINK_BINDING_MOST], b[LINK_BINDING_MOST];
		struct two two = two_with_card("ca.crt", cards[i]), other;
		struct span ours = secure_binding(two.server.secure, a), theirs;

		assert_int_equal(ours.len, 32);		/* signed with SHA-256 */
		assert_true(span_same(ours, secure_binding(two.client.secure, b)));
		other = two_verifying(TLS_VERIFY_NONE, NULL, "plain", "db.example");
		shaken(&other);
		theirs = secure_binding(other.server.secure, b);
		assert_int_equal(theirs.len, 32);
		assert_false(span_same(ours, theirs));
		two_free(&two);
		two_free(&other);
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
	certs_make(
	    &(struct cert_wish){ "expired", "x", "DNS:db.example", "ca", false, true });
	certs_make(
	    &(struct cert_wish){ "stranger", "mallory", NULL, "other", false, false });
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
		UNIT_TEST(servers_are_verified_as_set),
		UNIT_TEST(clients_are_verified_as_set),
		UNIT_TEST(names_of_a_verified_certificate),
		UNIT_TEST(no_names_without_a_verified_certificate),
		UNIT_TEST(both_sides_bind_to_the_servers_certificate),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
