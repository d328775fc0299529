/*
 * login.c - how a client proves who it is.
 *
 * Chooses the mechanism, takes its messages apart and, in one place, says yes. What
 * a mechanism computes is in plain.c, md5.c and scram.c; which method applies to a
 * client, and what becomes of it afterwards, is the pool's.
 */
#include "auth/login.h"

#include "auth/keyring.h"
#include "auth/md5.h"
#include "auth/plain.h"
#include "auth/scram.h"
#include "auth/secret.h"
#include "base/mem.h"
#include "base/rand.h"
#include "wire/read.h"
#include "wire/reply.h"

/* What the client must send next. */
enum stage {
	WANT_PASSWORD,		/* PasswordMessage in clear */
	WANT_MD5,		/* PasswordMessage, an answer to the salt */
	WANT_MECHANISM,		/* SASLInitialResponse */
	WANT_FIRST,		/* SASLResponse: client-first, after an absent one */
	WANT_FINAL,		/* SASLResponse: client-final */
	OVER,
};

struct login {
	enum login_method	 method;	/* SCRAM for MD5 with a verifier */
	enum stage		 stage;
	bool			 known;
	uint32_t		 iterations;	/* where no verifier says otherwise */
	struct keyring		*keyring;	/* borrowed */
	char			*user;		/* owned */
	size_t			 user_len;
	struct secret		 secret;
	char			 md5_salt[MD5_SALT];
	char			 salt64[(KEYRING_SALT + 2) / 3 * 4 + 1];
	struct scram_server	 scram;		/* begun by client-first */
};

static const char *const refusals[] = {
	[LOGIN_TRUST] = "\"trust\" authentication failed",
	[LOGIN_ANY] = "authentication failed",
	[LOGIN_PLAIN] = "password authentication failed",
	[LOGIN_MD5] = "password authentication failed",
	[LOGIN_SCRAM] = "SASL authentication failed",
};

/*
 * The one place that says yes. HAS_SECRET: something is stored that could match.
 * PROVED: the mechanism has run to its end and found the client right.
 */
static enum login_verdict
decide(enum login_method method, bool known, bool has_secret, bool proved, struct err *e)
{
	switch (method) {
	case LOGIN_ANY:
		return LOGIN_YES;
	case LOGIN_TRUST:
		if (known)
			return LOGIN_YES;
		break;
	case LOGIN_PLAIN:
	case LOGIN_MD5:
	case LOGIN_SCRAM:
		if (known && has_secret && proved)
			return LOGIN_YES;
		break;
	}
	err_set(e, LOGIN_SQLSTATE, "%s", refusals[method]);
	return LOGIN_NO;
}

static enum login_verdict
login_decide(const struct login *l, bool proved, struct err *e)
{
	enum secret_kind kind = l->secret.kind;
	/* no SCRAM proof fits an MD5 hash: there was only a mock verifier */
	bool mock = l->method == LOGIN_SCRAM && kind == SECRET_MD5;

	return decide(l->method, l->known, kind != SECRET_NONE && !mock, proved, e);
}

static enum login_verdict
no_memory(struct err *e)
{
	err_set(e, SQLSTATE_NO_MEMORY, "out of memory");
	return LOGIN_NO;
}

/* A broken message: refuse as if the password were wrong, and say in the detail WHY. */
static enum login_verdict
malformed(const struct login *l, const char *why, struct err *e)
{
	err_set(e, LOGIN_SQLSTATE, "%s", refusals[l->method]);
	if (why != NULL)
		err_detail(e, "%s", why);
	return LOGIN_NO;
}

static struct login *
login_new(const struct login_rules *rules, struct span user, struct span secret,
    bool known)
{
	struct login *l = mem_new(sizeof(*l));

	if (l == NULL)
		return NULL;
	l->method = rules->method;
	l->known = known;
	l->iterations = rules->scram_iterations > 0 ? rules->scram_iterations :
	    SCRAM_ITERATIONS;
	l->keyring = rules->keyring;
	l->user_len = user.len;
	l->user = mem_copy_text(user.len > 0 ? user.at : "", user.len);
	if (!known)
		secret = span_of(NULL, 0);
	if (l->user == NULL || !secret_init(&l->secret, secret)) {
		login_free(l);
		return NULL;
	}
	return l;
}

static struct span
login_user(const struct login *l)
{
	return span_of(l->user, l->user_len);
}

