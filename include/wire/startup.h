/*
 * startup.h - the packets without a kind byte (protocol 3, 55.2, 55.8): StartupMessage,
 * SSLRequest, GSSENCRequest, CancelRequest, both to read and to write, and the `options`
 * string inside the first.
 */
#ifndef WIRE_STARTUP_H
#define WIRE_STARTUP_H

#include "base/buf.h"
#include "base/span.h"

#define STARTUP_MOST 10000u		/* largest start-up packet, as PostgreSQL */
#define CANCEL_KEY_LEAST 4u
#define CANCEL_KEY_MOST 256u

#define PROTOCOL_3_0 ((uint32_t)3 << 16)
#define PROTOCOL_3_2 ((uint32_t)3 << 16 | 2)

enum startup_kind {
	STARTUP_MORE,		/* not all here yet */
	STARTUP_BAD,		/* wrong length or code: close */
	STARTUP_OLD,		/* protocol 2 */
	STARTUP_NEW,		/* major version above 3 */
	STARTUP_SSL,
	STARTUP_GSS,
	STARTUP_PEER,		/* a replica wants to pass a cancel request on (pool/proof.h) */
	STARTUP_CANCEL,		/* pid and key are set */
	STARTUP_HELLO,		/* a StartupMessage 3.x: version and params are set */
};

struct startup {
	size_t		 size;		/* of the whole packet; set unless MORE or BAD */
	uint32_t	 version;	/* as sent */
	struct span	 params;	/* NUL-terminated names and values in turn, without the last NUL */
	uint32_t	 pid;		/* STARTUP_CANCEL */
	struct span	 key;		/* 4 to 256 bytes */
	const char	*why;		/* STARTUP_BAD: what was wrong */
};

/* Look at the packet that begins at BYTES. Judges the length before all of it is here. */
enum startup_kind startup_read(struct span bytes, struct startup *out);

/* The next (name, value) of PARAMS, both NUL-terminated in place; false at the end. */
bool startup_next(struct span *params, struct span *name, struct span *value);

/*
 * The next setting of an `options` string ("-c name=value", "-cname=value", "--name=value", blanks between, backslash
 * takes the next byte literally; '-' in a name becomes '_'). NAME and VALUE are written to bufs, cleared first.
 * 1: one found, 0: end, -1: a switch we do not know or a broken one (then *REST begins with it), or no memory (NAME or
 * VALUE has failed).
 */
int startup_option(struct span *rest, struct buf *name, struct buf *value);

/* Write a StartupMessage: VERSION, then PAIRS (name, value, name, value, ..., NULL). */
void startup_write(struct buf *b, uint32_t version, const char *const *pairs);
void startup_write_ssl(struct buf *b);
void startup_write_peer(struct buf *b);
void startup_write_cancel(struct buf *b, uint32_t pid, struct span key);

#endif
