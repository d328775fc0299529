/*
 * rand.c - random bytes, base64 and hex, comparing secrets. What a secret is for is
 * auth's business.
 */
#include "base/rand.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/mem.h"

#define STOCK 256u

/* What is left of a draw from the kernel: the last LEFT bytes, the rest is wiped. */
static _Thread_local struct {
	unsigned char	 bytes[STOCK];
	size_t		 left;
} stock;

static _Thread_local uint64_t seeded;	/* state of a test's stream, 0: none */

static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

/* A child must not hand out the bytes its parent will hand out, too. */
static void
forget_stock(void)
{
	mem_wipe(&stock, sizeof(stock));
}

static void
watch_forks(void)
{
	pthread_atfork(NULL, NULL, forget_stock);
}

static void
kernel_bytes(void *out, size_t len)
{
	unsigned char *to = out;
	ssize_t n;

	while (len > 0) {
		n = getrandom(to, len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		/* no kernel refuses; a guessable key would be worse than no process */
		if (n < 0)
			abort();
		to += n;
		len -= (size_t)n;
	}
}

/* The next eight bytes of a test's stream (SplitMix64, by Sebastiano Vigna). */
static uint64_t
seeded_next(void)
{
	uint64_t z = (seeded += 0x9e3779b97f4a7c15);

	if (seeded == 0)
		seeded = 1;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static void
seeded_bytes(unsigned char *out, size_t len)
{
	uint64_t word = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		if (i % 8 == 0)
			word = seeded_next();
		out[i] = (unsigned char)(word >> 8 * (i % 8));
	}
}

void
rand_bytes(void *out, size_t len)
{
	unsigned char *from;

	if (len == 0)
		return;
	if (seeded != 0) {
		seeded_bytes(out, len);
		return;
	}
	if (len > STOCK) {
		kernel_bytes(out, len);
		return;
	}
	if (len > stock.left) {
		pthread_once(&fork_once, watch_forks);
		kernel_bytes(stock.bytes, STOCK);
		stock.left = STOCK;
	}
	from = stock.bytes + (STOCK - stock.left);
	memcpy(out, from, len);
	mem_wipe(from, len);
	stock.left -= len;
}

uint32_t
rand_u32(void)
{
	uint32_t v;

	rand_bytes(&v, sizeof(v));
	return v;
}

void
rand_seed(uint64_t seed)
{
	seeded = seed;
}

static const char base64_letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t
base64_encode(const void *in, size_t len, char *out)
{
	const unsigned char *from = in;
	char *to = out;
	size_t i, n, k;

	for (i = 0; i < len; i += 3) {
		uint32_t word = 0;

		n = len - i < 3 ? len - i : 3;
		for (k = 0; k < n; k++)
			word |= (uint32_t)from[i + k] << (16 - 8 * k);
		for (k = 0; k < 4; k++)
			*to++ = k <= n ? base64_letters[word >> (18 - 6 * k) & 63] : '=';
	}
	*to = '\0';
	return (size_t)(to - out);
}

static int
base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

long
base64_decode(struct span in, void *out, size_t cap)
{
	unsigned char *to = out;
	size_t i, k, n, done = 0;

	if (in.len % 4 != 0)
		return -1;
	for (i = 0; i < in.len; i += 4) {
		uint32_t word = 0;

		n = 3;	/* bytes in this group: fewer in the last one, by its padding */
		if (in.len - i == 4 && in.at[i + 3] == '=')
			n = in.at[i + 2] == '=' ? 1 : 2;
		for (k = 0; k <= n; k++) {
			int v = base64_value(in.at[i + k]);

			if (v < 0)
				return -1;
			word |= (uint32_t)v << (18 - 6 * k);
		}
		/* bits beyond the last byte are 0 (RFC 4648, 3.5): one spelling only */
		if ((word & (0xffffffu >> 8 * n)) != 0 || n > cap - done)
			return -1;
		for (k = 0; k < n; k++)
			to[done++] = (unsigned char)(word >> (16 - 8 * k));
	}
	return (long)done;
}

void
hex_encode(const void *in, size_t len, char *out)
{
	const unsigned char *from = in;
	size_t i;

	for (i = 0; i < len; i++) {
		out[2 * i] = "0123456789abcdef"[from[i] >> 4];
		out[2 * i + 1] = "0123456789abcdef"[from[i] & 15];
	}
	out[2 * len] = '\0';
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool
hex_decode(struct span in, void *out, size_t len)
{
	unsigned char *to = out;
	size_t i;

	if (in.len % 2 != 0 || in.len / 2 != len)
		return false;
	for (i = 0; i < len; i++) {
		int high = hex_value(in.at[2 * i]), low = hex_value(in.at[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		to[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

bool
secret_same(const void *a, const void *b, size_t len)
{
	const volatile unsigned char *one = a, *two = b;
	unsigned char differ = 0;
	size_t i;

	for (i = 0; i < len; i++)
		differ |= one[i] ^ two[i];
	return differ == 0;
}