/* Ask for the first message. */
static void
login_ask(struct login *l, struct buf *reply)
{
	switch (l->method) {
	case LOGIN_TRUST:
	case LOGIN_ANY:
		break;
	case LOGIN_PLAIN:
		l->stage = WANT_PASSWORD;
		reply_write_auth(reply, AUTH_CLEARTEXT, span_of(NULL, 0));
		break;
	case LOGIN_MD5:
		l->stage = WANT_MD5;
		rand_bytes(l->md5_salt, sizeof(l->md5_salt));
		reply_write_auth(reply, AUTH_MD5, span_of(l->md5_salt, MD5_SALT));
		break;
	case LOGIN_SCRAM:
		/* a list of names: each ends with a NUL, the list with another */
		l->stage = WANT_MECHANISM;
		reply_write_auth(reply, AUTH_SASL,
		    SPAN_LITERAL(SCRAM_MECHANISM "\0\0"));
		break;
	}
}

enum login_verdict
login_begin(struct login **out, const struct login_rules *rules, struct span user,
    struct span secret, bool known, struct buf *reply, struct err *e)
{
	struct login *l;

	*out = NULL;
	if (rules->method == LOGIN_TRUST || rules->method == LOGIN_ANY)
		return decide(rules->method, known, secret.len > 0, false, e);
	l = login_new(rules, user, secret, known);
	if (l == NULL)
		return no_memory(e);
	if (l->method == LOGIN_MD5 && l->secret.kind == SECRET_SCRAM)
		l->method = LOGIN_SCRAM;
	login_ask(l, reply);
	*out = l;
	return LOGIN_MORE;
}

void
login_free(struct login *l)
{
	if (l == NULL)
		return;
	secret_fini(&l->secret);
	scram_server_fini(&l->scram);
	mem_free(l->user);
	mem_wipe(l, sizeof(*l));
	mem_free(l);
}

/* --- password messages -------------------------------------------------------- */

/* The text of a PasswordMessage; false and E's text if it is none, or empty. */
static bool
read_password(struct span body, struct span *out, struct err *e)
{
	struct reader r = read_begin(body);

	*out = read_string(&r);
	if (!read_done(&r))
		return err_set(e, LOGIN_SQLSTATE,
		    "expected a password that ends with its only zero byte");
	if (out->len == 0)
		return err_set(e, LOGIN_SQLSTATE, "empty password returned by client");
	if (out->len > SECRET_MOST)
		return err_set(e, LOGIN_SQLSTATE, "password too long");
	return true;
}

static enum login_verdict
step_password(struct login *l, struct span body, struct err *e)
{
	struct span password;

	if (!read_password(body, &password, e))
		return LOGIN_NO;
	return login_decide(l, plain_fits(&l->secret, login_user(l), password), e);
}

static enum login_verdict
step_md5(struct login *l, struct span body, struct err *e)
{
	struct span answer;
	bool fits;

	if (!read_password(body, &answer, e))
		return LOGIN_NO;
	fits = md5_fits(&l->secret, login_user(l), l->md5_salt, answer);
	return login_decide(l, fits, e);
}

/* --- SCRAM -------------------------------------------------------------------- */

/* A verifier for the plain secret under SALT: one PBKDF2 a user, not a login. */
static bool
verifier_from_plain(struct login *l, struct span salt, struct scram_verifier *v)
{
	struct span text = secret_span(&l->secret);
	struct scram_keys keys;
	bool fine;

	fine = keyring_find(l->keyring, login_user(l), text, salt, l->iterations, &keys);
	if (!fine) {
		fine = scram_keys_make(text, salt, l->iterations, &keys);
		if (fine)
			keyring_keep(l->keyring, login_user(l), text, salt,
			    l->iterations, &keys);
	}
	fine = fine && scram_verifier_make(&keys, span_text(l->salt64), l->iterations, v);
	mem_wipe(&keys, sizeof(keys));
	return fine;
}

/*
 * What the client is to prove it knows: the stored verifier, one made from the plain
 * secret, or one that nobody can match but that looks the same.
 */
static bool
choose_verifier(struct login *l, struct scram_verifier *v)
{
	unsigned char salt[KEYRING_SALT];

	if (l->secret.kind == SECRET_SCRAM) {
		*v = l->secret.scram;
		return true;
	}
	if (!keyring_salt(l->keyring, login_user(l), salt))
		return false;
	base64_encode(salt, sizeof(salt), l->salt64);
	if (l->secret.kind == SECRET_PLAIN)
		return verifier_from_plain(l, span_of(salt, sizeof(salt)), v);
	v->iterations = l->iterations;
	v->salt64 = span_text(l->salt64);
	rand_bytes(v->stored_key, sizeof(v->stored_key));
	rand_bytes(v->server_key, sizeof(v->server_key));
	return true;
}

