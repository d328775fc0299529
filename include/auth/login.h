/*
 * login.h - one client's authentication: messages in, verdict and messages out. No fd,
 * clock or log; whoever drives it brings deadlines and sends what is written.
 *
 *	begin --------------------------> YES | NO		trust, any, cert, peer, reject
 *	begin -> MORE -> step -> ... ---> YES | NO		plain, md5, scram-sha-256
 *	begin -> MORE -> step -> ASK -> told -> YES | NO	pam, ldap
 *	                 step -> NO -> again -> YES | NO	the secret may have changed
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
	LOGIN_CERT,		/* whoever is known and has the certificate for it (cert.h) */
	LOGIN_PEER,		/* the same for the process at the other end (peer.h) */
	LOGIN_PAM, LOGIN_LDAP,	/* a password in clear that others judge (outside.h) */
	LOGIN_REJECT,		/* nobody: a rule says so */
	LOGIN_NOWAY,		/* nobody: no rule says anything */
};

/* ASK: find out about login_password(), then login_told(). */
enum login_verdict { LOGIN_MORE, LOGIN_ASK, LOGIN_YES, LOGIN_NO };

struct login_rules {
	enum login_method	 method;
	uint32_t		 scram_iterations;	/* for plain secrets; 0: 4096 */
	struct keyring		*keyring;		/* borrowed, never NULL */
	/* CERT, PEER: the connection itself shows that it may be this user */
	bool			 shown;
	/* whatever else it shows: a certificate that its rule wants beside is missing */
	bool			 barred;
	/* PLAIN: a user without a secret costs the time of one with a SCRAM verifier */
	bool			 slow_no;
	/* data of tls-server-end-point, copied; empty: no channel binding is offered */
	struct span		 binding;
};

struct login;

/* Does a yes by RULES depend on what is known of the user? */
bool login_needs_user(const struct login_rules *rules);

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

/* ASK: the password to judge; lasts until login_free(). */
struct span login_password(const struct login *l);
/* Whether the password is RIGHT, as others say. Never MORE or ASK. */
enum login_verdict login_told(struct login *l, bool right, struct err *e);

/*
 * After NO: was all well-formed, and only not what the stored secret wants? Then another
 * secret might do: login_again() judges what the client has sent by SECRET and KNOWN
 * instead. A SCRAM proof fits only a verifier of the same salt and iterations. Once.
 */
bool login_may_again(const struct login *l);
enum login_verdict login_again(struct login *l, struct span secret, bool known,
    struct buf *reply, struct err *e);

/* Wipe and free; NULL is fine. */
void login_free(struct login *l);

#endif
