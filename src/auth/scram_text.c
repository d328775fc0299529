/*
 * scram_text.c - reading and writing the parts of SCRAM's messages. Everything here is
 * shown to strangers' bytes: lengths first, no copies, no memory where it can be avoided.
 */
#include "auth/scram_text.h"

#include "base/rand.h"

#define NONCE 18u	/* random bytes: 24 letters */
#define KEY64 44u	/* letters of a key in base64 */

bool
scram_take(struct span *rest, char name, struct span *value)
{
	const char *comma;

	if (rest->len < 2 || rest->at[0] != name || rest->at[1] != '=')
		return false;
	*value = span_skip(*rest, 2);
	comma = value->len > 0 ? memchr(value->at, ',', value->len) : NULL;
	if (comma == NULL) {
		*rest = span_of(NULL, 0);
		return true;
	}
	value->len = (size_t)(comma - value->at);
	*rest = span_skip(*rest, 2 + value->len + 1);
	return true;
}

bool
scram_take_extension(struct span *rest)
{
	char name = rest->len > 0 ? rest->at[0] : 0;
	struct span value;

	if (!(name >= 'a' && name <= 'z') && !(name >= 'A' && name <= 'Z'))
		return false;
	return name != 'm' && scram_take(rest, name, &value) && value.len > 0;
}

bool
scram_take_extensions(struct span *rest)
{
	while (rest->at != NULL)
		if (!scram_take_extension(rest))
			return false;
	return true;
}

bool
scram_is_message(struct span message, size_t most)
{
	return message.len > 0 && message.len <= most &&
	    memchr(message.at, '\0', message.len) == NULL;
}

bool
scram_is_nonce(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] < 0x21 || s.at[i] > 0x7e)
			return false;
	return s.len > 0;
}

/* Looked at in fours. */
bool
scram_is_base64(struct span text)
{
	unsigned char three[3];
	bool fine = true;

	while (fine && text.len > 0) {
		struct span four = span_of(text.at, text.len < 4 ? text.len : 4);
		long got = base64_decode(four, three, sizeof(three));

		text = span_skip(text, 4);
		fine = got == 3 || (got > 0 && text.len == 0);
	}
	return fine;
}

bool
scram_read_iterations(struct span text, uint32_t most, uint32_t *out)
{
	uint64_t n = 0;

	if (text.len == 0 || text.len > 10)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(text.at[i] - '0');
	}
	*out = (uint32_t)n;
	return n >= 1 && n <= most;
}

bool
scram_read_key(struct span text, unsigned char out[SCRAM_KEY])
{
	return text.len == KEY64 && base64_decode(text, out, SCRAM_KEY) == SCRAM_KEY;
}

bool
scram_read_base64(struct span text, struct buf *out)
{
	size_t most = text.len / 4 * 3;
	char *to;
	long got;

	if (text.len == 0)
		return true;
	to = buf_reserve(out, most);
	if (to == NULL)
		return false;
	got = base64_decode(text, to, most);
	if (got < 0)
		return false;
	out->len += (size_t)got;
	return true;
}

void
scram_put_base64(struct buf *out, struct span in)
{
	size_t len = (in.len + 2) / 3 * 4;
	char *to = buf_reserve(out, len + 1);

	if (to != NULL)
		out->len += base64_encode(in.len > 0 ? in.at : "", in.len, to);
}

void
scram_put_nonce(struct buf *out, struct span given)
{
	unsigned char random[NONCE];

	if (given.len > 0) {
		buf_put_span(out, given);
		return;
	}
	rand_bytes(random, sizeof(random));
	scram_put_base64(out, span_of(random, sizeof(random)));
}
