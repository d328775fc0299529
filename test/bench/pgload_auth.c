/*
 * pgload_auth.c - how clients prove who they are: password, MD5, SCRAM-SHA-256.
 */
#include "pgload.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>

static void
b64(char *o, const unsigned char *i, int n)
{
	EVP_EncodeBlock((unsigned char *)o, i, n);
}
static int
unb64(unsigned char *o, const char *i, int n)
{
	char t[256];
	if (n > 255)
		return -1;
	memcpy(t, i, (size_t)n);
	t[n] = 0;
	int r = EVP_DecodeBlock(o, (unsigned char *)t, n), pad = 0;
	while (n && t[n - 1] == '=') {
		n--;
		pad++;
	}
	return r - pad;
}
static void
hm(const unsigned char *k, int kl, const void *d, size_t n, unsigned char *o)
{
	unsigned l = 32;
	HMAC(EVP_sha256(), k, kl, d, n, o, &l);
}
static void
salted(const char *salt64, int sl, int iter, unsigned char out[32])
{
	static char cs[64];
	static int ci;
	static unsigned char co[32]; /* one-entry cache */
	if (ci == iter && (int)strlen(cs) == sl && !memcmp(cs, salt64, (size_t)sl)) {
		memcpy(out, co, 32);
		return;
	}
	unsigned char s[128];
	int n = unb64(s, salt64, sl);
	PKCS5_PBKDF2_HMAC(pass, (int)strlen(pass), s, n, iter, EVP_sha256(), 32, out);
	if (sl < 64) {
		memcpy(cs, salt64, (size_t)sl);
		cs[sl] = 0;
		ci = iter;
		memcpy(co, out, 32);
	}
}
void
auth(struct conn *c, const char *m, size_t n)
{
	uint32_t t = g32(m);
	if (t == 0 || t == 12)
		return;
	if (t == 3) {
		size_t a = mb(c, 'p');
		ostr(c, pass);
		me(c, a);
		oflush(c);
		return;
	}
	if (t == 5) {
		unsigned char d[16];
		char h[40], b[256];
		snprintf(b, sizeof b, "%s%s", pass, user);
		EVP_Digest(b, strlen(b), d, NULL, EVP_md5(), NULL);
		for (int i = 0; i < 16; i++)
			sprintf(h + 2 * i, "%02x", d[i]);
		memcpy(h + 32, m + 4, 4);
		EVP_Digest(h, 36, d, NULL, EVP_md5(), NULL);
		strcpy(b, "md5");
		for (int i = 0; i < 16; i++)
			sprintf(b + 3 + 2 * i, "%02x", d[i]);
		size_t a = mb(c, 'p');
		ostr(c, b);
		me(c, a);
		oflush(c);
		return;
	}
	if (t == 10) {
		unsigned char r[18];
		char first[80];
		RAND_bytes(r, 18);
		b64(c->cnonce, r, 18);
		snprintf(first, sizeof first, "n,,n=,r=%s", c->cnonce);
		size_t a = mb(c, 'p');
		ostr(c, "SCRAM-SHA-256");
		o32(c, (uint32_t)strlen(first));
		oput(c, first, strlen(first));
		me(c, a);
		oflush(c);
		return;
	}
	if (t == 11) {
		char sf[300], am[700], fin[400], np[300];
		const char *r, *s, *i;
		unsigned char sp[32], ck[32], sk[32], sig[32], pr[32];
		char p64[64];
		size_t l = n - 4 < sizeof sf - 1 ? n - 4 : sizeof sf - 1;
		memcpy(sf, m + 4, l);
		sf[l] = 0;
		r = strstr(sf, "r=");
		s = strstr(sf, ",s=");
		i = strstr(sf, ",i=");
		if (!r || !s || !i) {
			fail(c, "scram");
			return;
		}
		salted(s + 3, (int)(i - s - 3), atoi(i + 3), sp);
		snprintf(np, sizeof np, "c=biws,r=%.*s", (int)(s - r - 2), r + 2);
		snprintf(am, sizeof am, "n=,r=%s,%s,%s", c->cnonce, sf, np);
		hm(sp, 32, "Client Key", 10, ck);
		SHA256(ck, 32, sk);
		hm(sk, 32, am, strlen(am), sig);
		for (int k = 0; k < 32; k++)
			pr[k] = ck[k] ^ sig[k];
		b64(p64, pr, 32);
		snprintf(fin, sizeof fin, "%s,p=%s", np, p64);
		size_t a = mb(c, 'p');
		oput(c, fin, strlen(fin));
		me(c, a);
		oflush(c);
		return;
	}
	fail(c, "unknown authentication request");
}
