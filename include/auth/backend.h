/*
 * backend.h - our login at a server: answers to its AuthenticationXxx messages (protocol
 * 3, 55.2.1 and 55.3). Servers are strangers: what they may ask for is bounded, and with
 * SCRAM they must prove to know the secret before AuthenticationOk counts.
 */
#ifndef AUTH_BACKEND_H
#define AUTH_BACKEND_H

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

struct keyring;

/* OK: AuthenticationOk came in its turn. FAIL: E says why; close the connection. */
enum backend_verdict { BACKEND_MORE, BACKEND_OK, BACKEND_FAIL };

struct backend_rules {
	struct span	 user;			/* copied */
	struct span	 secret;		/* copied; empty: none is known */
	struct keyring	*keyring;		/* borrowed, never NULL */
	bool		 refuse_cleartext;	/* never send the password itself */
	/* data of tls-server-end-point (RFC 5929), copied; empty: the channel cannot be bound */
	struct span	 binding;
};

struct backend_login;

/* One login at one server, or NULL: no memory. */
struct backend_login *backend_new(const struct backend_rules *rules) MUST_USE;

/*
 * The server has sent an Authentication message ('R') with AUTH_BODY (whole): its code
 * and data. MORE: REPLY has what to send, if anything. FAIL: REPLY is void, E's text
 * begins with "server login failed: " and its detail may say more.
 */
enum backend_verdict backend_step(struct backend_login *b, struct span auth_body,
    struct buf *reply, struct err *e);

/* Wipe and free; NULL is fine. */
void backend_free(struct backend_login *b);

#endif
