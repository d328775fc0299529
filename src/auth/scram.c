/*
 * scram.c - SCRAM-SHA-256, both roles, as steps (RFC 5802, section 5; RFC 7677).
 *
 *	client-first	gs2-flag,,n=name,r=nonce		bare part: from n=
 *	server-first	r=nonce+ours,s=salt,i=iterations
 *	client-final	c=binding,r=nonce+ours,p=proof
 *	server-final	v=signature
 *
 * AuthMessage, which both sides sign: bare part, server-first and client-final without
 * its proof, joined by commas. It grows in "heard".
 */
#include "auth/scram.h"

#include "auth/digest.h"
#include "auth/saslprep.h"
#include "auth/scram_text.h"
#include "base/mem.h"
#include "base/rand.h"

static const char no_memory[] = "out of memory";

/* --- what both roles share ---------------------------------------------------- */

static bool
wrong(const char **why, const char *text)
{
	*why = text;
	return false;
}

/* What c= must say: the gs2 header of client-first, and the channel's data. */
static void
put_binding(struct buf *out, struct span header, const struct scram_options *options)
{
	struct buf raw = {0};

	buf_put_span(&raw, header);
	if (options->bind)
		buf_put_span(&raw, options->binding_data);
	if (raw.failed)
		out->failed = true;
	else
		scram_put_base64(out, buf_span(&raw));
	buf_fini(&raw);
}

static bool
sign(const unsigned char key[SCRAM_KEY], struct span text, unsigned char out[SCRAM_KEY])
{
	return digest_hmac(span_of(key, SCRAM_KEY), &text, 1, out);
}

static void
xor_key(unsigned char key[SCRAM_KEY], const unsigned char with[SCRAM_KEY])
{
	for (size_t i = 0; i < SCRAM_KEY; i++)
		key[i] ^= with[i];
}

/* --- keys --------------------------------------------------------------------- */

bool
scram_keys_make(struct span password, struct span salt, uint32_t iterations,
    struct scram_keys *out)
{
	unsigned char salted[SCRAM_KEY];
	struct buf prepared = {0};
	bool fine;

	saslprep(password, &prepared);
	fine = !prepared.failed &&
	    digest_pbkdf2(buf_span(&prepared), salt, iterations, salted) &&
	    sign(salted, SPAN_LITERAL("Client Key"), out->client) &&
	    sign(salted, SPAN_LITERAL("Server Key"), out->server);
	if (prepared.at != NULL)
		mem_wipe(prepared.at, prepared.cap);
	buf_fini(&prepared);
	mem_wipe(salted, sizeof(salted));
	return fine;
}

bool
scram_verifier_make(const struct scram_keys *keys, struct span salt64,
    uint32_t iterations, struct scram_verifier *out)
{
	out->iterations = iterations;
	out->salt64 = salt64;
	memcpy(out->server_key, keys->server, SCRAM_KEY);
	return digest_sha256(span_of(keys->client, SCRAM_KEY), out->stored_key);
}

/* --- the server's role -------------------------------------------------------- */

void
scram_server_init(struct scram_server *s, const struct scram_verifier *v,
    const struct scram_options *options)
{
	*s = (struct scram_server){ .verifier = *v };
	if (options != NULL)
		s->options = *options;
}

void
scram_server_fini(struct scram_server *s)
{
	buf_fini(&s->heard);
	buf_fini(&s->nonce);
	buf_fini(&s->binding);
	mem_wipe(s, sizeof(*s));
}

/* Read the gs2 header off the front of REST: what the client says about binding. */
static bool
server_read_header(const struct scram_options *o, struct span *rest, const char **why)
{
	char flag = rest->len > 0 ? rest->at[0] : 0;
	struct span type;

	if (flag == 'p') {
		if (!o->bind)
			return wrong(why, "channel binding was not negotiated");
		if (!scram_take(rest, 'p', &type) || !span_same(type, o->binding_type))
			return wrong(why, "expected another type of channel binding");
	} else if (flag == 'n' || flag == 'y') {
		if (o->bind)
			return wrong(why, "expected channel binding, as was negotiated");
		if (flag == 'y' && o->binding_type.len > 0)
			return wrong(why, "channel binding was offered, but the client "
			    "did not see that");
		if (rest->len < 2 || rest->at[1] != ',')
			return wrong(why, "malformed header of the first SCRAM message");
		*rest = span_skip(*rest, 2);
	} else {
		return wrong(why, "malformed header of the first SCRAM message");
	}
	if (rest->len > 0 && rest->at[0] == 'a')
		return wrong(why, "an authorization identity is not supported");
	if (rest->len == 0 || rest->at[0] != ',')
		return wrong(why, "malformed header of the first SCRAM message");
	*rest = span_skip(*rest, 1);
	return true;
}

