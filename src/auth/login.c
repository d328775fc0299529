/*
 * login.c - how a client proves who it is.
 *
 * Chooses the mechanism, takes password messages apart (SCRAM's are login_scram.c's) and,
 * in one place, says yes. What a mechanism computes is in plain.c, md5.c and scram.c; which
 * method applies to a client, and what becomes of it afterwards, is the pool's.
 */
#include "auth/login_private.h"

#include "auth/plain.h"
#include "base/mem.h"
#include "base/rand.h"
#include "wire/read.h"
#include "wire/reply.h"

static const char *const refusals[] = {
	[LOGIN_TRUST] = "\"trust\" authentication failed",
	[LOGIN_ANY] = "authentication failed",
	[LOGIN_PLAIN] = "password authentication failed",
	[LOGIN_MD5] = "password authentication failed",
	[LOGIN_SCRAM] = "SASL authentication failed",
	[LOGIN_CERT] = "certificate authentication failed",
	[LOGIN_PEER] = "unix socket login rejected",
	[LOGIN_PAM] = "PAM authentication failed",
	[LOGIN_LDAP] = "LDAP authentication failed",
	[LOGIN_REJECT] = "login rejected",
	[LOGIN_NOWAY] = "no authentication method is found",
};

/*
 * The one place that says yes. HAS_SECRET: something is stored that could match.
 * PROVED: the mechanism has run to its end and found the client right.
 */
static enum login_verdict
decide(const struct login *l, bool has_secret, bool proved, struct err *e)
{
	if (l->barred) {
		err_set(e, LOGIN_SQLSTATE, "%s", refusals[LOGIN_CERT]);
		return LOGIN_NO;
	}
	switch (l->method) {
	case LOGIN_ANY:
		return LOGIN_YES;
	case LOGIN_TRUST:
		if (l->known)
			return LOGIN_YES;
		break;
	case LOGIN_CERT:
	case LOGIN_PEER:
		if (l->known && l->shown)
			return LOGIN_YES;
		break;
	case LOGIN_PLAIN:
	case LOGIN_MD5:
	case LOGIN_SCRAM:
		if (l->known && has_secret && proved)
			return LOGIN_YES;
		break;
	case LOGIN_PAM:
	case LOGIN_LDAP:
		if (proved)
			return LOGIN_YES;
		break;
	case LOGIN_REJECT:
	case LOGIN_NOWAY:
		break;
	}
	err_set(e, LOGIN_SQLSTATE, "%s", refusals[l->method]);
	return LOGIN_NO;
}

enum login_verdict
login_decide(struct login *l, bool proved, struct err *e)
{
	enum secret_kind kind = l->secret.kind;
	/* no SCRAM proof fits an MD5 hash: there was only a mock verifier */
	bool mock = l->method == LOGIN_SCRAM && kind == SECRET_MD5;

	l->judged = true;
	return decide(l, kind != SECRET_NONE && !mock, proved, e);
}

enum login_verdict
login_no_memory(struct err *e)
{
	err_set(e, SQLSTATE_NO_MEMORY, "out of memory");
	return LOGIN_NO;
}

enum login_verdict
login_malformed(const struct login *l, const char *why, struct err *e)
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
	l->shown = rules->shown;
	l->barred = rules->barred;
	l->slow_no = rules->slow_no;
	l->iterations = rules->scram_iterations > 0 ? rules->scram_iterations :
	    SCRAM_ITERATIONS;
	l->keyring = rules->keyring;
	l->user_len = user.len;
	l->user = mem_copy_text(user.len > 0 ? user.at : "", user.len);
	buf_put_span(&l->binding, rules->binding);
	if (!known)
		secret = span_of(NULL, 0);
	if (l->user == NULL || l->binding.failed || !secret_init(&l->secret, secret)) {
		login_free(l);
		return NULL;
	}
	return l;
}

/* Ask for the first message. */
static void
login_ask(struct login *l, struct buf *reply)
{
	switch (l->method) {
	case LOGIN_TRUST:
	case LOGIN_ANY:
	case LOGIN_CERT:
	case LOGIN_PEER:
	case LOGIN_REJECT:
	case LOGIN_NOWAY:
		break;
	case LOGIN_PLAIN:
	case LOGIN_PAM:
	case LOGIN_LDAP:
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
		reply_write_auth(reply, AUTH_SASL, l->binding.len > 0 ?
		    SPAN_LITERAL(SCRAM_MECHANISM_PLUS "\0" SCRAM_MECHANISM "\0\0") :
		    SPAN_LITERAL(SCRAM_MECHANISM "\0\0"));
		break;
	}
}

