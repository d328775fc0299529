/*
 * startup.c - packets without a kind byte, and the `options` in them. Which parameters
 * are wanted, and what a bad packet is answered with, is the login's business.
 */
#include "wire/startup.h"

#include "wire/read.h"
#include "wire/write.h"

#define HEAD 8u	/* length and code */

/* Versions no protocol will ever have; protocol 3, 55.2.4, 55.2.10, 55.2.11. */
#define CODE_CANCEL ((uint32_t)1234 << 16 | 5678)
#define CODE_SSL ((uint32_t)1234 << 16 | 5679)
#define CODE_GSS ((uint32_t)1234 << 16 | 5680)
/* Ours, in the same row; PostgreSQL and PgBouncer refuse it as a protocol they do not know. */
#define CODE_PEER ((uint32_t)1234 << 16 | 6432)

static enum startup_kind
bad(struct startup *out, const char *why)
{
	out->why = why;
	return STARTUP_BAD;
}

/* May a packet of KIND be SIZE bytes long? */
static bool
size_possible(enum startup_kind kind, uint32_t size)
{
	switch (kind) {
	case STARTUP_SSL:
	case STARTUP_GSS:
	case STARTUP_PEER:
		return size == HEAD;
	case STARTUP_CANCEL:
		return size >= HEAD + 4 + CANCEL_KEY_LEAST &&
		    size <= HEAD + 4 + CANCEL_KEY_MOST;
	case STARTUP_HELLO:
		return size > HEAD;
	case STARTUP_OLD:
	case STARTUP_NEW:
	case STARTUP_MORE:
	case STARTUP_BAD:
		break;
	}
	return true;
}

static enum startup_kind
kind_of(uint32_t code)
{
	switch (code) {
	case CODE_SSL:
		return STARTUP_SSL;
	case CODE_GSS:
		return STARTUP_GSS;
	case CODE_PEER:
		return STARTUP_PEER;
	case CODE_CANCEL:
		return STARTUP_CANCEL;
	}
	switch (code >> 16) {
	case 0:
	case 1:
		return STARTUP_BAD;
	case 2:
		return STARTUP_OLD;
	case 3:
		return STARTUP_HELLO;
	}
	return STARTUP_NEW;
}

/* BODY is all behind the version: pairs of strings, then a NUL as its last byte. */
static bool
params_read(struct span body, struct span *params)
{
	struct span rest, name, value;

	if (body.len == 0 || body.at[body.len - 1] != '\0')
		return false;
	rest = *params = span_of(body.at, body.len - 1);
	while (startup_next(&rest, &name, &value))
		continue;
	return rest.len == 0;
}

enum startup_kind
startup_read(struct span bytes, struct startup *out)
{
	struct reader r = read_begin(bytes);
	uint32_t size = read_u32(&r), code;
	enum startup_kind kind;

	*out = (struct startup){ 0 };
	if (r.failed)
		return STARTUP_MORE;
	if (size < HEAD || size > STARTUP_MOST)
		return bad(out, "expected a start-up packet of 8 to 10000 bytes");
	code = read_u32(&r);
	if (r.failed)
		return STARTUP_MORE;
	kind = kind_of(code);
	if (kind == STARTUP_BAD)
		return bad(out, "expected protocol 3, got an unknown code");
	if (!size_possible(kind, size))
		return bad(out, "length of the start-up packet does not fit its code");
	if (bytes.len < size)
		return STARTUP_MORE;
	out->size = size;
	out->version = code;
	r = read_begin(span_of(bytes.at + HEAD, size - HEAD));
	if (kind == STARTUP_CANCEL) {
		out->pid = read_u32(&r);
		out->key = read_rest(&r);
	}
	if (kind == STARTUP_HELLO && !params_read(read_rest(&r), &out->params))
		return bad(out, "start-up parameters do not end where the packet ends");
	return kind;
}

bool
startup_next(struct span *params, struct span *name, struct span *value)
{
	struct reader r = read_begin(*params);
	struct span n, v;

	n = read_string(&r);
	v = read_string(&r);
	if (r.failed || n.len == 0)
		return false;
	*name = n;
	*value = v;
	*params = read_rest(&r);
	return true;
}

static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The word that *REST begins with, its backslashes resolved, onto the end of B. */
static void
word_take(struct span *rest, struct buf *b)
{
	while (rest->len > 0 && !is_blank(rest->at[0])) {
		if (rest->at[0] == '\\')
			*rest = span_skip(*rest, 1);
		if (rest->len == 0)
			break;
		buf_put_byte(b, rest->at[0]);
		*rest = span_skip(*rest, 1);
	}
}

static void
blanks_skip(struct span *rest)
{
	while (rest->len > 0 && is_blank(rest->at[0]))
		*rest = span_skip(*rest, 1);
}

/* "name=value" in NAME: part them. */
static bool
setting_part(struct buf *name, struct buf *value)
{
	char *equals = memchr(name->at, '=', name->len);
	size_t len, i;

	if (equals == NULL || equals == name->at)
		return false;
	len = (size_t)(equals - name->at);
	buf_put(value, equals + 1, name->len - len - 1);
	name->len = len;
	for (i = 0; i < len; i++)
		if (name->at[i] == '-')
			name->at[i] = '_';
	return !value->failed;
}

int
startup_option(struct span *rest, struct buf *name, struct buf *value)
{
	struct span left, word;
	bool short_form;

	buf_clear(name);
	buf_clear(value);
	blanks_skip(rest);
	if (rest->len == 0)
		return 0;
	left = *rest;
	word_take(&left, name);
	word = buf_span(name);
	short_form = span_starts(word, "-c");
	if (name->failed || (!short_form && !span_starts(word, "--")))
		return -1;
	buf_drop(name, 2);
	if (short_form && name->len == 0) {
		blanks_skip(&left);
		word_take(&left, name);
	}
	if (name->failed || name->len == 0 || !setting_part(name, value))
		return -1;
	*rest = left;
	return 1;
}

void
startup_write(struct buf *b, uint32_t version, const char *const *pairs)
{
	size_t mark = write_begin(b, '\0');

	write_u32(b, version);
	for (; pairs[0] != NULL; pairs += 2) {
		write_text(b, pairs[0]);
		write_text(b, pairs[1]);
	}
	write_u8(b, 0);
	write_end(b, mark);
}

static void
write_code(struct buf *b, uint32_t code)
{
	size_t mark = write_begin(b, '\0');

	write_u32(b, code);
	write_end(b, mark);
}

void
startup_write_ssl(struct buf *b)
{
	write_code(b, CODE_SSL);
}

void
startup_write_peer(struct buf *b)
{
	write_code(b, CODE_PEER);
}

void
startup_write_cancel(struct buf *b, uint32_t pid, struct span key)
{
	size_t mark = write_begin(b, '\0');

	write_u32(b, CODE_CANCEL);
	write_u32(b, pid);
	buf_put_span(b, key);
	write_end(b, mark);
}