bool
scram_server_first(struct scram_server *s, struct span message, struct buf *out,
    const char **why)
{
	struct span rest = message, bare, name, nonce;
	size_t begin;

	*why = NULL;
	if (!scram_is_message(message, SCRAM_CLIENT_MESSAGE_MOST))
		return wrong(why, "first SCRAM message is empty, too long or has a NUL");
	if (!server_read_header(&s->options, &rest, why))
		return false;
	bare = rest;
	if (rest.len > 0 && rest.at[0] == 'm')
		return wrong(why, "the client requires a SCRAM extension, none is known");
	if (!scram_take(&rest, 'n', &name) || !scram_take(&rest, 'r', &nonce) ||
	    !scram_is_nonce(nonce) || !scram_take_extensions(&rest))
		return wrong(why, "malformed first SCRAM message");

	put_binding(&s->binding,
	    span_of(message.at, (size_t)(bare.at - message.at)), &s->options);
	buf_put_span(&s->nonce, nonce);
	scram_put_nonce(&s->nonce, s->options.nonce);

	buf_put_span(&s->heard, bare);
	buf_put_byte(&s->heard, ',');
	begin = s->heard.len;
	buf_put_text(&s->heard, "r=");
	buf_put_span(&s->heard, buf_span(&s->nonce));
	buf_put_text(&s->heard, ",s=");
	buf_put_span(&s->heard, s->verifier.salt64);
	buf_printf(&s->heard, ",i=%u", (unsigned)s->verifier.iterations);
	if (s->heard.failed || s->nonce.failed || s->binding.failed)
		return wrong(why, no_memory);
	buf_put_span(out, span_skip(buf_span(&s->heard), begin));
	return true;
}

/* Add client-final without its proof to what was heard, and read the proof. */
static bool
server_read_final(struct scram_server *s, struct span message,
    unsigned char proof[SCRAM_KEY], const char **why)
{
	struct span rest = message, binding, nonce, text;

	if (!scram_is_message(message, SCRAM_CLIENT_MESSAGE_MOST))
		return wrong(why, "final SCRAM message is empty, too long or has a NUL");
	if (!scram_take(&rest, 'c', &binding) || !scram_take(&rest, 'r', &nonce))
		return wrong(why, "malformed final SCRAM message");
	while (rest.len > 0 && rest.at[0] != 'p')
		if (!scram_take_extension(&rest))
			return wrong(why, "malformed final SCRAM message");
	if (!scram_take(&rest, 'p', &text) || rest.at != NULL ||
	    !scram_read_key(text, proof))
		return wrong(why, "malformed proof in the final SCRAM message");
	if (!span_same(binding, buf_span(&s->binding)))
		return wrong(why, "channel binding in the final SCRAM message differs");
	if (!span_same(nonce, buf_span(&s->nonce)))
		return wrong(why, "nonce in the final SCRAM message differs");

	/* the proof began with ",p=" */
	buf_put_byte(&s->heard, ',');
	buf_put(&s->heard, message.at, (size_t)(text.at - message.at) - 3);
	return !s->heard.failed || wrong(why, no_memory);
}

/* Does the proof that was heard fit V? */
static bool
server_judge(struct scram_server *s, const struct scram_verifier *v, struct buf *out,
    struct scram_keys *learnt, const char **why)
{
	unsigned char key[SCRAM_KEY], hash[SCRAM_KEY], signature[SCRAM_KEY];
	struct span heard = buf_span(&s->heard);
	bool fits;

	/* the proof is ClientKey, hidden by a signature that StoredKey makes */
	if (!sign(v->stored_key, heard, signature))
		return wrong(why, no_memory);
	memcpy(key, s->proof, SCRAM_KEY);
	xor_key(key, signature);
	if (!digest_sha256(span_of(key, sizeof(key)), hash) ||
	    !sign(v->server_key, heard, signature))
		return wrong(why, no_memory);
	fits = secret_same(hash, v->stored_key, sizeof(hash));
	if (fits) {
		memcpy(learnt->client, key, SCRAM_KEY);
		memcpy(learnt->server, v->server_key, SCRAM_KEY);
		buf_put_text(out, "v=");
		scram_put_base64(out, span_of(signature, sizeof(signature)));
	}
	mem_wipe(key, sizeof(key));
	mem_wipe(hash, sizeof(hash));
	return fits;
}

bool
scram_server_final(struct scram_server *s, struct span message, struct buf *out,
    struct scram_keys *learnt, const char **why)
{
	*why = NULL;
	return server_read_final(s, message, s->proof, why) &&
	    server_judge(s, &s->verifier, out, learnt, why);
}

bool
scram_server_again(struct scram_server *s, const struct scram_verifier *v,
    struct buf *out, struct scram_keys *learnt, const char **why)
{
	*why = NULL;
	if (v->iterations != s->verifier.iterations ||
	    !span_same(v->salt64, s->verifier.salt64))
		return false;
	return server_judge(s, v, out, learnt, why);
}

/* --- the client's role -------------------------------------------------------- */

void
scram_client_init(struct scram_client *c, const struct scram_options *options)
{
	*c = (struct scram_client){0};
	if (options != NULL)
		c->options = *options;
}

void
scram_client_fini(struct scram_client *c)
{
	buf_fini(&c->heard);
	buf_fini(&c->nonce);
	buf_fini(&c->salt);
	mem_wipe(c, sizeof(*c));
}

