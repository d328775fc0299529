/*
 * login_private.h - one login, for the files that make it up: login.c (methods, passwords,
 * the yes) and login_scram.c (SCRAM's messages).
 */
#ifndef AUTH_LOGIN_PRIVATE_H
#define AUTH_LOGIN_PRIVATE_H

#include "auth/keyring.h"
#include "auth/login.h"
#include "auth/md5.h"
#include "auth/scram.h"
#include "auth/secret.h"

#define SALT64 ((KEYRING_SALT + 2) / 3 * 4 + 1)	/* of our own salts, with a NUL */

/* What the client must send next. */
enum stage {
	WANT_PASSWORD,		/* PasswordMessage in clear */
	WANT_MD5,		/* PasswordMessage, an answer to the salt */
	WANT_MECHANISM,		/* SASLInitialResponse */
	WANT_FIRST,		/* SASLResponse: client-first, after an absent one */
	WANT_FINAL,		/* SASLResponse: client-final */
	WANT_WORD,		/* what others say about the password */
	OVER,
};

struct login {
	enum login_method	 method;	/* SCRAM for MD5 with a verifier */
	enum stage		 stage;
	bool			 known;
	bool			 shown, barred, slow_no;	/* as in the rules */
	bool			 judged;	/* all was said, and measured by the secret */
	uint32_t		 iterations;	/* where no verifier says otherwise */
	struct keyring		*keyring;	/* borrowed */
	char			*user;		/* owned */
	size_t			 user_len;
	struct secret		 secret;
	char			 md5_salt[MD5_SALT];
	char			 salt64[SALT64];
	struct scram_server	 scram;		/* begun by client-first */
	struct buf		 binding;	/* of the channel; empty: none */
	bool			 bound;		/* the client chose to bind */
	struct buf		 said;		/* password, or answer to the salt; wiped */
};

static inline struct span
login_user(const struct login *l)
{
	return span_of(l->user, l->user_len);
}

/* --- login.c --- */

/* The client has said all it was asked for: PROVED or not. */
enum login_verdict login_decide(struct login *l, bool proved, struct err *e);
/* NO: a broken message. Refuse as if the password were wrong, and say in the detail WHY. */
enum login_verdict login_malformed(const struct login *l, const char *why, struct err *e);
enum login_verdict login_no_memory(struct err *e);

/* --- login_scram.c: what the client must send next, one function each --- */

enum login_verdict login_hear_mechanism(struct login *l, struct span body,
    struct buf *reply, struct err *e);
enum login_verdict login_hear_first(struct login *l, struct span message,
    struct buf *reply, struct err *e);
enum login_verdict login_hear_final(struct login *l, struct span message,
    struct buf *reply, struct err *e);
/* A password in clear fits the stored verifier: remember its keys for logins at servers. */
void login_learn_password(struct login *l, struct span password);
/* Measure the proof that was heard by the secret that is stored now. */
enum login_verdict login_judge_proof(struct login *l, struct buf *reply, struct err *e);

#endif
