/*
 * Unit tests of net/tls.c: what a configuration may say. What that does to sessions is
 * tested with secure.c.
 */
#include "unit/unit.h"

#include <sys/stat.h>

#include "net/tls.h"
#include "unit/net/certs.h"

static void
taken(const struct tls_settings *settings)
{
	struct err e;
	struct tls *tls = tls_new(settings, &e);

	if (tls == NULL)
		fail_msg("%s", e.text);
	tls_drop(tls);
}

static void
refused(const struct tls_settings *settings, const char *text)
{
	struct err e;

	assert_null(tls_new(settings, &e));
	if (strstr(e.text, text) == NULL)
		fail_msg("expected \"%s\" in \"%s\"", text, e.text);
}

static void
what_is_wrong_is_named(void **state)
{
	struct tls_settings good = { .role = LINK_ACCEPTS,
		.cert_file = certs_path("server.crt"),
		.key_file = certs_path("server.key") };
	struct tls_settings s;

	(void)state;
#define REFUSED(change, text) \
	do { \
		s = good; \
		s.change; \
		refused(&s, text); \
	} while (0)
	REFUSED(cert_file = "/no/such.crt",
	    "client_tls_cert_file \"/no/such.crt\": No such file or directory");
	REFUSED(key_file = "/no/such.key",
	    "client_tls_key_file \"/no/such.key\": No such file or directory");
	REFUSED(ca_file = "/no/such.ca",
	    "client_tls_ca_file \"/no/such.ca\": No such file or directory");
	REFUSED(cert_file = "/tmp", "client_tls_cert_file \"/tmp\": Is a directory");
	REFUSED(cert_file = certs_path("server.key"), ": no start line");
	REFUSED(key_file = certs_path("server.crt"), "client_tls_key_file");
	REFUSED(key_file = certs_path("ca.key"), ": key values mismatch");
	REFUSED(ca_file = certs_path("empty"), "client_tls_ca_file");
	REFUSED(key_file = NULL, "there is no key to it");
	REFUSED(cert_file = "", "there is no certificate to it");
	REFUSED(protocols = "tlsv1.2,sslv3", "client_tls_protocols \"tlsv1.2,sslv3\": ");
	REFUSED(protocols = "tlsv1.2,!tlsv1.2", "no protocol is left");
	REFUSED(ciphers = "NOTHING", "client_tls_ciphers \"NOTHING\": no cipher match");
	REFUSED(ciphers13 = "NOTHING",
	    "client_tls13_ciphers \"NOTHING\": failed to set the TLSv1.3 cipher suites");
	REFUSED(curve = "round", "client_tls_ecdhcurve \"round\": no such curve");
	REFUSED(dheparams = "legacy",
	    "client_tls_dheparams \"legacy\": expected auto or none");
	s = (struct tls_settings){ .role = LINK_ACCEPTS };
	refused(&s, "client_tls_cert_file and client_tls_key_file must be set");
	s = (struct tls_settings){ .role = LINK_CONNECTS, .ca_file = "/no/such.ca" };
	refused(&s, "server_tls_ca_file \"/no/such.ca\": No such file or directory");
}

static void
good_words_are_taken(void **state)
{
	(void)state;
	taken(&(struct tls_settings){ .role = LINK_CONNECTS, .ciphers = "normal",
	    .ciphers13 = "TLS_AES_128_GCM_SHA256", .curve = "prime256v1",
	    .dheparams = "none", .ca_file = "", .protocols = "" });
	taken(&(struct tls_settings){ .role = LINK_CONNECTS, .curve = "auto",
	    .ciphers = "ECDHE-RSA-AES128-GCM-SHA256", .dheparams = "auto" });
	tls_drop(NULL);
	assert_int_equal(strncmp(tls_version(), "OpenSSL 3", 9), 0);
}

/* A warning, no error: containers mount secrets so. */
static void
keys_everybody_may_read_are_taken(void **state)
{
	(void)state;
	assert_int_equal(chmod(certs_path("server.key"), 0644), 0);
	taken(&(struct tls_settings){ .role = LINK_ACCEPTS,
	    .cert_file = certs_path("server.crt"),
	    .key_file = certs_path("server.key") });
}

static void
holds_are_counted(void **state)
{
	struct tls *tls = tls_new(&(struct tls_settings){ .role = LINK_CONNECTS }, NULL);

	(void)state;
	assert_non_null(tls);
	assert_ptr_equal(tls_hold(tls), tls);
	tls_drop(tls);
	/* still there: the sanitizers watch */
	assert_ptr_equal(tls_hold(tls), tls);
	tls_drop(tls);
	tls_drop(tls);
}

static int
begin(void **state)
{
	(void)state;
	certs_begin();
	certs_make(&(struct cert_wish){ "ca", "test CA", NULL, NULL, true, false });
	certs_make(&(struct cert_wish){ "server", "server", NULL, "ca", false, false });
	certs_write("empty", "nothing\n");
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
		UNIT_TEST(what_is_wrong_is_named),
		UNIT_TEST(good_words_are_taken),
		UNIT_TEST(keys_everybody_may_read_are_taken),
		UNIT_TEST(holds_are_counted),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
