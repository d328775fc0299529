/*
 * fuzz_scram_server.c - two messages from a client, a line feed between them, against
 * the server's role. The first byte chooses salt and channel binding.
 */
#include "fuzz/fuzz.h"

#include "auth/scram.h"

static void
talk(struct scram_server *s, struct span first, struct span final)
{
	struct buf out = {0};
	struct scram_keys learnt = {0};
	const char *why;

	if (!scram_server_first(s, first, &out, &why)) {
		must(why != NULL && out.len == 0);
	} else {
		must(why == NULL && span_starts(buf_span(&out), "r="));
		buf_clear(&out);
		must(scram_server_final(s, final, &out, &learnt, &why) ==
		    span_starts(buf_span(&out), "v="));
	}
	buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct scram_options options = { .nonce = SPAN_LITERAL("server"),
		.binding_type = SPAN_LITERAL("tls-server-end-point"),
		.binding_data = SPAN_LITERAL("hash") };
	struct scram_verifier v = { .iterations = 4096 };
	struct scram_keys keys = {{0}, {0}};
	struct span rest = span_of(bytes, len), first, final;
	struct scram_server s;
	const char *end;

	if (len == 0)
		return 0;
	options.bind = bytes[0] & 1;
	if (bytes[0] & 2)
		options.binding_type = span_of(NULL, 0);
	if (!scram_verifier_make(&keys, bytes[0] & 4 ? SPAN_LITERAL("AAAA") :
	    span_of(NULL, 0), 4096, &v))
		return 0;
	rest = span_skip(rest, 1);
	end = rest.len > 0 ? memchr(rest.at, '\n', rest.len) : NULL;
	first = copy_of(end != NULL ? span_of(rest.at, (size_t)(end - rest.at)) : rest);
	final = copy_of(span_skip(rest, first.len + 1));
	scram_server_init(&s, &v, &options);
	talk(&s, first, final);
	scram_server_fini(&s);
	free((void *)(uintptr_t)first.at);
	free((void *)(uintptr_t)final.at);
	return 0;
}
