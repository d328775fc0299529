/*
 * backend.c - answers to what a server asks for before it lets us in.
 *
 *	asked for	with nothing	plain		md5		verifier
 *	cleartext	""		itself		-		-
 *	md5		of ""		yes		yes		-
 *	SCRAM		of ""		yes		-		with learnt keys
 *
 * "-" is "wrong password type": a stored hash is never sent as if it were the password.
 */
#include "auth/backend.h"

#include "auth/keyring.h"
#include "auth/md5.h"
#include "auth/scram.h"
#include "auth/secret.h"
#include "base/mem.h"
#include "wire/read.h"
#include "wire/reply.h"
#include "wire/write.h"

/* What the server must send next. */
enum stage {
	WANT_REQUEST,		/* any request, or AuthenticationOk at once */
	WANT_OK,		/* AuthenticationOk: all was said */
	WANT_CONTINUE,		/* AuthenticationSASLContinue: server-first */
	WANT_FINAL,		/* AuthenticationSASLFinal: the server's own proof */
	OVER,
};

struct backend_login {
	enum stage		 stage;
	bool			 refuse_cleartext;
	struct keyring		*keyring;	/* borrowed */
	char			*user;		/* owned */
	size_t			 user_len;
	struct secret		 secret;
	struct scram_client	 scram;
	struct buf		 binding;	/* of the channel; empty: none */
};

struct backend_login *
backend_new(const struct backend_rules *rules)
{
	struct backend_login *b = mem_new(sizeof(*b));

	if (b == NULL)
		return NULL;
	b->refuse_cleartext = rules->refuse_cleartext;
	b->keyring = rules->keyring;
	b->user_len = rules->user.len;
	b->user = mem_copy_text(rules->user.len > 0 ? rules->user.at : "",
	    rules->user.len);
	buf_put_span(&b->binding, rules->binding);
	if (b->user == NULL || b->binding.failed || !secret_init(&b->secret, rules->secret)) {
		backend_free(b);
		return NULL;
	}
	return b;
}

void
backend_free(struct backend_login *b)
{
	if (b == NULL)
		return;
	secret_fini(&b->secret);
	scram_client_fini(&b->scram);
	buf_fini(&b->binding);
	mem_free(b->user);
	mem_wipe(b, sizeof(*b));
	mem_free(b);
}

static enum backend_verdict
fail(struct err *e, const char *why)
{
	err_set(e, SQLSTATE_PROTOCOL, "server login failed: %s", why);
	return BACKEND_FAIL;
}

static const char *
kind_name(enum secret_kind kind)
{
	switch (kind) {
	case SECRET_NONE:
		return "no password";
	case SECRET_PLAIN:
		return "a plain password";
	case SECRET_MD5:
		return "an MD5 hash";
	case SECRET_SCRAM:
		return "a SCRAM verifier";
	}
	return "?";
}

/* The text is matched by PgBouncer's users. */
static enum backend_verdict
wrong_type(const struct backend_login *b, const char *wanted, struct err *e)
{
	fail(e, "wrong password type");
	err_detail(e, "the server asked for %s, we have %s", wanted,
	    kind_name(b->secret.kind));
	return BACKEND_FAIL;
}

static struct span
backend_user(const struct backend_login *b)
{
	return span_of(b->user, b->user_len);
}

/* A PasswordMessage; TEXT has no NUL. */
static enum backend_verdict
send_password(struct backend_login *b, struct span text, struct buf *reply)
{
	size_t mark = write_begin(reply, 'p');

	write_string(reply, text);
	write_end(reply, mark);
	b->stage = WANT_OK;
	return BACKEND_MORE;
}

static enum backend_verdict
answer_cleartext(struct backend_login *b, struct reader *r, struct buf *reply,
    struct err *e)
{
	struct span text = secret_span(&b->secret);

	if (!read_done(r))
		return fail(e, "malformed request for a cleartext password");
	if (b->secret.kind == SECRET_MD5 || b->secret.kind == SECRET_SCRAM)
		return wrong_type(b, "a cleartext password", e);
	if (b->refuse_cleartext)
		return fail(e, "the server asked for a cleartext password, which we may "
		    "not send it");
	if (text.len > 0 && memchr(text.at, '\0', text.len) != NULL)
		return fail(e, "the stored password has a zero byte");
	return send_password(b, text, reply);
}

