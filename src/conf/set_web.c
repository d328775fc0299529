/*
 * set_web.c - rows: metrics, probes and the status page over HTTP.
 */
#include "conf/web.h"

#include "base/text.h"
#include "conf/rows.h"

#define HOST_MOST 253u		/* bytes of a name (RFC 1035, 2.3.4) */

/* The port that ends WORD, behind its last colon; the rest is HOST. */
static bool
cut_port(struct span word, struct span *host, uint16_t *port)
{
	size_t at = word.len;
	int64_t n;

	while (at > 0 && word.at[at - 1] != ':')
		at--;
	if (at == 0 || at == word.len || word.at[at] < '0' || word.at[at] > '9' ||
	    !text_int(span_skip(word, at), &n) || n > UINT16_MAX)
		return false;
	*host = span_of(word.at, at - 1);
	*port = (uint16_t)n;
	return true;
}

static bool
read_address(struct span word, struct web_address *out)
{
	struct span *host = &out->host;

	if (!cut_port(word, host, &out->port) || host->len > HOST_MOST)
		return false;
	if (host->len > 2 && host->at[0] == '[' && host->at[host->len - 1] == ']')
		*host = span_of(host->at + 1, host->len - 2);
	else if (memchr(host->at, ':', host->len) != NULL)
		return false;		/* IPv6 without brackets: which colon is the port's? */
	if (host->len == 0)
		*host = SPAN_LITERAL("*");
	return true;
}

bool
web_address_next(struct span *list, struct web_address *out)
{
	out->word = span_of(NULL, 0);
	while (out->word.len == 0) {
		if (!span_cut(list, ", \t\n", &out->word))
			return false;
	}
	return read_address(out->word, out);
}

static bool
is_addresses(struct span value, const char **expected)
{
	struct web_address address;

	*expected = "addresses with ports such as 127.0.0.1:9127, [::1]:9127 or *:9127, split by "
		    "commas";
	while (web_address_next(&value, &address))
		;
	return address.word.len == 0;
}

static const char *const metrics_names_words[] = { "both", "pgweir", "pgbouncer", NULL };

static const struct setting rows[] = {
	{ PATH(metrics_bearer_token_file, ""), .source = true, .ready = true,
	  .text = "File with the token that whoever asks for metrics or the status page must "
		  "show (Authorization: Bearer ...). Probes need none. Empty means nobody needs "
		  "one." },
	{ ENUM(metrics_exporter_names, enum metrics_names, metrics_names_words, "both"),
	  .ready = true,
	  .text = "Whether /metrics has the names of pgweir, those of pgbouncer_exporter, or "
		  "both." },
	{ LIST(metrics_listen, ""), .check = is_addresses, .ready = true,
	  .text = "Addresses with ports, split by commas, where metrics, probes and the status "
		  "page are served over HTTP, such as 127.0.0.1:9127 or *:9127. Empty means "
		  "nowhere." },
	{ COUNT(metrics_max_pools, "1000"), .ready = true,
	  .text = "Most pools, and databases, that /metrics shows by name; the rest is summed up "
		  "as (others)." },
	{ PATH(metrics_tls_cert_file, ""), .source = true, .ready = true,
	  .text = "Certificate for metrics_listen, with its chain. Empty means HTTP without "
		  "TLS." },
	{ PATH(metrics_tls_key_file, ""), .source = true, .ready = true,
	  .text = "Private key of metrics_tls_cert_file." },
	{ LIST(readiness_databases, ""), .ready = true,
	  .text = "Databases, split by commas, without which /readyz says no: those whose last "
		  "attempt to connect to their server failed. * means all. Empty means that "
		  "servers do not matter." },
};

const struct setting_table web_settings = { rows, ARRAY_SIZE(rows) };