static enum login_verdict
step_first(struct login *l, struct span message, struct buf *reply, struct err *e)
{
	struct scram_verifier v = {0};
	struct buf answer = {0};
	const char *why;
	bool fine;

	if (!choose_verifier(l, &v))
		return no_memory(e);
	scram_server_init(&l->scram, &v, NULL);
	mem_wipe(&v, sizeof(v));
	fine = scram_server_first(&l->scram, message, &answer, &why) && !answer.failed;
	if (fine)
		reply_write_auth(reply, AUTH_SASL_CONTINUE, buf_span(&answer));
	l->stage = WANT_FINAL;
	buf_fini(&answer);
	return fine ? LOGIN_MORE : malformed(l, why, e);
}

/* SASLInitialResponse: mechanism, length of what follows or -1 for nothing at all. */
static enum login_verdict
step_mechanism(struct login *l, struct span body, struct buf *reply, struct err *e)
{
	struct reader r = read_begin(body);
	struct span mechanism = read_string(&r);
	uint32_t len = read_u32(&r);
	struct span message = read_rest(&r);

	if (!read_done(&r))
		return malformed(l, "malformed SASL initial response", e);
	if (!span_is(mechanism, SCRAM_MECHANISM))
		return malformed(l, "expected SASL mechanism " SCRAM_MECHANISM
		    ", the only one offered", e);
	if (len == UINT32_MAX && message.len == 0) {
		l->stage = WANT_FIRST;
		reply_write_auth(reply, AUTH_SASL_CONTINUE, span_of(NULL, 0));
		return LOGIN_MORE;
	}
	if (len != message.len)
		return malformed(l, "length in the SASL initial response is wrong", e);
	return step_first(l, message, reply, e);
}

/* A proof against a stored verifier gives away what servers with the same one want. */
static void
login_learn(struct login *l, const struct scram_keys *keys)
{
	struct buf salt = {0};

	secret_salt(&l->secret.scram, &salt);
	if (!salt.failed)
		keyring_keep(l->keyring, login_user(l), secret_span(&l->secret),
		    buf_span(&salt), l->secret.scram.iterations, keys);
	buf_fini(&salt);
}

static enum login_verdict
step_final(struct login *l, struct span message, struct buf *reply, struct err *e)
{
	struct scram_keys keys;
	struct buf answer = {0};
	enum login_verdict verdict;
	const char *why;
	bool proved;

	proved = scram_server_final(&l->scram, message, &answer, &keys, &why);
	if (why != NULL)
		verdict = malformed(l, why, e);
	else
		verdict = login_decide(l, proved && !answer.failed, e);
	if (verdict == LOGIN_YES) {
		reply_write_auth(reply, AUTH_SASL_FINAL, buf_span(&answer));
		if (l->secret.kind == SECRET_SCRAM)
			login_learn(l, &keys);
	}
	buf_fini(&answer);
	mem_wipe(&keys, sizeof(keys));
	return verdict;
}

/* ------------------------------------------------------------------------------ */

static enum login_verdict
login_hear(struct login *l, struct span body, struct buf *reply, struct err *e)
{
	switch (l->stage) {
	case WANT_PASSWORD:
		return step_password(l, body, e);
	case WANT_MD5:
		return step_md5(l, body, e);
	case WANT_MECHANISM:
		return step_mechanism(l, body, reply, e);
	case WANT_FIRST:
		return step_first(l, body, reply, e);
	case WANT_FINAL:
		return step_final(l, body, reply, e);
	case OVER:
		break;
	}
	err_set(e, LOGIN_SQLSTATE, "expected no more password messages");
	return LOGIN_NO;
}

enum login_verdict
login_step(struct login *l, char kind, struct span body, struct buf *reply, struct err *e)
{
	enum login_verdict verdict = LOGIN_NO;

	if (kind != 'p' && kind > ' ' && kind <= '~')
		err_set(e, LOGIN_SQLSTATE, "expected a password message, got '%c'", kind);
	else if (kind != 'p')
		err_set(e, LOGIN_SQLSTATE, "expected a password message, got byte %u",
		    (unsigned char)kind);
	else if (body.len > LOGIN_BODY_MOST)
		err_set(e, LOGIN_SQLSTATE, "password too long");
	else
		verdict = login_hear(l, body, reply, e);
	if (verdict != LOGIN_MORE)
		l->stage = OVER;
	return verdict;
}
