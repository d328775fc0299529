/*
 * login.h - one client's authentication: messages in, verdict and messages out. No fd,
 * clock or log; whoever drives it brings deadlines and sends what is written.
 *
 *	begin --------------------------> YES | NO		trust, any
 *	begin -> MORE -> step -> ... ---> YES | NO		plain, md5, scram-sha-256
 *
 * AuthenticationOk is not written here: it opens the welcome (protocol 3, 55.2.1). An
 * unknown user goes through the same messages as a known one with a wrong password.
 */
#ifndef AUTH_LOGIN_H
#define AUTH_LOGIN_H

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

struct keyring;

/* Of every refusal: PgBouncer's, which its clients know. */
#define LOGIN_SQLSTATE SQLSTATE_PROTOCOL

/* Largest body of a client's message during login; refuse more by its header. */
#define LOGIN_BODY_MOST 65535u

enum login_method {
	LOGIN_TRUST,		/* whoever is known */
	LOGIN_ANY,		/* whoever; the caller sees to a forced user */
	LOGIN_PLAIN,
	LOGIN_MD5,		/* becomes SCRAM for a user with a SCRAM verifier */
	LOGIN_SCRAM,
};

enum login_verdict { LOGIN_MORE, LOGIN_YES, LOGIN_NO };

struct login_rules {
	enum login_method	 method;
	uint32_t		 scram_iterations;	/* for plain secrets; 0: 4096 */
	struct keyring		*keyring;		/* borrowed, never NULL */
};

struct login;

/*
 * Begin for USER whose stored SECRET (may be empty, any kind of secret.h) is given; KNOWN
 * says whether there is such a user. All are copied. MORE: *OUT is the caller's to free
 * and REPLY has what to send; otherwise *OUT is NULL. NO: E has the text for the client.
 */
enum login_verdict login_begin(struct login **out, const struct login_rules *rules,
    struct span user, struct span secret, bool known, struct buf *reply, struct err *e);

/*
 * The client has sent a message of KIND with BODY (whole). REPLY gets what to send, also
 * with YES (SASLFinal). NO: E has the text for the client, and in its detail what was
 * malformed, if anything was. After YES or NO only login_free().
 */
enum login_verdict login_step(struct login *l, char kind, struct span body,
    struct buf *reply, struct err *e);

/* Wipe and free; NULL is fine. */
void login_free(struct login *l);

#endif
