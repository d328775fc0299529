/*
 * two.c - two TLS sessions back to back, for tests.
 */
#include "unit/net/two.h"

#include "unit/unit.h"

#include "net/tls.h"
#include "unit/net/certs.h"

struct tls *
context(const struct tls_settings *settings)
{
	struct err e;
	struct tls *tls = tls_new(settings, &e);

	if (tls == NULL)
		fail_msg("%s", e.text);
	return tls;
}

struct tls *
server_context(const char *cert, const char *key, const char *protocols)
{
	return context(&(struct tls_settings){
	    .role = LINK_ACCEPTS,
	    .cert_file = certs_path(cert),
	    .key_file = certs_path(key),
	    .protocols = protocols,
	});
}

struct tls *
client_context(enum tls_verify verify, const char *ca)
{
	return context(&(struct tls_settings){
	    .role = LINK_CONNECTS,
	    .verify = verify,
	    .ca_file = ca != NULL ? certs_path(ca) : NULL,
	});
}

struct two
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

void
two_free(struct two *two)
{
	end_free(&two->server);
	end_free(&two->client);
}

void
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
	while ((end->state = secure_read(end->secure, plain, sizeof(plain), &n,
		    &end->out)) == SECURE_OK)
		buf_put(&end->got, plain, n);
}

bool
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

void
settle(struct two *two, size_t chop)
{
	bool some;

	do {
		some = carry(&two->client, &two->server, chop);
		some |= carry(&two->server, &two->client, chop);
	} while (some);
}

void
shake(struct two *two, size_t chop)
{
	hear(&two->client, NULL, 0);
	settle(two, chop);
}

void
shaken(struct two *two)
{
	shake(two, MEGABYTE);
	if (!two->client.ready)
		fail_msg("client: %s", secure_why(two->client.secure));
	if (!two->server.ready)
		fail_msg("server: %s", secure_why(two->server.secure));
}

void
client_refuses(struct two *two, const char *why)
{
	shake(two, MEGABYTE);
	assert_int_equal(two->client.state, SECURE_FAILED);
	assert_string_equal(secure_why(two->client.secure), why);
	assert_int_not_equal(two->server.state, SECURE_OK);
}

void
say(struct end *end, const char *text)
{
	assert_true(secure_write(end->secure, text, strlen(text), &end->out));
}
