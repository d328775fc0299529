/*
 * link_tls.c - TLS on a link: what is read is decrypted before the owner sees it. The
 * protocol itself is secure.c's.
 */
#include "net/link_private.h"
#include "net/secure.h"

static bool shake_hands(struct link *link);

void
link_read_secure(struct link *link)
{
	char *here = loop_cipher_buffer(link->loop);
	ssize_t n;

	if (here == NULL) {
		link_fail(link, "out of memory");
		link_tell_gone(link);
		return;
	}
	n = link_recv(link->fd, here, LOOP_READ_MOST, 0);
	if (n <= 0) {
		link_no_bytes(link, n);
		return;
	}
	link_decrypt(link, here, (size_t)n);
}

/* LEN bytes of TLS have come: shake hands, show what is inside. */
void
link_decrypt(struct link *link, const char *at, size_t len)
{
	char *plain = loop_read_buffer(link->loop);
	enum secure_state state = SECURE_OK;

	secure_feed(link->secure, at, len);
	if (link->handshaking && !shake_hands(link))
		return;
	while (state == SECURE_OK && !link->dead && !link->failed) {
		struct buf *out = loop_cipher_out(link->loop);
		size_t got = 0, n = 0;

		while (got < LOOP_READ_MOST) {
			state = secure_read(link->secure, plain + got, LOOP_READ_MOST - got, &n, out);
			if (state != SECURE_OK)
				break;
			got += n;
		}
		if (out->len > 0)
			link_send_now(link, out->at, out->len);
		if (got > 0)
			link_show(link, plain, got);
	}
	if (link->dead || state == SECURE_MORE)
		return;
	if (!link->failed)
		link_fail(link, state == SECURE_CLOSED ? "unexpected eof" : secure_why(link->secure));
	link_tell_gone(link);
}

/* Go on with the handshake. True when it is done and the link still lives. */
static bool
shake_hands(struct link *link)
{
	struct buf *out = loop_cipher_out(link->loop);
	enum secure_state state = secure_handshake(link->secure, out);

	if (out->len > 0 && !link_send_now(link, out->at, out->len))
		return false;
	if (state == SECURE_MORE)
		return false;
	if (state != SECURE_OK) {
		link_fail(link, secure_why(link->secure));
		link_tell_gone(link);
		return false;
	}
	link->handshaking = false;
	if (link->calls->secured != NULL)
		link->calls->secured(link->owner);
	return !link->dead && !link->failed;
}

bool
link_secure(struct link *link, struct tls *context, enum link_role role, const char *host,
    struct err *e)
{
	struct buf *out;

	link->secure = secure_new(context, role, host);
	if (link->secure == NULL)
		return err_set(e, SQLSTATE_NO_MEMORY, "cannot begin TLS: out of memory");
	link->handshaking = true;
	if (role == LINK_ACCEPTS)
		return true;
	out = loop_cipher_out(link->loop);
	secure_feed(link->secure, NULL, 0);
	if (secure_handshake(link->secure, out) == SECURE_FAILED)
		return err_set(e, SQLSTATE_CONNECT, "cannot begin TLS: %s",
		    secure_why(link->secure));
	return link_send_now(link, out->at, out->len);
}

bool
link_is_secure(const struct link *link)
{
	return link->secure != NULL && !link->handshaking;
}

const char *
link_tls_text(const struct link *link, char *out)
{
	if (link_is_secure(link))
		return secure_text(link->secure, out);
	out[0] = '\0';
	return out;
}

bool
link_has_cert(const struct link *link)
{
	return link_is_secure(link) && secure_has_cert(link->secure);
}

bool
link_cert_has(const struct link *link, bool (*fn)(void *arg, struct span name), void *arg)
{
	return link_is_secure(link) && secure_cert_has(link->secure, fn, arg);
}

struct span
link_binding(const struct link *link, unsigned char out[LINK_BINDING_MOST])
{
	return link_is_secure(link) ? secure_binding(link->secure, out) : span_of("", 0);
}

struct span
link_alpn(const struct link *link)
{
	return link_is_secure(link) ? secure_alpn(link->secure) : span_of("", 0);
}