static enum backend_verdict
answer_md5(struct backend_login *b, struct reader *r, struct buf *reply, struct err *e)
{
	struct span salt = read_bytes(r, MD5_SALT);
	char text[DIGEST_MD5_TEXT + 1];

	if (!read_done(r))
		return fail(e, "malformed request for an MD5 password");
	if (b->secret.kind == SECRET_SCRAM)
		return wrong_type(b, "an MD5 password", e);
	if (!md5_answer(&b->secret, backend_user(b), salt.at, text))
		return fail(e, "MD5 is not available in this process");
	send_password(b, span_of(text, DIGEST_MD5_TEXT), reply);
	mem_wipe(text, sizeof(text));
	return BACKEND_MORE;
}

/* --- SCRAM -------------------------------------------------------------------- */

/* Which of our mechanisms are among the server's, a list that an empty name ends. */
static bool
read_offer(struct reader *r, bool *plain, bool *plus)
{
	*plain = *plus = false;
	for (;;) {
		struct span name = read_string(r);

		if (r->failed || name.len == 0)
			return read_done(r);
		*plain |= span_is(name, SCRAM_MECHANISM);
		*plus |= span_is(name, SCRAM_MECHANISM_PLUS);
	}
}

/* The keys learnt for our verifier. */
static bool
learnt_keys(struct backend_login *b, struct scram_keys *out)
{
	const struct scram_verifier *v = &b->secret.scram;
	struct buf salt = {0};
	bool found;

	secret_salt(v, &salt);
	found = !salt.failed && keyring_find(b->keyring, backend_user(b),
	    secret_span(&b->secret), buf_span(&salt), v->iterations, out);
	buf_fini(&salt);
	return found;
}

/* SASLInitialResponse. PLUS: bind to the channel. */
static enum backend_verdict
say_first(struct backend_login *b, bool plus, struct buf *reply, struct err *e)
{
	struct scram_options options = { .bind = plus };
	struct buf first = {0};
	size_t mark;
	bool fine;

	/* unbound though it could be: we say so, and a server that did offer it refuses */
	if (b->binding.len > 0) {
		options.binding_type = SPAN_LITERAL(SCRAM_BINDING);
		options.binding_data = buf_span(&b->binding);
	}
	scram_client_init(&b->scram, &options);
	fine = scram_client_first(&b->scram, &first) && !first.failed;
	if (fine) {
		mark = write_begin(reply, 'p');
		write_text(reply, plus ? SCRAM_MECHANISM_PLUS : SCRAM_MECHANISM);
		write_u32(reply, (uint32_t)first.len);
		buf_put_span(reply, buf_span(&first));
		write_end(reply, mark);
	}
	buf_fini(&first);
	b->stage = WANT_CONTINUE;
	return fine ? BACKEND_MORE : fail(e, "out of memory");
}

static enum backend_verdict
answer_sasl(struct backend_login *b, struct reader *r, struct buf *reply, struct err *e)
{
	struct scram_keys keys;
	bool plain, plus, fine;

	if (!read_offer(r, &plain, &plus))
		return fail(e, "malformed request for SASL");
	plus = plus && b->binding.len > 0;
	if (!plain && !plus)
		return fail(e, "no common SASL mechanism, expected " SCRAM_MECHANISM);
	if (b->secret.kind == SECRET_MD5)
		return wrong_type(b, SCRAM_MECHANISM, e);
	if (b->secret.kind == SECRET_SCRAM) {
		fine = learnt_keys(b, &keys);
		mem_wipe(&keys, sizeof(keys));
		if (!fine) {
			wrong_type(b, SCRAM_MECHANISM, e);
			err_hint(e, "a client has to log in with SCRAM first: its proof "
			    "has the keys that a verifier lacks");
			return BACKEND_FAIL;
		}
	}
	return say_first(b, plus, reply, e);
}

/* Keys for the salt and iterations the server named: computed once, then remembered. */
static bool
plain_keys(struct backend_login *b, struct scram_keys *out)
{
	struct span text = secret_span(&b->secret), salt = buf_span(&b->scram.salt);
	uint32_t iterations = b->scram.iterations;

	if (keyring_find(b->keyring, backend_user(b), text, salt, iterations, out))
		return true;
	if (!scram_keys_make(text, salt, iterations, out))
		return false;
	if (text.len > 0)
		keyring_keep(b->keyring, backend_user(b), text, salt, iterations, out);
	return true;
}

