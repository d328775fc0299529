/*
 * fuzz_startup.c - start-up packets of strangers: a packet cut short is never taken for
 * another, and what is read can be written again.
 */
#include "fuzz/fuzz.h"

#include "base/buf.h"
#include "wire/startup.h"

/* Every beginning of PACKET, which is whole and a KIND, wants more. */
static void
check_beginnings(struct span packet)
{
	struct startup s;
	size_t len;

	/* all of the first bytes, then in steps: inputs may be thousands of bytes long */
	for (len = 0; len < packet.len; len += 1 + len / 16) {
		struct span cut = copy_of(span_of(packet.at, len));

		must(startup_read(cut, &s) == STARTUP_MORE);
		must(s.size == 0);
		free((void *)cut.at);
	}
}

/* The packet written from S is the PACKET it was read from. */
static void
check_written(const struct startup *s, struct span packet)
{
	static const char *pairs[STARTUP_MOST + 1];
	struct span params = s->params, name, value;
	struct buf b = { 0 };
	size_t n = 0;

	while (startup_next(&params, &name, &value)) {
		must(lies_in(name, packet) && lies_in(value, packet));
		must(name.len > 0 && name.at[name.len] == '\0');
		must(value.at[value.len] == '\0');
		pairs[n++] = name.at;
		pairs[n++] = value.at;
	}
	must(params.len == 0);
	pairs[n] = NULL;
	startup_write(&b, s->version, pairs);
	must(span_same(buf_span(&b), packet));
	buf_fini(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct span all = span_of(bytes, len), packet;
	struct startup s;
	struct buf b = { 0 };
	enum startup_kind kind = startup_read(all, &s);

	if (kind == STARTUP_MORE || kind == STARTUP_BAD) {
		must((kind == STARTUP_BAD) == (s.why != NULL));
		must(s.size == 0 || kind == STARTUP_BAD);
		return 0;
	}
	must(s.why == NULL && s.size >= 8 && s.size <= STARTUP_MOST && s.size <= len);
	packet = span_of(bytes, s.size);
	check_beginnings(packet);
	must(startup_read(packet, &s) == kind);
	if (kind == STARTUP_HELLO)
		check_written(&s, packet);
	if (kind == STARTUP_PEER) {
		startup_write_peer(&b);
		must(span_same(buf_span(&b), packet));
		buf_fini(&b);
	}
	if (kind == STARTUP_CANCEL) {
		must(s.key.len >= CANCEL_KEY_LEAST && s.key.len <= CANCEL_KEY_MOST);
		startup_write_cancel(&b, s.pid, s.key);
		must(span_same(buf_span(&b), packet));
		buf_fini(&b);
	}
	return 0;
}
