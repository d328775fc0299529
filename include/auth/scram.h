/*
 * scram.h - SCRAM-SHA-256, both roles (RFC 5802, RFC 7677): one message in, one out.
 *
 *	client					server
 *	scram_client_first  ---- client-first ->  scram_server_first
 *	scram_client_read   <--- server-first --
 *	scram_client_final  ---- client-final ->  scram_server_final
 *	scram_client_check  <--- server-final --
 *
 * A function that returns false may leave a constant text in *WHY that says what was
 * malformed; NULL there means no more than "wrong". Whom to let in is login's business,
 * where keys come from is the caller's.
 */
#ifndef AUTH_SCRAM_H
#define AUTH_SCRAM_H

#include "auth/secret.h"
#include "base/buf.h"
#include "base/span.h"

#define SCRAM_MECHANISM "SCRAM-SHA-256"
#define SCRAM_MECHANISM_PLUS "SCRAM-SHA-256-PLUS"	/* bound to the TLS channel */
#define SCRAM_BINDING "tls-server-end-point"	/* how (RFC 5929, section 4) */
#define SCRAM_CLIENT_MESSAGE_MOST 4096u	/* bytes of a message from a client */
#define SCRAM_SERVER_MESSAGE_MOST 65535u	/* bytes of a message from a server */
#define SCRAM_ITERATIONS_MOST 100000u	/* what a server may make us compute */
#define SCRAM_ITERATIONS 4096u		/* where nobody says otherwise */

/* What normal use leaves zeroed. All borrowed for the life of the exchange. */
struct scram_options {
	struct span	 name;		/* client: user name; servers ignore it */
	struct span	 nonce;		/* ours, instead of a random one */
	struct span	 binding_type;	/* we could bind: "tls-server-end-point" */
	struct span	 binding_data;
	bool		 bind;		/* -PLUS was chosen: binding is a must */
};

/* Keys of PASSWORD (prepared here) for SALT and ITERATIONS. False: no memory. */
bool scram_keys_make(struct span password, struct span salt, uint32_t iterations,
    struct scram_keys *out) MUST_USE;
/* What a server keeps of KEYS; SALT64 is borrowed. */
bool scram_verifier_make(const struct scram_keys *keys, struct span salt64,
    uint32_t iterations, struct scram_verifier *out) MUST_USE;

struct scram_server {
	struct scram_options	 options;
	struct scram_verifier	 verifier;	/* its salt is borrowed */
	struct buf		 heard;		/* AuthMessage so far */
	struct buf		 nonce;		/* client's and ours */
	struct buf		 binding;	/* what c= must be, base64 */
	unsigned char		 proof[SCRAM_KEY];	/* the client's, once heard */
};

/* Serve V, whose salt must outlive S. OPTIONS may be NULL. */
void scram_server_init(struct scram_server *s, const struct scram_verifier *v,
    const struct scram_options *options);
void scram_server_fini(struct scram_server *s);
/* Read client-first, append server-first to OUT. */
bool scram_server_first(struct scram_server *s, struct span message, struct buf *out,
    const char **why) MUST_USE;
/* Read client-final. True: the proof fits; then server-final is appended to OUT, and
 * LEARNT has the client's keys. */
bool scram_server_final(struct scram_server *s, struct span message, struct buf *out,
    struct scram_keys *learnt, const char **why) MUST_USE;
/* The same proof again, which was read well but did not fit: does it fit V, if V has the
 * salt and iterations that the client was shown? */
bool scram_server_again(struct scram_server *s, const struct scram_verifier *v,
    struct buf *out, struct scram_keys *learnt, const char **why) MUST_USE;

struct scram_client {
	struct scram_options	 options;
	struct buf		 heard;		/* AuthMessage so far */
	struct buf		 nonce;		/* ours, then the server's longer one */
	struct buf		 salt;		/* raw; set by scram_client_read() */
	uint32_t		 iterations;
	unsigned char		 signature[SCRAM_KEY];	/* what the server must prove */
};

/* OPTIONS may be NULL. */
void scram_client_init(struct scram_client *c, const struct scram_options *options);
void scram_client_fini(struct scram_client *c);
/* Append client-first to OUT. */
bool scram_client_first(struct scram_client *c, struct buf *out) MUST_USE;
/* Read server-first; C's salt and iterations say which keys are needed. */
bool scram_client_read(struct scram_client *c, struct span message,
    const char **why) MUST_USE;
/* Append client-final made with KEYS to OUT. */
bool scram_client_final(struct scram_client *c, const struct scram_keys *keys,
    struct buf *out) MUST_USE;
/* Read server-final: has the server proved that it knows the secret? */
bool scram_client_check(struct scram_client *c, struct span message,
    const char **why) MUST_USE;

#endif