/* Does the server keep the verifier we have, as far as it has shown it? */
static bool
same_verifier(const struct backend_login *b)
{
	const struct scram_verifier *v = &b->secret.scram;
	struct buf salt = {0};
	bool same;

	secret_salt(v, &salt);
	same = !salt.failed && v->iterations == b->scram.iterations &&
	    span_same(buf_span(&salt), buf_span(&b->scram.salt));
	buf_fini(&salt);
	return same;
}

static enum backend_verdict
answer_continue(struct backend_login *b, struct reader *r, struct buf *reply,
    struct err *e)
{
	struct scram_keys keys;
	const char *why;
	size_t mark;
	bool fine;

	if (!scram_client_read(&b->scram, read_rest(r), &why))
		return fail(e, why);
	if (b->secret.kind == SECRET_SCRAM && !same_verifier(b)) {
		fail(e, "the server keeps another SCRAM secret");
		err_detail(e, "its salt or iterations differ from those stored here");
		return BACKEND_FAIL;
	}
	fine = b->secret.kind == SECRET_SCRAM ? learnt_keys(b, &keys) :
	    plain_keys(b, &keys);
	if (!fine)
		return fail(e, "out of memory, or the SCRAM keys are gone");
	mark = write_begin(reply, 'p');
	fine = scram_client_final(&b->scram, &keys, reply);
	write_end(reply, mark);
	mem_wipe(&keys, sizeof(keys));
	b->stage = WANT_FINAL;
	return fine ? BACKEND_MORE : fail(e, "out of memory");
}

static enum backend_verdict
check_final(struct backend_login *b, struct reader *r, struct err *e)
{
	const char *why;

	if (!scram_client_check(&b->scram, read_rest(r), &why))
		return fail(e, why);
	b->stage = WANT_OK;
	return BACKEND_MORE;
}

/* ------------------------------------------------------------------------------ */

static enum backend_verdict
accept_ok(const struct backend_login *b, const struct reader *r, struct err *e)
{
	if (!read_done(r))
		return fail(e, "malformed AuthenticationOk");
	if (b->stage == WANT_CONTINUE || b->stage == WANT_FINAL)
		return fail(e, "the server let us in without proving that it knows the "
		    "secret");
	return BACKEND_OK;
}

static enum backend_verdict
backend_hear(struct backend_login *b, struct reader *r, struct buf *reply, struct err *e)
{
	uint32_t code = read_u32(r);
	enum stage legal = WANT_REQUEST;

	if (r->failed)
		return fail(e, "malformed authentication request");
	if (b->stage == OVER)
		return fail(e, "an authentication request came after the login");
	if (code == AUTH_OK)
		return accept_ok(b, r, e);
	if (code == AUTH_SASL_CONTINUE)
		legal = WANT_CONTINUE;
	else if (code == AUTH_SASL_FINAL)
		legal = WANT_FINAL;
	if (b->stage != legal)
		return fail(e, "an authentication request came out of turn");

	switch (code) {
	case AUTH_CLEARTEXT:
		return answer_cleartext(b, r, reply, e);
	case AUTH_MD5:
		return answer_md5(b, r, reply, e);
	case AUTH_SASL:
		return answer_sasl(b, r, reply, e);
	case AUTH_SASL_CONTINUE:
		return answer_continue(b, r, reply, e);
	case AUTH_SASL_FINAL:
		return check_final(b, r, e);
	default:
		err_set(e, SQLSTATE_PROTOCOL, "server login failed: "
		    "authentication method %u is not supported", (unsigned)code);
		err_hint(e, "password, md5 and scram-sha-256 are (in the server's "
		    "pg_hba.conf)");
		return BACKEND_FAIL;
	}
}

enum backend_verdict
backend_step(struct backend_login *b, struct span auth_body, struct buf *reply,
    struct err *e)
{
	struct reader r = read_begin(auth_body);
	enum backend_verdict verdict = backend_hear(b, &r, reply, e);

	if (verdict != BACKEND_MORE)
		b->stage = OVER;
	return verdict;
}
