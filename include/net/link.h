/*
 * link.h - one connected byte stream, plain or TLS, that belongs to one owner on one loop.
 * One of the five doors: the simulator has links too.
 *
 * Reading: the link reads when the socket is readable, once an event, into the loop's
 * shared buffer, and shows the owner what came. What the owner does not consume the link keeps
 * (in memory of its own, exactly sized) and shows again in front of what comes next, or on
 * link_kick(). A link that keeps more than KEEP_MOST stops reading until some of it is
 * consumed. A link that keeps nothing owns no buffer.
 *
 * Writing: link_send() writes at once; what the socket does not take is queued. The owner of
 * a stream that is forwarded looks at link_unsent() and pauses the other side's reading;
 * drained() tells when the queue is empty again.
 *
 * Ending: gone() is called once, from the loop, never from inside one of the owner's own calls.
 * The owner then closes the link. link_close() and link_finish() end all callbacks at once;
 * memory goes at the end of the turn, so a link may be closed inside its own callback.
 */
#ifndef NET_LINK_H
#define NET_LINK_H

#include "base/addr.h"
#include "base/err.h"
#include "base/span.h"

struct link;
struct loop;
struct tls;

#define KEEP_MOST ((size_t)65536)
#define LINK_BINDING_MOST 64u	/* bytes of the longest hash */

struct link_owner {
	/* LEN bytes at AT have come (kept ones included). How many are consumed? */
	size_t	(*bytes)(void *owner, const char *at, size_t len);
	/* The other side has closed, or the link failed. WHY: constant or lasting until the call ends. */
	void	(*gone)(void *owner, const char *why);
	/* Everything queued has been sent. May be NULL. */
	void	(*drained)(void *owner);
	/* The TLS handshake begun by link_secure() is done. May be NULL if never used. */
	void	(*secured)(void *owner);
};

/* Take over FD (connected, non-blocking) on LOOP; reading begins. NULL: no memory, FD is closed. */
struct link *link_new(struct loop *loop, int fd, const struct link_owner *calls, void *owner);

/* Send LEN bytes, or queue them. False: the link has failed (gone() will follow). */
bool link_send(struct link *link, const void *at, size_t len);
/* Bytes queued and not yet taken by the socket. */
size_t link_unsent(const struct link *link);

/* Stop or go on reading. Kept bytes are not shown by link_resume(); see link_kick(). */
void link_pause(struct link *link);
void link_resume(struct link *link);
/* The same for an operator: while HELD nothing is read, whatever link_pause() and link_resume() say. */
void link_hold(struct link *link, bool held);
/* Bytes kept for the owner. */
size_t link_kept(const struct link *link);
/* The owner waits for a message of SIZE bytes to be whole: keep that many. Lasts until the kept bytes are consumed. */
void link_expect(struct link *link, size_t size);
/* Show the kept bytes to the owner now (if there are any). */
void link_kick(struct link *link);
/* The same, but at the end of this turn. */
void link_kick_later(struct link *link);

/* End now: close the socket, forget everything, call nobody. NULL is fine. */
void link_close(struct link *link);
/* End politely: send what is queued, say that no more comes, wait (at most a second or two) for the other side to close, so that
 * a last error message is not lost to a reset. The owner is not called any more. NULL is fine. */
void link_finish(struct link *link);

/*
 * Change loops (threads): the link must have nothing unsent and nothing kept (else false and
 * nothing changes). After link_leave() it makes no calls; the thread that owns LOOP calls
 * link_join(), with OWNER as the callbacks' argument from then on.
 */
bool link_leave(struct link *link);
bool link_join(struct link *link, struct loop *loop, void *owner);

enum link_role { LINK_ACCEPTS, LINK_CONNECTS };
/*
 * Begin a TLS handshake over CONTEXT (held until the link ends). HOST: name for SNI and, where the context verifies it, for the
 * certificate (LINK_CONNECTS), else NULL. Bytes shown but not consumed in the bytes() call that calls this are the other side's
 * first TLS bytes (direct TLS); there must be none kept otherwise. secured() or gone() follows.
 */
bool link_secure(struct link *link, struct tls *context, enum link_role role, const char *host,
    struct err *e);
bool link_is_secure(const struct link *link);
/* "TLSv1.3/TLS_AES_256_GCM_SHA384" into OUT (64 bytes), "" if plain. Returns OUT. */
const char *link_tls_text(const struct link *link, char *out);
/* Has the other side shown a certificate, and was it verified? */
bool link_has_cert(const struct link *link);
/* Is there a name in that certificate that FN says true to: its common name, dNSNames, iPAddresses as text? None if any of
 * them has a zero byte. */
bool link_cert_has(const struct link *link, bool (*fn)(void *arg, struct span name), void *arg);
/* Data of channel binding tls-server-end-point (RFC 5929), in OUT; empty: no TLS, or none is defined for that certificate. */
struct span link_binding(const struct link *link, unsigned char out[LINK_BINDING_MOST]);
/* The protocol chosen by ALPN, empty if none. */
struct span link_alpn(const struct link *link);

/*
 * Has the other machine acknowledged nothing for about MOST although something was sent again and again? Not
 * so if it says that it has no room (a reader that rests), nor on unix sockets. One system call.
 */
bool link_is_dead(const struct link *link, usec_t most);
/* The other machine may be gone: from now on let the kernel ask it in every silence of a second; without an answer the link ends. */
void link_probe(const struct link *link);
/* The socket's own and the other end. */
void link_local(const struct link *link, struct addr *out);
void link_peer(const struct link *link, struct addr *out);

#endif
