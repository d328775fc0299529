/*
 * span.c - the longer ones of span.h: compare, cut, copy, hash. Numbers and words in
 * spans are text.c's.
 */
#include "base/span.h"

#include <endian.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static uint64_t hash_key[2];
static pthread_once_t hash_key_once = PTHREAD_ONCE_INIT;

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool
span_is_nocase(struct span s, const char *text)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (text[i] == '\0' || lower(s.at[i]) != lower(text[i]))
			return false;
	return text[i] == '\0';
}

static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct span
span_trim(struct span s)
{
	while (s.len > 0 && is_blank(s.at[0])) {
		s.at++;
		s.len--;
	}
	while (s.len > 0 && is_blank(s.at[s.len - 1]))
		s.len--;
	return s;
}

bool
span_cut(struct span *rest, const char *separators, struct span *part)
{
	size_t i;

	if (rest->at == NULL)
		return false;
	for (i = 0; i < rest->len; i++) {
		char c = rest->at[i];

		if (c != '\0' && strchr(separators, c) != NULL) {
			*part = span_of(rest->at, i);
			*rest = span_skip(*rest, i + 1);
			return true;
		}
	}
	*part = *rest;
	*rest = span_of(NULL, 0);
	return true;
}

bool
span_copy(struct span s, char *out, size_t cap)
{
	size_t len;

	if (cap == 0)
		return false;
	len = s.len < cap - 1 ? s.len : cap - 1;
	if (len > 0)
		memcpy(out, s.at, len);
	out[len] = '\0';
	return len == s.len;
}

static void
draw_hash_key(void)
{
	/* not rand_bytes(): a test's stream must not depend on who hashed first */
	if (getentropy(hash_key, sizeof(hash_key)) != 0)
		abort();
}

uint64_t
span_hash(struct span s)
{
	pthread_once(&hash_key_once, draw_hash_key);
	return span_hash_keyed(s, hash_key);
}

static uint64_t
rotate(uint64_t v, int bits)
{
	return v << bits | v >> (64 - bits);
}

static void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] = rotate(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] = rotate(v[2], 32);
}

/* LEN (at most 7) bytes at P as a little-endian number. */
static uint64_t
little_endian(const char *p, size_t len)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < len; i++)
		v |= (uint64_t)(unsigned char)p[i] << (8 * i);
	return v;
}

/* Aumasson and Bernstein, "SipHash: a fast short-input PRF": 1 and 3 rounds. */
uint64_t
span_hash_keyed(struct span s, const uint64_t key[2])
{
	uint64_t v[4] = {
		key[0] ^ 0x736f6d6570736575,
		key[1] ^ 0x646f72616e646f6d,
		key[0] ^ 0x6c7967656e657261,
		key[1] ^ 0x7465646279746573,
	};
	uint64_t word;
	size_t i;

	for (i = 0; s.len - i >= 8; i += 8) {
		memcpy(&word, s.at + i, 8);
		word = le64toh(word);
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}
	word = (uint64_t)s.len << 56;
	if (i < s.len)
		word |= little_endian(s.at + i, s.len - i);
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
	v[2] ^= 0xff;
	for (i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
