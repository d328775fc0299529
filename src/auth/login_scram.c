/*
 * login_scram.c - SCRAM's messages of a login: which verifier the client is measured by,
 * with which channel binding, and what its proof teaches us. Who gets in is login.c's.
 */
#include "auth/login_private.h"

#include "base/mem.h"
#include "base/rand.h"
#include "wire/read.h"
#include "wire/reply.h"

/* A verifier for the plain secret TEXT under SALT: one PBKDF2 a user, not a login. */
static bool
verifier_from_plain(struct login *l, struct span text, struct span salt,
    const char *salt64, struct scram_verifier *v)
{
	struct scram_keys keys;
	bool fine;

	fine = keyring_find(l->keyring, login_user(l), text, salt, l->iterations, &keys);
	if (!fine) {
		fine = scram_keys_make(text, salt, l->iterations, &keys);
		if (fine)
			keyring_keep(l->keyring, login_user(l), text, salt,
			    l->iterations, &keys);
	}
	fine = fine && scram_verifier_make(&keys, span_text(salt64), l->iterations, v);
	mem_wipe(&keys, sizeof(keys));
	return fine;
}

/*
 * What the client is to prove it knows: the stored verifier, one made from the plain
 * secret, or one that nobody can match but that looks the same. SALT64 is room for the
 * salt of those that we make.
 */
static bool
choose_verifier(struct login *l, const struct secret *secret, char salt64[SALT64],
    struct scram_verifier *v)
{
	unsigned char salt[KEYRING_SALT];

	if (secret->kind == SECRET_SCRAM) {
		*v = secret->scram;
		return true;
	}
	if (!keyring_salt(l->keyring, login_user(l), salt))
		return false;
	base64_encode(salt, sizeof(salt), salt64);
	if (secret->kind == SECRET_PLAIN)
		return verifier_from_plain(l, secret_span(secret),
		    span_of(salt, sizeof(salt)), salt64, v);
	v->iterations = l->iterations;
	v->salt64 = span_text(salt64);
	rand_bytes(v->stored_key, sizeof(v->stored_key));
	rand_bytes(v->server_key, sizeof(v->server_key));
	return true;
}

enum login_verdict
login_hear_first(struct login *l, struct span message, struct buf *reply, struct err *e)
{
	struct scram_options options = { .bind = l->bound };
	struct scram_verifier v = {0};
	struct buf answer = {0};
	const char *why;
	bool fine;

	if (!choose_verifier(l, &l->secret, l->salt64, &v))
		return login_no_memory(e);
	if (l->binding.len > 0) {
		options.binding_type = SPAN_LITERAL(SCRAM_BINDING);
		options.binding_data = buf_span(&l->binding);
	}
	scram_server_init(&l->scram, &v, &options);
	mem_wipe(&v, sizeof(v));
	fine = scram_server_first(&l->scram, message, &answer, &why) && !answer.failed;
	if (fine)
		reply_write_auth(reply, AUTH_SASL_CONTINUE, buf_span(&answer));
	l->stage = WANT_FINAL;
	buf_fini(&answer);
	return fine ? LOGIN_MORE : login_malformed(l, why, e);
}

/* SASLInitialResponse: mechanism, length of what follows or -1 for nothing at all. */
enum login_verdict
login_hear_mechanism(struct login *l, struct span body, struct buf *reply, struct err *e)
{
	struct reader r = read_begin(body);
	struct span mechanism = read_string(&r);
	uint32_t len = read_u32(&r);
	struct span message = read_rest(&r);

	if (!read_done(&r))
		return login_malformed(l, "malformed SASL initial response", e);
	l->bound = l->binding.len > 0 && span_is(mechanism, SCRAM_MECHANISM_PLUS);
	if (!l->bound && !span_is(mechanism, SCRAM_MECHANISM))
		return login_malformed(l, "expected one of the SASL mechanisms that were "
		    "offered", e);
	if (len == UINT32_MAX && message.len == 0) {
		l->stage = WANT_FIRST;
		reply_write_auth(reply, AUTH_SASL_CONTINUE, span_of(NULL, 0));
		return LOGIN_MORE;
	}
	if (len != message.len)
		return login_malformed(l, "length in the SASL initial response is wrong", e);
	return login_hear_first(l, message, reply, e);
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

void
login_learn_password(struct login *l, struct span password)
{
	const struct scram_verifier *v = &l->secret.scram;
	struct scram_keys keys;
	struct buf salt = {0};

	secret_salt(v, &salt);
	if (!salt.failed && !keyring_find(l->keyring, login_user(l), secret_span(&l->secret),
	    buf_span(&salt), v->iterations, &keys) &&
	    scram_keys_make(password, buf_span(&salt), v->iterations, &keys))
		login_learn(l, &keys);
	buf_fini(&salt);
	mem_wipe(&keys, sizeof(keys));
}

/* The proof has been measured and FITS or not; ANSWER is our own proof. */
static enum login_verdict
conclude(struct login *l, bool fits, const struct buf *answer,
    const struct scram_keys *keys, struct buf *reply, struct err *e)
{
	enum login_verdict verdict = login_decide(l, fits && !answer->failed, e);

	if (verdict != LOGIN_YES)
		return verdict;
	reply_write_auth(reply, AUTH_SASL_FINAL, buf_span(answer));
	if (l->secret.kind == SECRET_SCRAM)
		login_learn(l, keys);
	return verdict;
}

enum login_verdict
login_hear_final(struct login *l, struct span message, struct buf *reply, struct err *e)
{
	struct scram_keys keys;
	struct buf answer = {0};
	enum login_verdict verdict;
	const char *why;
	bool fits;

	fits = scram_server_final(&l->scram, message, &answer, &keys, &why);
	verdict = why != NULL ? login_malformed(l, why, e) :
	    conclude(l, fits, &answer, &keys, reply, e);
	buf_fini(&answer);
	mem_wipe(&keys, sizeof(keys));
	return verdict;
}

enum login_verdict
login_judge_proof(struct login *l, struct buf *reply, struct err *e)
{
	struct scram_keys keys;
	struct scram_verifier v = {0};
	struct buf answer = {0};
	char salt64[SALT64];
	enum login_verdict verdict;
	const char *why;
	bool fits;

	fits = choose_verifier(l, &l->secret, salt64, &v) &&
	    scram_server_again(&l->scram, &v, &answer, &keys, &why);
	verdict = conclude(l, fits, &answer, &keys, reply, e);
	buf_fini(&answer);
	mem_wipe(&keys, sizeof(keys));
	mem_wipe(&v, sizeof(v));
	return verdict;
}
