/*
 * two.h - two TLS sessions back to back in memory, for tests. What goes wrong fails the
 * test that called.
 */
#ifndef UNIT_NET_TWO_H
#define UNIT_NET_TWO_H

#include "base/buf.h"
#include "net/secure.h"

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

/* Contexts of SETTINGS; of files of certs.h (CA may be NULL). */
struct tls *context(const struct tls_settings *settings);
struct tls *server_context(const char *cert, const char *key, const char *protocols);
struct tls *client_context(enum tls_verify verify, const char *ca);

/* Two sessions over SERVER and CLIENT, whose holds are given up. */
struct two two_over(struct tls *server, struct tls *client, const char *host);
void two_free(struct two *two);

/* END gets LEN bytes. */
void hear(struct end *end, const char *at, size_t len);
/* Carry what FROM has to send to TO, CHOP bytes at a time. True if there was anything. */
bool carry(struct end *from, struct end *to, size_t chop);
/* Carry bytes until nobody has anything to say. */
void settle(struct two *two, size_t chop);
/* Begin the handshake and settle. */
void shake(struct two *two, size_t chop);
/* The same; it must succeed. */
void shaken(struct two *two);
/* The same; it must fail, and the client say WHY. */
void client_refuses(struct two *two, const char *why);
/* END encrypts TEXT. */
void say(struct end *end, const char *text);

#endif
