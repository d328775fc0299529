/*
 * set_tls.c - rows: TLS with clients, TLS with servers.
 *
 * What versions a protocol list means is decided here; what ciphers and files are worth
 * is found out by who loads them.
 */
#include "conf/rows.h"

static const char *const sslmode_words[] = { "disable", "allow", "prefer", "require",
	"verify-ca", "verify-full", NULL };
static const char *const dh_words[] = { "none", "auto", NULL };

static const struct {
	const char	*word;
	unsigned	 versions;
} protocols[] = {
	{ "tlsv1", TLS_1_0 | TLS_1_1 | TLS_1_2 | TLS_1_3 },
	{ "tlsv1.0", TLS_1_0 },
	{ "tlsv1.1", TLS_1_1 },
	{ "tlsv1.2", TLS_1_2 },
	{ "tlsv1.3", TLS_1_3 },
	{ "all", TLS_1_0 | TLS_1_1 | TLS_1_2 | TLS_1_3 },
	{ "secure", TLS_1_2 | TLS_1_3 },
	{ "default", TLS_1_2 | TLS_1_3 },
};

/* The versions that one WORD of the list names, or 0. */
static unsigned
word_versions(struct span word)
{
	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
		if (span_is_nocase(word, protocols[i].word))
			return protocols[i].versions;
	}
	return 0;
}

bool
tls_versions(struct span value, unsigned *versions)
{
	struct span rest = span_trim(value), word;
	unsigned chosen = 0, named;
	bool without;

	if (rest.len == 0) {
		*versions = word_versions(SPAN_LITERAL("default"));
		return true;
	}
	while (span_cut(&rest, ",:", &word)) {
		word = span_trim(word);
		without = span_starts(word, "!");
		named = word_versions(without ? span_skip(word, 1) : word);
		if (named == 0)
			return false;
		chosen = without ? chosen & ~named : chosen | named;
	}
	*versions = chosen;
	return chosen != 0;
}

static bool
names_versions(struct span value, const char **expected)
{
	unsigned versions;

	*expected = "a list of tlsv1.0, tlsv1.1, tlsv1.2, tlsv1.3, all, secure that leaves "
		    "at least one";
	return tls_versions(value, &versions);
}

static const struct setting rows[] = {
	{ TEXT(client_tls13_ciphers, NULL), .ready = true,
	  .text = "TLS 1.3 suites for clients, as OpenSSL writes them. Empty means "
		  "OpenSSL's choice." },
	{ PATH(client_tls_ca_file, ""), .source = true, .ready = true,
	  .text = "Certificates of those who may sign clients' certificates." },
	{ PATH(client_tls_cert_file, ""), .source = true, .ready = true,
	  .text = "Certificate shown to clients." },
	{ TEXT(client_tls_ciphers, "default"), .ready = true,
	  .text = "Ciphers for clients up to TLS 1.2, as OpenSSL writes them. The words "
		  "default, secure, normal and fast mean OpenSSL's choice." },
	{ ENUM(client_tls_dheparams, enum dh_params, dh_words, "auto"), .ready = true,
	  .text = "Key exchange by finite-field Diffie-Hellman: none of it, or OpenSSL's "
		  "parameters." },
	{ TEXT(client_tls_ecdhcurve, "auto"), .ready = true,
	  .text = "Curve for the key exchange: none, auto, or its name." },
	{ PATH(client_tls_key_file, ""), .source = true, .ready = true,
	  .text = "Private key of client_tls_cert_file." },
	{ LIST(client_tls_protocols, "secure"), .check = names_versions, .ready = true,
	  .text = "TLS versions offered to clients: tlsv1.0 to tlsv1.3, all, or secure "
		  "(1.2 and 1.3); a leading ! takes one out." },
	{ ENUM(client_tls_sslmode, enum sslmode, sslmode_words, "disable"), .ready = true,
	  .text = "TLS with clients: off, allowed (allow and prefer), required, or with a "
		  "certificate of their own (verify-ca and verify-full)." },
	{ TEXT(server_tls13_ciphers, NULL), .ready = true,
	  .text = "TLS 1.3 suites for servers. Empty means OpenSSL's choice." },
	{ PATH(server_tls_ca_file, ""), .source = true, .ready = true,
	  .text = "Certificates of those who may sign servers' certificates." },
	{ PATH(server_tls_cert_file, ""), .source = true, .ready = true,
	  .text = "Certificate shown to servers that ask for one." },
	{ TEXT(server_tls_ciphers, "default"), .ready = true,
	  .text = "Ciphers for servers up to TLS 1.2; words as in client_tls_ciphers." },
	{ PATH(server_tls_key_file, ""), .source = true, .ready = true,
	  .text = "Private key of server_tls_cert_file." },
	{ LIST(server_tls_protocols, "secure"), .check = names_versions, .ready = true,
	  .text = "TLS versions used with servers; words as in client_tls_protocols." },
	{ ENUM(server_tls_sslmode, enum sslmode, sslmode_words, "prefer"), .ready = true,
	  .text = "TLS with servers, as libpq's sslmode: off, if the server can (allow and "
		  "prefer), always, with a certificate of a known signer, and with the "
		  "host's name in it." },
};

const struct setting_table tls_settings = { rows, ARRAY_SIZE(rows) };