bool
login_needs_user(const struct login_rules *rules)
{
	if (rules->barred)
		return false;
	switch (rules->method) {
	case LOGIN_TRUST:
	case LOGIN_PLAIN:
	case LOGIN_MD5:
	case LOGIN_SCRAM:
		return true;
	case LOGIN_CERT:
	case LOGIN_PEER:
		return rules->shown;
	case LOGIN_ANY:
	case LOGIN_PAM:
	case LOGIN_LDAP:
	case LOGIN_REJECT:
	case LOGIN_NOWAY:
		break;
	}
	return false;
}

static bool
asks_password(enum login_method method)
{
	return method == LOGIN_PLAIN || method == LOGIN_MD5 || method == LOGIN_SCRAM ||
	    method == LOGIN_PAM || method == LOGIN_LDAP;
}

enum login_verdict
login_begin(struct login **out, const struct login_rules *rules, struct span user,
    struct span secret, bool known, struct buf *reply, struct err *e)
{
	struct login at_once = { .method = rules->method, .known = known,
		.shown = rules->shown, .barred = rules->barred };
	struct login *l;

	*out = NULL;
	if (rules->barred || !asks_password(rules->method))
		return decide(&at_once, false, false, e);
	l = login_new(rules, user, secret, known);
	if (l == NULL)
		return login_no_memory(e);
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
	if (l->said.at != NULL)
		mem_wipe(l->said.at, l->said.cap);
	buf_fini(&l->said);
	buf_fini(&l->binding);
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

/* Take as long as a stored verifier would have taken. */
static void
measure_in_vain(struct login *l)
{
	struct scram_keys keys;

	if (!scram_keys_make(buf_span(&l->said), SPAN_LITERAL("salt of sixteen "),
	    l->iterations, &keys))
		return;
	mem_wipe(&keys, sizeof(keys));
}

/* Measure what was said by the secret. */
static enum login_verdict
judge_said(struct login *l, struct err *e)
{
	struct span said = buf_span(&l->said);
	enum login_verdict verdict;

	if (l->slow_no && l->method == LOGIN_PLAIN && l->secret.kind == SECRET_NONE)
		measure_in_vain(l);
	verdict = login_decide(l, l->method == LOGIN_MD5 ?
	    md5_fits(&l->secret, login_user(l), l->md5_salt, said) :
	    plain_fits(&l->secret, login_user(l), said), e);
	if (verdict == LOGIN_YES && l->secret.kind == SECRET_SCRAM)
		login_learn_password(l, said);
	return verdict;
}

static enum login_verdict
step_password(struct login *l, struct span body, struct err *e)
{
	struct span said;

	if (!read_password(body, &said, e))
		return LOGIN_NO;
	buf_put_span(&l->said, said);
	if (l->said.failed)
		return login_no_memory(e);
	if (l->method != LOGIN_PAM && l->method != LOGIN_LDAP)
		return judge_said(l, e);
	l->stage = WANT_WORD;
	return LOGIN_ASK;
}

struct span
login_password(const struct login *l)
{
	return buf_span(&l->said);
}

enum login_verdict
login_told(struct login *l, bool right, struct err *e)
{
	bool asked = l->stage == WANT_WORD;

	l->stage = OVER;
	return decide(l, false, asked && right, e);
}

/* --- a secret that has changed meanwhile -------------------------------------- */

bool
login_may_again(const struct login *l)
{
	return l->judged && l->stage == OVER;
}

enum login_verdict
login_again(struct login *l, struct span secret, bool known, struct buf *reply,
    struct err *e)
{
	struct buf shown = {0};
	struct secret now;
	enum login_verdict verdict;

	if (!login_may_again(l) || !secret_init(&now, known ? secret : span_of(NULL, 0)))
		return login_no_memory(e);
	/* the salt the client was shown may lie in the secret that goes */
	buf_put_span(&shown, l->scram.verifier.salt64);
	secret_fini(&l->secret);
	l->secret = now;
	l->known = known;
	l->scram.verifier.salt64 = buf_span(&shown);
	if (shown.failed)
		verdict = login_no_memory(e);
	else
		verdict = l->method == LOGIN_SCRAM ? login_judge_proof(l, reply, e) :
		    judge_said(l, e);
	l->judged = false;
	l->scram.verifier.salt64 = span_of(NULL, 0);
	buf_fini(&shown);
	return verdict;
}

/* ------------------------------------------------------------------------------ */

static enum login_verdict
login_hear(struct login *l, struct span body, struct buf *reply, struct err *e)
{
	switch (l->stage) {
	case WANT_PASSWORD:
	case WANT_MD5:
		return step_password(l, body, e);
	case WANT_MECHANISM:
		return login_hear_mechanism(l, body, reply, e);
	case WANT_FIRST:
		return login_hear_first(l, body, reply, e);
	case WANT_FINAL:
		return login_hear_final(l, body, reply, e);
	case WANT_WORD:
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
	if (verdict != LOGIN_MORE && verdict != LOGIN_ASK)
		l->stage = OVER;
	return verdict;
}