static void
client_put_header(const struct scram_client *c, struct buf *out)
{
	const struct scram_options *o = &c->options;

	if (o->bind) {
		buf_put_text(out, "p=");
		buf_put_span(out, o->binding_type);
		buf_put_text(out, ",,");
	} else {
		/* y: we could have, but the server did not offer it */
		buf_put_text(out, o->binding_type.len > 0 ? "y,," : "n,,");
	}
}

/* A name may have commas and equals signs, spelt as RFC 5802 wants them. */
static void
client_put_name(const struct scram_client *c, struct buf *out)
{
	struct span name = c->options.name;

	for (size_t i = 0; i < name.len; i++) {
		if (name.at[i] == ',')
			buf_put_text(out, "=2C");
		else if (name.at[i] == '=')
			buf_put_text(out, "=3D");
		else
			buf_put_byte(out, name.at[i]);
	}
}

bool
scram_client_first(struct scram_client *c, struct buf *out)
{
	scram_put_nonce(&c->nonce, c->options.nonce);
	buf_put_text(&c->heard, "n=");
	client_put_name(c, &c->heard);
	buf_put_text(&c->heard, ",r=");
	buf_put_span(&c->heard, buf_span(&c->nonce));
	if (c->heard.failed || c->nonce.failed)
		return false;
	client_put_header(c, out);
	buf_put_span(out, buf_span(&c->heard));
	return true;
}

/* The server must add to our nonce. */
static bool
nonce_continues(struct span ours, struct span both)
{
	return both.len > ours.len && memcmp(both.at, ours.at, ours.len) == 0 &&
	    scram_is_nonce(both);
}

bool
scram_client_read(struct scram_client *c, struct span message, const char **why)
{
	struct span rest = message, nonce, salt, iterations;

	*why = NULL;
	if (!scram_is_message(message, SCRAM_SERVER_MESSAGE_MOST))
		return wrong(why, "first SCRAM message is empty, too long or has a NUL");
	if (rest.at[0] == 'm')
		return wrong(why, "the server requires a SCRAM extension, none is known");
	if (!scram_take(&rest, 'r', &nonce) || !scram_take(&rest, 's', &salt) ||
	    !scram_take(&rest, 'i', &iterations) || !scram_take_extensions(&rest))
		return wrong(why, "malformed first SCRAM message");
	if (!nonce_continues(buf_span(&c->nonce), nonce))
		return wrong(why, "nonce of the first SCRAM message does not "
		    "continue ours");
	if (!scram_read_base64(salt, &c->salt))
		return wrong(why, c->salt.failed ? no_memory :
		    "salt in the first SCRAM message is not base64");
	if (!scram_read_iterations(iterations, SCRAM_ITERATIONS_MOST, &c->iterations))
		return wrong(why, "expected 1 to 100000 SCRAM iterations");
	buf_clear(&c->nonce);
	buf_put_span(&c->nonce, nonce);
	buf_put_byte(&c->heard, ',');
	buf_put_span(&c->heard, message);
	return (!c->heard.failed && !c->nonce.failed) || wrong(why, no_memory);
}

bool
scram_client_final(struct scram_client *c, const struct scram_keys *keys, struct buf *out)
{
	unsigned char proof[SCRAM_KEY], stored[SCRAM_KEY];
	struct buf header = {0}, text = {0};
	bool fine;

	client_put_header(c, &header);
	buf_put_text(&text, "c=");
	put_binding(&text, buf_span(&header), &c->options);
	buf_put_text(&text, ",r=");
	buf_put_span(&text, buf_span(&c->nonce));
	buf_put_byte(&c->heard, ',');
	buf_put_span(&c->heard, buf_span(&text));

	fine = !header.failed && !text.failed && !c->heard.failed &&
	    digest_sha256(span_of(keys->client, SCRAM_KEY), stored) &&
	    sign(stored, buf_span(&c->heard), proof) &&
	    sign(keys->server, buf_span(&c->heard), c->signature);
	if (fine) {
		xor_key(proof, keys->client);
		buf_put_span(out, buf_span(&text));
		buf_put_text(out, ",p=");
		scram_put_base64(out, span_of(proof, sizeof(proof)));
	}
	mem_wipe(stored, sizeof(stored));
	buf_fini(&header);
	buf_fini(&text);
	return fine;
}

bool
scram_client_check(struct scram_client *c, struct span message, const char **why)
{
	unsigned char signature[SCRAM_KEY];
	struct span rest = message, value;

	*why = NULL;
	if (!scram_is_message(message, SCRAM_SERVER_MESSAGE_MOST))
		return wrong(why, "final SCRAM message is empty, too long or has a NUL");
	if (rest.at[0] == 'e')
		return wrong(why, "the server ended the SCRAM exchange with an error");
	if (!scram_take(&rest, 'v', &value) || !scram_take_extensions(&rest) ||
	    !scram_read_key(value, signature))
		return wrong(why, "malformed final SCRAM message");
	if (!secret_same(signature, c->signature, sizeof(signature)))
		return wrong(why, "the server's signature is wrong: it does not know the "
		    "secret");
	return true;
}
